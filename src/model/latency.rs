//! How fast the connection is, as its page sees it: from sending a message to its ack, and from the server's
//! time on a message to its being painted. Bounded samples; numbers alone, nothing of what was said.
//!
//! The server's clock is not ours. A round trip shows by how much: the answer was stamped somewhere between
//! sending and hearing, so the middle is wrong by at most half the trip, and the shortest of the last trips
//! is wrong by the least.

use std::collections::VecDeque;

use crate::protocol::{
    ClientId, Timestamp,
    http::{ReconnectReason, Timings},
    limits,
};

#[derive(Clone, Debug, Default)]
pub struct Latency {
    ack: Samples,
    render: Samples,
    /// The last round trips.
    trips: VecDeque<Trip>,
    /// Messages on their way, and when each was sent.
    sent: VecDeque<(ClientId, Timestamp)>,
    /// What was not reported yet, and when to report it.
    unreported: Timings,
    report_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug)]
struct Trip {
    took_ms: i64,
    /// What to add to our time for the server's.
    offset_ms: i64,
}

/// The middle and the far end of the last samples, in milliseconds, and how many there were in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    pub median_ms: u32,
    pub p95_ms: u32,
    pub count: u64,
}

impl Latency {
    /// A message went out.
    pub fn sent(&mut self, id: ClientId, now: Timestamp) {
        self.sent.retain(|(other, _)| *other != id);
        if self.sent.len() >= limits::TIMED_MESSAGES {
            self.sent.pop_front();
        }
        self.sent.push_back((id, now));
    }

    /// Its ack came, stamped by the server. That of a duplicate tells of its first time.
    pub fn acked(&mut self, id: &ClientId, stamped: Timestamp, duplicate: bool, now: Timestamp) {
        let Some(index) = self.sent.iter().position(|(other, _)| other == id) else { return };
        let Some((_, sent)) = self.sent.remove(index) else { return };
        if !duplicate {
            self.round_trip(sent, stamped, now);
        }
        if let Some(ms) = self.ack.add(now.as_ms() - sent.as_ms()) {
            keep(&mut self.unreported.ack_ms, ms);
            self.report_later(now);
        }
    }

    /// What is asked at `sent` and answered at `now` was stamped by the server in between.
    pub fn round_trip(&mut self, sent: Timestamp, stamped: Timestamp, now: Timestamp) {
        let took_ms = now.as_ms() - sent.as_ms();
        if !(0..=i64::from(limits::TIMING_MS)).contains(&took_ms) {
            return;
        }
        if self.trips.len() >= limits::CLOCK_SAMPLES {
            self.trips.pop_front();
        }
        self.trips.push_back(Trip { took_ms, offset_ms: stamped.as_ms() - sent.as_ms() - took_ms / 2 });
    }

    /// What the server stamped is on the screen now.
    pub fn painted(&mut self, stamped: Timestamp, now: Timestamp) {
        let Some(offset_ms) = self.offset_ms() else { return };
        // What the estimate is wrong by may make a short way look like one back in time.
        let ms = (now.as_ms() + offset_ms - stamped.as_ms()).max(0);
        if let Some(ms) = self.render.add(ms) {
            keep(&mut self.unreported.render_ms, ms);
            self.report_later(now);
        }
    }

    /// A connection was lost: what was on its way is timed anew, and a clock may be set until the next one.
    pub fn lost(&mut self, reason: ReconnectReason, now: Timestamp) {
        self.sent.clear();
        self.trips.clear();
        keep(&mut self.unreported.reconnects, reason);
        self.report_later(now);
    }

    /// What to add to our time for the server's, once that is known.
    pub fn offset_ms(&self) -> Option<i64> {
        self.trips.iter().min_by_key(|trip| trip.took_ms).map(|trip| trip.offset_ms)
    }

    pub fn ack(&self) -> Option<Summary> {
        self.ack.summary()
    }

    pub fn render(&self) -> Option<Summary> {
        self.render.summary()
    }

    /// When to call [`Latency::take_report`].
    pub fn report_at(&self) -> Option<Timestamp> {
        self.report_at
    }

    /// What was measured since the last report, if anything was.
    pub fn take_report(&mut self) -> Option<Timings> {
        self.report_at.take().map(|_| std::mem::take(&mut self.unreported))
    }

    fn report_later(&mut self, now: Timestamp) {
        let at = Timestamp(now.as_ms().saturating_add_unsigned(limits::TIMINGS_INTERVAL_MS));
        // A clock that was put back does not put the report off.
        self.report_at = Some(self.report_at.map_or(at, |before| before.min(at)));
    }
}

/// Of more than a report takes, the first are its sample.
fn keep<T>(values: &mut Vec<T>, value: T) {
    if values.len() < limits::TIMINGS_PER_REPORT {
        values.push(value);
    }
}

/// The last [`limits::LATENCY_SAMPLES`] durations.
#[derive(Clone, Debug, Default)]
struct Samples {
    last: VecDeque<u32>,
    count: u64,
}

impl Samples {
    /// Takes in a duration that can be one, and returns it.
    fn add(&mut self, ms: i64) -> Option<u32> {
        let ms = u32::try_from(ms).ok().filter(|ms| *ms <= limits::TIMING_MS)?;
        if self.last.len() >= limits::LATENCY_SAMPLES {
            self.last.pop_front();
        }
        self.last.push_back(ms);
        self.count += 1;
        Some(ms)
    }

    fn summary(&self) -> Option<Summary> {
        let mut sorted: Vec<u32> = self.last.iter().copied().collect();
        sorted.sort_unstable();
        // The nearest rank: the smallest value that this share of the samples does not exceed.
        let at = |percent: usize| sorted.get((sorted.len() * percent).div_ceil(100).saturating_sub(1)).copied();
        Some(Summary { median_ms: at(50)?, p95_ms: at(95)?, count: self.count })
    }
}

#[cfg(test)]
mod tests;
