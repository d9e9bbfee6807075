//! What is told of one's own keys: that somebody types, again while it goes on, and that it stopped.

use crate::protocol::{ConversationId, Timestamp, limits, server::TypingTimes};

#[derive(Clone, Debug)]
pub struct Typing {
    times: TypingTimes,
    on: Option<On>,
}

#[derive(Clone, Copy, Debug)]
struct On {
    conversation: ConversationId,
    told_at: Timestamp,
    last_key_at: Timestamp,
}

#[derive(Clone, Copy, Debug)]
pub enum Event {
    Key(ConversationId),
    /// The composer is empty, was left, or its message was sent.
    Stop(ConversationId),
    /// The connection is gone, and with it what was told.
    Down,
    /// What the server asks for, in its first frame.
    Times(TypingTimes),
    Tick,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    Start(ConversationId),
    Stop(ConversationId),
}

impl Default for Typing {
    fn default() -> Self {
        let times = TypingTimes {
            resend_ms: limits::TYPING_RESEND_MS,
            stop_ms: limits::TYPING_STOP_MS,
            expire_ms: limits::TYPING_EXPIRE_MS,
        };
        Self { times, on: None }
    }
}

impl Typing {
    pub fn handle(&mut self, event: Event, now: Timestamp) -> Vec<Effect> {
        match event {
            Event::Key(conversation) => self.key(conversation, now),
            Event::Stop(conversation) => match self.on {
                Some(on) if on.conversation == conversation => self.stop(),
                _ => Vec::new(),
            },
            Event::Down => {
                self.on = None;
                Vec::new()
            }
            Event::Times(times) => {
                self.times = times;
                Vec::new()
            }
            Event::Tick if self.wake_at().is_some_and(|at| at <= now) => self.stop(),
            Event::Tick => Vec::new(),
        }
    }

    /// When to call [`Event::Tick`].
    pub fn wake_at(&self) -> Option<Timestamp> {
        self.on.map(|on| after(on.last_key_at, self.times.stop_ms))
    }

    fn key(&mut self, conversation: ConversationId, now: Timestamp) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.on.is_some_and(|on| on.conversation != conversation) {
            effects = self.stop();
        }
        // A clock that was put back must not keep others from hearing of it.
        let is_told = self.on.is_some_and(|on| on.told_at <= now && now < after(on.told_at, self.times.resend_ms));
        let told_at = match self.on {
            Some(on) if is_told => on.told_at,
            _ => now,
        };
        self.on = Some(On { conversation, told_at, last_key_at: now });
        if !is_told {
            effects.push(Effect::Start(conversation));
        }
        effects
    }

    fn stop(&mut self) -> Vec<Effect> {
        self.on.take().map(|on| Effect::Stop(on.conversation)).into_iter().collect()
    }
}

fn after(at: Timestamp, ms: u64) -> Timestamp {
    Timestamp(at.as_ms().saturating_add(i64::try_from(ms).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: fn(u64) -> Timestamp = |ms| Timestamp(ms as i64);

    fn room(n: u64) -> ConversationId {
        ConversationId::from_parts(n, 0)
    }

    #[test]
    fn a_start_is_told_once_and_again_after_the_resend_time() {
        let mut typing = Typing::default();
        assert_eq!(typing.handle(Event::Key(room(1)), T(0)), [Effect::Start(room(1))]);
        assert_eq!(typing.handle(Event::Key(room(1)), T(limits::TYPING_RESEND_MS - 1)), []);
        assert_eq!(typing.handle(Event::Key(room(1)), T(limits::TYPING_RESEND_MS)), [Effect::Start(room(1))]);
    }

    #[test]
    fn a_stop_is_told_when_the_keys_stop() {
        let mut typing = Typing::default();
        typing.handle(Event::Key(room(1)), T(0));
        typing.handle(Event::Key(room(1)), T(1_000));
        assert_eq!(typing.wake_at(), Some(T(1_000 + limits::TYPING_STOP_MS)));
        assert_eq!(typing.handle(Event::Tick, T(limits::TYPING_STOP_MS)), []);
        assert_eq!(typing.handle(Event::Tick, T(1_000 + limits::TYPING_STOP_MS)), [Effect::Stop(room(1))]);
        assert_eq!(typing.handle(Event::Stop(room(1)), T(9_000)), [], "said already");
    }

    #[test]
    fn one_types_in_one_conversation() {
        let mut typing = Typing::default();
        typing.handle(Event::Key(room(1)), T(0));
        assert_eq!(typing.handle(Event::Key(room(2)), T(10)), [Effect::Stop(room(1)), Effect::Start(room(2))]);
        assert_eq!(typing.handle(Event::Stop(room(1)), T(20)), []);
        typing.handle(Event::Down, T(30));
        assert_eq!(typing.handle(Event::Key(room(2)), T(40)), [Effect::Start(room(2))]);
    }
}
