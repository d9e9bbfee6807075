//! What was written and is not yet acknowledged: kept in order, sent again after every disconnect.
//!
//! Of each conversation one message is on its way at a time, so that a refusal that passes (a rate limit)
//! never lets a later message overtake. A message that is refused for good is stuck: it stays until it is
//! retried or discarded, and does not hold up those behind it.
//!
//! The pages of one browser share a queue that outlives them ([`Kept`]). Each has a copy of it in here, and
//! [`Event::Merge`] brings that in step: what another page wrote, sent, failed to send, retried or deleted.
//! Which of them sends is not decided here: it is the one that is told [`Event::Up`].

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::protocol::{
    ClientId, Code, ConversationId, MessageId, Problem, Timestamp, Visibility, limits,
    read::{Read, field},
};

/// A message to be sent, under one client_id over every attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outgoing {
    pub client_id: ClientId,
    pub conversation: ConversationId,
    pub text: String,
    pub reply_to: Option<MessageId>,
    /// For whom it was written: it goes with the message over every attempt, and into the shared queue.
    #[serde(default)]
    pub visibility: Visibility,
    /// When it was written.
    pub at: Timestamp,
}

impl Outgoing {
    fn is_too_long(&self) -> bool {
        // A control character is six bytes on the wire: a frame above its bound would end every connection.
        let on_the_wire = || serde_json::to_string(&self.text).map_or(0, |text| text.len());
        self.text.len() > limits::MESSAGE_BYTES || on_the_wire() > limits::CLIENT_FRAME_BYTES - limits::FRAME_ROOM_BYTES
    }
}

/// A message as the queue that all pages of the browser share has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// Its place: a later one has a greater. One that is retried gets a new one, at the end.
    pub place: u64,
    pub message: Outgoing,
    /// Why it is stuck, where it is.
    pub failure: Option<String>,
}

impl Read for Kept {
    fn read(value: &Value) -> Result<Self, serde_json::Error> {
        let message = Outgoing::deserialize(value)?;
        Ok(Self { place: field(value, "place")?, failure: field(value, "failure")?, message })
    }
}

#[derive(Clone, Debug, Default)]
pub struct Outbox {
    queue: VecDeque<Item>,
    /// Whether there is a way to the server, and this is the page that goes it.
    is_up: bool,
    /// Acknowledged here, and perhaps still in a list of the shared queue that is on its way.
    taken: Vec<ClientId>,
}

#[derive(Clone, Debug)]
struct Item {
    message: Outgoing,
    /// In the shared queue; nothing where this page alone knows of it.
    place: Option<u64>,
    state: State,
    /// Why it is stuck.
    failure: Option<String>,
    attempts: u32,
}

impl Item {
    fn new(message: Outgoing, place: Option<u64>) -> Self {
        Self { message, place, state: State::Waiting, failure: None, attempts: 0 }
    }

    fn is(&self, id: &ClientId) -> bool {
        self.message.client_id == *id
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    WaitingUntil(Timestamp),
    /// Sent; without an answer by then, the way it went is doubted.
    InFlight(Timestamp),
    Stuck,
}

impl State {
    const fn is_in_flight(self) -> bool {
        matches!(self, Self::InFlight(_))
    }
}

#[derive(Clone, Debug)]
pub enum Event {
    /// The way to the server is open, anew: what was on its way is not any more.
    Up,
    Down,
    /// One that the shared queue does not have.
    Send(Outgoing),
    /// All of the shared queue, in order.
    Merge(Vec<Kept>),
    Acked(ClientId),
    Refused(ClientId, Problem),
    /// What became of it is unknown: the connection broke under this one message.
    Lost(ClientId),
    Retry(ClientId),
    Discard(ClientId),
    Tick,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    Send(Outgoing),
    /// Refused for good, or until somebody retries it: the reason is for the person who wrote it.
    Stuck {
        client_id: ClientId,
        conversation: ConversationId,
        reason: String,
    },
    /// The server refused it for good: the shared queue has to know.
    Fail(ClientId, String),
    /// Another page wrote it, or this one before it was loaded: to be shown.
    Show(Outgoing),
    /// Stuck no more: another page retried it.
    Retried(ClientId, ConversationId),
    /// Another page sent or deleted it.
    Gone(ClientId, ConversationId),
    /// A message has no answer yet: find out whether the connection still lives.
    Overdue,
    /// [`limits::OUTBOX_MESSAGES`] wait already: this one was not taken.
    Full(Outgoing),
}

impl Outbox {
    pub fn handle(&mut self, event: Event, now: Timestamp) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.settle(now);
        match event {
            Event::Up => {
                self.is_up = true;
                self.recall();
            }
            Event::Down => {
                self.is_up = false;
                self.recall();
            }
            Event::Send(message) => self.push(message, &mut effects),
            Event::Merge(list) => self.merge(list, &mut effects),
            Event::Acked(id) => self.acked(id),
            Event::Refused(id, problem) => self.refused(&id, problem, now, &mut effects),
            Event::Lost(id) => {
                let until = later(now, limits::SEND_RETRY_MS);
                self.set_state(&id, State::WaitingUntil(until), State::is_in_flight);
            }
            Event::Retry(id) => self.retry(&id, &mut effects),
            Event::Discard(id) => {
                // What is on its way may be taken already: it cannot be called back.
                self.queue.retain(|item| !item.is(&id) || item.state.is_in_flight());
            }
            Event::Tick => self.doubt(now, &mut effects),
        }
        self.send_what_is_due(now, &mut effects);
        effects
    }

