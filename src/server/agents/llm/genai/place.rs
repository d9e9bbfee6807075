//! Where a provider's calls lie, and in which header its key goes.

use genai::adapter::AdapterKind;
use reqwest::Url;

use crate::server::config::{RemoteModel, model::Provider};

pub(super) struct Place {
    /// The protocol that is spoken.
    pub kind: AdapterKind,
    pub base: Url,
    /// Where an OpenAI-like server is asked to write; the others' crate knows their paths.
    pub chat: Option<Url>,
    /// What lists the models.
    pub models: Url,
    pub headers: Vec<(String, String)>,
}

impl Place {
    pub fn of(remote: &RemoteModel) -> Self {
        let base = remote.base_url.clone();
        let is_deployment = base.path().contains("/deployments/");
        let key = remote.api_key.as_ref().map(|key| String::from_utf8_lossy(key.expose()).into_owned());
        let header = |name: &str, value: String| (name.to_owned(), value);
        let bearer = |key: String| header("authorization", format!("Bearer {key}"));
        let (kind, headers): (_, Vec<_>) = match remote.provider {
            Provider::Anthropic => {
                let version = header("anthropic-version", "2023-06-01".into());
                (AdapterKind::Anthropic, key.map(|key| header("x-api-key", key)).into_iter().chain([version]).collect())
            }
            Provider::Gemini => {
                (AdapterKind::Gemini, key.map(|key| header("x-goog-api-key", key)).into_iter().collect())
            }
            Provider::Azure => (AdapterKind::OpenAI, key.map(|key| header("api-key", key)).into_iter().collect()),
            _ => (AdapterKind::OpenAI, key.map(bearer).into_iter().collect()),
        };
        let mut chat = below(&base, "chat/completions");
        if is_deployment && !chat.query().is_some_and(|query| query.contains("api-version")) {
            chat.query_pairs_mut().append_pair("api-version", "2024-10-21");
        }
        let chat = (kind == AdapterKind::OpenAI).then_some(chat);
        Self { kind, chat, models: below(&base, "models"), base, headers }
    }

    pub fn is_openai_like(&self) -> bool {
        self.chat.is_some()
    }
}

/// An address below the base, with the base's query.
fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path()));
    url
}

/// Whether a server's name can be nobody but this machine.
pub(super) fn is_this_machine(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    let by_name = || host == "localhost" || host.ends_with(".localhost");
    address.map_or_else(|_| by_name(), |address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::config::model::{GivenModel, ModelChoice};

    fn place(provider: &str, base_url: &str) -> Place {
        let given = GivenModel { provider, base_url: Some(base_url), api_key: Some("k"), model: Some("m") };
        match ModelChoice::of(given).unwrap() {
            ModelChoice::Remote(remote) => Place::of(&remote),
            ModelChoice::Offline => panic!("offline"),
        }
    }

    #[test]
    fn each_provider_is_asked_where_it_listens() {
        for (provider, base_url, chat, header) in [
            ("openai", "", "https://api.openai.com/v1/chat/completions", "authorization: Bearer k"),
            ("openai", "http://h/v1?t=7", "http://h/v1/chat/completions?t=7", "authorization: Bearer k"),
            ("ollama", "http://h:11434", "http://h:11434/v1/chat/completions", "authorization: Bearer k"),
            ("azure", "https://n.a.com", "https://n.a.com/openai/v1/chat/completions", "api-key: k"),
            (
                "azure",
                "https://n.a.com/openai/deployments/d",
                "https://n.a.com/openai/deployments/d/chat/completions?api-version=2024-10-21",
                "api-key: k",
            ),
            ("anthropic", "", "", "x-api-key: k"),
            ("gemini", "", "", "x-goog-api-key: k"),
        ] {
            let place = place(provider, base_url);
            let found = place.chat.map(|url| url.to_string()).unwrap_or_default();
            assert_eq!(
                (found.as_str(), place.headers[0].0.clone() + ": " + &place.headers[0].1),
                (chat, header.into())
            );
        }
        assert_eq!(place("gemini", "").models.as_str(), "https://generativelanguage.googleapis.com/v1beta/models");
    }

    #[test]
    fn this_machine_is_known_by_its_names() {
        let is = |host: &str| is_this_machine(&Url::parse(&format!("http://{host}:1/v1")).unwrap());
        for host in ["127.0.0.1", "127.9.9.9", "localhost", "[::1]", "model.localhost", "[::ffff:127.0.0.1]"] {
            assert!(is(host), "{host}");
        }
        for host in ["10.0.0.1", "example.com", "localhost.example.com", "[fd00::1]"] {
            assert!(!is(host), "{host}");
        }
    }
}
