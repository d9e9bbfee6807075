//! Seals what must not be read from a copy of the database: XChaCha20-Poly1305 with a random nonce, and the
//! setting's name as associated data, so that no value passes for another's.
//!
//! The key is the environment's, or lies in a file beside the database, which is made when the first secret is
//! sealed. It is never made anew over a lost one before somebody gives a secret again: what was sealed with the
//! lost key stays as it is, for the day on which the file is found.

use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit, Payload},
};
use parking_lot::RwLock;
use sha2::{Digest, Sha256};

use crate::server::config::{ConfigError, Secret, SettingsKey};

/// Of the sealed bytes: how they are to be read.
const VERSION: u8 = 1;
const NONCE_BYTES: usize = 24;

pub struct Vault {
    place: SettingsKey,
    cipher: RwLock<Option<XChaCha20Poly1305>>,
}

/// Sealed with another key, or no sealed value at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sealed with another key")]
pub struct Unreadable;

#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error(transparent)]
    NoKey(#[from] ConfigError),
    #[error("the cipher refused the value")]
    Cipher,
}

impl Vault {
    /// Reads the key where there is one.
    pub fn open(place: SettingsKey) -> Result<Self, ConfigError> {
        let cipher = place.read()?.map(|key| cipher(&key));
        Ok(Self { place, cipher: RwLock::new(cipher) })
    }

    /// Makes the key where there is none yet.
    pub fn seal(&self, name: &str, secret: &[u8]) -> Result<Vec<u8>, SealError> {
        if self.cipher.read().is_none() {
            *self.cipher.write() = Some(cipher(&self.place.read_or_make()?));
        }
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let payload = Payload { msg: secret, aad: name.as_bytes() };
        let held = self.cipher.read();
        let cipher = held.as_ref().ok_or(SealError::Cipher)?;
        let sealed = cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| SealError::Cipher)?;
        Ok([&[VERSION], nonce.as_slice(), &sealed].concat())
    }

    pub fn unseal(&self, name: &str, sealed: &[u8]) -> Result<Secret, Unreadable> {
        let (version, rest) = sealed.split_first().ok_or(Unreadable)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(Unreadable)?;
        let held = self.cipher.read();
        let cipher = held.as_ref().filter(|_| *version == VERSION).ok_or(Unreadable)?;
        let payload = Payload { msg: sealed, aad: name.as_bytes() };
        let secret = cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| Unreadable)?;
        Ok(Secret::new(&secret))
    }
}

/// A key of any length: its hash is the cipher's, apart from every other use of the same bytes.
fn cipher(key: &Secret) -> XChaCha20Poly1305 {
    let hash = Sha256::new().chain_update(b"magpie settings\0").chain_update(key.expose()).finalize();
    let hash: [u8; 32] = hash.into();
    XChaCha20Poly1305::new(&hash.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(key: &str) -> Vault {
        Vault::open(SettingsKey::Given(Secret::new(key.as_bytes()))).unwrap()
    }

    #[test]
    fn what_is_sealed_is_read_again_with_the_same_key_under_the_same_name_alone() {
        let sealed = vault("k").seal("model.api_key", b"sk-secret").unwrap();
        assert!(!sealed.windows(9).any(|bytes| bytes == b"sk-secret"));
        assert_eq!(vault("k").unseal("model.api_key", &sealed).unwrap().expose(), b"sk-secret");
        assert_eq!(vault("l").unseal("model.api_key", &sealed), Err(Unreadable));
        assert_eq!(vault("k").unseal("market.api_key", &sealed), Err(Unreadable));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(vault("k").unseal("model.api_key", &changed), Err(Unreadable), "byte {at}");
            assert_eq!(vault("k").unseal("model.api_key", &sealed[..at]), Err(Unreadable), "cut at {at}");
        }
    }

    #[test]
    fn the_same_secret_is_sealed_differently_each_time() {
        let vault = vault("k");
        assert_ne!(vault.seal("n", b"s").unwrap(), vault.seal("n", b"s").unwrap());
    }

    #[test]
    fn the_key_file_is_made_with_the_first_secret_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("settings.key");
        let vault = Vault::open(SettingsKey::File(path.clone())).unwrap();
        assert!(!path.exists());
        assert_eq!(vault.unseal("n", &[1; 60]), Err(Unreadable));
        let sealed = vault.seal("n", b"s").unwrap();
        let key = std::fs::read(&path).unwrap();
        assert_eq!(key.len(), 32);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let again = Vault::open(SettingsKey::File(path.clone())).unwrap();
        assert_eq!(again.unseal("n", &sealed).unwrap().expose(), b"s");
        again.seal("n", b"t").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), key, "made once");
        std::fs::write(&path, "").unwrap();
        assert!(Vault::open(SettingsKey::File(path)).is_err(), "an empty key is none");
    }
}
