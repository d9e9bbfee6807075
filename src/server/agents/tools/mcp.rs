//! Tools of servers that speak the Model Context Protocol, beside ours: each server is started with ours, asked
//! for its tools, watched, and started again when it dies. A server that is dead takes its tools along in no way:
//! they stay listed, and a call says what happened.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::ToolSource;
use crate::{protocol::limits, server::config::McpServer};

mod connection;
mod process;
mod server;
mod tool;

use server::Server;

/// The servers that the operator lists. Cheap to clone.
#[derive(Clone, Default)]
pub struct McpServers {
    servers: Vec<Arc<Server>>,
    tasks: TaskTracker,
    closing: CancellationToken,
}

impl McpServers {
    /// Begins to start them, and returns at once.
    pub fn start(servers: impl IntoIterator<Item = McpServer>) -> Self {
        let closing = CancellationToken::new();
        let tasks = TaskTracker::new();
        let start = |server: McpServer| {
            let server = Arc::new(Server::new(server));
            tasks.spawn(server.clone().keep(closing.child_token()));
            server
        };
        let servers = servers.into_iter().map(start).collect();
        Self { servers, tasks, closing }
    }

    /// Where their tools are to be had.
    pub fn sources(&self) -> impl Iterator<Item = Arc<dyn ToolSource>> + '_ {
        self.servers.iter().map(|server| server.clone() as Arc<dyn ToolSource>)
    }

    /// Each by its name: `connected`, `starting` or `down`.
    pub fn status(&self) -> BTreeMap<String, &'static str> {
        self.servers.iter().map(|server| (server.name().to_owned(), server.status())).collect()
    }

    /// Ends them all: connections are closed, processes and what they started are gone.
    pub async fn close(&self) {
        self.closing.cancel();
        self.tasks.close();
        if tokio::time::timeout(Duration::from_millis(limits::MCP_CLOSE_MS), self.tasks.wait()).await.is_err() {
            tracing::warn!(left = self.tasks.len(), "some MCP servers did not end in time");
        }
    }
}
