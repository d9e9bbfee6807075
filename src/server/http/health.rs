//! What probes and load balancers ask: does the process serve, is it ready, how many sockets are there.

use std::{sync::Arc, time::Duration};

use axum::{Json, extract::State, http::StatusCode};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    protocol::limits,
    server::{
        agents::{Agents, tools::mcp::McpServers},
        bus::Bus,
        clock,
        hub::Hub,
        storage::Storage,
    },
};

pub(super) async fn health() -> Json<Value> {
    Json(json!({ "status": "healthy", "timestamp": clock::now() }))
}

/// Asks each part and names the one that failed. What exactly is wrong stands in the log: this answers anyone.
pub(super) async fn ready(
    State(agents): State<Agents>,
    State(bus): State<Arc<dyn Bus>>,
    State(storage): State<Arc<dyn Storage>>,
    State(mcp): State<McpServers>,
) -> (StatusCode, Json<Value>) {
    let patience = Duration::from_millis(limits::HEALTH_CHECK_MS);
    let database = timeout(patience, storage.health()).await;
    let database = told("database", database.map(|result| result.map(|()| "connected")));
    let bus = told("bus", timeout(patience, bus.health()).await);
    // A model that is away leaves a chat that works: it is told, and does not count.
    let (llm_status, llm_model) = agents.llm_status().await;
    let is_ready = database.is_some() && bus.is_some();
    let body = json!({
        "status": if is_ready { "ready" } else { "not_ready" },
        "llm_status": llm_status.as_str(),
        "llm_model": llm_model,
        "database": database.unwrap_or("failed"),
        "bus": bus.unwrap_or("failed"),
        // A server of tools that is down makes nobody wait: its tools say so.
        "mcp_servers": mcp.status(),
        "timestamp": clock::now(),
    });
    (if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, Json(body))
}

fn told<E: std::fmt::Display>(
    part: &'static str,
    answer: Result<Result<&'static str, E>, tokio::time::error::Elapsed>,
) -> Option<&'static str> {
    match answer {
        Ok(Ok(word)) => return Some(word),
        Ok(Err(error)) => tracing::warn!(part, %error, "not ready"),
        Err(_) => tracing::warn!(part, "not ready: no answer in time"),
    }
    None
}

pub(super) async fn sockets(State(hub): State<Arc<Hub>>) -> Json<Value> {
    let active = hub.connections();
    Json(json!({ "active_connections": active, "status": "healthy", "timestamp": clock::now() }))
}
