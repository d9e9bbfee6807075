//! Passwords: argon2id with the parameters that OWASP names (19 MiB, 2 passes, 1 lane).
//!
//! A hash takes tens of milliseconds and 19 MiB: it runs beside the runtime, a few at a time.

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use tokio::sync::Semaphore;

use crate::{
    protocol::{Problem, limits},
    server::error,
};

/// The hash of nobody's password, verified where there is no such user: the same work, so the same time.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

#[derive(Clone)]
pub struct Passwords {
    places: Arc<Semaphore>,
    #[cfg(test)]
    verified: Arc<std::sync::atomic::AtomicU32>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            places: Arc::new(Semaphore::new(limits::CONCURRENT_HASHES)),
            #[cfg(test)]
            verified: Arc::default(),
        }
    }
}

impl Passwords {
    /// The PHC string of a new password.
    pub async fn hash(&self, password: String) -> Result<String, Problem> {
        let hashed = self.aside(move || argon2().hash_password(password.as_bytes()).map(|hash| hash.to_string()));
        hashed.await?.map_err(|error| error::internal("a password was not hashed", &error))
    }

    /// Whether the password is right; `hash: None` (no such user) does the same work for a `false`.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, Problem> {
        #[cfg(test)]
        self.verified.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.aside(move || {
            let known = hash.is_some();
            let parsed = PasswordHash::new(hash.as_deref().unwrap_or(NOBODY));
            let parsed = parsed.map_err(|error| error::internal("a stored password hash cannot be read", &error))?;
            let matches = argon2().verify_password(password.as_bytes(), &parsed).is_ok();
            Ok(matches && known)
        })
        .await?
    }

    /// Runs the work on a thread for blocking, at most [`limits::CONCURRENT_HASHES`] at once. The place is
    /// kept until the work is done, even if the one who asked hangs up.
    async fn aside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.map_err(|error| error::internal("no place to hash in", &error))?;
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(place);
            result
        });
        done.await.map_err(|error| error::internal("a password hash was cut off", &error))
    }

    #[cfg(test)]
    pub fn verifications(&self) -> u32 {
        self.verified.load(std::sync::atomic::Ordering::Relaxed)
    }
}

fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_right_for_its_own_hash_alone() {
        let passwords = Passwords::default();
        let hash = passwords.hash("correct horse".into()).await.unwrap();
        assert_ne!(hash, passwords.hash("correct horse".into()).await.unwrap(), "the salt is fresh");
        assert!(passwords.verify("correct horse".into(), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify("correct hose".into(), Some(hash)).await.unwrap());
        assert!(!passwords.verify("correct horse".into(), None).await.unwrap());
    }

    #[tokio::test]
    async fn nobodys_hash_costs_what_a_real_one_costs() {
        let real = Passwords::default().hash("correct horse".into()).await.unwrap();
        let parameters = |hash: &str| hash.rsplitn(3, '$').last().map(str::to_owned);
        assert_eq!(parameters(&real), parameters(NOBODY));
        assert_eq!(real.len(), NOBODY.len(), "salt and output are as long");
        assert!(parameters(NOBODY).is_some_and(|text| text == "$argon2id$v=19$m=19456,t=2,p=1"));
    }
}
