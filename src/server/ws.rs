//! The socket: [`upgrade`] decides who may in, [`session`] owns one socket for its life, [`writer`] puts out
//! what its lane holds, [`wire`] is how the library is used, [`frames`] does what a client's frame asks for,
//! [`subscribe`] resumes a conversation.
//!
//! No SQL and no NATS in here: the use cases and the traits do that.

use std::sync::Arc;

use axum::{Router, extract::FromRef, routing::get};

use super::{config::Config, state::AppState};

mod frames;
mod heartbeat;
pub mod presence;
mod session;
mod subscribe;
mod upgrade;
pub mod wire;
mod writer;

pub fn routes(state: AppState) -> Router<AppState> {
    Router::new().route("/ws", get(upgrade::app)).with_state(Shared(Arc::new(state)))
}

/// The state that all sockets share: a copy each would be memory for each.
#[derive(Clone)]
struct Shared(Arc<AppState>);

impl FromRef<Shared> for Arc<Config> {
    fn from_ref(Shared(state): &Shared) -> Self {
        Arc::clone(&state.config)
    }
}
