//! `GET /metrics`: Prometheus text, for who has the token, else for this machine alone.

use std::net::SocketAddr;

use axum::{
    extract::{ConnectInfo, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};

use super::state::AppState;
use crate::protocol::{Code, Problem};

/// Headers that a proxy adds: who comes through one is not on this machine.
const FORWARDED: [&str; 3] = ["forwarded", "x-forwarded-for", "x-real-ip"];

pub(super) async fn scrape(
    State(state): State<AppState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response {
    if let Err(problem) = may_scrape(&state, peer, &headers) {
        return problem.into_response();
    }
    let lanes = state.hub.lanes();
    metrics::gauge!("magpie_connections").set(lanes.count as f64);
    metrics::gauge!("magpie_lane_bytes").set(lanes.bytes as f64);
    metrics::gauge!("magpie_lane_bytes_max").set(lanes.fullest as f64);
    let content_type = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, content_type)], state.metrics.render()).into_response()
}

fn may_scrape(state: &AppState, peer: SocketAddr, headers: &HeaderMap) -> Result<(), Problem> {
    match &state.config.server.metrics_token {
        Some(token) => {
            let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
            match bearer.and_then(|value| value.strip_prefix("Bearer ")) {
                Some(given) if token.matches(given.as_bytes()) => Ok(()),
                _ => Err(Problem::new(Code::Unauthorized, "The metrics want MAGPIE_METRICS_TOKEN as bearer.")),
            }
        }
        None => {
            let is_direct = !FORWARDED.iter().any(|name| headers.contains_key(*name));
            if peer.ip().to_canonical().is_loopback() && is_direct {
                return Ok(());
            }
            Err(Problem::forbidden("Set MAGPIE_METRICS_TOKEN to read the metrics from another machine."))
        }
    }
}
