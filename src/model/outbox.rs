//! What was written and is not yet acknowledged: kept in order, sent again after every disconnect.
//!
//! Of each conversation one message is on its way at a time, so that a refusal that passes (a rate limit)
//! never lets a later message overtake. A message that is refused for good is stuck: it stays until it is
//! retried or discarded, and does not hold up those behind it.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::protocol::{ClientId, Code, ConversationId, MessageId, Problem, Timestamp, limits};

/// A message to be sent, under one client_id over every attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outgoing {
    pub client_id: ClientId,
    pub conversation: ConversationId,
    pub text: String,
    pub reply_to: Option<MessageId>,
}

#[derive(Clone, Debug, Default)]
pub struct Outbox {
    queue: VecDeque<Item>,
    /// Whether there is a way to the server.
    is_up: bool,
}

#[derive(Clone, Debug)]
struct Item {
    message: Outgoing,
    state: State,
    attempts: u32,
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
    Send(Outgoing),
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
    /// A message has no answer yet: find out whether the connection still lives.
    Overdue,
    /// [`limits::OUTBOX_MESSAGES`] wait already: this one was not taken.
    Full(Outgoing),
}

impl Outbox {
    pub fn handle(&mut self, event: Event, now: Timestamp) -> Vec<Effect> {
        let mut effects = Vec::new();
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
            Event::Acked(id) => self.queue.retain(|item| item.message.client_id != id),
            Event::Refused(id, problem) => self.refused(&id, problem, now, &mut effects),
            Event::Lost(id) => {
                let until = later(now, limits::SEND_RETRY_MS);
                self.set_state(&id, State::WaitingUntil(until), State::is_in_flight);
            }
            Event::Retry(id) => self.retry(&id),
            Event::Discard(id) => {
                // What is on its way may be taken already: it cannot be called back.
                self.queue.retain(|item| item.message.client_id != id || item.state.is_in_flight());
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

    /// When to call [`Event::Tick`].
    pub fn wake_at(&self) -> Option<Timestamp> {
        let due = self.queue.iter().filter_map(|item| match item.state {
            State::WaitingUntil(until) | State::InFlight(until) => Some(until),
            _ => None,
        });
        due.min().filter(|_| self.is_up)
    }

    fn push(&mut self, message: Outgoing, effects: &mut Vec<Effect>) {
        if self.queue.iter().any(|item| item.message.client_id == message.client_id) {
            return;
        }
        if self.queue.len() >= limits::OUTBOX_MESSAGES {
            effects.push(Effect::Full(message));
            return;
        }
        self.queue.push_back(Item { message, state: State::Waiting, attempts: 0 });
    }

    /// Nothing is on its way any more; waiting for a rate goes on.
    fn recall(&mut self) {
        for item in self.queue.iter_mut().filter(|item| item.state.is_in_flight()) {
            item.state = State::Waiting;
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
        let Some(item) = self.queue.iter_mut().find(|item| item.message.client_id == *id) else { return };
        let is_rate = problem.code == Code::RateLimited;
        item.attempts += u32::from(!is_rate);
        if problem.is_recoverable() && item.attempts < limits::SEND_ATTEMPTS {
            let delay = problem.retry_after_ms.unwrap_or(limits::SEND_RETRY_MS);
            item.state = State::WaitingUntil(later(now, delay));
            return;
        }
        item.state = State::Stuck;
        let Outgoing { client_id, conversation, .. } = item.message.clone();
        effects.push(Effect::Stuck { client_id, conversation, reason: problem.detail });
    }

    /// A stuck message goes to the end: what was written since went ahead of it.
    fn retry(&mut self, id: &ClientId) {
        let is_it = |item: &Item| item.message.client_id == *id && item.state == State::Stuck;
        let Some(item) = self.queue.iter().position(is_it).and_then(|index| self.queue.remove(index)) else { return };
        self.queue.push_back(Item { state: State::Waiting, attempts: 0, ..item });
    }

    fn set_state(&mut self, id: &ClientId, state: State, allowed: impl Fn(State) -> bool) {
        let item = self.queue.iter_mut().find(|item| item.message.client_id == *id && allowed(item.state));
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

fn later(now: Timestamp, ms: u64) -> Timestamp {
    Timestamp(now.as_ms().saturating_add(i64::try_from(ms).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests;
