//! One connection with a server, from the handshake to its end.

use std::{collections::HashMap, sync::Arc, time::Duration};

use reqwest::header::{HeaderName, HeaderValue};
use rmcp::{
    ClientHandler, Peer, RoleClient, ServiceExt,
    model::{ClientCapabilities, ClientConfig, ClientRequest, Implementation, PaginatedRequestParams, Tool},
    service::{NotificationContext, RunningService, RunningServiceCancellationToken, ServiceError},
    transport::{
        StreamableHttpClientTransport, async_rw::AsyncRwTransport,
        streamable_http_client::StreamableHttpClientTransportConfig,
    },
};
use tokio::{sync::Notify, time::timeout};
use tokio_util::sync::CancellationToken;

use super::process::Process;
use crate::{
    protocol::limits,
    server::config::{McpServer, McpTransport},
};

/// What a server is told of us, and what it tells without being asked.
#[derive(Clone)]
struct Client {
    tools_changed: Arc<Notify>,
}

impl ClientHandler for Client {
    fn get_info(&self) -> ClientConfig {
        ClientConfig::new(ClientCapabilities::default(), Implementation::new("magpie", env!("CARGO_PKG_VERSION")))
    }

    async fn on_tool_list_changed(&self, _: NotificationContext<RoleClient>) {
        self.tools_changed.notify_one();
    }
}

pub(super) struct Connection {
    pub peer: Peer<RoleClient>,
    /// The server said that it has other tools now.
    pub tools_changed: Arc<Notify>,
    /// Cancelled when the other side hung up, or was hung up on.
    over: CancellationToken,
    stop: Option<RunningServiceCancellationToken>,
    process: Option<Process>,
}

impl Connection {
    /// An error is a sentence for people, without the server's arguments and addresses: they may hold keys.
    pub(super) async fn open(server: &McpServer) -> Result<Self, String> {
        let tools_changed = Arc::new(Notify::new());
        let client = Client { tools_changed: tools_changed.clone() };
        let patience = Duration::from_millis(limits::MCP_START_MS);
        let late = |_| format!("it did not answer within {} s", patience.as_secs());
        let (service, process) = match &server.transport {
            McpTransport::Stdio { command, args, env } => {
                let (process, stdout, stdin) = Process::start(&server.name, command, args, env)
                    .map_err(|error| format!("{command} cannot be started: {error}"))?;
                let transport = AsyncRwTransport::new(stdout, stdin).with_max_line_length(limits::MCP_MESSAGE_BYTES);
                let served = timeout(patience, client.serve(transport)).await.map_err(late);
                match served.and_then(|served| served.map_err(|_| "it ended, or speaks no MCP".to_owned())) {
                    Ok(service) => (service, Some(process)),
                    Err(why) => {
                        let words = process.last_words.lock().clone();
                        tracing::warn!(server = %server.name, %why, %words, "an MCP server did not start");
                        process.end().await;
                        return Err(why);
                    }
                }
            }
            McpTransport::Http { url, headers } => {
                let mut custom = HashMap::new();
                for (name, value) in headers {
                    let name = HeaderName::try_from(name).map_err(|_| format!("{name} is no header"))?;
                    let mut value =
                        HeaderValue::from_bytes(value.expose()).map_err(|_| format!("{name} has no value"))?;
                    value.set_sensitive(true);
                    custom.insert(name, value);
                }
                let config = StreamableHttpClientTransportConfig::with_uri(url.as_str())
                    .custom_headers(custom)
                    .max_sse_event_size(limits::MCP_MESSAGE_BYTES);
                let http = reqwest::Client::builder()
                    .redirect(reqwest::redirect::Policy::none())
                    .connect_timeout(Duration::from_millis(limits::FETCH_CONNECT_MS))
                    .build()
                    .map_err(|error| error.to_string())?;
                let transport = StreamableHttpClientTransport::with_client(http, config);
                let served = timeout(patience, client.serve(transport)).await.map_err(late)?;
                let service = served.map_err(|error| {
                    tracing::debug!(server = %server.name, %error, "an MCP server cannot be reached");
                    "it cannot be reached, or speaks no MCP".to_owned()
                })?;
                (service, None)
            }
        };
        let (peer, stop) = (service.peer().clone(), Some(service.cancellation_token()));
        let over = watched(service);
        Ok(Self { peer, tools_changed, over, stop, process })
    }

    /// The server's tools, as far as they are kept.
    pub(super) async fn tools(&self) -> Result<Vec<Tool>, String> {
        let listed = async {
            let (mut tools, mut cursor) = (Vec::new(), None);
            for _ in 0..limits::MCP_TOOLS {
                let page = PaginatedRequestParams::default().with_cursor(cursor);
                let page = self.peer.list_tools(Some(page)).await?;
                tools.extend(page.tools);
                cursor = page.next_cursor;
                if cursor.is_none() || tools.len() > limits::MCP_TOOLS {
                    break;
                }
            }
            Ok(tools)
        };
        let listed: Result<Result<_, ServiceError>, _> =
            timeout(Duration::from_millis(limits::MCP_START_MS), listed).await;
        let tools = listed.map_err(|_| "it does not say which tools it has".to_owned())?;
        tools.map_err(|error| {
            tracing::debug!(%error, "an MCP server lists no tools");
            "it could not say which tools it has".to_owned()
        })
    }

    /// Whether the other side still answers; an error is an answer, too.
    pub(super) async fn is_alive(&self) -> bool {
        let ping = self.peer.send_request(ClientRequest::PingRequest(Default::default()));
        let answer = timeout(Duration::from_millis(limits::MCP_PING_MS), ping).await;
        matches!(answer, Ok(Ok(_) | Err(ServiceError::McpError(_))))
    }

    /// Returns when the other side hung up, or its process ended: what that started may hold its pipes open.
    pub(super) async fn over(&mut self) {
        match &mut self.process {
            None => self.over.cancelled().await,
            Some(process) => tokio::select! {
                () = self.over.cancelled() => {}
                () = process.ended() => {}
            },
        }
    }

    /// Says goodbye, and ends the process where there is one.
    pub(super) async fn close(mut self, name: &str) {
        if let Some(stop) = self.stop.take() {
            stop.cancel();
        }
        let _ = timeout(Duration::from_millis(limits::MCP_END_MS), self.over.cancelled()).await;
        if let Some(process) = self.process.take() {
            let words = process.last_words.lock().clone();
            tracing::debug!(server = %name, %words, "an MCP server is ended");
            process.end().await;
        }
    }
}

/// Keeps the connection until it is over.
fn watched(service: RunningService<RoleClient, Client>) -> CancellationToken {
    let over = CancellationToken::new();
    let token = over.clone().drop_guard();
    tokio::spawn(async move {
        let _over = token;
        let _ = service.waiting().await;
    });
    over
}
