//! The machine itself.

use super::LinkState;
use crate::protocol::{
    Timestamp,
    close::{Advice, CloseCode, advice},
    limits,
};

#[derive(Clone, Debug, Default)]
pub struct Link {
    phase: Phase,
    /// Failed attempts in a row.
    failures: u32,
    /// When to ask over HTTP, while no socket gets through.
    poll_at: Option<Timestamp>,
    /// When the poll that is out counts as unanswered.
    poll_due: Option<Timestamp>,
    nonce: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Idle,
    Offline,
    /// A socket is being opened, until then.
    Connecting {
        until: Timestamp,
    },
    /// The server greeted us. Where a ping is on its way, its nonce and when its answer is due.
    Up {
        ping: Option<(u64, Timestamp)>,
    },
    /// A fresh token is on its way, at most until then.
    Refreshing {
        until: Timestamp,
    },
    Waiting {
        until: Timestamp,
    },
    SignedOut,
    Stopped,
}

#[derive(Clone, Debug)]
pub enum Event {
    Start {
        online: bool,
    },
    /// The first `status` frame: the server knows us.
    Welcome,
    /// The socket is gone, also when it never opened (code 1006).
    Closed {
        code: u16,
        reason: String,
    },
    Pong {
        nonce: u64,
    },
    Online,
    Offline,
    /// The page is in view again: what happened to the socket meanwhile is unknown.
    Visible,
    /// Something sent has no answer for too long.
    Overdue,
    /// The answer to [`Effect::Refresh`].
    Refreshed(Refreshed),
    /// The answer to [`Effect::Poll`]: whether the server answered.
    Polled(bool),
    /// One signed out here.
    SignedOut,
    Tick,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refreshed {
    /// The server answers HTTP, and the session lives.
    Fresh,
    /// The session is over.
    SignedOut,
    Unreachable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Open a socket. There is none.
    Connect,
    /// Close the socket; nothing that it still says counts.
    Close,
    /// Subscribe with every cursor, then send what waits.
    Resume,
    /// Ask for a fresh token over HTTP.
    Refresh,
    Ping {
        nonce: u64,
    },
    /// Ask over HTTP for what is new, and send what waits.
    Poll,
    /// Lead to the sign-in page.
    SignIn,
}

impl Link {
    /// `random` is 64 fresh random bits.
    pub fn handle(&mut self, event: Event, now: Timestamp, random: u64) -> Vec<Effect> {
        match event {
            Event::Start { online } if self.phase == Phase::Idle => self.start(online, now),
            Event::Start { .. } => Vec::new(),
            // Whoever signed out leads away, too.
            Event::SignedOut => self.end(Phase::SignedOut).into_iter().filter(|one| *one == Effect::Close).collect(),
            // Over is over, until the page is loaded again.
            _ if matches!(self.phase, Phase::Idle | Phase::SignedOut | Phase::Stopped) => Vec::new(),
            Event::Welcome => self.welcome(),
            Event::Closed { code, reason } => self.closed(code, &reason, now, random),
            Event::Pong { nonce } => self.pong(nonce),
            Event::Online => self.wake(now),
            Event::Visible if self.phase == Phase::Offline => Vec::new(),
            Event::Visible => self.wake(now),
            Event::Overdue if !matches!(self.phase, Phase::Up { .. }) => Vec::new(),
            Event::Overdue => self.wake(now),
            Event::Offline => self.end(Phase::Offline),
            Event::Refreshed(outcome) => self.refreshed(outcome, now, random),
            Event::Polled(true) => {
                self.poll_due = None;
                Vec::new()
            }
            Event::Polled(false) => {
                self.stop_polling();
                Vec::new()
            }
            Event::Tick => self.tick(now, random),
        }
    }

