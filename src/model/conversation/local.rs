//! One's own messages between writing and the log.

use super::{Change, Entry, EntryState, Thread};
use crate::{
    model::outbox::Outgoing,
    protocol::{Author, ClientId, Sender, Seq, server::Posted},
};

impl Thread {
    /// Shows a message at once, before the server has it.
    /// One that is in the log by now is not shown twice.
    pub fn echo(&mut self, message: &Outgoing, author: Author) -> Vec<Change> {
        let is_it =
            |entry: &Entry| entry.author.id == author.id && entry.client_id.as_ref() == Some(&message.client_id);
        if self.echo_at(&message.client_id).is_some() || self.entries.iter().any(is_it) {
            return Vec::new();
        }
        self.entries.push(Entry {
            key: message.client_id.to_string(),
            id: None,
            client_id: Some(message.client_id.clone()),
            seq: None,
            sender: Sender::User,
            author,
            text: message.text.clone(),
            rewrites: 0,
            at: message.at,
            state: EntryState::Sending,
            failure: None,
            edited: false,
            deleted: false,
            partial: false,
            reactions: Vec::new(),
            reply_to: message.reply_to,
            run_id: None,
            visibility: message.visibility,
        });
        self.bound();
        vec![Change::Entries]
    }

    /// The server has it, at this place in the log. Its event may come before or after.
    pub fn acked(&mut self, posted: &Posted, seq: Seq) -> Vec<Change> {
        let Some(index) = self.echo_at(&posted.client_id) else { return Vec::new() };
        let entry = &mut self.entries[index];
        if entry.seq.is_some() {
            return Vec::new();
        }
        entry.id = Some(posted.message_id);
        entry.seq = Some(seq);
        entry.at = posted.timestamp;
        entry.state = EntryState::Sent;
        entry.failure = None;
        let key = entry.key.clone();
        self.settle(index);
        vec![Change::Entries, Change::Entry(key)]
    }

    /// The server refused it, for this reason.
    pub fn failed(&mut self, client_id: &ClientId, reason: String) -> Vec<Change> {
        self.set_state(client_id, EntryState::Failed, Some(reason))
    }

    /// It is tried again.
    pub fn retried(&mut self, client_id: &ClientId) -> Vec<Change> {
        self.set_state(client_id, EntryState::Sending, None)
    }

    /// Forgets a message that the server never took.
    pub fn discarded(&mut self, client_id: &ClientId) -> Vec<Change> {
        let Some(index) = self.echo_at(client_id).filter(|&index| self.entries[index].seq.is_none()) else {
            return Vec::new();
        };
        self.entries.remove(index);
        vec![Change::Entries]
    }

    fn set_state(&mut self, client_id: &ClientId, state: EntryState, failure: Option<String>) -> Vec<Change> {
        let Some(index) = self.echo_at(client_id).filter(|&index| self.entries[index].seq.is_none()) else {
            return Vec::new();
        };
        let entry = &mut self.entries[index];
        entry.state = state;
        entry.failure = failure;
        vec![Change::Entry(entry.key.clone())]
    }

    fn echo_at(&self, client_id: &ClientId) -> Option<usize> {
        // What was written on this page has its client_id for a key: others may use the same one.
        self.entries.iter().rposition(|entry| entry.key == client_id.as_str())
    }
}
