//! The machine itself.

use super::{
    LinkState,
    history::{History, reason_of},
};
use crate::protocol::{
    Timestamp,
    close::{Advice, CloseCode, advice},
    http::ReconnectReason,
    limits,
};

#[derive(Clone, Debug, Default)]
pub struct Link {
    phase: Phase,
    /// When something was last heard through the socket.
    heard_at: Timestamp,
    /// Failed attempts in a row.
    failures: u32,
    /// When to ask over HTTP, while no socket gets through.
    poll_at: Option<Timestamp>,
    /// When the poll that is out counts as unanswered.
    poll_due: Option<Timestamp>,
    /// When to refresh the token, which still holds then, while there is a connection.
    renew_at: Option<Timestamp>,
    /// Whether [`Effect::Refresh`] has no answer yet: there is one at a time.
    is_refreshing: bool,
    nonce: u64,
    /// How often in a row a ping stayed unanswered: each doubles the time that the next one has.
    unanswered: u32,
    history: History,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Idle,
    /// The browser says that there is no network. Whether that is true is looked at then.
    Offline {
        until: Timestamp,
    },
    /// A socket is being opened, until then.
    Connecting {
        until: Timestamp,
    },
    /// The server greeted us. Where a ping is on its way, its nonce and when its answer is due.
    Up {
        ping: Option<(u64, Timestamp)>,
    },
    /// Without a fresh token no socket is worth trying.
    Refreshing,
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
    /// The server said how much longer the token holds, in the greeting or after a refresh.
    Lives {
        ms: u64,
    },
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
    /// The page is in view again, or was asleep: what happened to the socket meanwhile is unknown.
    Visible,
    /// Something sent has no answer for too long.
    Overdue,
    /// The answer to [`Effect::Refresh`]: each gets exactly one.
    Refreshed(Refreshed),
    /// A request over HTTP was refused for its token.
    Unauthorized,
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
    /// Ask for a fresh token over HTTP. None is asked for at the moment.
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
        self.settle(now);
        match event {
            Event::Start { online } if self.phase == Phase::Idle => self.start(online, now),
            Event::Start { .. } => Vec::new(),
            // Whoever signed out leads away, too.
            Event::SignedOut => self.end(Phase::SignedOut).into_iter().filter(|one| *one == Effect::Close).collect(),
            // Over is over, until the page is loaded again.
            _ if matches!(self.phase, Phase::Idle | Phase::SignedOut | Phase::Stopped) => Vec::new(),
            Event::Welcome => self.welcome(now),
            Event::Lives { ms } => self.lives(ms, now, random),
            Event::Closed { code, reason } => self.closed(code, &reason, now, random),
            Event::Pong { nonce } => self.pong(nonce),
            Event::Online => self.online(now, random),
            Event::Visible => self.wake(now, random),
            Event::Overdue if !matches!(self.phase, Phase::Up { .. }) => Vec::new(),
            Event::Overdue => self.wake(now, random),
            Event::Offline => self.offline(now, random),
            Event::Refreshed(outcome) => self.refreshed(outcome, now, random),
            Event::Unauthorized => self.refresh(),
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
            Phase::Connecting { .. } | Phase::Refreshing | Phase::Waiting { .. } if self.poll_at.is_some() => {
                LinkState::Polling
            }
            Phase::Idle => LinkState::Idle,
            Phase::Offline { .. } => LinkState::Offline,
            Phase::Connecting { .. } | Phase::Refreshing => LinkState::Connecting,
            Phase::Up { .. } => LinkState::Connected,
            Phase::Waiting { until } => LinkState::Waiting { until },
            Phase::SignedOut => LinkState::SignedOut,
            Phase::Stopped => LinkState::Stopped,
        }
    }

    /// Anything came through the socket: it lives.
    pub fn heard(&mut self, now: Timestamp) {
        self.heard_at = now;
    }

    pub fn history(&self) -> &History {
        &self.history
    }

    /// When to call [`Event::Tick`].
    pub fn wake_at(&self) -> Option<Timestamp> {
        let due = match self.phase {
            Phase::Offline { until } | Phase::Connecting { until } | Phase::Waiting { until } => Some(until),
            Phase::Up { ping } => {
                let asked = ping.map_or_else(|| after(self.heard_at, limits::QUIET_MS), |(_, due)| due);
                Some(self.renew_at.map_or(asked, |renew| renew.min(asked)))
            }
            _ => None,
        };
        [due, self.poll_at, self.poll_due].into_iter().flatten().min()
    }

    pub(super) fn has_socket(&self) -> bool {
        matches!(self.phase, Phase::Connecting { .. } | Phase::Up { .. })
    }

    /// A clock that was put back must not make anything wait longer than it ever would.
    fn settle(&mut self, now: Timestamp) {
        let at_most = |at: &mut Timestamp, ms: u64| *at = (*at).min(after(now, ms));
        let patience_ms = self.ping_patience_ms();
        match &mut self.phase {
            Phase::Offline { until } => at_most(until, 2 * limits::OFFLINE_CHECK_MS),
            Phase::Connecting { until } => at_most(until, limits::CONNECT_TIMEOUT_MS),
            Phase::Waiting { until } => at_most(until, limits::BACKOFF_CAP_MS),
            Phase::Up { ping: Some((_, due)) } => at_most(due, patience_ms),
            _ => {}
        }
        self.heard_at = self.heard_at.min(now);
        self.renew_at.iter_mut().for_each(|at| at_most(at, limits::TOKEN_LIFETIME_MS.unsigned_abs()));
        self.poll_at.iter_mut().for_each(|at| at_most(at, limits::POLL_INTERVAL_MS));
        self.poll_due.iter_mut().for_each(|at| at_most(at, limits::POLL_TIMEOUT_MS));
    }

    fn start(&mut self, online: bool, now: Timestamp) -> Vec<Effect> {
        if online {
            return self.connect(now);
        }
        self.phase = Phase::Offline { until: after(now, limits::OFFLINE_CHECK_MS) };
        self.refresh()
    }

    /// The first attempts are given up sooner: behind a proxy that swallows sockets one waits for the third.
    fn connect(&mut self, now: Timestamp) -> Vec<Effect> {
        let patience_ms = if self.failures < limits::ATTEMPTS_BEFORE_POLLING {
            limits::FIRST_CONNECT_TIMEOUT_MS
        } else {
            limits::CONNECT_TIMEOUT_MS
        };
        self.phase = Phase::Connecting { until: after(now, patience_ms) };
        vec![Effect::Connect]
    }

    fn welcome(&mut self, now: Timestamp) -> Vec<Effect> {
        if !matches!(self.phase, Phase::Connecting { .. }) {
            return Vec::new();
        }
        self.phase = Phase::Up { ping: None };
        self.heard_at = now;
        self.failures = 0;
        self.stop_polling();
        self.history.back(now);
        vec![Effect::Resume]
    }

    /// Some time before the end, and not all at the same moment who were let in at the same moment.
    fn lives(&mut self, ms: u64, now: Timestamp, random: u64) -> Vec<Effect> {
        let lead = limits::RENEW_LEAD_MS.min(ms / 4);
        self.renew_at = Some(after(now, ms - lead - random % (lead + 1)));
        self.settle(now);
        Vec::new()
    }

    /// Leaves the socket and the clock: signed out or stopped.
    fn end(&mut self, phase: Phase) -> Vec<Effect> {
        let close = self.has_socket().then_some(Effect::Close);
        let sign_in = (phase == Phase::SignedOut).then_some(Effect::SignIn);
        self.phase = phase;
        self.failures = 0;
        self.renew_at = None;
        self.stop_polling();
        close.into_iter().chain(sign_in).collect()
    }

    /// The connection that there was, if there was one, is gone.
    fn lost(&mut self, reason: ReconnectReason, now: Timestamp) {
        if matches!(self.phase, Phase::Up { .. }) {
            self.history.lost(reason, now);
        }
        self.renew_at = None;
    }

    fn offline(&mut self, now: Timestamp, random: u64) -> Vec<Effect> {
        self.lost(ReconnectReason::NetworkLost, now);
        self.end(Phase::Offline { until: later_check(now, random) })
    }

    fn closed(&mut self, code: u16, reason: &str, now: Timestamp, random: u64) -> Vec<Effect> {
        if !self.has_socket() {
            // A socket that we left already.
            return Vec::new();
        }
        let was_up = matches!(self.phase, Phase::Up { .. });
        let way = advice(code);
        if matches!(way, Advice::Retry | Advice::RefreshThenRetry) {
            self.lost(reason_of(code), now);
        }
        match way {
            Advice::SignIn => {
                self.phase = Phase::Waiting { until: now };
                self.end(Phase::SignedOut)
            }
            Advice::Stop => {
                self.phase = Phase::Waiting { until: now };
                self.end(Phase::Stopped)
            }
            Advice::RefreshThenRetry => {
                self.phase = Phase::Refreshing;
                self.refresh()
            }
            Advice::Retry if was_up => {
                let delay = match reason.trim().parse::<u64>() {
                    Ok(ms) if code == CloseCode::Draining.as_u16() => ms.min(limits::BACKOFF_CAP_MS),
                    _ => self.backoff(random),
                };
                self.phase = Phase::Waiting { until: after(now, delay) };
                Vec::new()
            }
            Advice::Retry => self.failed(now, random),
        }
    }

    /// Asks for a fresh token, unless one is asked for already: that answer is as good.
    fn refresh(&mut self) -> Vec<Effect> {
        if std::mem::replace(&mut self.is_refreshing, true) { Vec::new() } else { vec![Effect::Refresh] }
    }

    /// An attempt came to nothing. A browser does not tell a refused token from a dead network: HTTP does.
    fn failed(&mut self, now: Timestamp, random: u64) -> Vec<Effect> {
        self.wait(now, random);
        self.refresh()
    }

    fn wait(&mut self, now: Timestamp, random: u64) {
        self.phase = Phase::Waiting { until: after(now, self.backoff(random)) };
        self.failures = self.failures.saturating_add(1);
    }

    /// A random time up to `min(cap, base × 2^failures)`.
    fn backoff(&self, random: u64) -> u64 {
        let bound = limits::BACKOFF_BASE_MS.saturating_mul(1 << self.failures.min(16)).min(limits::BACKOFF_CAP_MS);
        random % (bound + 1)
    }

    fn refreshed(&mut self, outcome: Refreshed, now: Timestamp, random: u64) -> Vec<Effect> {
        self.is_refreshing = false;
        match (outcome, self.phase) {
            (Refreshed::SignedOut, _) => self.end(Phase::SignedOut),
            // An answer shows that there is a network, whatever the browser says.
            (Refreshed::Fresh, Phase::Refreshing | Phase::Offline { .. }) => self.connect(now),
            (Refreshed::Fresh, Phase::Waiting { .. } | Phase::Connecting { .. }) => self.poll_if_it_is_time(now),
            (Refreshed::Unreachable, Phase::Refreshing) => {
                self.wait(now, random);
                self.stop_polling();
                Vec::new()
            }
            (Refreshed::Unreachable, Phase::Up { .. }) => {
                // The token still holds: there is time for another attempt.
                self.renew_at = Some(after(now, limits::RENEW_RETRY_MS + random % limits::RENEW_RETRY_MS));
                Vec::new()
            }
            (Refreshed::Unreachable, _) => {
                self.stop_polling();
                Vec::new()
            }
            // A frame on the socket says how much longer the token holds now.
            (Refreshed::Fresh, _) => Vec::new(),
        }
    }

    fn poll_if_it_is_time(&mut self, now: Timestamp) -> Vec<Effect> {
        if self.poll_at.is_some() || self.failures < limits::ATTEMPTS_BEFORE_POLLING {
            return Vec::new();
        }
        self.poll(now)
    }

    /// One poll at a time.
    fn poll(&mut self, now: Timestamp) -> Vec<Effect> {
        self.poll_at = Some(after(now, limits::POLL_INTERVAL_MS));
        if self.poll_due.is_some() {
            return Vec::new();
        }
        self.poll_due = Some(after(now, limits::POLL_TIMEOUT_MS));
        vec![Effect::Poll]
    }

    fn stop_polling(&mut self) {
        (self.poll_at, self.poll_due) = (None, None);
    }

    fn pong(&mut self, answered: u64) -> Vec<Effect> {
        if let Phase::Up { ping: Some((nonce, _)) } = self.phase
            && nonce == answered
        {
            self.phase = Phase::Up { ping: None };
            self.unanswered = 0;
        }
        Vec::new()
    }

    fn online(&mut self, now: Timestamp, random: u64) -> Vec<Effect> {
        if matches!(self.phase, Phase::Offline { .. }) {
            return self.connect(now);
        }
        self.wake(now, random)
    }

    /// Now is a good moment: what ran out meanwhile is seen to first, an open socket is asked whether it
    /// lives, anything else tries at once.
    fn wake(&mut self, now: Timestamp, random: u64) -> Vec<Effect> {
        let mut effects = self.tick(now, random);
        match self.phase {
            Phase::Up { ping: None } => effects.push(self.ping(now)),
            Phase::Waiting { .. } => {
                self.failures = 0;
                effects.extend(self.connect(now));
            }
            Phase::Offline { .. } => {
                self.phase = Phase::Offline { until: later_check(now, random) };
                effects.extend(self.refresh());
            }
            _ => {}
        }
        effects
    }

    /// An answer waits behind a large frame that is on its way, of which a browser shows nothing before all of it
    /// is there: who was impatient once is more patient the next time, or the frame would never arrive.
    fn ping_patience_ms(&self) -> u64 {
        limits::WAKE_PING_MS << self.unanswered.min(limits::WAKE_PING_DOUBLINGS)
    }

    /// Asks whether the connection lives.
    fn ping(&mut self, now: Timestamp) -> Effect {
        self.nonce += 1;
        self.phase = Phase::Up { ping: Some((self.nonce, after(now, self.ping_patience_ms()))) };
        Effect::Ping { nonce: self.nonce }
    }

    fn tick(&mut self, now: Timestamp, random: u64) -> Vec<Effect> {
        let mut effects = self.tick_phase(now, random);
        if self.poll_due.is_some_and(|due| due <= now) {
            self.stop_polling();
        }
        if self.poll_at.is_some_and(|at| at <= now) {
            effects.extend(self.poll(now));
        }
        effects
    }

    fn tick_phase(&mut self, now: Timestamp, random: u64) -> Vec<Effect> {
        match self.phase {
            Phase::Waiting { until } if until <= now => self.connect(now),
            Phase::Connecting { until } if until <= now => {
                let mut effects = vec![Effect::Close];
                effects.extend(self.failed(now, random));
                effects
            }
            Phase::Offline { until } if until <= now => {
                self.phase = Phase::Offline { until: later_check(now, random) };
                self.refresh()
            }
            Phase::Up { ping: Some((_, due)) } if due <= now => {
                self.unanswered += 1;
                self.lost(ReconnectReason::Silent, now);
                let mut effects = vec![Effect::Close];
                effects.extend(self.connect(now));
                effects
            }
            Phase::Up { ping: None } if after(self.heard_at, limits::QUIET_MS) <= now => vec![self.ping(now)],
            Phase::Up { .. } if self.renew_at.is_some_and(|at| at <= now) => {
                self.renew_at = None;
                self.refresh()
            }
            _ => Vec::new(),
        }
    }
}

/// When to look again whether there is really no network.
fn later_check(now: Timestamp, random: u64) -> Timestamp {
    after(now, limits::OFFLINE_CHECK_MS + random % limits::OFFLINE_CHECK_MS)
}

fn after(now: Timestamp, ms: u64) -> Timestamp {
    Timestamp(now.as_ms().saturating_add(i64::try_from(ms).unwrap_or(i64::MAX)))
}
