//! Which model thinks for the agents: provider, address, key and name, checked. The environment gives them, or
//! an admin does; both go through here.

use std::fmt;

use reqwest::Url;

use super::Secret;

/// Who serves the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// The planner that is built in: no key, no network.
    Offline,
    /// OpenAI, and every server that speaks its protocol.
    OpenAi,
    Azure,
    Anthropic,
    Gemini,
    Ollama,
}

impl Provider {
    pub const ALL: [Self; 6] = [Self::Offline, Self::OpenAi, Self::Azure, Self::Anthropic, Self::Gemini, Self::Ollama];

    /// The word in settings and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::OpenAi => "openai",
            Self::Azure => "azure",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Ollama => "ollama",
        }
    }

    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|provider| provider.as_str().eq_ignore_ascii_case(word))
    }

    /// Where it is reached if nothing else is said; Azure has an address for each customer.
    pub const fn base_url(self) -> Option<&'static str> {
        match self {
            Self::Offline | Self::Azure => None,
            Self::OpenAi => Some("https://api.openai.com/v1/"),
            Self::Anthropic => Some("https://api.anthropic.com/v1/"),
            Self::Gemini => Some("https://generativelanguage.googleapis.com/v1beta/"),
            Self::Ollama => Some("http://127.0.0.1:11434/v1/"),
        }
    }
}

/// Who thinks for the agents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelChoice {
    Offline,
    Remote(RemoteModel),
}

/// A model that is asked over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteModel {
    /// Never [`Provider::Offline`].
    pub provider: Provider,
    /// Its path ends with a slash.
    pub base_url: Url,
    pub api_key: Option<Secret>,
    pub model: String,
}

/// A choice as it is given, unchecked; what is empty is not given.
#[derive(Clone, Copy, Default)]
pub struct GivenModel<'a> {
    pub provider: &'a str,
    pub base_url: Option<&'a str>,
    pub api_key: Option<&'a str>,
    pub model: Option<&'a str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelField {
    Provider,
    BaseUrl,
    ApiKey,
    Model,
}

impl ModelField {
    pub const fn variable(self) -> &'static str {
        match self {
            Self::Provider => "MAGPIE_LLM_PROVIDER",
            Self::BaseUrl => "MAGPIE_LLM_BASE_URL",
            Self::ApiKey => "MAGPIE_LLM_API_KEY",
            Self::Model => "MAGPIE_LLM_MODEL",
        }
    }

    /// Its name in the HTTP API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::BaseUrl => "base_url",
            Self::ApiKey => "api_key",
            Self::Model => "model",
        }
    }
}

/// What is wrong with a choice. It never repeats what was given: that may be a key in the wrong place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongModel {
    pub field: ModelField,
    /// What the field takes.
    pub takes: &'static str,
}

impl fmt::Display for WrongModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} takes {}", self.field.as_str(), self.takes)
    }
}

impl ModelChoice {
    pub fn of(given: GivenModel<'_>) -> Result<Self, WrongModel> {
        let wrong = |field, takes| Err(WrongModel { field, takes });
        let takes = "offline, openai, azure, anthropic, gemini or ollama";
        let Some(provider) = Provider::of(given.provider.trim()) else { return wrong(ModelField::Provider, takes) };
        if provider == Provider::Offline {
            return Ok(Self::Offline);
        }
        let given_url = filled(given.base_url);
        let base_url = base_url(provider, given_url)?;
        let api_key = filled(given.api_key);
        if api_key.is_some_and(|key| !key.bytes().all(|byte| byte.is_ascii_graphic())) {
            return wrong(ModelField::ApiKey, "the key alone, without spaces or other signs around it");
        }
        if api_key.is_none() && needs_key(provider, given_url) {
            return wrong(ModelField::ApiKey, "the provider's key: without one it answers nobody");
        }
        let Some(model) = filled(given.model).or_else(|| deployment(provider, &base_url)) else {
            let takes = match provider {
                Provider::Azure => "the name of the deployment",
                Provider::Ollama => "the name of a model that was pulled, such as llama3.2",
                _ => "the name of one of the provider's models",
            };
            return wrong(ModelField::Model, takes);
        };
        let model = model.to_owned();
        let api_key = api_key.map(|key| Secret::new(key.as_bytes()));
        Ok(Self::Remote(RemoteModel { provider, base_url, api_key, model }))
    }
}