    pub fn state(&self) -> LinkState {
        match self.phase {
            Phase::Connecting { .. } | Phase::Refreshing { .. } | Phase::Waiting { .. } if self.poll_at.is_some() => {
                LinkState::Polling
            }
            Phase::Idle => LinkState::Idle,
            Phase::Offline => LinkState::Offline,
            Phase::Connecting { .. } | Phase::Refreshing { .. } => LinkState::Connecting,
            Phase::Up { .. } => LinkState::Connected,
            Phase::Waiting { until } => LinkState::Waiting { until },
            Phase::SignedOut => LinkState::SignedOut,
            Phase::Stopped => LinkState::Stopped,
        }
    }

    /// When to call [`Event::Tick`].
    pub fn wake_at(&self) -> Option<Timestamp> {
        let due = match self.phase {
            Phase::Connecting { until } | Phase::Refreshing { until } | Phase::Waiting { until } => Some(until),
            Phase::Up { ping } => ping.map(|(_, due)| due),
            _ => None,
        };
        [due, self.poll_at, self.poll_due].into_iter().flatten().min()
    }

    fn has_socket(&self) -> bool {
        matches!(self.phase, Phase::Connecting { .. } | Phase::Up { .. })
    }

    fn start(&mut self, online: bool, now: Timestamp) -> Vec<Effect> {
        if online {
            return self.connect(now);
        }
        self.phase = Phase::Offline;
        Vec::new()
    }

    fn connect(&mut self, now: Timestamp) -> Vec<Effect> {
        self.phase = Phase::Connecting { until: after(now, limits::CONNECT_TIMEOUT_MS) };
        vec![Effect::Connect]
    }

    fn welcome(&mut self) -> Vec<Effect> {
        if !matches!(self.phase, Phase::Connecting { .. }) {
            return Vec::new();
        }
        self.phase = Phase::Up { ping: None };
        self.failures = 0;
        self.stop_polling();
        vec![Effect::Resume]
    }

    /// Leaves the socket and the clock: offline, signed out or stopped.
    fn end(&mut self, phase: Phase) -> Vec<Effect> {
        let close = self.has_socket().then_some(Effect::Close);
        let sign_in = (phase == Phase::SignedOut).then_some(Effect::SignIn);
        self.phase = phase;
        self.failures = 0;
        self.stop_polling();
        close.into_iter().chain(sign_in).collect()
    }

    fn closed(&mut self, code: u16, reason: &str, now: Timestamp, random: u64) -> Vec<Effect> {
        match (self.phase, advice(code)) {
            (Phase::Connecting { .. } | Phase::Up { .. }, Advice::SignIn) => {
                self.phase = Phase::Waiting { until: now };
                self.end(Phase::SignedOut)
            }
            (Phase::Connecting { .. } | Phase::Up { .. }, Advice::Stop) => {
                self.phase = Phase::Waiting { until: now };
                self.end(Phase::Stopped)
            }
            (Phase::Connecting { .. } | Phase::Up { .. }, Advice::RefreshThenRetry) => self.refresh(now),
            (Phase::Connecting { .. }, Advice::Retry) => self.failed(now, random),
            (Phase::Up { .. }, Advice::Retry) => {
                let delay = match reason.trim().parse::<u64>() {
                    Ok(ms) if code == CloseCode::Draining.as_u16() => ms.min(limits::BACKOFF_CAP_MS),
                    _ => self.backoff(random),
                };
                self.phase = Phase::Waiting { until: after(now, delay) };
                Vec::new()
            }
            // A socket that we left already.
            _ => Vec::new(),
        }
    }

    fn refresh(&mut self, now: Timestamp) -> Vec<Effect> {
        self.phase = Phase::Refreshing { until: after(now, limits::CONNECT_TIMEOUT_MS) };
        vec![Effect::Refresh]
    }

    /// An attempt came to nothing. A browser does not tell a refused token from a dead network: HTTP does.
    fn failed(&mut self, now: Timestamp, random: u64) -> Vec<Effect> {
        self.phase = Phase::Waiting { until: after(now, self.backoff(random)) };
        self.failures = self.failures.saturating_add(1);
        vec![Effect::Refresh]
    }

