//! The key under which admins' secrets are sealed: the environment's, or a file in the data directory.

use std::{fs, io, path::PathBuf};

use super::{ConfigError, Secret, data_dir};

#[derive(Debug, Clone)]
pub enum SettingsKey {
    Given(Secret),
    /// Made when it is first needed.
    File(PathBuf),
}

impl SettingsKey {
    /// The key where there is one; `None`: the file is not there.
    pub fn read(&self) -> Result<Option<Secret>, ConfigError> {
        let path = match self {
            Self::Given(key) => return Ok(Some(key.clone())),
            Self::File(path) => path,
        };
        match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            read => self.checked(read).map(Some),
        }
    }

    pub fn read_or_make(&self) -> Result<Secret, ConfigError> {
        match self {
            Self::Given(key) => Ok(key.clone()),
            Self::File(path) => self.checked(data_dir::read_or_make(path)),
        }
    }

    fn checked(&self, read: io::Result<Vec<u8>>) -> Result<Secret, ConfigError> {
        let Self::File(path) = self else { return Err(ConfigError::EmptySettingsKey) };
        match read {
            Ok(bytes) if bytes.is_empty() => Err(ConfigError::EmptySettingsKeyFile(path.clone())),
            Ok(bytes) => Ok(Secret::new(&bytes)),
            Err(error) => Err(ConfigError::DataDir { path: path.clone(), action: "cannot be read or made", error }),
        }
    }
}
