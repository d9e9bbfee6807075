//! What one connection will suffer, drawn by chance from the weather.

use std::time::Duration;

use rand::{Rng, rngs::StdRng};

/// How likely each fault is, for each connection.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    pub refuse: f64,
    pub hold: f64,
    pub delay: f64,
    pub reset: f64,
    pub truncate: f64,
    pub half_open: f64,
    /// Bytes after which an end comes, at most.
    pub within_bytes: usize,
    /// A held connection waits at most this long, a half-open one is silent so long, and a chunk that is
    /// delayed takes up to a tenth of it.
    pub time: Duration,
}

impl Weather {
    pub const CALM: Self = Self {
        refuse: 0.0,
        hold: 0.0,
        delay: 0.0,
        reset: 0.0,
        truncate: 0.0,
        half_open: 0.0,
        within_bytes: 1,
        time: Duration::ZERO,
    };

    pub(super) fn draw(&self, rng: &mut StdRng) -> Plan {
        let time = |rng: &mut StdRng| self.time.mul_f64(rng.random_range(0.05..=1.0));
        let hold = rng.random_bool(self.hold).then(|| time(rng));
        let delay = rng.random_bool(self.delay).then(|| time(rng) / 10);
        let mut chance = rng.random_range(0.0..1.0f64);
        let mut is = |likely: f64| {
            chance -= likely;
            chance < 0.0
        };
        let way = if rng.random_bool(0.5) { Way::Up } else { Way::Down };
        let after = rng.random_range(1..=self.within_bytes);
        let end = if is(self.refuse) {
            End::Refused
        } else if is(self.reset) {
            End::Reset { way, after }
        } else if is(self.truncate) {
            End::Truncated { way, after }
        } else if is(self.half_open) {
            let way = if rng.random_bool(0.5) { None } else { Some(way) };
            End::HalfOpen { way, after, lasts: time(rng) }
        } else {
            End::Natural
        };
        Plan { hold, delay, end }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Before it reaches the server: until another has passed, or this time is over.
    pub hold: Option<Duration>,
    /// Of each chunk, either way.
    pub delay: Option<Duration>,
    pub end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// As its two ends like.
    Natural,
    /// An upgrade is answered with 503, anything else with a reset.
    Refused,
    /// Reset once so many bytes went this way, the last chunk whole.
    Reset { way: Way, after: usize },
    /// Reset after exactly so many bytes: in the middle of a frame, as a rule.
    Truncated { way: Way, after: usize },
    /// After so many bytes nothing more passes this way (`None`: either way), nobody is told, and the reset
    /// comes only after this time.
    HalfOpen { way: Option<Way>, after: usize, lasts: Duration },
}

/// To the server, or to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Up,
    Down,
}
