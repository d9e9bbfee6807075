//! The composition root: the one place that names the backends.

use std::{io, path::Path, sync::Arc};

use async_trait::async_trait;
use axum::extract::FromRef;
use leptos::config::{LeptosOptions, get_configuration};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    accounts::Accounts,
    agents::{
        Agents,
        tools::{
            Tools,
            fetch_page::FetchPage,
            market::{Market, MarketHistory, MarketPrice, MarketSource},
            mcp::McpServers,
            search_knowledge::SearchKnowledge,
        },
    },
    bus::{Bus, BusMessage, in_process::InProcessBus},
    config::{AgentsConfig, Config, Database},
    conversations::Conversations,
    dialogs::{
        Dialogs,
        desk::{Desk, desk},
    },
    hub::Hub,
    knowledge::{Knowledge, KnowledgeError, sqlite::SqliteKnowledge},
    limits::Rates,
    offline::Builds,
    overseer::Overseer,
    settings::{self, AdminSettings},
    sites::Sites,
    storage::{CommitSink, Commits, LoggedFrame, Storage, StorageError, sqlite::SqliteStorage},
    telemetry,
    webhooks::{Nudge, Webhooks},
    widget::Widget,
};
use crate::protocol::LogEpoch;

/// What every handler may ask for. Cheap to clone.
#[derive(Clone, FromRef)]
pub struct AppState {
    pub config: Arc<Config>,
    pub leptos_options: LeptosOptions,
    pub builds: Builds,
    pub storage: Arc<dyn Storage>,
    pub bus: Arc<dyn Bus>,
    pub hub: Arc<Hub>,
    pub accounts: Accounts,
    pub conversations: Conversations,
    pub agents: Agents,
    pub dialogs: Dialogs,
    pub sites: Sites,
    pub widget: Widget,
    pub webhooks: Webhooks,
    /// Where the operator keeps one.
    pub knowledge: Option<Arc<dyn Knowledge>>,
    pub mcp: McpServers,
    pub rates: Rates,
    pub overseer: Overseer,
    pub settings: AdminSettings,
    pub metrics: PrometheusHandle,
    pub log_epoch: LogEpoch,
    /// Cancelled when the server is to stop: no new sockets from then on.
    pub shutdown: CancellationToken,
    /// Every open socket.
    pub sockets: TaskTracker,
}

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot open the database {path}: {source}")]
    Database { path: String, source: StorageError },
    #[error("cannot open the index of the knowledge base: {0}")]
    Knowledge(#[from] KnowledgeError),
    #[error("cannot read what admins set: {0}")]
    Settings(#[from] settings::OpenError),
    #[error("cannot read Leptos.toml: {0}")]
    Leptos(String),
    #[error("cannot listen on {addr}: {source}")]
    Listen { addr: std::net::SocketAddr, source: io::Error },
    #[error("the server failed: {0}")]
    Serve(#[from] io::Error),
}

impl AppState {
    /// Opens the backends and joins the parts. What an earlier life left unfinished is ended here.
    pub async fn open(config: Config) -> Result<Self, StartError> {
        let config = Arc::new(config);
        let leptos_options = leptos_options(&config)?;
        let Database::Sqlite(path) = &config.storage.database;
        let failed = |source| StartError::Database { path: path.display().to_string(), source };

        let hub = Arc::new(Hub::default());
        let bus: Arc<dyn Bus> = Arc::new(InProcessBus::start(hub.clone()));
        let (desk, changes) = desk();
        let nudge = Nudge::default();
        let commits = Arc::new(ToBus { bus: bus.clone(), desk, nudge: nudge.clone() });
        let storage = open_storage(path, commits).await.map_err(failed)?;

        let rates = Rates::new(&config.limits);
        let settings = AdminSettings::open(config.clone(), storage.clone(), rates.clone()).await?;
        let llm = settings.llm();
        let knowledge = open_knowledge(&config).await?;
        let tools = tools(&config, knowledge.as_ref(), Arc::new(settings.clone()));
        let mcp = McpServers::start(config.agents.mcp.iter().cloned());
        let tools = mcp.sources().fold(tools, Tools::and_source);
        tell_of_unknown_tools(&config.agents, &tools);
        let agents = Agents::with(storage.clone(), bus.clone(), llm, tools, config.agents.team.clone());
        agents.recover().await.map_err(failed)?;

        let shutdown = CancellationToken::new();
        let dialogs = Dialogs::new(storage.clone(), agents.clone(), hub.clone());
        dialogs.start_sweeping(shutdown.clone());
        changes.start(storage.clone(), hub.clone(), bus.clone(), shutdown.clone());
        let sites = Sites::new(storage.clone(), settings.clone());
        sites.open().await.map_err(failed)?;
        let hosts = config.server.webhook_hosts.clone();
        let webhooks = Webhooks::new(storage.clone(), settings.clone(), hosts, nudge);
        webhooks.start(shutdown.clone());
        let accounts = Accounts::new(config.clone(), storage.clone(), bus.clone(), rates.clone());
        let conversations = {
            let (storage, bus, hub) = (storage.clone(), bus.clone(), hub.clone());
            Conversations::new(storage, bus, hub, agents.clone(), dialogs.clone(), rates.clone())
        };

        Ok(Self {
            overseer: Overseer::new(storage.clone(), bus.clone(), hub.clone(), rates.clone()),
            widget: Widget::new(storage.clone(), accounts.clone(), sites.clone(), rates.clone()),
            webhooks,
            accounts,
            conversations,
            dialogs,
            sites,
            log_epoch: storage.log_epoch().await.map_err(failed)?,
            metrics: telemetry::metrics(),
            shutdown,
            sockets: TaskTracker::new(),
            config,
            builds: Builds::new(&leptos_options),
            leptos_options,
            storage,
            bus,
            hub,
            agents,
            knowledge,
            mcp,
            rates,
            settings,
        })
    }
}

/// A wrong name in the agents file is no reason not to start: the tool is not offered.
fn tell_of_unknown_tools(agents: &AgentsConfig, tools: &Tools) {
    let Some(file) = &agents.file else { return };
    for unknown in agents.team.unknown_tools(|name| tools.get(name).is_some()) {
        tracing::warn!(file = %file.display(), "{unknown}");
    }
}

async fn open_storage(path: &Path, commits: CommitSink) -> Result<Arc<dyn Storage>, StorageError> {
    Ok(Arc::new(SqliteStorage::open(path, commits).await?))
}

/// `None`: the operator keeps none.
async fn open_knowledge(config: &Config) -> Result<Option<Arc<dyn Knowledge>>, KnowledgeError> {
    let Some(root) = &config.tools.knowledge_dir else { return Ok(None) };
    let index = config.storage.data_dir.knowledge_index();
    Ok(Some(SqliteKnowledge::open(&index, root).await?))
}

/// Those that this server can offer; which of them an agent has is the team's affair.
fn tools(config: &Config, knowledge: Option<&Arc<dyn Knowledge>>, market: Arc<dyn MarketSource>) -> Tools {
    let market = Arc::new(Market::new(market));
    let tools = Tools::built_in()
        .and(FetchPage::new(config.tools.fetch_hosts.clone()))
        .and(MarketPrice(market.clone()))
        .and(MarketHistory(market));
    match knowledge {
        Some(knowledge) => tools.and(SearchKnowledge::new(knowledge.clone())),
        None => tools,
    }
}

/// Hands each commit to the bus, to the operators' lists, and to whoever tells webhooks.
struct ToBus {
    bus: Arc<dyn Bus>,
    desk: Desk,
    nudge: Nudge,
}

#[async_trait]
impl Commits for ToBus {
    async fn committed(&self, frame: Arc<LoggedFrame>) {
        self.desk.saw(&frame);
        self.nudge.saw(&frame);
        self.bus.publish(BusMessage::Durable(frame)).await;
    }
}

/// Where the site lies: as cargo-leptos says, or as `Leptos.toml` beside us does, or beside the binary.
fn leptos_options(config: &Config) -> Result<LeptosOptions, StartError> {
    let file = Some("Leptos.toml").filter(|file| Path::new(file).exists());
    let found = get_configuration(file).map_err(|error| StartError::Leptos(error.to_string()))?;
    let mut options = found.leptos_options;
    options.site_addr = config.server.addr;
    if options.output_name.is_empty() {
        options.output_name = env!("CARGO_PKG_NAME").into();
    }
    if !Path::new(&*options.site_root).join("pkg").is_dir()
        && let Some(beside) = site_beside_the_binary()
    {
        options.site_root = beside.into();
    }
    Ok(options)
}

/// `target/release/magpie` finds `target/site` from any working directory.
fn site_beside_the_binary() -> Option<String> {
    let binary = std::env::current_exe().ok()?;
    let site = binary.parent()?.parent()?.join("site");
    site.join("pkg").is_dir().then(|| site.display().to_string())
}