fn filled(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// Servers of one's own may want none.
fn needs_key(provider: Provider, given_url: Option<&str>) -> bool {
    match provider {
        Provider::Offline | Provider::Ollama => false,
        Provider::OpenAi => given_url.is_none(),
        Provider::Azure | Provider::Anthropic | Provider::Gemini => true,
    }
}

/// The address under which the calls lie: with a slash at its end, and with the part that belongs to every
/// address of the provider where only the host was given.
fn base_url(provider: Provider, given: Option<&str>) -> Result<Url, WrongModel> {
    let takes = match provider {
        Provider::Azure => "the resource's address, such as https://NAME.openai.azure.com",
        _ => "an http or https address without a name or password in it, such as http://127.0.0.1:8080/v1",
    };
    let wrong = || WrongModel { field: ModelField::BaseUrl, takes };
    let mut url = Url::parse(given.or(provider.base_url()).ok_or_else(wrong)?).map_err(|_| wrong())?;
    let is_http = matches!(url.scheme(), "http" | "https") && url.has_host();
    if !is_http || !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(wrong());
    }
    let path = url.path().trim_end_matches('/');
    let path = path.strip_suffix("/chat/completions").unwrap_or(path);
    let path = match (provider, path) {
        (Provider::Azure, "" | "/openai") => "/openai/v1",
        (Provider::Anthropic | Provider::Ollama, "") => "/v1",
        (Provider::Gemini, "") => "/v1beta",
        (_, path) => path,
    };
    let path = format!("{path}/");
    url.set_path(&path);
    Ok(url)
}

/// Azure's older addresses name the deployment, which names the model.
fn deployment(provider: Provider, base_url: &Url) -> Option<&str> {
    let (_, rest) = base_url.path().split_once("/deployments/")?;
    let name = rest.split('/').next()?;
    (provider == Provider::Azure && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote(provider: &str, base_url: &str, api_key: &str, model: &str) -> Result<RemoteModel, WrongModel> {
        let given = GivenModel { provider, base_url: Some(base_url), api_key: Some(api_key), model: Some(model) };
        match ModelChoice::of(given)? {
            ModelChoice::Remote(model) => Ok(model),
            ModelChoice::Offline => panic!("offline"),
        }
    }

    #[test]
    fn an_address_is_complete_however_it_is_given() {
        for (provider, given, complete) in [
            ("openai", "", "https://api.openai.com/v1/"),
            ("openai", "http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1/"),
            ("openai", "http://127.0.0.1:8080/v1/", "http://127.0.0.1:8080/v1/"),
            ("OpenAI", "http://127.0.0.1:8080/v1/chat/completions", "http://127.0.0.1:8080/v1/"),
            ("openai", "https://gate.example/a/b?tenant=7", "https://gate.example/a/b/?tenant=7"),
            ("openai", "https://api.example", "https://api.example/"),
            ("azure", "https://n.openai.azure.com", "https://n.openai.azure.com/openai/v1/"),
            ("azure", "https://n.openai.azure.com/openai/v1/", "https://n.openai.azure.com/openai/v1/"),
            ("anthropic", "", "https://api.anthropic.com/v1/"),
            ("anthropic", "http://127.0.0.1:9", "http://127.0.0.1:9/v1/"),
            ("gemini", "http://127.0.0.1:9/", "http://127.0.0.1:9/v1beta/"),
            ("ollama", "", "http://127.0.0.1:11434/v1/"),
            ("ollama", "http://gpu.lan:11434", "http://gpu.lan:11434/v1/"),
        ] {
            assert_eq!(remote(provider, given, "key", "m").unwrap().base_url.as_str(), complete, "{given}");
        }
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let wrong = |field, provider: &str, base_url: &str, api_key: &str, model: &str| {
            let wrong = remote(provider, base_url, api_key, model).expect_err(provider);
            assert_eq!(wrong.field, field, "{provider} {base_url}");
            assert!(!wrong.to_string().contains("secret"), "{wrong}");
        };
        wrong(ModelField::Provider, "openrouter", "", "k", "m");
        for url in ["localhost:8080/v1", "http://anna:secret@127.0.0.1/v1", "ftp://127.0.0.1/v1"] {
            wrong(ModelField::BaseUrl, "openai", url, "k", "m");
        }
        wrong(ModelField::BaseUrl, "azure", "", "k", "m");
        wrong(ModelField::ApiKey, "azure", "https://n.openai.azure.com", "", "m");
        for provider in ["openai", "anthropic", "gemini"] {
            wrong(ModelField::ApiKey, provider, "", "", "m");
        }
        wrong(ModelField::ApiKey, "openai", "", "a key", "m");
        wrong(ModelField::Model, "openai", "", "k", " ");
        wrong(ModelField::Model, "ollama", "", "", "");
    }

    #[test]
    fn a_server_of_ones_own_needs_no_key_and_an_azure_deployment_names_its_model() {
        assert!(remote("openai", "http://127.0.0.1:8080/v1", "", "m").unwrap().api_key.is_none());
        assert!(remote("ollama", "", "", "m").unwrap().api_key.is_none());
        let url = "https://n.openai.azure.com/openai/deployments/gpt-4o/?api-version=2024-10-21";
        let azure = remote("azure", url, "k", "").unwrap();
        assert_eq!((azure.model.as_str(), azure.base_url.as_str()), ("gpt-4o", url));
        assert_eq!(ModelChoice::of(GivenModel { provider: "offline", ..Default::default() }), Ok(ModelChoice::Offline));
    }
}
