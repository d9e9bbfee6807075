//! Tells the people who share a conversation with somebody that they came, went or fell silent, and ends
//! typing that nobody ended.

use std::{sync::Arc, time::Duration};

use crate::{
    protocol::{EphemeralFrame, limits, server::Presence},
    server::{
        bus::{BusMessage, EncodedFrame},
        clock,
        hub::{PresenceChanged, TypingEnded},
        state::AppState,
    },
};

pub(super) async fn tell(state: &AppState, changed: PresenceChanged) {
    let ids = match state.storage.conversation_ids_of(changed.user.id).await {
        Ok(ids) => ids,
        Err(error) => {
            tracing::error!(%error, "cannot tell presence");
            return;
        }
    };
    let PresenceChanged { user, status } = changed;
    let frame = EncodedFrame::of(&EphemeralFrame::Presence(Presence { user, status, conversation_id: None }));
    state.bus.publish(BusMessage::Conversations { ids, frame }).await;
}

/// Looks for what has run out, until the server stops.
pub fn start_sweeping(state: Arc<AppState>) {
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(limits::SWEEP_INTERVAL_MS));
        while state.shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
            sweep(&state).await;
        }
    });
}

async fn sweep(state: &AppState) {
    let now = clock::now();
    for TypingEnded { typing, connection: except, audience } in state.hub.expire_typing(now) {
        let id = typing.conversation_id;
        let frame = EncodedFrame::within(&EphemeralFrame::TypingStop(typing), audience);
        state.bus.publish(BusMessage::Conversation { id, frame, except }).await;
    }
    for changed in state.hub.sweep_presence(now) {
        tell(state, changed).await;
    }
}
