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
    agent: Mutex<Author>,
    shown: Mutex<Shown>,
}

#[derive(Debug, Default)]
struct Shown {
    text: String,
    closed: bool,
}

impl LiveText {
    pub fn new(conversation_id: ConversationId, run_id: RunId, message_id: MessageId, agent: Author) -> Self {
        Self { conversation_id, run_id, message_id, agent: Mutex::new(agent), shown: Mutex::default() }
    }

    /// Who writes it.
    pub fn agent(&self) -> Author {
        self.agent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Somebody else goes on.
    pub fn set_agent(&self, agent: Author) {
        *self.agent.lock().unwrap_or_else(PoisonError::into_inner) = agent;
    }

    /// Writes from this byte on, and gives the frame that says so; `None` once it is closed. The frame is to be
    /// published after this, never before: a reader who joins between the two has the text already, and the
    /// frame's offset truncates it to the same.
    pub fn write(&self, offset: usize, delta: &str) -> Option<Token> {
        let mut shown = self.shown();
        if shown.closed {
            return None;
        }
        let offset = shown.text.floor_char_boundary(offset);
        shown.text.truncate(offset);
        shown.text.push_str(delta);
        Some(Token {
            conversation_id: self.conversation_id,
            run_id: self.run_id,
            message_id: self.message_id,
            agent: self.agent().name,
            offset: offset as u64,
            delta: delta.to_owned(),
        })
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
            agent: self.agent().name,
            text: shown.text.clone(),
        })
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
