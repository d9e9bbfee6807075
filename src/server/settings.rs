//! What admins decide in the browser, while the server runs: the agents' model, the source of prices. The
//! environment wins over it. The page and the HTTP API come through here alike; who changed what is logged, and
//! no secret ever is.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use super::{
    accounts::must_be_admin,
    agents::llm::{
        self, LlmClient,
        switching::{SwitchingClient, UnusableClient},
    },
    audit::Recorder,
    config::{
        Config, ModelChoice, Secret,
        model::{GivenModel, WrongModel},
    },
    limits::Rates,
    storage::{Storage, StorageError},
};
use crate::protocol::{
    Problem,
    admin::AuditAction,
    http::User,
    limits,
    settings::{KeyChange, KeyState, ModelSettings, ModelTested, PutModel, Source},
};

mod drafts;
mod forms;
mod market;
mod probe;
pub mod store;
pub mod vault;

pub use forms::{MARKET_FORM, MODEL_FORM};

use store::{Held, Name, SettingsStore};
use vault::Vault;

/// Cheap to clone.
#[derive(Clone)]
pub struct AdminSettings {
    config: Arc<Config>,
    store: SettingsStore,
    llm: Arc<SwitchingClient>,
    rates: Rates,
    audit: Recorder,
    /// What an admin tested and did not save yet.
    drafts: drafts::Drafts,
    /// Two who save at once do so one after the other.
    saving: Arc<tokio::sync::Mutex<()>>,
}

/// A model's settings with the key, as they are used.
#[derive(Clone, PartialEq, Eq)]
struct Wanted {
    provider: String,
    base_url: Option<String>,
    model: Option<String>,
    key: Option<Secret>,
}

/// What becomes of the stored key.
#[derive(Clone, Copy, PartialEq, Eq)]
enum KeyFate {
    Replaced,
    Stays,
    Forgotten,
}

impl Wanted {
    fn choice(&self) -> Result<ModelChoice, WrongModel> {
        let key = self.key.as_ref().map(|key| String::from_utf8_lossy(key.expose()).into_owned());
        let (base_url, model) = (self.base_url.as_deref(), self.model.as_deref());
        ModelChoice::of(GivenModel { provider: &self.provider, base_url, api_key: key.as_deref(), model })
    }

    /// Whether a key that was given for the other is for this one, too: no other address ever sees it.
    fn is_at(&self, provider: &str, base_url: Option<&str>) -> bool {
        let address = |url: Option<&str>| url.map(|url| url.trim_end_matches('/').to_owned());
        self.provider.eq_ignore_ascii_case(provider) && address(self.base_url.as_deref()) == address(base_url)
    }
}

impl AdminSettings {
    pub async fn open(config: Arc<Config>, storage: Arc<dyn Storage>, rates: Rates) -> Result<Self, OpenError> {
        let vault = Vault::open(config.storage.settings_key.clone())?;
        let audit = Recorder::new(storage.clone());
        let store = SettingsStore::open(storage, vault).await?;
        let llm = Arc::new(SwitchingClient::to(client(&config, &store)));
        Ok(Self { config, store, llm, rates, audit, drafts: drafts::Drafts::default(), saving: Arc::default() })
    }

    /// Seals other secrets than settings.
    pub fn vault(&self) -> &Vault {
        self.store.vault()
    }

    /// What the agents ask: always the model in force.
    pub fn llm(&self) -> Arc<dyn LlmClient> {
        self.llm.clone()
    }

    pub fn model(&self) -> ModelSettings {
        if let Some(choice) = &self.config.agents.model {
            return shown(choice);
        }
        let api_key = key_state(&self.store.get(Name::ModelApiKey));
        let Some(provider) = self.store.text(Name::ModelProvider) else {
            return ModelSettings { api_key, source: Source::Default, ..shown(&ModelChoice::Offline) };
        };
        let (base_url, model) = (self.store.text(Name::ModelBaseUrl), self.store.text(Name::ModelName));
        ModelSettings { provider, base_url, model, api_key, source: Source::Stored }
    }

    /// Kept, and in force from the next run on.
    pub async fn save_model(&self, by: &User, body: PutModel) -> Result<ModelSettings, Problem> {
        must_be_admin(by)?;
        self.rates.write(by.id)?;
        let _alone = self.saving.lock().await;
        let (wanted, fate) = self.wanted(by, body);
        self.drafts.keep(by.id, wanted.clone());
        wanted.choice().map_err(wrong)?;
        let key = match fate {
            KeyFate::Stays => None,
            KeyFate::Forgotten => Some((Name::ModelApiKey, None)),
            KeyFate::Replaced => {
                Some((Name::ModelApiKey, wanted.key.as_ref().map(|key| String::from_utf8_lossy(key.expose()).into())))
            }
        };
        let kept = [
            (Name::ModelProvider, Some(wanted.provider.to_lowercase())),
            (Name::ModelBaseUrl, wanted.base_url.clone()),
            (Name::ModelName, wanted.model.clone()),
        ];
        let key_changed = key.is_some();
        self.store.change(kept.into_iter().chain(key).collect()).await?;
        self.drafts.forget(by.id);
        self.llm.switch(client(&self.config, &self.store));
        let (provider, model) = (&wanted.provider, wanted.model.as_deref().unwrap_or("-"));
        let at = wanted.base_url.as_deref().map_or_else(|| "-".into(), host_of);
        let in_force = self.config.agents.model.is_none();
        tracing::info!(by = %by.username, provider, at, model, key_changed, in_force, "the model was set");
        let detail = format!("{provider}, {model}{}", if key_changed { ", its key too" } else { "" });
        self.audit.did(by, AuditAction::SettingsChanged, "model", &detail).await;
        Ok(self.model())
    }

