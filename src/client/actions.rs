//! What a person does.

use super::Client;
use crate::protocol::{ConversationId, MessageId, Problem, Seq};

impl Client {
    /// Shows this conversation live: subscribes where the page opens it. Idempotent.
    pub fn open(self, _conversation: ConversationId) {
        todo!()
    }

    /// Sends a message: shown at once as `sending`, kept until the server has it. Blank text is nothing.
    pub fn send(self, _conversation: ConversationId, _text: &str, _reply_to: Option<MessageId>) {
        todo!()
    }

    /// Sends a failed message again, under the same client_id.
    pub fn retry(self, _conversation: ConversationId, _key: &str) {
        todo!()
    }

    /// Forgets a message that was not sent.
    pub fn discard(self, _conversation: ConversationId, _key: &str) {
        todo!()
    }

    pub fn edit(self, _conversation: ConversationId, _message: MessageId, _text: &str) {
        todo!()
    }

    pub fn delete(self, _conversation: ConversationId, _message: MessageId) {
        todo!()
    }

    pub fn react(self, _conversation: ConversationId, _message: MessageId, _emoji: &str, _on: bool) {
        todo!()
    }

    /// Call on every key: what goes out is throttled, and the stop is said when the keys stop.
    pub fn typing(self, _conversation: ConversationId) {
        todo!()
    }

    /// The composer was emptied or left.
    pub fn stopped_typing(self, _conversation: ConversationId) {
        todo!()
    }

    /// The reader has seen everything up to here. Going back is nothing.
    pub fn read(self, _conversation: ConversationId, _up_to: Seq) {
        todo!()
    }

    /// Stops the run that is on.
    pub fn cancel(self, _conversation: ConversationId) {
        todo!()
    }

    /// Fetches the page before the first message shown.
    pub async fn load_older(self, _conversation: ConversationId) -> Result<(), Problem> {
        todo!()
    }

    /// Ends the session and forgets everything; the caller then leads to `/login`.
    pub async fn sign_out(self) -> Result<(), Problem> {
        todo!()
    }

    /// Takes a notice off the screen.
    pub fn dismiss(self, _notice: u64) {
        todo!()
    }
}
