//! Dialogs whose operator is gone go back to the queue.

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
    /// Looks for what nobody holds any more, until the server stops.
    pub fn start_sweeping(&self, shutdown: CancellationToken) {
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
        Ok(())
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
