//! The settings as they are given: one flag and one environment variable each. `magpie --help` is made of this.

use std::{ffi::OsString, fmt};

use clap::Parser;

use super::model::GivenModel;

/// A self-hosted chat in which people and AI agents share the same conversation, live.
///
/// Every setting can be given as a flag or as an environment variable; an empty variable counts as not set.
#[derive(Parser, Clone, Default)]
#[command(name = "magpie", version, max_term_width = 110)]
pub struct Settings {
    /// Address and port to listen on; without it LEPTOS_SITE_ADDR is taken, as cargo-leptos sets it
    /// [default: 127.0.0.1:3000]
    #[arg(long, env = "MAGPIE_ADDR", value_name = "ADDR:PORT")]
    pub addr: Option<String>,

    #[arg(long, env = "LEPTOS_SITE_ADDR", hide = true)]
    pub leptos_site_addr: Option<String>,

    /// Who may make an account: open, or closed (an admin makes the accounts, after the first) [default: open]
    #[arg(long, env = "MAGPIE_REGISTRATION", value_name = "open|closed")]
    pub registration: Option<String>,

    /// Directory of the SQLite file and the generated JWT secret [default: ./data]
    #[arg(long, env = "MAGPIE_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<String>,

    /// Database [default: sqlite: in the data directory]
    #[arg(long, env = "MAGPIE_DATABASE_URL", value_name = "sqlite:PATH", hide_env_values = true)]
    pub database_url: Option<String>,

    /// Secret that signs the tokens: its bytes are the HS256 key; better as a variable than as a flag, which
    /// other users of the machine can see [default: generated once, in the data directory]
    #[arg(long, env = "MAGPIE_JWT_SECRET", value_name = "SECRET", hide_env_values = true)]
    pub jwt_secret: Option<OsString>,

    /// Key under which secrets that admins set in the browser are sealed in the database; its bytes count
    /// [default: generated once, as settings.key in the data directory]
    #[arg(long, env = "MAGPIE_SETTINGS_KEY", value_name = "KEY", hide_env_values = true)]
    pub settings_key: Option<OsString>,

    /// Origins allowed beside the server's own, comma-separated [default: same origin]
    #[arg(long, env = "MAGPIE_ALLOWED_ORIGINS", value_name = "ORIGINS")]
    pub allowed_origins: Option<String>,

    /// Rate limits; off for load tests (rates only, never sizes) [default: on]
    #[arg(long, env = "MAGPIE_RATE_LIMIT", value_name = "on|off")]
    pub rate_limit: Option<String>,

    /// Who serves the agents' model; offline is the built-in planner, with no key and no network. Set, it is in
    /// force whatever an admin stored in Settings [default: offline]
    #[arg(long, env = "MAGPIE_LLM_PROVIDER", value_name = "offline|openai|azure|anthropic|gemini|ollama")]
    pub llm_provider: Option<String>,

    /// Address of the model's server, with /v1 where it is one that speaks OpenAI's protocol
    /// [default: the provider's own; Ollama's http://127.0.0.1:11434]
    #[arg(long, env = "MAGPIE_LLM_BASE_URL", value_name = "URL")]
    pub llm_base_url: Option<String>,

    /// The provider's key; better as a variable than as a flag, which other users of the machine can see
    /// [default: none]
    #[arg(long, env = "MAGPIE_LLM_API_KEY", value_name = "KEY", hide_env_values = true)]
    pub llm_api_key: Option<String>,

    /// The model's name at its provider [default: none; every provider but offline needs one]
    #[arg(long, env = "MAGPIE_LLM_MODEL", value_name = "NAME")]
    pub llm_model: Option<String>,

    /// Folder of Markdown files that the agents search and quote [default: knowledge in the data directory, where
    /// that folder exists]
    #[arg(long, env = "MAGPIE_KNOWLEDGE_DIR", value_name = "DIR")]
    pub knowledge_dir: Option<String>,

    /// Hosts whose pages the agents may read, comma-separated: example.com, *.example.com, * for every public one;
    /// a server at a private address by name and port: wiki.internal:8080 [default: none]
    #[arg(long, env = "MAGPIE_FETCH_HOSTS", value_name = "HOSTS")]
    pub fetch_hosts: Option<String>,

    /// Address that gives prices of a market, with {symbol} in it, and {from}, {to}, {key} where it wants them; set,
    /// it is in force whatever an admin stored in Settings [default: none]
    #[arg(long, env = "MAGPIE_MARKET_URL", value_name = "URL", hide_env_values = true)]
    pub market_url: Option<String>,

    /// Key of that address: put where {key} stands in it, else sent as a bearer token [default: none]
    #[arg(long, env = "MAGPIE_MARKET_API_KEY", value_name = "KEY", hide_env_values = true)]
    pub market_api_key: Option<String>,

    /// Address that people use, where a TLS proxy stands before the server: https makes cookies Secure
    /// [default: none]
    #[arg(long, env = "MAGPIE_PUBLIC_URL", value_name = "ORIGIN")]
    pub public_url: Option<String>,

    /// Proxies whose X-Forwarded-For is believed: addresses or networks, comma-separated [default: none]
    #[arg(long, env = "MAGPIE_TRUSTED_PROXIES", value_name = "NETWORKS")]
    pub trusted_proxies: Option<String>,

