//! Operators see who else looks at a dialog.

use crate::{
    protocol::{
        Audience, ConversationId, EphemeralFrame,
        http::{Kind, Role},
        server::{Presence, PresenceStatus},
    },
    server::{
        bus::{BusMessage, EncodedFrame},
        hub::Connection,
        state::AppState,
    },
};

/// After an operator subscribed to a dialog.
pub(super) async fn began(state: &AppState, connection: &Connection, id: ConversationId) {
    tell(state, connection, id, PresenceStatus::Online).await;
}

/// After a subscription ended; the last one of its person is told.
pub(super) async fn stopped(state: &AppState, connection: &Connection, id: ConversationId) {
    if !state.hub.lookers(id).contains(&connection.user) {
        tell(state, connection, id, PresenceStatus::Offline).await;
    }
}

async fn tell(state: &AppState, connection: &Connection, id: ConversationId, status: PresenceStatus) {
    let is_operator = matches!(connection.role, Role::Operator | Role::Admin);
    if !is_operator || state.conversations.kind(id) != Some(Kind::Dialog) {
        return;
    }
    let presence = Presence { user: connection.user.clone(), status, conversation_id: Some(id) };
    let frame = EncodedFrame::within(&EphemeralFrame::Presence(presence), Audience::Operators);
    state.bus.publish(BusMessage::Conversation { id, frame, except: Some(connection.id) }).await;
}
