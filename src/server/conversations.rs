//! What people do with conversations: each method checks the right, the bounds, and calls storage once.
//! HTTP, the socket and the server functions all come through here.

use std::sync::Arc;

use super::{agents::Agents, bus::Bus, storage::Storage};
use crate::protocol::{
    ConversationId, MessageId, Problem, RunId, Seq,
    http::{Conversation, ConversationDetail, CreateConversation, Messages, PostMessage, User},
    server::Ack,
};

#[derive(Clone)]
pub struct Conversations {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) bus: Arc<dyn Bus>,
    pub(super) agents: Agents,
}

impl Conversations {
    pub async fn list(&self, caller: &User) -> Result<Vec<Conversation>, Problem> {
        let _ = (caller, &self.storage, &self.bus, &self.agents);
        todo!()
    }

    pub async fn create(&self, caller: &User, body: CreateConversation) -> Result<ConversationDetail, Problem> {
        let _ = (caller, body);
        todo!()
    }

    pub async fn detail(&self, caller: &User, id: ConversationId) -> Result<ConversationDetail, Problem> {
        let _ = (caller, id);
        todo!()
    }

    pub async fn add_member(&self, caller: &User, id: ConversationId, username: &str) -> Result<(), Problem> {
        let _ = (caller, id, username);
        todo!()
    }

    pub async fn remove_member(&self, caller: &User, id: ConversationId, username: &str) -> Result<(), Problem> {
        let _ = (caller, id, username);
        todo!()
    }

    pub async fn messages(
        &self,
        caller: &User,
        id: ConversationId,
        before: Option<Seq>,
        limit: Option<u64>,
    ) -> Result<Messages, Problem> {
        let _ = (caller, id, before, limit);
        todo!()
    }

    pub async fn post(&self, caller: &User, id: ConversationId, body: PostMessage) -> Result<Ack, Problem> {
        let _ = (caller, id, body);
        todo!()
    }

    pub async fn edit(
        &self,
        caller: &User,
        id: ConversationId,
        message: MessageId,
        text: String,
    ) -> Result<Seq, Problem> {
        let _ = (caller, id, message, text);
        todo!()
    }

    pub async fn delete(&self, caller: &User, id: ConversationId, message: MessageId) -> Result<Seq, Problem> {
        let _ = (caller, id, message);
        todo!()
    }

    pub async fn react(
        &self,
        caller: &User,
        id: ConversationId,
        message: MessageId,
        emoji: String,
        on: bool,
    ) -> Result<Seq, Problem> {
        let _ = (caller, id, message, emoji, on);
        todo!()
    }

    pub async fn read(&self, caller: &User, id: ConversationId, up_to: Seq) -> Result<(), Problem> {
        let _ = (caller, id, up_to);
        todo!()
    }

    pub async fn cancel(&self, caller: &User, id: ConversationId, run: Option<RunId>) -> Result<(RunId, Seq), Problem> {
        let _ = (caller, id, run);
        todo!()
    }
}
