//! The agents: a run belongs to the server and its conversation, not to a socket.

use std::sync::Arc;

use super::{
    bus::Bus,
    storage::{self, Storage},
};
use crate::protocol::{ConversationId, Message, Problem, RunId, server::Stream};

pub mod llm;

use llm::{LlmClient, LlmStatus};

/// Starts, queues, shows and stops runs. Cheap to clone.
#[derive(Clone)]
pub struct Agents {
    storage: Arc<dyn Storage>,
    bus: Arc<dyn Bus>,
    llm: Arc<dyn LlmClient>,
}

impl Agents {
    pub fn new(storage: Arc<dyn Storage>, bus: Arc<dyn Bus>, llm: Arc<dyn LlmClient>) -> Self {
        Self { storage, bus, llm }
    }

    /// Called after a person's message was committed in a conversation with agents on: starts a run, or
    /// queues the question while one is on, if the message is addressed to the agents.
    pub async fn posted(&self, conversation: ConversationId, message: &Message, members: u64) {
        let _ = (conversation, message, members, &self.storage, &self.bus);
        todo!()
    }

    /// Ends the run that is on (the named one, where one is named): the model call and the tools are gone
    /// within 200 ms. `no_run` if there is none.
    pub async fn cancel(&self, conversation: ConversationId, run: Option<RunId>) -> Result<RunId, Problem> {
        let _ = (conversation, run);
        todo!()
    }

    /// The messages being written in this conversation, with their text so far.
    pub fn streams(&self, conversation: ConversationId) -> Vec<Stream> {
        let _ = conversation;
        todo!()
    }

    /// At start, before the first message is taken: every run that an earlier life of the server left
    /// unfinished is marked `interrupted`.
    pub async fn recover(&self) -> storage::Result<()> {
        todo!()
    }

    /// At shutdown, before storage closes: no new run starts, those going on are stopped, their text kept
    /// and their end written. Returns within 5 s.
    pub async fn drain(&self) {
        todo!()
    }

    /// For `GET /health/ready`.
    pub fn llm_status(&self) -> LlmStatus {
        self.llm.status()
    }
}
