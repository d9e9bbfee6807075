//! Bodies of `/api/v1/settings`: what an admin sees and sets. A key goes in and never out.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// The model that is in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelSettings {
    /// `offline`, `openai`, `azure`, `anthropic`, `gemini`, `ollama`.
    pub provider: String,
    /// Absent: the provider's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    pub api_key: KeyState,
    pub source: Source,
}

/// Where prices come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MarketSettings {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    pub api_key: KeyState,
    pub source: Source,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    None,
    Set,
    /// One is stored, sealed with a key that the server does not have.
    Unreadable,
}

/// Who says what is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The server's own: it wins over what is stored.
    Environment,
    Stored,
    Default,
}

/// What to do with a key: a text sets it, `null` forgets it, absent or empty leaves it.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum KeyChange {
    #[default]
    Keep,
    Forget,
    Set(String),
}

/// What was given is a secret.
impl fmt::Debug for KeyChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keep => "Keep",
            Self::Forget => "Forget",
            Self::Set(_) => "Set(…)",
        })
    }
}

impl From<String> for KeyChange {
    fn from(text: String) -> Self {
        if text.trim().is_empty() { Self::Keep } else { Self::Set(text.trim().to_owned()) }
    }
}

impl KeyChange {
    /// As a form says it, which has a box beside the field: ticked, the key is forgotten.
    pub fn of_form(text: String, forget: &str) -> Self {
        if forget.is_empty() { text.into() } else { Self::Forget }
    }
}

impl<'de> Deserialize<'de> for KeyChange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::<String>::deserialize(deserializer)?.map_or(Self::Forget, Self::from))
    }
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct PutModel {
    pub provider: String,
    #[serde(default)]
    pub base_url: Option<String>,
    #[serde(default)]
    pub model: Option<String>,
    /// A key belongs to an address: where provider or address change, the one that is kept is forgotten.
    #[serde(default)]
    pub api_key: KeyChange,
}

impl PutModel {
    /// What the fields of the form say.
    pub fn of_form(provider: String, base_url: String, model: String, api_key: KeyChange) -> Self {
        Self { provider, base_url: Some(base_url), model: Some(model), api_key }
    }
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct PutMarket {
    #[serde(default)]
    pub url: Option<String>,
    #[serde(default)]
    pub api_key: KeyChange,
}

/// What came of asking a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelTested {
    pub ok: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    pub latency_ms: u64,
    /// What the model said, or why it did not.
    pub text: String,
}

/// A form of the settings page, as the server describes it: the browser's code knows no setting by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    pub id: String,
    pub title: String,
    /// What is in force, in a sentence.
    pub note: String,
    /// What came of the last time that it was sent.
    pub notice: Option<Notice>,
    pub fields: Vec<Field>,
    /// The first is what Enter does.
    pub buttons: Vec<Button>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    pub label: String,
    pub name: String,
    /// As the `type` of an `input`.
    pub kind: String,
    pub value: String,
    /// Where it is empty.
    pub placeholder: String,
    /// What there is to choose from; none: anything.
    pub options: Vec<String>,
    pub is_fixed: bool,
    /// Of a checkbox.
    #[serde(default)]
    pub is_checked: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    pub label: String,
    /// Where it sends the form.
    pub action: String,
}

/// One sentence on what came of a form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    pub is_good: bool,
    pub text: String,
}
