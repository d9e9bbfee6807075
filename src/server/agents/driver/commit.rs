//! The one way from a run to the disk: what it was told and the events that follow, in one commit.

use std::{pin::pin, time::Duration};

use tokio::{select, sync::oneshot};

use super::{Driver, Shared, Source};
use crate::{
    protocol::{AgentRun, Code, EphemeralFrame, Event, Problem, RunStatus, Seq, Timestamp, limits},
    server::{
        agents::{
            journal,
            run::{RunEvent, RunSpec},
            team::Team,
        },
        clock,
        storage::{Append, Appended, RunWrite, Spent, StorageError, Write},
    },
};

/// Who waits to hear that it is on disk.
type Reply = oneshot::Sender<Result<Seq, Problem>>;

/// What the next commit takes.
#[derive(Default)]
pub(super) struct Pending {
    /// Entries of the journal that are on disk.
    kept: u64,
    journal: Vec<String>,
    events: Vec<Event>,
    spent: Option<Spent>,
    replies: Vec<Reply>,
}

impl Pending {
    pub fn open(&mut self, spec: &RunSpec, team: &Team) {
        self.journal.push(journal::opening(spec, team));
    }

    pub fn go_on(&mut self, entries: u64) {
        self.kept = entries;
    }

    pub fn told(&mut self, at: Timestamp, event: &RunEvent) {
        self.journal.push(journal::told(at, event));
    }

    pub fn append(&mut self, event: Event) {
        self.events.push(event);
    }

    pub fn spend(&mut self, spent: Spent) {
        self.spent = Some(self.spent.unwrap_or_default().plus(spent));
    }

    pub fn tell_when_committed(&mut self, reply: Reply) {
        self.replies.push(reply);
    }

    pub fn has_events(&self) -> bool {
        !self.events.is_empty()
    }
}

impl Driver {
    /// What is pending goes to the disk. A stop that comes meanwhile is not kept waiting by a slow one.
    pub(super) async fn commit(&mut self) {
        let Pending { kept, journal, events, spent, replies } = std::mem::take(&mut self.pending);
        self.pending.kept = kept + journal.len() as u64;
        if self.broken || (journal.is_empty() && events.is_empty()) {
            return;
        }
        if events.iter().any(|event| matches!(event, Event::Message(_))) {
            // From here on the log tells what was written.
            self.run.live.close();
        }
        // Who decided is told the place of the decision, not that of what follows from it.
        let behind = events.iter().rev().position(|event| matches!(event, Event::ApprovalResolved(_)));
        let behind = behind.unwrap_or_default() as u64;
        let spent = spent.map(|spent| (self.spec.asked_by.id, spent));
        let epoch = self.spec.dialog.as_ref().map(|dialog| dialog.epoch);
        let step = RunWrite { run_id: self.spec.run_id, events, journal, from: kept, spent, epoch };
        let append = Append { conversation_id: self.conversation, at: clock::now(), write: Write::Run(step) };
        let shared = self.shared.clone();
        let written = {
            let mut write = pin!(write(&shared, append));
            select! {
                biased;
                written = &mut write => written,
                () = self.run.cancel.cancelled() => {
                    self.source = Source::Nothing;
                    write.await
                }
            }
        };
        if let Err(StorageError::StaleEpoch(_)) = &written {
            tracing::debug!(run = %self.spec.run_id, "somebody else took the dialog");
            (self.broken, self.overtaken) = (true, true);
            self.source = Source::Nothing;
        } else if let Err(error) = &written {
            tracing::error!(%error, run = %self.spec.run_id, "the log did not take an agents' event");
            self.broken = true;
            self.source = Source::Nothing;
        }
        for reply in replies {
            let problem = |_: &StorageError| Problem::new(Code::Unavailable, "The decision could not be stored.");
            // Who asked may be gone.
            let _ = reply
                .send(written.as_ref().map(|appended| Seq(appended.seq.0.saturating_sub(behind))).map_err(problem));
        }
    }

    /// After the log refused an event the run is over without an end: tries a few times to write one. If
    /// that fails too, the next start goes on with it or marks it `interrupted`.
    pub(super) async fn mend(&mut self) {
        if !self.broken {
            return;
        }
        if self.overtaken {
            return self.fall_silent().await;
        }
        let why = "The server could not write to its database.".to_owned();
        let frame = Problem::new(Code::RunFailed, why.clone()).into_frame(None);
        self.shared.publish(self.conversation, EphemeralFrame::Error(frame)).await;
        self.typing(false).await;
        let mut events: Vec<Event> = self.machine.partial().map(Event::Message).into_iter().collect();
        events.push(Event::AgentRun(AgentRun {
            message: Some(why),
            ..AgentRun::new(self.spec.run_id, RunStatus::Failed)
        }));
        self.write_end(events).await;
    }

    /// The dialog is in other hands: all that is left to say is that the run is over, if it ever began.
    async fn fall_silent(&mut self) {
        self.typing(false).await;
        match self.shared.storage.run(self.spec.run_id).await {
            Ok(Some(_)) => {}
            Ok(None) => return,
            Err(error) => tracing::error!(%error, run = %self.spec.run_id, "a run could not be looked at"),
        }
        let message = Some("Somebody else took over.".to_owned());
        let end = AgentRun { message, ..AgentRun::new(self.spec.run_id, RunStatus::Cancelled) };
        self.write_end(vec![Event::AgentRun(end)]).await;
    }

    async fn write_end(&mut self, events: Vec<Event>) {
        let epoch = self.spec.dialog.as_ref().map(|dialog| dialog.epoch);
        let end = RunWrite { run_id: self.spec.run_id, events, journal: Vec::new(), from: 0, spent: None, epoch };
        let append = Append { conversation_id: self.conversation, at: clock::now(), write: Write::Run(end) };
        if let Err(error) = write(&self.shared, append).await {
            tracing::error!(%error, run = %self.spec.run_id, "the end of a run could not be written");
        }
    }
}

/// Tries a few times: a database that fails for a moment is no reason to give a run up. Its journal's places are
/// taken once, so that nothing is written twice.
async fn write(shared: &Shared, append: Append) -> Result<Appended, StorageError> {
    for wait_ms in limits::RUN_WRITE_RETRIES_MS {
        match shared.storage.append(append.clone()).await {
            Err(StorageError::Database(error)) => tracing::warn!(%error, "a step of a run was not written; once more"),
            written => return written,
        }
        tokio::time::sleep(Duration::from_millis(wait_ms)).await;
    }
    shared.storage.append(append).await
}