    /// A random time up to `min(cap, base × 2^failures)`.
    fn backoff(&self, random: u64) -> u64 {
        let bound = limits::BACKOFF_BASE_MS.saturating_mul(1 << self.failures.min(16)).min(limits::BACKOFF_CAP_MS);
        random % (bound + 1)
    }

    fn refreshed(&mut self, outcome: Refreshed, now: Timestamp, random: u64) -> Vec<Effect> {
        match (outcome, self.phase) {
            (Refreshed::SignedOut, _) => self.end(Phase::SignedOut),
            (Refreshed::Fresh, Phase::Refreshing { .. }) => self.connect(now),
            (Refreshed::Fresh, Phase::Waiting { .. } | Phase::Connecting { .. }) => self.poll_if_it_is_time(now),
            (Refreshed::Unreachable, Phase::Refreshing { .. }) => {
                self.phase = Phase::Waiting { until: after(now, self.backoff(random)) };
                self.failures = self.failures.saturating_add(1);
                self.stop_polling();
                Vec::new()
            }
            (Refreshed::Unreachable, _) => {
                self.stop_polling();
                Vec::new()
            }
            (Refreshed::Fresh, _) => Vec::new(),
        }
    }

    fn poll_if_it_is_time(&mut self, now: Timestamp) -> Vec<Effect> {
        if self.poll_at.is_some() || self.failures < limits::ATTEMPTS_BEFORE_POLLING {
            return Vec::new();
        }
        vec![self.poll(now)]
    }

    fn poll(&mut self, now: Timestamp) -> Effect {
        self.poll_at = Some(after(now, limits::POLL_INTERVAL_MS));
        self.poll_due.get_or_insert(after(now, limits::POLL_TIMEOUT_MS));
        Effect::Poll
    }

    fn stop_polling(&mut self) {
        (self.poll_at, self.poll_due) = (None, None);
    }

    fn pong(&mut self, answered: u64) -> Vec<Effect> {
        if let Phase::Up { ping: Some((nonce, _)) } = self.phase
            && nonce == answered
        {
            self.phase = Phase::Up { ping: None };
        }
        Vec::new()
    }

    /// Now is a good moment: an open socket is asked whether it lives, anything else tries at once.
    fn wake(&mut self, now: Timestamp) -> Vec<Effect> {
        match self.phase {
            Phase::Up { ping: None } => {
                self.nonce += 1;
                self.phase = Phase::Up { ping: Some((self.nonce, after(now, limits::WAKE_PING_MS))) };
                vec![Effect::Ping { nonce: self.nonce }]
            }
            Phase::Offline | Phase::Waiting { .. } => {
                self.failures = 0;
                self.connect(now)
            }
            _ => Vec::new(),
        }
    }

    fn tick(&mut self, now: Timestamp, random: u64) -> Vec<Effect> {
        let mut effects = match self.phase {
            Phase::Waiting { until } if until <= now => self.connect(now),
            Phase::Connecting { until } if until <= now => {
                let mut effects = vec![Effect::Close];
                effects.extend(self.failed(now, random));
                effects
            }
            Phase::Refreshing { until } if until <= now => self.refreshed(Refreshed::Unreachable, now, random),
            Phase::Up { ping: Some((_, due)) } if due <= now => {
                let mut effects = vec![Effect::Close];
                effects.extend(self.connect(now));
                effects
            }
            _ => Vec::new(),
        };
        if self.poll_due.is_some_and(|due| due <= now) {
            self.stop_polling();
        }
        if self.poll_at.is_some_and(|at| at <= now) {
            effects.push(self.poll(now));
        }
        effects
    }
}

fn after(now: Timestamp, ms: u64) -> Timestamp {
    Timestamp(now.as_ms().saturating_add(i64::try_from(ms).unwrap_or(i64::MAX)))
}
