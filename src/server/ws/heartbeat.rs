//! When a silent socket is pinged, and when it is given up. Pure; the time is passed in.

use std::time::Duration;

use tokio::time::Instant;

use crate::protocol::limits;

const INTERVAL: Duration = Duration::from_millis(limits::HEARTBEAT_MS);

pub(super) struct Heartbeat {
    /// The last frame that came, or the last ping that went.
    since: Instant,
    unanswered: u32,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Beat {
    Ping,
    GiveUp,
}

impl Heartbeat {
    pub(super) fn new(now: Instant) -> Self {
        Self { since: now, unanswered: 0 }
    }

    /// Anything came from the other end, a pong too.
    pub(super) fn heard(&mut self, now: Instant) {
        *self = Self::new(now);
    }

    pub(super) fn due(&self) -> Instant {
        self.since + INTERVAL
    }

    pub(super) fn beat(&mut self, now: Instant) -> Option<Beat> {
        if now < self.due() {
            return None;
        }
        if self.unanswered >= limits::UNANSWERED_PINGS {
            return Some(Beat::GiveUp);
        }
        self.unanswered += 1;
        self.since = now;
        Some(Beat::Ping)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_socket_is_given_up_after_two_unanswered_pings() {
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(start);
        assert_eq!(heartbeat.beat(start + INTERVAL / 2), None);
        assert_eq!(heartbeat.beat(start + INTERVAL), Some(Beat::Ping));
        assert_eq!(heartbeat.beat(start + INTERVAL * 2), Some(Beat::Ping));
        assert_eq!(heartbeat.beat(start + INTERVAL * 3), Some(Beat::GiveUp));
    }

    #[test]
    fn a_socket_that_answers_pings_may_be_silent_for_ever() {
        let mut now = Instant::now();
        let mut heartbeat = Heartbeat::new(now);
        for _ in 0..100 {
            now += INTERVAL;
            assert_eq!(heartbeat.beat(now), Some(Beat::Ping));
            heartbeat.heard(now);
        }
    }
}
