//! What the operator of this server decides, read once at start-up.
//!
//! A struct per concern. Each setting is an environment variable or a flag ([`settings`]), has a default, and
//! is checked here: whoever gets a [`Config`] can rely on it. Nothing else of the server reads the environment.

use std::{
    net::{SocketAddr, ToSocketAddrs},
    path::PathBuf,
    sync::Arc,
};

use clap::Parser;

use super::agents::team::Team;

pub mod agents_file;
pub mod data_dir;
pub mod error;
pub mod hosts;
pub mod market;
pub mod model;
pub mod network;
pub mod origin;
pub mod secret;
pub mod settings;
pub mod settings_key;
pub mod tools;

pub use self::{
    agents_file::{McpServer, McpTransport, process_environment},
    data_dir::{DataDir, DataDirLock},
    error::ConfigError,
    hosts::FetchHosts,
    market::MarketConfig,
    model::{ModelChoice, RemoteModel},
    network::Network,
    origin::Origin,
    secret::Secret,
    settings::Settings,
    settings_key::SettingsKey,
    tools::ToolsConfig,
};
use model::ModelField;

/// The whole of it.
#[derive(Debug)]
pub struct Config {
    pub server: ServerConfig,
    pub storage: StorageConfig,
    pub auth: AuthConfig,
    pub limits: LimitsConfig,
    pub agents: AgentsConfig,
    pub tools: ToolsConfig,
    pub log: LogConfig,
}

/// Where the server listens and how the world sees it.
#[derive(Debug)]
pub struct ServerConfig {
    pub addr: SocketAddr,
    /// The address that people type, where a proxy stands before the server.
    pub public_url: Option<Origin>,
    /// Peers whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Hosts that webhooks may reach over http and at private addresses, by name and port.
    pub webhook_hosts: FetchHosts,
    /// What `/metrics` wants as bearer; without one it answers loopback alone.
    pub metrics_token: Option<Secret>,
}

#[derive(Debug)]
pub struct StorageConfig {
    pub data_dir: DataDir,
    pub database: Database,
    /// Seals what admins set.
    pub settings_key: SettingsKey,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    Sqlite(std::path::PathBuf),
}

#[derive(Debug)]
pub struct AuthConfig {
    pub registration: Registration,
    /// The HS256 key.
    pub jwt_secret: Secret,
    /// Beside the server's own.
    pub allowed_origins: Vec<Origin>,
}

/// Who may make an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    Open,
    /// Admins alone, once the first account is there.
    Closed,
}

#[derive(Debug, Clone, Copy)]
pub struct LimitsConfig {
    pub rates: RateLimits,
}

/// Rates alone: sizes, counts and times are never off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateLimits {
    On,
    Off,
}

#[derive(Debug, Clone)]
pub struct AgentsConfig {
    /// The model that the environment names. It is in force whatever an admin stored; `None` leaves it to them.
    pub model: Option<ModelChoice>,
    pub team: Arc<Team>,
    /// Servers of tools beside ours.
    pub mcp: Vec<McpServer>,
    /// Where they are written; `None`: the built-in team.
    pub file: Option<PathBuf>,
    /// The same for the source of prices.
    pub market: Option<MarketConfig>,
}

#[derive(Debug, Clone)]
pub struct LogConfig {
    /// As tracing's `EnvFilter` reads it; it was tried at start-up.
    pub filter: String,
    pub format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

impl Config {
    /// Reads flags and environment; `--help`, `--version` and a wrong flag end the process, as clap does.
    pub fn load() -> Result<Self, ConfigError> {
        Self::new(&Settings::parse())
    }

    /// Checks the settings; makes the data directory and, on the first start, the secret in it.
    pub fn new(settings: &Settings) -> Result<Self, ConfigError> {
        if let Some((variable, what)) = settings.not_yet() {
            return Err(ConfigError::NotYet { variable, what, takes: "nothing" });
        }
        let data_dir = DataDir::open(settings.data_dir())?;
        Ok(Self {
            tools: ToolsConfig::of(settings, &data_dir)?,
            server: ServerConfig::of(settings)?,
            auth: AuthConfig::of(settings, &data_dir)?,
            storage: StorageConfig {
                database: database(settings, &data_dir)?,
                settings_key: settings_key(settings, &data_dir)?,
                data_dir,
            },
            limits: LimitsConfig {
                rates: choice(
                    "MAGPIE_RATE_LIMIT",
                    settings.rate_limit(),
                    &[("on", RateLimits::On), ("off", RateLimits::Off)],
                )?,
            },
            agents: AgentsConfig::of(settings)?,
            log: LogConfig::of(settings)?,
        })
    }

