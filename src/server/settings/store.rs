//! The named settings that admins keep in the database, secrets sealed. Read once at the start; whoever asks
//! gets what was saved last.

use std::{collections::BTreeMap, sync::Arc};

use parking_lot::RwLock;

use super::vault::{SealError, Vault};
use crate::{
    protocol::{Code, Problem},
    server::{
        clock,
        config::Secret,
        storage::{SettingChange, Storage, StorageError},
    },
};

/// A setting by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    ModelProvider,
    ModelBaseUrl,
    ModelName,
    ModelApiKey,
    MarketUrl,
    MarketApiKey,
}

impl Name {
    pub const ALL: [Self; 6] = [
        Self::ModelProvider,
        Self::ModelBaseUrl,
        Self::ModelName,
        Self::ModelApiKey,
        Self::MarketUrl,
        Self::MarketApiKey,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ModelProvider => "model.provider",
            Self::ModelBaseUrl => "model.base_url",
            Self::ModelName => "model.name",
            Self::ModelApiKey => "model.api_key",
            Self::MarketUrl => "market.url",
            Self::MarketApiKey => "market.api_key",
        }
    }

    /// Secrets are sealed, and no browser sees one again.
    pub const fn is_secret(self) -> bool {
        matches!(self, Self::ModelApiKey | Self::MarketApiKey)
    }
}

/// What is known of a setting.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Held {
    #[default]
    Nothing,
    Text(String),
    Secret(Secret),
    /// A secret that was sealed with a key that is not here.
    Unreadable,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct SettingsStore(Arc<Inner>);

struct Inner {
    storage: Arc<dyn Storage>,
    vault: Vault,
    held: RwLock<BTreeMap<Name, Held>>,
}

impl SettingsStore {
    pub async fn open(storage: Arc<dyn Storage>, vault: Vault) -> Result<Self, StorageError> {
        let stored: BTreeMap<String, Vec<u8>> = storage.settings().await?.into_iter().collect();
        let known = Name::ALL.into_iter().filter_map(|name| Some((name, stored.get(name.as_str())?)));
        let held: BTreeMap<Name, Held> = known.map(|(name, value)| (name, read(&vault, name, value))).collect();
        for name in held.iter().filter(|(_, held)| **held == Held::Unreadable).map(|(name, _)| name.as_str()) {
            let help = "put the right settings.key or MAGPIE_SETTINGS_KEY back, or set it again in Settings";
            tracing::error!(setting = name, help, "a stored secret was sealed with another key");
        }
        Ok(Self(Arc::new(Inner { storage, vault, held: RwLock::new(held) })))
    }

    pub fn vault(&self) -> &Vault {
        &self.0.vault
    }

    pub fn get(&self, name: Name) -> Held {
        self.0.held.read().get(&name).cloned().unwrap_or_default()
    }

    /// Nothing where it is a secret.
    pub fn text(&self, name: Name) -> Option<String> {
        match self.get(name) {
            Held::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Nothing where it cannot be read.
    pub fn secret(&self, name: Name) -> Option<Secret> {
        match self.get(name) {
            Held::Secret(secret) => Some(secret),
            _ => None,
        }
    }

    /// Keeps these, all or none; `None` forgets. What is not named stays as it is, readable or not.
    pub async fn change(&self, changes: Vec<(Name, Option<String>)>) -> Result<(), Problem> {
        let seal = |(name, value): &(Name, Option<String>)| {
            let value = value.as_ref().map(|value| match name.is_secret() {
                true => self.0.vault.seal(name.as_str(), value.as_bytes()),
                false => Ok(value.clone().into_bytes()),
            });
            Ok(SettingChange { name: name.as_str().into(), value: value.transpose()? })
        };
        let sealed: Result<Vec<_>, SealError> = changes.iter().map(seal).collect();
        let sealed = sealed.map_err(|error| {
            tracing::error!(%error, "a secret could not be sealed");
            Problem::new(Code::Unavailable, "The server cannot keep secrets: its log says why. Nothing was saved.")
        })?;
        self.0.storage.change_settings(&sealed, clock::now()).await?;
        let mut held = self.0.held.write();
        for (name, value) in changes {
            match value {
                None => held.remove(&name),
                Some(value) if name.is_secret() => held.insert(name, Held::Secret(Secret::new(value.as_bytes()))),
                Some(value) => held.insert(name, Held::Text(value)),
            };
        }
        Ok(())
    }
}

fn read(vault: &Vault, name: Name, value: &[u8]) -> Held {
    match name.is_secret() {
        true => vault.unseal(name.as_str(), value).map_or(Held::Unreadable, Held::Secret),
        false => Held::Text(String::from_utf8_lossy(value).into_owned()),
    }
}