    /// Messages that will still be sent: the stuck ones are not among them.
    pub fn waiting(&self) -> usize {
        self.queue.iter().filter(|item| item.state != State::Stuck).count()
    }

    /// Everything that is kept, stuck or not, in the order in which it was written.
    pub fn messages(&self) -> impl Iterator<Item = &Outgoing> {
        self.queue.iter().map(|item| &item.message)
    }

    /// Those that will not be sent before somebody retries them.
    pub fn stuck(&self) -> impl Iterator<Item = &Outgoing> {
        self.queue.iter().filter(|item| item.state == State::Stuck).map(|item| &item.message)
    }

    /// Why it is stuck, where it is.
    pub fn failure(&self, id: &ClientId) -> Option<String> {
        self.queue.iter().find(|item| item.is(id)).and_then(|item| item.failure.clone())
    }

    /// Whether the shared queue has it.
    pub fn is_kept(&self, id: &ClientId) -> bool {
        self.queue.iter().any(|item| item.is(id) && item.place.is_some())
    }

    pub fn is_full(&self) -> bool {
        self.queue.len() >= limits::OUTBOX_MESSAGES
    }

    /// Whether this is the page that sends.
    pub const fn is_up(&self) -> bool {
        self.is_up
    }

    /// When to call [`Event::Tick`].
    pub fn wake_at(&self) -> Option<Timestamp> {
        let due = self.queue.iter().filter_map(|item| match item.state {
            State::WaitingUntil(until) | State::InFlight(until) => Some(until),
            _ => None,
        });
        due.min().filter(|_| self.is_up)
    }

    fn push(&mut self, message: Outgoing, effects: &mut Vec<Effect>) {
        if self.queue.iter().any(|item| item.is(&message.client_id)) {
            return;
        }
        if self.is_full() {
            effects.push(Effect::Full(message));
            return;
        }
        let mut item = Item::new(message, None);
        item.refuse_too_long(effects);
        self.queue.push_back(item);
    }

    fn merge(&mut self, list: Vec<Kept>, effects: &mut Vec<Effect>) {
        let has = |id: &ClientId| list.iter().any(|kept| kept.message.client_id == *id);
        self.taken.retain(has);
        self.queue.retain(|item| {
            let stays = item.place.is_none() || has(&item.message.client_id);
            if !stays {
                effects.push(Effect::Gone(item.message.client_id.clone(), item.message.conversation));
            }
            stays
        });
        for kept in list.into_iter().filter(|kept| !self.taken.contains(&kept.message.client_id)) {
            match self.queue.iter_mut().find(|item| item.is(&kept.message.client_id)) {
                Some(item) => item.hear(kept, effects),
                None => {
                    effects.push(Effect::Show(kept.message.clone()));
                    let mut item = Item::new(kept.message, Some(kept.place));
                    item.fail(kept.failure, effects);
                    item.refuse_too_long(effects);
                    self.queue.push_back(item);
                }
            }
        }
        self.queue.make_contiguous().sort_by_key(|item| item.place.unwrap_or(u64::MAX));
    }

    fn acked(&mut self, id: ClientId) {
        if self.is_kept(&id) {
            self.taken.push(id.clone());
        }
        self.queue.retain(|item| !item.is(&id));
    }

    /// Nothing is on its way any more; waiting for a rate goes on.
    fn recall(&mut self) {
        for item in self.queue.iter_mut().filter(|item| item.state.is_in_flight()) {
            item.state = State::Waiting;
        }
    }

