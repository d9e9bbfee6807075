//! What is told of one's own keys: that somebody types, again while it goes on, and that it stopped.

use crate::protocol::{ConversationId, Timestamp, Visibility, limits, server::TypingTimes};

#[derive(Clone, Debug)]
pub struct Typing {
    times: TypingTimes,
    on: Option<On>,
}

#[derive(Clone, Copy, Debug)]
struct On {
    conversation: ConversationId,
    /// Whom it is told: who types a note is not seen to type by the visitor.
    visibility: Visibility,
    told_at: Timestamp,
    last_key_at: Timestamp,
}

#[derive(Clone, Copy, Debug)]
pub enum Event {
    Key(ConversationId, Visibility),
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
    Start(ConversationId, Visibility),
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
            Event::Key(conversation, visibility) => self.key(conversation, visibility, now),
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

    fn key(&mut self, conversation: ConversationId, visibility: Visibility, now: Timestamp) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.on.is_some_and(|on| (on.conversation, on.visibility) != (conversation, visibility)) {
            effects = self.stop();
        }
        // A clock that was put back must not keep others from hearing of it.
        let is_told = self.on.is_some_and(|on| on.told_at <= now && now < after(on.told_at, self.times.resend_ms));
        let told_at = match self.on {
            Some(on) if is_told => on.told_at,
            _ => now,
        };
        self.on = Some(On { conversation, visibility, told_at, last_key_at: now });
        if !is_told {
            effects.push(Effect::Start(conversation, visibility));
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
        assert_eq!(
            typing.handle(Event::Key(room(1), Visibility::Public), T(0)),
            [Effect::Start(room(1), Visibility::Public)]
        );
        assert_eq!(typing.handle(Event::Key(room(1), Visibility::Public), T(limits::TYPING_RESEND_MS - 1)), []);
        assert_eq!(
            typing.handle(Event::Key(room(1), Visibility::Public), T(limits::TYPING_RESEND_MS)),
            [Effect::Start(room(1), Visibility::Public)]
        );
    }

    #[test]
    fn a_stop_is_told_when_the_keys_stop() {
        let mut typing = Typing::default();
        typing.handle(Event::Key(room(1), Visibility::Public), T(0));
        typing.handle(Event::Key(room(1), Visibility::Public), T(1_000));
        assert_eq!(typing.wake_at(), Some(T(1_000 + limits::TYPING_STOP_MS)));
        assert_eq!(typing.handle(Event::Tick, T(limits::TYPING_STOP_MS)), []);
        assert_eq!(typing.handle(Event::Tick, T(1_000 + limits::TYPING_STOP_MS)), [Effect::Stop(room(1))]);
        assert_eq!(typing.handle(Event::Stop(room(1)), T(9_000)), [], "said already");
    }

    #[test]
    fn one_types_in_one_conversation() {
        let mut typing = Typing::default();
        typing.handle(Event::Key(room(1), Visibility::Public), T(0));
        assert_eq!(
            typing.handle(Event::Key(room(2), Visibility::Public), T(10)),
            [Effect::Stop(room(1)), Effect::Start(room(2), Visibility::Public)]
        );
        assert_eq!(typing.handle(Event::Stop(room(1)), T(20)), []);
        typing.handle(Event::Down, T(30));
        assert_eq!(
            typing.handle(Event::Key(room(2), Visibility::Public), T(40)),
            [Effect::Start(room(2), Visibility::Public)]
        );
    }

    #[test]
    fn who_goes_over_to_a_note_is_not_seen_to_type_by_the_visitor_any_more() {
        let mut typing = Typing::default();
        typing.handle(Event::Key(room(1), Visibility::Public), T(0));
        let effects = typing.handle(Event::Key(room(1), Visibility::Note), T(10));
        assert_eq!(effects, [Effect::Stop(room(1)), Effect::Start(room(1), Visibility::Note)]);
        assert_eq!(typing.handle(Event::Key(room(1), Visibility::Note), T(20)), []);
        assert_eq!(typing.handle(Event::Stop(room(1)), T(30)), [Effect::Stop(room(1))]);
    }
}
