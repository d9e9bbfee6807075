//! The agents: a run belongs to the server and its conversation, not to a socket.
//!
//! They write to the log and say things of the moment by the bus; what a socket is they do not know. A run
//! is decided by the pure [`run`] machine, performed by a [`driver`], and takes its turn in the [`queue`]. What
//! it was told is in its [`journal`], so that it outlives the server.

use std::{sync::Arc, time::Duration};

use serde_json::Value;
use tokio::sync::oneshot;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    bus::Bus,
    storage::{self, Storage},
};
use crate::{
    fresh_id,
    protocol::{
        AgentRun, Author, CallId, Code, ConversationId, Event, Message, MessageId, Problem, RunId, RunStatus, Sender,
        Seq, UserRef, limits, server::Stream,
    },
};

pub mod llm;
pub mod orchestrator;
pub mod run;
pub mod team;
pub mod tools;

mod context;
mod driver;
mod journal;
mod live;
mod places;
mod queue;

pub use queue::Hold;

use driver::{Driver, Shared};
use journal::Replayed;
use live::LiveText;
use llm::{LlmClient, LlmStatus};
use queue::{Decision, RunHandle, RunQueue};
use run::{RunSpec, UnderEpoch};
use team::{Agent, Team};
use tools::Tools;

/// Where nobody can go on with a run.
const STOPPED: &str = "The server stopped during this run. Retry to ask again.";

/// What a person says about a tool call that waits to be allowed.
#[derive(Clone, Debug)]
pub struct Verdict {
    pub call_id: CallId,
    pub approved: bool,
    pub by: UserRef,
    /// In the place of the model's own; an object.
    pub arguments: Option<Value>,
}

/// Starts, queues, shows and stops runs. Cheap to clone.
#[derive(Clone)]
pub struct Agents {
    shared: Arc<Shared>,
    queue: Arc<RunQueue>,
    tasks: TaskTracker,
}

impl Agents {
    pub fn new(storage: Arc<dyn Storage>, bus: Arc<dyn Bus>, llm: Arc<dyn LlmClient>) -> Self {
        Self::with(storage, bus, llm, Tools::built_in(), Team::built_in())
    }

    /// With a team and tools of one's own.
    pub fn with(
        storage: Arc<dyn Storage>,
        bus: Arc<dyn Bus>,
        llm: Arc<dyn LlmClient>,
        tools: Tools,
        team: impl Into<Arc<Team>>,
    ) -> Self {
        let places = Arc::default();
        let draining = CancellationToken::new();
        let shared = Shared { storage, bus, llm, tools, team: team.into(), places, draining };
        Self { shared: Arc::new(shared), queue: Arc::default(), tasks: TaskTracker::new() }
    }

    /// Called after a person's message was committed in a conversation with agents on: starts a run, or
    /// queues the question while one is on, if the message is addressed to the agents. Questions are
    /// answered in the order of these calls. Returns when the run is on disk.
    pub async fn posted(&self, conversation: ConversationId, message: &Message, members: u64) {
        let from_a_person = !matches!(message.sender, Sender::Agent | Sender::System);
        if from_a_person && (members <= 1 || self.shared.team.is_addressed(&message.text)) {
            let asked_by = UserRef { id: message.author.id, name: message.author.name.clone() };
            self.start(conversation, message.clone(), asked_by, false, None).await;
        }
    }

    /// Called after a visitor's message was committed in a dialog that the AI held under this epoch.
    pub async fn asked(&self, conversation: ConversationId, message: &Message, dialog: UnderEpoch) {
        let asked_by = UserRef { id: message.author.id, name: message.author.name.clone() };
        self.start(conversation, message.clone(), asked_by, false, Some(dialog)).await;
    }