    /// Whether browsers reach this server by https: its cookies are Secure then.
    pub fn is_https(&self) -> bool {
        self.server.public_url.as_ref().is_some_and(Origin::is_https)
    }
}

impl ServerConfig {
    fn of(settings: &Settings) -> Result<Self, ConfigError> {
        Ok(Self {
            addr: address(settings)?,
            public_url: settings.public_url().map(|text| origin("MAGPIE_PUBLIC_URL", text)).transpose()?,
            trusted_proxies: list(settings.trusted_proxies(), |text| {
                text.parse().map_err(|()| {
                    let takes = "addresses or networks with commas between, such as 10.0.0.1,fd00::/8";
                    ConfigError::invalid("MAGPIE_TRUSTED_PROXIES", takes, text)
                })
            })?,
            webhook_hosts: FetchHosts::of(settings.webhook_hosts()).map_err(|wrong| {
                let takes = "hosts with their ports and commas between, such as hooks.internal:8080,127.0.0.1:9000";
                ConfigError::invalid("MAGPIE_WEBHOOK_HOSTS", takes, &wrong)
            })?,
            metrics_token: settings.metrics_token().map(|token| Secret::new(token.as_bytes())),
        })
    }
}

impl AuthConfig {
    fn of(settings: &Settings, data_dir: &DataDir) -> Result<Self, ConfigError> {
        let jwt_secret = match settings.jwt_secret() {
            Some([]) => return Err(ConfigError::EmptySecret),
            Some(bytes) => Secret::new(bytes),
            None => data_dir.jwt_secret()?,
        };
        Ok(Self {
            registration: choice(
                "MAGPIE_REGISTRATION",
                settings.registration(),
                &[("open", Registration::Open), ("closed", Registration::Closed)],
            )?,
            jwt_secret,
            allowed_origins: list(settings.allowed_origins(), |text| origin("MAGPIE_ALLOWED_ORIGINS", text))?,
        })
    }
}

impl AgentsConfig {
    fn of(settings: &Settings) -> Result<Self, ConfigError> {
        let file = settings.agents_file().map(PathBuf::from);
        let (team, mcp) = match &file {
            Some(file) => agents_file::load(file).map(|found| (found.team, found.mcp))?,
            None => (Team::built_in(), Vec::new()),
        };
        Ok(Self { model: model(settings)?, market: MarketConfig::of(settings)?, team: Arc::new(team), mcp, file })
    }
}

impl LogConfig {
    fn of(settings: &Settings) -> Result<Self, ConfigError> {
        let filter = settings.log();
        if tracing_subscriber::EnvFilter::try_new(filter).is_err() {
            let takes = "a tracing filter, such as info or info,magpie=debug";
            return Err(ConfigError::invalid("MAGPIE_LOG", takes, filter));
        }
        let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
        let format = choice("MAGPIE_LOG_FORMAT", settings.log_format(), &formats)?;
        Ok(Self { filter: filter.to_owned(), format })
    }
}

fn address(settings: &Settings) -> Result<SocketAddr, ConfigError> {
    let (variable, text) = settings.addr();
    let resolved = text.to_socket_addrs().ok().and_then(|mut found| found.next());
    resolved.ok_or_else(|| ConfigError::invalid(variable, "an address and a port, such as 127.0.0.1:3000", text))
}

fn database(settings: &Settings, data_dir: &DataDir) -> Result<Database, ConfigError> {
    const VARIABLE: &str = "MAGPIE_DATABASE_URL";
    let Some(url) = settings.database_url() else { return Ok(Database::Sqlite(data_dir.database())) };
    if url.starts_with("postgres:") || url.starts_with("postgresql:") {
        return Err(ConfigError::NotYet { variable: VARIABLE, what: "PostgreSQL", takes: "sqlite:PATH" });
    }
    let path = url.strip_prefix("sqlite:").map(|rest| rest.strip_prefix("//").unwrap_or(rest));
    match path {
        Some(path) if !path.is_empty() && !path.contains([':', '?']) => Ok(Database::Sqlite(path.into())),
        // The URL may hold a password: it is not repeated.
        _ => Err(ConfigError::invalid(VARIABLE, "sqlite:PATH, a file on this machine", "something else")),
    }
}

fn settings_key(settings: &Settings, data_dir: &DataDir) -> Result<SettingsKey, ConfigError> {
    match settings.settings_key() {
        Some([]) => Err(ConfigError::EmptySettingsKey),
        Some(bytes) => Ok(SettingsKey::Given(Secret::new(bytes))),
        None => Ok(SettingsKey::File(data_dir.settings_key())),
    }
}

fn model(settings: &Settings) -> Result<Option<ModelChoice>, ConfigError> {
    let given = settings.model();
    if given.provider.is_empty() {
        let alone = [
            (ModelField::BaseUrl, given.base_url),
            (ModelField::ApiKey, given.api_key),
            (ModelField::Model, given.model),
        ];
        let alone = alone.into_iter().find(|(_, value)| value.is_some());
        return alone.map_or(Ok(None), |(field, _)| Err(ConfigError::NoProvider(field.variable())));
    }
    ModelChoice::of(given).map(Some).map_err(|wrong| match wrong.field {
        ModelField::Provider => ConfigError::invalid(wrong.field.variable(), wrong.takes, given.provider),
        field => ConfigError::Model { variable: field.variable(), takes: wrong.takes },
    })
}

fn origin(variable: &'static str, text: &str) -> Result<Origin, ConfigError> {
    let takes = "an origin without a path, such as https://chat.example.com";
    text.parse().map_err(|_| ConfigError::invalid(variable, takes, text))
}

/// The parts of a list with commas, each parsed.
fn list<T>(text: &str, parse: impl Fn(&str) -> Result<T, ConfigError>) -> Result<Vec<T>, ConfigError> {
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(parse).collect()
}

fn choice<T: Copy>(variable: &'static str, text: &str, words: &[(&str, T)]) -> Result<T, ConfigError> {
    let chosen = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text));
    chosen.map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        ConfigError::invalid(variable, &words.join(" or "), text)
    })
}

#[cfg(test)]
mod tests;
