//! What one device remembers over all its connections: its copies, what it has to send, what it was told.

use std::collections::{BTreeMap, HashMap, VecDeque};

use magpie::{
    fresh_id,
    protocol::{ClientId, ConversationId, MessageId},
};
use serde_json::{Value, json};

use super::{
    copy::Copy,
    membership::{Membership, Standing},
};

/// A message on its way, from the first try to its ack.
#[derive(Clone, Debug)]
pub struct Letter {
    pub room: ConversationId,
    pub client_id: ClientId,
    pub text: String,
    /// Written to the connection that is open now.
    pub on_wire: bool,
    /// Refused while its author was out of the room; tried again later.
    pub parked: bool,
}

/// What was ever to be sent, for the checker.
#[derive(Clone, Debug)]
pub struct Written {
    pub room: ConversationId,
    pub client_id: ClientId,
    pub text: String,
    /// Where its author stood in the room at the first try.
    pub first_sent_as: Option<Membership>,
    /// Its author was out of the room between the first try and the ack, so that it may have been refused: its
    /// place among the others is not promised.
    pub was_out: bool,
}

/// An edit, a deletion, a reaction: sent until it is acked or refused.
#[derive(Clone, Debug)]
pub struct Change {
    pub reference: String,
    pub kind: &'static str,
    pub payload: Value,
    pub on_wire: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ack {
    pub room: ConversationId,
    pub client_id: ClientId,
    pub seq: u64,
    pub message_id: String,
    pub duplicate: bool,
}

/// A durable frame that came while its reader was being removed, or was gone.
#[derive(Clone, Copy, Debug)]
pub struct Late {
    pub room: ConversationId,
    /// Which removal: 0 is the first.
    pub removal: usize,
    pub seq: u64,
}

#[derive(Default)]
pub struct Book {
    pub copies: BTreeMap<ConversationId, Copy>,
    pub outbox: VecDeque<Letter>,
    pub written: Vec<Written>,
    pub changes: VecDeque<Change>,
    pub acks: Vec<Ack>,
    pub late: Vec<Late>,
    /// What the server may never do, seen on the wire.
    pub wrong: Vec<String>,
    pub seen: HashMap<&'static str, u64>,
    references: u64,
}

impl Book {
    pub fn write(&mut self, room: ConversationId, text: String) {
        let client_id = ClientId::from(fresh_id!(MessageId));
        let letter = Letter { room, client_id: client_id.clone(), text: text.clone(), on_wire: false, parked: false };
        self.outbox.push_back(letter);
        self.written.push(Written { room, client_id, text, first_sent_as: None, was_out: false });
    }

    pub fn change(&mut self, kind: &'static str, payload: Value) {
        self.references += 1;
        let reference = format!("change {}", self.references);
        self.changes.push_back(Change { reference, kind, payload, on_wire: false });
    }

    pub fn next_reference(&mut self, what: &str) -> String {
        self.references += 1;
        format!("{what} {}", self.references)
    }

    pub fn count(&mut self, what: &'static str) {
        *self.seen.entry(what).or_default() += 1;
    }

    /// Nothing is on the wire any more.
    pub fn disconnected(&mut self) {
        self.outbox.iter_mut().for_each(|letter| letter.on_wire = false);
        self.changes.iter_mut().for_each(|change| change.on_wire = false);
        self.copies.values_mut().for_each(Copy::forget_ahead);
    }

    /// A message goes out, now and where its author stands so.
    pub fn sent(&mut self, client_id: &ClientId, standing: Membership) {
        if let Some(written) = self.written.iter_mut().find(|written| written.client_id == *client_id) {
            written.first_sent_as.get_or_insert(standing);
        }
    }

    pub fn acked(&mut self, frame: &Value, standing: impl Fn(ConversationId) -> Membership) {
        let Some(ack) = ack_of(frame) else {
            self.wrong.push(format!("an ack of a chat without its fields: {frame}"));
            return;
        };
        let now = standing(ack.room);
        let is_it = |written: &&mut Written| written.client_id == ack.client_id;
        if let Some(written) = self.written.iter_mut().find(is_it) {
            let still = now.standing == Standing::Member && written.first_sent_as == Some(now);
            written.was_out |= !still;
        }
        self.count(if ack.duplicate { "acks of duplicates" } else { "acks" });
        self.outbox.retain(|letter| letter.client_id != ack.client_id);
        self.acks.push(ack);
    }

    pub fn refused(&mut self, client_id: &str) {
        for letter in self.outbox.iter_mut().filter(|letter| letter.client_id.as_str() == client_id) {
            (letter.parked, letter.on_wire) = (true, false);
        }
        for written in self.written.iter_mut().filter(|written| written.client_id.as_str() == client_id) {
            written.was_out = true;
        }
    }

    /// The room takes messages again.
    pub fn unpark(&mut self, room: ConversationId) {
        self.outbox.iter_mut().filter(|letter| letter.room == room).for_each(|letter| letter.parked = false);
    }

    /// The oldest message that waits for its ack, to be sent a second time some other way.
    pub fn oldest(&self) -> Option<Letter> {
        self.outbox.iter().find(|letter| letter.on_wire && !letter.parked).cloned()
    }
}

impl Letter {
    pub fn payload(&self) -> Value {
        json!({ "conversation_id": self.room, "client_id": self.client_id, "message": self.text })
    }
}

fn ack_of(frame: &Value) -> Option<Ack> {
    Some(Ack {
        room: frame["conversation_id"].as_str()?.parse().ok()?,
        client_id: frame["client_id"].as_str()?.parse().ok()?,
        seq: frame["seq"].as_u64()?,
        message_id: frame["message_id"].as_str()?.to_owned(),
        duplicate: frame["duplicate"].as_bool()?,
    })
}
