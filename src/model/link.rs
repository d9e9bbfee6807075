//! When to connect, how to resume, and what to do while that fails.
//!
//! One socket at most; after a failure a random time below a doubling bound (full jitter: a crowd that was
//! dropped at once does not come back at once); polling where the server answers HTTP but no socket gets
//! through; a fresh token before the old one runs out. Performing the effects is the driver's business.

mod history;
mod machine;
#[cfg(test)]
mod tests;

pub use history::{History, Reconnect, reason_text};
pub use machine::{Effect, Event, Link, Refreshed};

use crate::protocol::Timestamp;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LinkState {
    /// Not started: the page as the server rendered it.
    #[default]
    Idle,
    Connecting,
    Connected,
    /// To try again then.
    Waiting {
        until: Timestamp,
    },
    /// The browser says that there is no network.
    Offline,
    /// The server answers over HTTP, but sockets do not get through.
    Polling,
    /// The session is over.
    SignedOut,
    /// The server told us not to come back as we are.
    Stopped,
}

/// What the connection indicator says.
pub fn status_text(state: &LinkState, outbox: usize, now: Timestamp) -> String {
    match *state {
        LinkState::Idle | LinkState::Connecting => "Connecting…".into(),
        LinkState::Connected => "Connected".into(),
        LinkState::Waiting { until } => {
            let ms = (until.as_ms() - now.as_ms()).max(1) as u64;
            ["Reconnecting in ", &ms.div_ceil(1_000).to_string(), " s"].concat()
        }
        LinkState::Offline => offline_text(outbox),
        LinkState::Polling => "Polling".into(),
        LinkState::SignedOut => "Signed out".into(),
        LinkState::Stopped => "Disconnected. Reload the page.".into(),
    }
}

fn offline_text(outbox: usize) -> String {
    match outbox {
        0 => "You're offline.".into(),
        1 => "You're offline. 1 message will be sent when you're back.".into(),
        n => ["You're offline. ", &n.to_string(), " messages will be sent when you're back."].concat(),
    }
}
