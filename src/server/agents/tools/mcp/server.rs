//! One server over its whole life: started, asked for its tools, watched, started again. The pauses between two
//! starts grow, up to a bound.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::RwLock;
use rmcp::{Peer, RoleClient, model};
use tokio::{
    select,
    sync::{Notify, watch},
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{connection::Connection, tool::McpTool};
use crate::{
    protocol::limits,
    server::{
        agents::tools::{Tool, ToolSource},
        config::McpServer,
    },
};

pub(super) struct Server {
    pub config: McpServer,
    state: watch::Sender<State>,
    /// The last that it said it has: they stay while it is down.
    tools: RwLock<Vec<Arc<dyn Tool>>>,
    /// A call failed in a way that lets one doubt whether it lives.
    doubt: Notify,
}

#[derive(Clone)]
enum State {
    Starting,
    Up(Peer<RoleClient>),
    /// Why, in words.
    Down(String),
}

/// What ended a connection.
enum End {
    Closing,
    Lost(String),
}

impl Server {
    pub(super) fn new(config: McpServer) -> Self {
        Self { config, state: watch::Sender::new(State::Starting), tools: RwLock::default(), doubt: Notify::new() }
    }

    pub(super) fn status(&self) -> &'static str {
        match *self.state.borrow() {
            State::Starting => "starting",
            State::Up(_) => "connected",
            State::Down(_) => "down",
        }
    }

    /// To call it; while it starts for the first time, once it did.
    pub(super) async fn peer(&self) -> Result<Peer<RoleClient>, String> {
        self.ready().await;
        let name = &self.config.name;
        match &*self.state.borrow() {
            State::Up(peer) => Ok(peer.clone()),
            State::Starting => Err(format!("The MCP server {name} is still starting. Try again later.")),
            State::Down(why) => Err(format!("The MCP server {name} is down: {why}. It is started again soon.")),
        }
    }

    /// Has somebody look whether it still answers.
    pub(super) fn doubt(&self) {
        self.doubt.notify_one();
    }

    /// Keeps it running until `closing`.
    pub(super) async fn keep(self: Arc<Self>, closing: CancellationToken) {
        let mut pause = Duration::from_millis(limits::MCP_RESTART_MS);
        loop {
            let since = Instant::now();
            match self.clone().live(&closing).await {
                End::Closing => return,
                End::Lost(why) => {
                    tracing::warn!(server = %self.config.name, %why, pause_ms = pause.as_millis(), "an MCP server is down");
                    self.state.send_replace(State::Down(why));
                }
            }
            let longest = Duration::from_millis(limits::MCP_RESTART_MAX_MS);
            if since.elapsed() > longest {
                pause = Duration::from_millis(limits::MCP_RESTART_MS);
            }
            select! {
                () = closing.cancelled() => return,
                () = sleep(pause) => pause = (pause * 2).min(longest),
            }
        }
    }

    /// One connection, from its start to its end.
    async fn live(self: Arc<Self>, closing: &CancellationToken) -> End {
        let opened = select! {
            () = closing.cancelled() => return End::Closing,
            opened = Connection::open(&self.config) => opened,
        };
        let mut connection = match opened {
            Ok(connection) => connection,
            Err(why) => return End::Lost(why),
        };
        let end = self.clone().listed_and_watched(&mut connection, closing).await;
        connection.close(&self.config.name).await;
        end
    }

    async fn listed_and_watched(self: Arc<Self>, connection: &mut Connection, closing: &CancellationToken) -> End {
        if let Err(why) = self.clone().list(connection).await {
            return End::Lost(why);
        }
        self.state.send_replace(State::Up(connection.peer.clone()));
        tracing::info!(server = %self.config.name, tools = self.tools.read().len(), "an MCP server is connected");
        let changed = connection.tools_changed.clone();
        loop {
            select! {
                () = closing.cancelled() => return End::Closing,
                () = connection.over() => return End::Lost("it ended".into()),
                () = changed.notified() => {
                    if let Err(why) = self.clone().list(connection).await {
                        return End::Lost(why);
                    }
                }
                () = self.doubt.notified() => {
                    if !connection.is_alive().await {
                        return End::Lost("it no longer answers".into());
                    }
                }
                () = sleep(Duration::from_millis(limits::MCP_LOOK_MS)) => self.doubt(),
            }
        }
    }

    /// Asks for the tools that it has now.
    async fn list(self: Arc<Self>, connection: &Connection) -> Result<(), String> {
        let listed = connection.tools().await?;
        let many = listed.len();
        let mut tools: Vec<Arc<dyn Tool>> = Vec::new();
        for tool in listed.into_iter().take(limits::MCP_TOOLS) {
            if let Some(tool) = self.clone().offered(tool)
                && tools.iter().all(|before| before.name() != tool.name())
            {
                tools.push(Arc::new(tool));
            }
        }
        if tools.len() < many {
            tracing::warn!(server = %self.config.name, many, kept = tools.len(), "some tools are not offered");
        }
        *self.tools.write() = tools;
        Ok(())
    }

    fn offered(self: Arc<Self>, tool: model::Tool) -> Option<McpTool> {
        McpTool::of(self, tool)
    }
}

#[async_trait]
impl ToolSource for Server {
    fn name(&self) -> &str {
        &self.config.name
    }

    fn tools(&self) -> Vec<Arc<dyn Tool>> {
        self.tools.read().clone()
    }

    async fn ready(&self) {
        let mut state = self.state.subscribe();
        let started = state.wait_for(|state| !matches!(state, State::Starting));
        let _ = timeout(Duration::from_millis(limits::MCP_READY_MS), started).await;
    }
}

#[cfg(test)]
mod tests;
