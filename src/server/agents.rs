//! The agents: a run belongs to the server and its conversation, not to a socket.

use std::sync::Arc;

use super::{bus::Bus, storage::Storage};
use crate::protocol::{ConversationId, Message, Problem, RunId, server::Stream};

/// Starts, queues, shows and stops runs.
#[derive(Clone)]
pub struct Agents {
    storage: Arc<dyn Storage>,
    bus: Arc<dyn Bus>,
}

impl Agents {
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
}
