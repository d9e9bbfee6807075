//! The socket: [`upgrade`] decides who may in, [`session`] owns one socket for its life, [`writer`] puts out
//! what its lane holds, [`wire`] is how the library is used, [`frames`] does what a client's frame asks for,
//! [`subscribe`] resumes a conversation.
//!
//! No SQL and no NATS in here: the use cases and the traits do that.

use std::sync::Arc;

use axum::{Router, extract::FromRef, routing::get};

use super::{
    config::Config,
    hub::{
        Connection, PresenceChanged,
        lane::{Item, Reading},
    },
    state::AppState,
};
use crate::protocol::{Problem, client::Cursor, http::Role};

mod frames;
mod heartbeat;
mod home;
mod looking;
pub mod presence;
mod session;
mod subscribe;
mod upgrade;
pub mod wire;
mod writer;

use writer::Behind;

/// For a reader that is no socket: tells the others that its person is here, and ends it where its session ended
/// while it came.
pub async fn came(
    state: &AppState,
    connection: &Connection,
    changed: Option<PresenceChanged>,
    closes: u64,
    role: Role,
) {
    if let Some(changed) = changed {
        presence::tell(state, changed).await;
    }
    if state.hub.closes() != closes {
        session::end_if_outdated(state, connection, role).await;
    }
}

/// For a reader that is no socket: joins the conversation; what follows comes by the connection's lane.
pub async fn subscribe(state: &AppState, connection: &Arc<Connection>, cursor: &Cursor) -> Result<(), Problem> {
    subscribe::subscribe(state, connection, cursor, None).await
}

/// For the same: what its lane asks to be read. `None`: the log cannot be read.
pub async fn read_on(state: &AppState, connection: &Connection, reading: Reading) -> Option<Vec<Item>> {
    let Some(Behind { items, up_to, head }) = writer::next_page(state, connection, reading).await.ok()? else {
        return Some(Vec::new());
    };
    state.hub.caught_up(connection, reading, up_to, head);
    Some(items)
}

pub fn routes(state: AppState) -> Router<AppState> {
    Router::new()
        .route("/ws", get(upgrade::app))
        .route("/ws/stream", get(upgrade::stream))
        .route("/api/v1/ws/{user_id}", get(upgrade::stream_of))
        .route("/ws/dialogs/{id}", get(upgrade::dialog))
        .route("/ws/widget/dialogs/{id}", get(upgrade::widget))
        .with_state(Shared(Arc::new(state)))
}

/// The state that all sockets share: a copy each would be memory for each.
#[derive(Clone)]
struct Shared(Arc<AppState>);

impl FromRef<Shared> for Arc<Config> {
    fn from_ref(Shared(state): &Shared) -> Self {
        Arc::clone(&state.config)
    }
}