    /// Servers that webhooks may reach over http, and at private addresses, by name and port, comma-separated:
    /// hooks.internal:8080,127.0.0.1:9000; every https server at a public address may be told anyway [default: none]
    #[arg(long, env = "MAGPIE_WEBHOOK_HOSTS", value_name = "HOST:PORT,…")]
    pub webhook_hosts: Option<String>,

    /// Bearer token that /metrics wants [default: none, and /metrics answers direct loopback only]
    #[arg(long, env = "MAGPIE_METRICS_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub metrics_token: Option<String>,

    /// What is logged: a tracing filter [default: info]
    #[arg(long, env = "MAGPIE_LOG", value_name = "FILTER")]
    pub log: Option<String>,

    /// How it is logged [default: text]
    #[arg(long, env = "MAGPIE_LOG_FORMAT", value_name = "text|json")]
    pub log_format: Option<String>,

    /// A team of agents of your own, the tools and budgets it has, and MCP servers: a TOML file such as
    /// agents.example.toml [default: the built-in team]
    #[arg(long, env = "MAGPIE_AGENTS_FILE", value_name = "FILE")]
    pub agents_file: Option<String>,

    /// For versions to come: set, it must not be ignored in silence.
    #[arg(long, env = "MAGPIE_NATS_URL", hide = true)]
    pub nats_url: Option<String>,
}

impl Settings {
    /// All defaults, in this directory, deaf to the environment: for tests.
    pub fn in_dir(data_dir: impl Into<String>) -> Self {
        Self { data_dir: Some(data_dir.into()), ..Self::default() }
    }

    /// With the name of the variable it comes from.
    pub(super) fn addr(&self) -> (&'static str, &str) {
        match (set(&self.addr), set(&self.leptos_site_addr)) {
            (Some(addr), _) => ("MAGPIE_ADDR", addr),
            (None, Some(addr)) => ("LEPTOS_SITE_ADDR", addr),
            (None, None) => ("MAGPIE_ADDR", "127.0.0.1:3000"),
        }
    }

    pub(super) fn registration(&self) -> &str {
        set(&self.registration).unwrap_or("open")
    }

    pub(super) fn data_dir(&self) -> &str {
        set(&self.data_dir).unwrap_or("./data")
    }

    pub(super) fn database_url(&self) -> Option<&str> {
        set(&self.database_url)
    }

    /// Empty counts here: a secret that was meant to be set and is not must not be replaced in silence.
    pub(super) fn jwt_secret(&self) -> Option<&[u8]> {
        self.jwt_secret.as_ref().map(|secret| secret.as_encoded_bytes())
    }

    /// Empty counts here, as for the other secret.
    pub(super) fn settings_key(&self) -> Option<&[u8]> {
        self.settings_key.as_ref().map(|key| key.as_encoded_bytes())
    }

    pub(super) fn allowed_origins(&self) -> &str {
        set(&self.allowed_origins).unwrap_or_default()
    }

    pub(super) fn rate_limit(&self) -> &str {
        set(&self.rate_limit).unwrap_or("on")
    }

    /// As it is given: an empty provider is none.
    pub(super) fn model(&self) -> GivenModel<'_> {
        GivenModel {
            provider: set(&self.llm_provider).unwrap_or_default(),
            base_url: set(&self.llm_base_url),
            api_key: set(&self.llm_api_key),
            model: set(&self.llm_model),
        }
    }

    pub(super) fn knowledge_dir(&self) -> Option<&str> {
        set(&self.knowledge_dir)
    }

    pub(super) fn fetch_hosts(&self) -> &str {
        set(&self.fetch_hosts).unwrap_or_default()
    }

    /// Address and key.
    pub(super) fn market(&self) -> (Option<&str>, Option<&str>) {
        (set(&self.market_url), set(&self.market_api_key))
    }

    pub(super) fn public_url(&self) -> Option<&str> {
        set(&self.public_url)
    }

    pub(super) fn trusted_proxies(&self) -> &str {
        set(&self.trusted_proxies).unwrap_or_default()
    }

    pub(super) fn webhook_hosts(&self) -> &str {
        set(&self.webhook_hosts).unwrap_or_default()
    }

    pub(super) fn metrics_token(&self) -> Option<&str> {
        set(&self.metrics_token)
    }

    /// What is set that this version cannot do yet: the variable and what it would bring.
    pub(super) fn not_yet(&self) -> Option<(&'static str, &'static str)> {
        set(&self.nats_url).map(|_| ("MAGPIE_NATS_URL", "a second node"))
    }

    pub(super) fn agents_file(&self) -> Option<&str> {
        set(&self.agents_file)
    }

    pub(super) fn log(&self) -> &str {
        set(&self.log).unwrap_or("info")
    }

    pub(super) fn log_format(&self) -> &str {
        set(&self.log_format).unwrap_or("text")
    }
}

/// A variable that is set to nothing, as compose files and shells leave them, is not set.
fn set(value: &Option<String>) -> Option<&str> {
    value.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

/// Says nothing: some of the settings are secrets.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").finish_non_exhaustive()
    }
}
