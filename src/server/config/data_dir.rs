//! The directory in which a server keeps what it must not lose: database, secret, and the lock that keeps a
//! second server out.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::{ConfigError, Secret};

/// Bytes of a secret made here: as many as HS256's hash has.
const SECRET_BYTES: usize = 32;

#[derive(Debug, Clone)]
pub struct DataDir {
    path: PathBuf,
}

/// Held for as long as the server runs; the system gives it back however the process ends.
#[derive(Debug)]
pub struct DataDirLock {
    _file: File,
}

impl DataDir {
    /// Makes the directory, for its owner alone, if it is not there yet.
    pub fn open(path: &str) -> Result<Self, ConfigError> {
        let path = PathBuf::from(path);
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        private::dir(&mut builder);
        match builder.create(&path) {
            Ok(()) => Ok(Self { path }),
            Err(error) => Err(ConfigError::DataDir { path, action: "cannot be made", error }),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where SQLite's file goes if nothing else is set.
    pub fn database(&self) -> PathBuf {
        self.path.join("magpie.db")
    }

    /// The index of the knowledge base: it can be thrown away.
    pub fn knowledge_index(&self) -> PathBuf {
        self.path.join("knowledge.db")
    }

    /// Where the key to admins' secrets lies if none is given.
    pub fn settings_key(&self) -> PathBuf {
        self.path.join("settings.key")
    }

    /// Refuses a second server on the same directory.
    pub fn lock(&self) -> Result<DataDirLock, ConfigError> {
        let path = self.path.join("lock");
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true);
        private::file(&mut options);
        let locked = options.open(&path).map_err(TryLockError::Error).and_then(|file| {
            file.try_lock()?;
            Ok(file)
        });
        match locked {
            Ok(file) => Ok(DataDirLock { _file: file }),
            Err(TryLockError::WouldBlock) => Err(ConfigError::InUse(self.path.clone())),
            Err(TryLockError::Error(error)) => Err(ConfigError::DataDir { path, action: "cannot be locked", error }),
        }
    }

    /// The secret in this directory, made on the first start. The file's bytes are the key.
    pub fn jwt_secret(&self) -> Result<Secret, ConfigError> {
        let path = self.path.join("jwt_secret");
        let secret = read_or_make(&path);
        match secret {
            Ok(bytes) if bytes.is_empty() => Err(ConfigError::EmptySecretFile(path)),
            Ok(bytes) => Ok(Secret::new(&bytes)),
            Err(error) => Err(ConfigError::DataDir { path, action: "cannot be read or made", error }),
        }
    }
}

pub(super) fn read_or_make(path: &Path) -> io::Result<Vec<u8>> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(path),
        read => read,
    }
}

/// Written aside and linked into place whole: neither a crash nor a second server at the same moment leaves
/// half a secret, and the first one linked is everybody's.
fn make(path: &Path) -> io::Result<Vec<u8>> {
    let bytes: [u8; SECRET_BYTES] = rand::random();
    let aside = path.with_extension(format!("new-{}", std::process::id()));
    let mut options = OpenOptions::new();
    options.create(true).truncate(true).write(true);
    private::file(&mut options);
    let mut file = options.open(&aside)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    let linked = fs::hard_link(&aside, path);
    fs::remove_file(&aside)?;
    match linked {
        Ok(()) => Ok(bytes.to_vec()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => fs::read(path),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
mod private {
    use std::{
        fs::{DirBuilder, OpenOptions},
        os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    };

    pub(super) fn dir(builder: &mut DirBuilder) {
        builder.mode(0o700);
    }

    pub(super) fn file(options: &mut OpenOptions) {
        options.mode(0o600);
    }
}

#[cfg(not(unix))]
mod private {
    use std::fs::{DirBuilder, OpenOptions};

    pub(super) fn dir(_: &mut DirBuilder) {}

    pub(super) fn file(_: &mut OpenOptions) {}
}
