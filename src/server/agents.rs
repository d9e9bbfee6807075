//! The agents: a run belongs to the server and its conversation, not to a socket.
//!
//! They write to the log and say things of the moment by the bus; what a socket is they do not know. A run
//! is decided by the pure [`run`] machine, performed by a [`driver`], and takes its turn in the [`queue`].

use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    bus::Bus,
    storage::{self, Storage},
};
use crate::{
    fresh_id,
    protocol::{
        AgentRun, Code, ConversationId, Event, Message, MessageId, Problem, RunId, RunStatus, Sender, UserRef, limits,
        server::Stream,
    },
};

pub mod llm;
pub mod orchestrator;
pub mod run;
pub mod team;
pub mod tools;

mod context;
mod driver;
mod live;
mod queue;

use driver::{Driver, Shared};
use live::LiveText;
use llm::{LlmClient, LlmStatus};
use queue::{RunHandle, RunQueue};
use team::Team;
use tools::Tools;

/// Starts, queues, shows and stops runs. Cheap to clone.
#[derive(Clone)]
pub struct Agents {
    shared: Arc<Shared>,
    team: Arc<Team>,
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
        let places = Arc::new(Semaphore::new(limits::CONCURRENT_RUNS));
        let shared = Shared { storage, bus, llm, tools, places, draining: CancellationToken::new() };
        Self { shared: Arc::new(shared), team: team.into(), queue: Arc::default(), tasks: TaskTracker::new() }
    }

    /// Called after a person's message was committed in a conversation with agents on: starts a run, or
    /// queues the question while one is on, if the message is addressed to the agents. Questions are
    /// answered in the order of these calls; the call itself waits for nothing.
    pub async fn posted(&self, conversation: ConversationId, message: &Message, members: u64) {
        let from_a_person = !matches!(message.sender, Sender::Agent | Sender::System);
        if from_a_person && (members <= 1 || self.team.is_addressed(&message.text)) {
            self.start(conversation, message.clone());
        }
    }

    fn start(&self, conversation: ConversationId, question: Message) {
        let agent = self.team.answering(&question.text);
        let run_id = fresh_id!(RunId);
        let live = LiveText::new(conversation, run_id, fresh_id!(MessageId), agent.author());
        let run = Arc::new(RunHandle::new(run_id, self.shared.draining.child_token(), live));
        let driver = Driver::new(self.shared.clone(), conversation, question, agent, run.clone());
        match self.queue.enter(conversation, run) {
            Some(seat) => self.tasks.spawn(driver.run(seat)),
            None => self.tasks.spawn(async move {
                let most = limits::QUEUED_QUESTIONS;
                driver
                    .refuse(&format!("{most} questions are waiting here already. Ask again when they are answered."))
                    .await;
            }),
        };
    }

    /// Ends the run that is on (the named one, where one is named, waiting or not): the model call and the
    /// tools are gone within 200 ms. Returns when its end is in the log; `no_run` if there is none.
    pub async fn cancel(&self, conversation: ConversationId, run: Option<RunId>) -> Result<RunId, Problem> {
        let Some(run) = self.queue.find(conversation, run) else {
            return Err(Problem::new(Code::NoRun, "No run is going on here."));
        };
        run.cancel.cancel();
        run.over().await;
        Ok(run.run_id)
    }

    /// The messages being written in this conversation, with their text so far.
    pub fn streams(&self, conversation: ConversationId) -> Vec<Stream> {
        self.queue.streams(conversation)
    }

    /// The agents that are shown typing in this conversation.
    pub fn at_work(&self, conversation: ConversationId) -> Vec<UserRef> {
        self.queue.at_work(conversation)
    }

    /// At start, before the first message is taken: every run that an earlier life of the server left
    /// unfinished is marked `interrupted`.
    pub async fn recover(&self) -> storage::Result<()> {
        for (conversation, run_id) in self.shared.storage.unfinished_runs().await? {
            let message = Some("The server stopped during this run. Ask again to get an answer.".to_owned());
            let end = AgentRun { message, ..AgentRun::new(run_id, RunStatus::Interrupted) };
            self.shared.append(conversation, Event::AgentRun(end)).await?;
            tracing::info!(%conversation, run = %run_id, "a run was interrupted by the last stop");
        }
        Ok(())
    }

    /// At shutdown, before storage closes: no new run starts, those going on are stopped, their text kept
    /// and their end written. Returns within 5 s.
    pub async fn drain(&self) {
        self.shared.draining.cancel();
        self.tasks.close();
        if tokio::time::timeout(Duration::from_millis(limits::RUNS_DRAIN_MS), self.tasks.wait()).await.is_err() {
            tracing::warn!(left = self.tasks.len(), "some runs did not end in time");
        }
    }

    /// For `GET /health/ready`.
    pub fn llm_status(&self) -> LlmStatus {
        self.shared.llm.status()
    }
}
