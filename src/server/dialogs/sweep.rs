//! Dialogs whose operator is gone go back to the queue; those that wait go to who is there, where a site assigns.

use std::{collections::HashMap, time::Duration};

use tokio_util::sync::CancellationToken;

use super::{Dialogs, Step, hands, server};
use crate::{
    protocol::{ConversationId, Problem, Timestamp, UserId, dialog::ControlChanged, limits, server::PresenceStatus},
    server::clock,
};

/// Since when each operator who holds something is offline.
pub type Gone = HashMap<UserId, Timestamp>;

impl Dialogs {
    /// Looks for what nobody holds any more, and for what nobody ever used, until the server stops.
    pub fn start_sweeping(&self, shutdown: CancellationToken) {
        self.start_forgetting(shutdown.clone());
        let this = self.clone();
        tokio::spawn(async move {
            let mut gone = Gone::new();
            let mut ticks = tokio::time::interval(Duration::from_millis(limits::DIALOG_SWEEP_MS));
            while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
                if let Err(problem) = this.sweep(&mut gone, clock::now()).await {
                    tracing::error!(%problem, "dialogs of operators who are gone could not be looked at");
                }
            }
        });
    }

    /// Back to the queue goes what its operator, offline for [`limits::OPERATOR_GONE_MS`], holds.
    async fn sweep(&self, gone: &mut Gone, now: Timestamp) -> Result<(), Problem> {
        let held = self.storage.held_dialogs().await?;
        gone.retain(|user, _| held.iter().any(|(_, holder)| holder == user));
        for (id, holder) in held {
            if self.hub.presence(holder) != PresenceStatus::Offline {
                gone.remove(&holder);
                continue;
            }
            let since = *gone.entry(holder).or_insert(now);
            if now.as_ms() - since.as_ms() >= limits::OPERATOR_GONE_MS {
                self.give_back(id, holder).await?;
            }
        }
        self.assign_what_waits().await
    }

    async fn give_back(&self, id: ConversationId, holder: UserId) -> Result<(), Problem> {
        let (appended, standing) = self
            .take_step(id, |row, scene| {
                let is_theirs = row.control.owner.is(holder);
                let next = is_theirs.then(|| hands::nobody(&row.control, scene)).flatten();
                let reason = Some("The operator went offline.".to_owned());
                Ok(Step { control: next.map(|state| ControlChanged { state, by: server(), reason }), message: None })
            })
            .await?;
        if appended.changed {
            tracing::info!(dialog = %id, "back to the queue: its operator is gone");
            self.assign(id, &standing).await;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fresh_id,
        protocol::{
            client::Control,
            dialog::{ControlAction, ControlState, DialogStatus, Owner},
        },
        server::{hub::Connection, payload::Encoding},
    };

    #[tokio::test]
    async fn an_operator_who_is_gone_for_a_while_gives_the_dialog_back() {
        let (_data, state, anna, id) = super::super::tests::house().await;
        let (storage, at) = (&state.storage, clock::now());
        let take = Control { conversation_id: id, action: ControlAction::Take, epoch: 1, to: None };
        state.conversations.control(&anna, take).await.unwrap();

        let (session, connection) = (fresh_id!(crate::protocol::SessionId), fresh_id!(crate::protocol::ConnectionId));
        let here = Connection::new(connection, anna.as_ref(), session, at, at, Encoding::Plain).into();
        assert!(state.hub.connect(&here).is_ok());
        let (mut gone, later) = (Gone::new(), |ms: i64| Timestamp::from_ms(at.as_ms() + ms));
        let standing = async || storage.dialog(id).await.unwrap().unwrap().control;
        for ms in [0, limits::OPERATOR_GONE_MS * 2] {
            state.dialogs.sweep(&mut gone, later(ms)).await.unwrap();
            assert!(standing().await.owner.is(anna.id), "she is here");
        }
        state.hub.disconnect(&here);
        let left = later(limits::OPERATOR_GONE_MS * 3);
        state.hub.sweep_presence(left);
        state.dialogs.sweep(&mut gone, left).await.unwrap();
        let still = Timestamp::from_ms(left.as_ms() + limits::OPERATOR_GONE_MS - 1);
        state.dialogs.sweep(&mut gone, still).await.unwrap();
        assert!(standing().await.owner.is(anna.id), "a moment is nothing");
        let over = Timestamp::from_ms(left.as_ms() + limits::OPERATOR_GONE_MS);
        state.dialogs.sweep(&mut gone, over).await.unwrap();
        let queued = ControlState { owner: Owner::Queue { team: None }, status: DialogStatus::Open, epoch: 3 };
        assert_eq!(standing().await, queued);
    }
}
