//! The operators' lists: whoever is here hears of every dialog that changed, soon after it did.
//!
//! A line is each operator's own (what is unread), so it is read for each; changes of one dialog that come together
//! are told once.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    protocol::{
        ConversationId, EphemeralFrame, Event, UserId,
        http::Kind,
        limits,
        server::{ConversationChanged, ListChange},
    },
    server::{
        bus::{Bus, BusMessage, EncodedFrame},
        hub::Hub,
        storage::{LoggedFrame, Storage},
    },
};

/// Where changes are handed in.
#[derive(Clone)]
pub struct Desk(mpsc::Sender<ConversationId>);

/// What [`Desk`] is the other end of.
pub struct Changes(mpsc::Receiver<ConversationId>);

pub fn desk() -> (Desk, Changes) {
    let (sender, receiver) = mpsc::channel(limits::DESK_QUEUE);
    (Desk(sender), Changes(receiver))
}

impl Desk {
    /// Never waits: where too many changes wait already, the list is told of a later one.
    pub fn saw(&self, frame: &LoggedFrame) {
        let shows = matches!(frame.event, Event::Message(_) | Event::Control(_) | Event::Edited(_) | Event::Deleted(_));
        if frame.kind == Kind::Dialog && shows && self.0.try_send(frame.conversation_id).is_err() {
            tracing::warn!(dialog = %frame.conversation_id, "the operators' lists are behind");
        }
    }
}

impl Changes {
    /// Tells until the server stops.
    pub fn start(mut self, storage: Arc<dyn Storage>, hub: Arc<Hub>, bus: Arc<dyn Bus>, shutdown: CancellationToken) {
        tokio::spawn(async move {
            let mut told = HashSet::new();
            while let Some(Some(first)) = shutdown.run_until_cancelled(self.0.recv()).await {
                tokio::time::sleep(Duration::from_millis(limits::DESK_GATHER_MS)).await;
                let mut changed = HashSet::from([first]);
                while let Ok(next) = self.0.try_recv() {
                    changed.insert(next);
                }
                let operators = hub.operators();
                for id in changed {
                    let change = if told.insert(id) { ListChange::Added } else { ListChange::Changed };
                    for operator in &operators {
                        tell(&*storage, &*bus, *operator, id, change).await;
                    }
                }
                if told.len() > limits::REMEMBERED_CONVERSATIONS {
                    told.clear();
                }
            }
        });
    }
}

async fn tell(storage: &dyn Storage, bus: &dyn Bus, operator: UserId, id: ConversationId, change: ListChange) {
    match storage.conversation_of(operator, id).await {
        Ok(Some(conversation)) => {
            let frame = EphemeralFrame::Conversation(ConversationChanged { conversation, change });
            bus.publish(BusMessage::User { id: operator, frame: EncodedFrame::of(&frame) }).await;
        }
        Ok(None) => {}
        Err(error) => tracing::error!(%error, "a line of the operators' lists could not be read"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use super::*;
    use crate::{
        fresh_id,
        protocol::{
            Audience, Seq, Timestamp,
            dialog::{ControlChanged, ControlState, DialogStatus, Owner},
        },
        server::dialogs::server,
    };

    fn change(id: ConversationId) -> LoggedFrame {
        let state = ControlState { owner: Owner::Ai, status: DialogStatus::Open, epoch: 2 };
        LoggedFrame {
            conversation_id: id,
            seq: Seq(2),
            timestamp: Timestamp::from_ms(1),
            kind: Kind::Dialog,
            event: Event::Control(ControlChanged { state, by: server(), reason: None }),
            audience: Audience::Everyone,
            payload: "{}".into(),
            for_visitors: OnceLock::new(),
        }
    }

    #[test]
    fn so_many_changes_wait_and_whoever_commits_one_more_does_not() {
        let (desk, Changes(mut waiting)) = desk();
        for _ in 0..=limits::DESK_QUEUE {
            desk.saw(&change(fresh_id!(ConversationId)));
        }
        assert_eq!(waiting.len(), limits::DESK_QUEUE);
        waiting.try_recv().unwrap();
        let later = fresh_id!(ConversationId);
        desk.saw(&change(later));
        let told: Vec<_> = std::iter::from_fn(|| waiting.try_recv().ok()).collect();
        assert_eq!((told.len(), told.last()), (limits::DESK_QUEUE, Some(&later)), "of a later one they are told");
    }
}