    /// Asks a model once: the one that is described, or the one in force.
    pub async fn test_model(&self, by: &User, body: Option<PutModel>) -> Result<ModelTested, Problem> {
        must_be_admin(by)?;
        self.rates.model_test(by.id)?;
        let choice = match body {
            Some(body) => {
                let (wanted, _) = self.wanted(by, body);
                self.drafts.keep(by.id, wanted.clone());
                wanted.choice().map_err(wrong)?
            }
            None => match in_force(&self.config, &self.store) {
                Ok(choice) => choice,
                Err(why) => return Ok(ModelTested { ok: false, model: None, latency_ms: 0, text: why }),
            },
        };
        let began = Instant::now();
        let patience = Duration::from_millis(limits::MODEL_TEST_MS);
        let answer = tokio::time::timeout(patience, probe::ask(&choice)).await;
        let seconds = patience.as_secs();
        let answer = answer.unwrap_or_else(|_| Err(format!("The model did not answer within {seconds} s.")));
        let model = match choice {
            ModelChoice::Offline => None,
            ModelChoice::Remote(remote) => Some(remote.model),
        };
        let latency_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let ok = answer.is_ok();
        tracing::info!(by = %by.username, model = model.as_deref().unwrap_or("-"), ok, latency_ms, "a model was tested");
        Ok(ModelTested { ok, model, latency_ms, text: answer.unwrap_or_else(|why| why) })
    }

    /// What a body describes. Where it says nothing of a key, it is the one that this admin tested just now, or
    /// the stored one: if the address is theirs.
    fn wanted(&self, by: &User, body: PutModel) -> (Wanted, KeyFate) {
        let filled = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let PutModel { provider, base_url, model, api_key } = body;
        let provider = provider.trim().to_owned();
        let mut wanted = Wanted { provider, base_url: filled(base_url), model: filled(model), key: None };
        let (key, fate) = match api_key {
            KeyChange::Set(key) => (Some(Secret::new(key.as_bytes())), KeyFate::Replaced),
            KeyChange::Forget => (None, KeyFate::Forgotten),
            KeyChange::Keep => match self.drafts.of(by.id) {
                Some(Wanted { provider, base_url, key: Some(key), .. })
                    if wanted.is_at(&provider, base_url.as_deref()) =>
                {
                    (Some(key), KeyFate::Replaced)
                }
                _ if self.is_stored_at(&wanted) => (self.store.secret(Name::ModelApiKey), KeyFate::Stays),
                _ => (None, KeyFate::Forgotten),
            },
        };
        wanted.key = key;
        (wanted, fate)
    }

    fn is_stored_at(&self, wanted: &Wanted) -> bool {
        let provider = self.store.text(Name::ModelProvider).unwrap_or_default();
        wanted.is_at(&provider, self.store.text(Name::ModelBaseUrl).as_deref())
    }
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(transparent)]
    Key(#[from] super::config::ConfigError),
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// What is chosen, or why it cannot be used.
fn in_force(config: &Config, store: &SettingsStore) -> Result<ModelChoice, String> {
    if let Some(choice) = &config.agents.model {
        return Ok(choice.clone());
    }
    let Some(provider) = store.text(Name::ModelProvider) else { return Ok(ModelChoice::Offline) };
    let key = store.get(Name::ModelApiKey);
    if key == Held::Unreadable && !provider.eq_ignore_ascii_case("offline") {
        return Err("the stored API key was sealed with another key. An admin can set it again in Settings.".into());
    }
    let (base_url, model) = (store.text(Name::ModelBaseUrl), store.text(Name::ModelName));
    let wanted = Wanted { provider, base_url, model, key: store.secret(Name::ModelApiKey) };
    wanted.choice().map_err(|wrong| format!("its settings are wrong: {wrong}. An admin can mend them in Settings."))
}

fn client(config: &Config, store: &SettingsStore) -> Arc<dyn LlmClient> {
    let made = in_force(config, store).and_then(|choice| llm::client(&choice).map_err(|error| error.to_string()));
    made.unwrap_or_else(|why| {
        tracing::error!(why, "the model cannot be used");
        Arc::new(UnusableClient { why })
    })
}

/// Of an address as much as a log may have: its query may hold a key.
fn host_of(base_url: &str) -> String {
    reqwest::Url::parse(base_url).map_or_else(|_| "-".into(), |url| url.origin().ascii_serialization())
}

/// What the environment says, with the address as it will be asked.
fn shown(choice: &ModelChoice) -> ModelSettings {
    let source = Source::Environment;
    match choice {
        ModelChoice::Offline => {
            ModelSettings { provider: "offline".into(), base_url: None, model: None, api_key: KeyState::None, source }
        }
        ModelChoice::Remote(remote) => ModelSettings {
            provider: remote.provider.as_str().into(),
            base_url: Some(remote.base_url.to_string()),
            model: Some(remote.model.clone()),
            api_key: if remote.api_key.is_some() { KeyState::Set } else { KeyState::None },
            source,
        },
    }
}

fn key_state(held: &Held) -> KeyState {
    match held {
        Held::Nothing => KeyState::None,
        Held::Unreadable => KeyState::Unreadable,
        Held::Text(_) | Held::Secret(_) => KeyState::Set,
    }
}

fn wrong(wrong: WrongModel) -> Problem {
    Problem::invalid(wrong.field.as_str(), format!("takes {}", wrong.takes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_has_no_more_of_an_address_than_its_host() {
        assert_eq!(host_of("https://gate.example/v1?key=secret"), "https://gate.example");
        assert_eq!(host_of("key=secret"), "-");
    }
}