    /// Stops every run of this conversation and lets none begin while the answer is held. Returns when they are
    /// over, or after [`limits::SILENCE_MS`]: whoever is not over by then is refused by its epoch.
    pub async fn hold(&self, conversation: ConversationId) -> Hold {
        let (hold, runs) = self.queue.hold(conversation);
        let over = futures_util::future::join_all(runs.iter().map(|run| run.over()));
        if tokio::time::timeout(Duration::from_millis(limits::SILENCE_MS), over).await.is_err() {
            tracing::warn!(%conversation, "a run did not end in time for a change of hands");
        }
        hold
    }

    /// Answers the question of a run that is over once more, in a run of its own; the asker's budget is `by`'s.
    pub async fn retry(
        &self,
        conversation: ConversationId,
        run: RunId,
        by: UserRef,
        dialog: Option<UnderEpoch>,
    ) -> Result<RunId, Problem> {
        let row = self.shared.storage.run(run).await?.filter(|row| row.conversation_id == conversation);
        let row = row.ok_or_else(|| Problem::new(Code::NotFound, "There is no such run here."))?;
        if !row.is_over {
            return Err(Problem::invalid("run_id", "this run is still going on"));
        }
        let question = match row.question {
            Some(id) => self.shared.storage.message(conversation, id).await?,
            None => None,
        };
        match question.filter(|now| !now.deleted).map(|now| now.frame.event) {
            Some(Event::Message(question)) => Ok(self.start(conversation, question, by, true, dialog).await),
            _ => Err(Problem::new(Code::NotFound, "The question of this run is gone.")),
        }
    }

    /// Returns when the run's first event is in the log: from then on it is not forgotten.
    async fn start(
        &self,
        conversation: ConversationId,
        question: Message,
        asked_by: UserRef,
        again: bool,
        dialog: Option<UnderEpoch>,
    ) -> RunId {
        let (run_id, message_id) = (fresh_id!(RunId), fresh_id!(MessageId));
        let agent = self.shared.team.answering(&question.text).author();
        let spec = RunSpec { run_id, message_id, question, asked_by, again, dialog };
        let run = self.handle(conversation, &spec, agent);
        let mut driver = Driver::new(self.shared.clone(), conversation, spec, run.clone());
        match self.queue.enter(conversation, run) {
            Some(seat) => {
                driver.ask(seat.behind).await;
                self.tasks.spawn(driver.run(seat))
            }
            None => self.tasks.spawn(async move {
                let most = limits::QUEUED_QUESTIONS;
                driver
                    .refuse(&format!("{most} questions are waiting here already. Ask again when they are answered."))
                    .await;
            }),
        };
        run_id
    }

    fn handle(&self, conversation: ConversationId, spec: &RunSpec, agent: Author) -> Arc<RunHandle> {
        let live = LiveText::new(conversation, spec.run_id, spec.message_id, agent);
        Arc::new(RunHandle::new(spec.run_id, self.shared.draining.child_token(), live))
    }

    /// Ends the run that is on (the named one, where one is named, waiting or not): the model call and the
    /// tools are gone within 200 ms. Returns when its end is in the log; `no_run` if there is none.
    pub async fn cancel(&self, conversation: ConversationId, run: Option<RunId>) -> Result<RunId, Problem> {
        let Some(run) = self.queue.find(conversation, run) else {
            return Err(Problem::new(Code::NoRun, "No run is going on here."));
        };
        run.stop();
        run.over().await;
        Ok(run.run_id)
    }

    /// Who is addressed by this handle; `agents` is the leader.
    pub fn agent(&self, handle: &str) -> Option<Arc<Agent>> {
        let team = &self.shared.team;
        let leader = (handle == "agents").then(|| team.leader());
        leader.or_else(|| team.by_handle(handle)).cloned()
    }

    /// The messages being written in this conversation, with their text so far.
    pub fn streams(&self, conversation: ConversationId) -> Vec<Stream> {
        self.queue.streams(conversation)
    }

    /// The agents that are shown typing in this conversation.
    pub fn at_work(&self, conversation: ConversationId) -> Vec<UserRef> {
        self.queue.at_work(conversation)
    }