    /// A clock that was put back, or a server that names a day, must not make a message wait for longer than this.
    fn settle(&mut self, now: Timestamp) {
        for item in &mut self.queue {
            match &mut item.state {
                State::WaitingUntil(until) => *until = (*until).min(later(now, limits::SEND_WAIT_MS)),
                State::InFlight(due) => *due = (*due).min(later(now, limits::SEND_ANSWER_MS)),
                State::Waiting | State::Stuck => {}
            }
        }
    }

    /// An answer that is overdue is asked for once, however many there are, and once more after the same time.
    fn doubt(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        let mut is_overdue = false;
        for item in &mut self.queue {
            if matches!(item.state, State::InFlight(due) if due <= now) {
                item.state = State::InFlight(later(now, limits::SEND_ANSWER_MS));
                is_overdue = true;
            }
        }
        if is_overdue {
            effects.push(Effect::Overdue);
        }
    }

    fn refused(&mut self, id: &ClientId, problem: Problem, now: Timestamp, effects: &mut Vec<Effect>) {
        let Some(item) = self.queue.iter_mut().find(|item| item.is(id)) else { return };
        let is_rate = problem.code == Code::RateLimited;
        item.attempts += u32::from(!is_rate);
        if problem.is_recoverable() && item.attempts < limits::SEND_ATTEMPTS {
            let delay = problem.retry_after_ms.unwrap_or(limits::SEND_RETRY_MS);
            item.state = State::WaitingUntil(later(now, delay));
            return;
        }
        if item.place.is_some() {
            effects.push(Effect::Fail(id.clone(), problem.detail.clone()));
        }
        item.fail(Some(problem.detail), effects);
    }

    /// A stuck message goes to the end: what was written since went ahead of it.
    fn retry(&mut self, id: &ClientId, effects: &mut Vec<Effect>) {
        let is_it = |item: &Item| item.is(id) && item.state == State::Stuck;
        let Some(item) = self.queue.iter().position(is_it).and_then(|index| self.queue.remove(index)) else { return };
        let mut item = Item::new(item.message, None);
        item.refuse_too_long(effects);
        self.queue.push_back(item);
    }

    fn set_state(&mut self, id: &ClientId, state: State, allowed: impl Fn(State) -> bool) {
        let item = self.queue.iter_mut().find(|item| item.is(id) && allowed(item.state));
        if let Some(item) = item {
            item.state = state;
        }
    }

    fn send_what_is_due(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        if !self.is_up {
            return;
        }
        let mut held: Vec<ConversationId> = Vec::new();
        for item in self.queue.iter_mut().filter(|item| item.state != State::Stuck) {
            if held.contains(&item.message.conversation) {
                continue;
            }
            held.push(item.message.conversation);
            let is_due = match item.state {
                State::Waiting => true,
                State::WaitingUntil(until) => until <= now,
                State::InFlight(_) | State::Stuck => false,
            };
            if is_due {
                item.state = State::InFlight(later(now, limits::SEND_ANSWER_MS));
                effects.push(Effect::Send(item.message.clone()));
            }
        }
    }
}

impl Item {
    /// What the shared queue says of it. On the same place, a failure is newer than none; a new place says
    /// that it was retried since.
    fn hear(&mut self, kept: Kept, effects: &mut Vec<Effect>) {
        let is_moved = self.place.replace(kept.place) != Some(kept.place);
        match (self.state, kept.failure) {
            // The answer that is on its way says more.
            (State::InFlight(_), _) => {}
            (State::Stuck, None) if is_moved => {
                (self.state, self.failure, self.attempts) = (State::Waiting, None, 0);
                effects.push(Effect::Retried(self.message.client_id.clone(), self.message.conversation));
                self.refuse_too_long(effects);
            }
            (State::Stuck, _) => {}
            (_, failure) => self.fail(failure, effects),
        }
    }

    fn fail(&mut self, reason: Option<String>, effects: &mut Vec<Effect>) {
        let Some(reason) = reason else { return };
        self.state = State::Stuck;
        self.failure = Some(reason.clone());
        let Outgoing { client_id, conversation, .. } = self.message.clone();
        effects.push(Effect::Stuck { client_id, conversation, reason });
    }

    /// A frame with it would be too large for the socket: it is not even tried.
    fn refuse_too_long(&mut self, effects: &mut Vec<Effect>) {
        if self.message.is_too_long() {
            let reason = "This message is too long. Shorten it, or send it in parts.";
            self.fail(Some(reason.to_owned()), effects);
        }
    }
}

fn later(now: Timestamp, ms: u64) -> Timestamp {
    Timestamp(now.as_ms().saturating_add(i64::try_from(ms).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests;
