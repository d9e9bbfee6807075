//! An answer while it is written: what readers were shown of it so far.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::protocol::{
    Author, ConversationId, MessageId, RunId,
    server::{Stream, Token},
};

/// The text shown so far, so that a late joiner's copy and the offsets on the wire always fit together.
#[derive(Debug)]
pub struct LiveText {
    conversation_id: ConversationId,
    run_id: RunId,
    message_id: MessageId,
    agent: Author,
    shown: Mutex<Shown>,
}

#[derive(Debug, Default)]
struct Shown {
    text: String,
    closed: bool,
}

impl LiveText {
    pub fn new(conversation_id: ConversationId, run_id: RunId, message_id: MessageId, agent: Author) -> Self {
        Self { conversation_id, run_id, message_id, agent, shown: Mutex::default() }
    }

    pub fn message_id(&self) -> MessageId {
        self.message_id
    }

    pub fn agent(&self) -> &Author {
        &self.agent
    }

    /// Appends, and gives the frame that says so. It is to be published after this, never before: a reader
    /// who joins between the two has the text already, and the frame's offset truncates it to the same.
    pub fn append(&self, delta: String) -> Token {
        let mut shown = self.shown();
        let offset = shown.text.len() as u64;
        shown.text.push_str(&delta);
        Token {
            conversation_id: self.conversation_id,
            run_id: self.run_id,
            message_id: self.message_id,
            agent: self.agent.name.clone(),
            offset,
            delta,
        }
    }

    /// From here on the log tells what was written.
    pub fn close(&self) {
        *self.shown() = Shown { text: String::new(), closed: true };
    }

    /// Nothing before the first token and after the end.
    pub fn stream(&self) -> Option<Stream> {
        let shown = self.shown();
        (!shown.closed && !shown.text.is_empty()).then(|| Stream {
            run_id: self.run_id,
            message_id: self.message_id,
            agent: self.agent.name.clone(),
            text: shown.text.clone(),
        })
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