    /// Allows or denies the call that waits, with other arguments where some are given. The first decision counts:
    /// whoever comes later hears who came first. Returns the place of the `approval_resolved` in the log.
    pub async fn approve(&self, conversation: ConversationId, run: RunId, verdict: Verdict) -> Result<Seq, Problem> {
        let gone = || Problem::new(Code::NotFound, "Nothing waits for that approval.");
        let run = self.queue.find(conversation, Some(run)).ok_or_else(gone)?;
        let Verdict { call_id, approved, by, arguments } = verdict;
        let (reply, answer) = oneshot::channel();
        if !run.decide(Decision { call_id, approved, by, arguments, reply }).await {
            return Err(gone());
        }
        answer.await.unwrap_or_else(|_| Err(gone()))
    }

    /// At start, before the first message is taken: every run that an earlier life of the server left unfinished
    /// goes on where its journal leaves it, or is marked `interrupted` where that is not safe.
    pub async fn recover(&self) -> storage::Result<()> {
        for (conversation, run_id) in self.shared.storage.unfinished_runs().await? {
            let entries = self.shared.storage.run_journal(run_id).await?;
            match journal::replay(&entries, &self.shared.team) {
                Some(mut replayed) => {
                    let question = self.shared.storage.message(conversation, replayed.spec.question.id).await?;
                    // Where it is gone, the run ends when its turn comes.
                    if let Some(Event::Message(question)) = question.map(|now| now.frame.event) {
                        replayed.spec.question = question;
                    }
                    self.go_on(conversation, replayed, entries.len() as u64).await;
                }
                None => self.end(conversation, run_id).await,
            }
        }
        Ok(())
    }

    /// One of which nothing can be told but that it is over.
    async fn end(&self, conversation: ConversationId, run_id: RunId) {
        let end = AgentRun { message: Some(STOPPED.to_owned()), ..AgentRun::new(run_id, RunStatus::Interrupted) };
        match self.shared.append(conversation, Event::AgentRun(end)).await {
            Ok(()) => tracing::info!(%conversation, run = %run_id, "a run was interrupted by the last stop"),
            Err(error) => tracing::error!(%error, run = %run_id, "a run that was interrupted could not be ended"),
        }
    }

    async fn go_on(&self, conversation: ConversationId, replayed: Replayed, entries: u64) {
        let Replayed { spec, machine, is_ours } = replayed;
        if machine.is_over() {
            // By what this team decides from the same events: the log has no end of it.
            return self.end(conversation, spec.run_id).await;
        }
        let run = self.handle(conversation, &spec, machine.agent());
        run.live.write(0, machine.text());
        let run_id = spec.run_id;
        let driver = Driver::again(self.shared.clone(), conversation, spec, run.clone(), machine, entries);
        match self.queue.enter(conversation, run) {
            Some(seat) if is_ours => {
                tracing::info!(%conversation, run = %run_id, "a run goes on after the last stop");
                self.tasks.spawn(driver.run(seat));
            }
            _ => driver.interrupt(STOPPED).await,
        }
    }

    /// At shutdown, before storage closes: no new run starts; those going on let go of their models and tools
    /// and are left to the next life of the server, or marked `interrupted` where it could not go on with them.
    /// Returns within 5 s.
    pub async fn drain(&self) {
        self.shared.draining.cancel();
        self.tasks.close();
        if tokio::time::timeout(Duration::from_millis(limits::RUNS_DRAIN_MS), self.tasks.wait()).await.is_err() {
            tracing::warn!(left = self.tasks.len(), "some runs did not end in time");
        }
    }

    /// For `GET /health/ready`: how the model is, and which it is.
    pub async fn llm_status(&self) -> (LlmStatus, Option<String>) {
        (self.shared.llm.check().await, self.shared.llm.model())
    }
}

#[cfg(test)]
mod tests;
