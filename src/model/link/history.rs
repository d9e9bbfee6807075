//! What became of the connections of this page: when one was lost, why, and for how long.

use std::collections::VecDeque;

use crate::protocol::{Timestamp, close::CloseCode, http::ReconnectReason, limits};

/// One time without a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reconnect {
    pub lost_at: Timestamp,
    pub reason: ReconnectReason,
    /// `None`: it is not back yet.
    pub lasted_ms: Option<u64>,
}

/// The last of them, [`limits::RECONNECTS_KEPT`] at most, the newest first.
#[derive(Clone, Debug, Default)]
pub struct History {
    recent: VecDeque<Reconnect>,
}

impl History {
    pub fn recent(&self) -> impl Iterator<Item = Reconnect> {
        self.recent.iter().copied()
    }

    /// A connection that there was is gone. What goes wrong until the next one belongs to the same gap.
    pub(super) fn lost(&mut self, reason: ReconnectReason, now: Timestamp) {
        self.recent.push_front(Reconnect { lost_at: now, reason, lasted_ms: None });
        self.recent.truncate(limits::RECONNECTS_KEPT);
    }

    /// There is a connection again, or for the first time.
    pub(super) fn back(&mut self, now: Timestamp) {
        if let Some(newest) = self.recent.front_mut().filter(|newest| newest.lasted_ms.is_none()) {
            newest.lasted_ms = Some(u64::try_from(now.as_ms() - newest.lost_at.as_ms()).unwrap_or(0));
        }
    }
}

/// Why the server, or the way to it, ended a connection.
pub(super) fn reason_of(code: u16) -> ReconnectReason {
    const DRAINING: u16 = CloseCode::Draining.as_u16();
    const GOING_AWAY: u16 = CloseCode::GoingAway.as_u16();
    const SLOW_READER: u16 = CloseCode::SlowReader.as_u16();
    const HEARTBEAT: u16 = CloseCode::Heartbeat.as_u16();
    const RATE_LIMITED: u16 = CloseCode::RateLimited.as_u16();
    const TOKEN_EXPIRED: u16 = CloseCode::TokenExpired.as_u16();
    match code {
        DRAINING | GOING_AWAY => ReconnectReason::ServerRestarted,
        SLOW_READER => ReconnectReason::TooSlow,
        HEARTBEAT => ReconnectReason::Silent,
        RATE_LIMITED => ReconnectReason::RateLimited,
        TOKEN_EXPIRED => ReconnectReason::TokenExpired,
        // What a browser says when nobody said goodbye.
        1006 => ReconnectReason::ConnectionLost,
        _ => ReconnectReason::Other,
    }
}

/// As a person reads it.
pub fn reason_text(reason: ReconnectReason) -> &'static str {
    match reason {
        ReconnectReason::NetworkLost => "Network lost",
        ReconnectReason::ConnectionLost => "Connection lost",
        ReconnectReason::ServerRestarted => "Server restarted",
        ReconnectReason::TooSlow => "Too slow to keep up",
        ReconnectReason::Silent => "No answer",
        ReconnectReason::RateLimited => "Too many requests",
        ReconnectReason::TokenExpired => "Sign-in renewed",
        ReconnectReason::Other => "Closed by the server",
    }
}
