//! The socket: [`upgrade`] decides who may in, [`session`] owns one socket for its life, [`writer`] puts out
//! what its lane holds, [`frames`] does what a client's frame asks for, [`subscribe`] resumes a conversation.
//!
//! No SQL and no NATS in here: the use cases and the traits do that.

use axum::{Router, routing::get};

use super::state::AppState;

mod frames;
mod heartbeat;
pub mod presence;
mod session;
mod subscribe;
mod upgrade;
mod writer;

pub fn routes() -> Router<AppState> {
    Router::new().route("/ws", get(upgrade::app))
}
