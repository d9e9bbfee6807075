//! What was measured, and what is made of many measurements of one thing.

use std::time::Duration;

/// A figure and its value, in the figure's own unit.
pub type Figures = Vec<(Figure, f64)>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Figure {
    IdleServer,
    PerConnection,
    ConnectRate,
    FanOut,
    FanOutUnbatched,
    CpuPerDelivery,
    LastP50,
    LastP99,
    Acks,
    AckCpu,
    AckP50,
    AckP99,
    RoomAcks,
    RoomAckCpu,
    RoomAckP99,
    LoneAckP50,
    LoneAckP99,
    Fdatasync,
    Storm,
    StormMissing,
    StormTwice,
    DayCpu,
    DayP50,
    DayP99,
}

pub struct Times(Vec<Duration>);

impl Times {
    pub fn new(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self(times)
    }

    /// Milliseconds below which this part of all lie.
    pub fn quantile_ms(&self, part: f64) -> f64 {
        let at = (self.0.len() as f64 * part).ceil() as usize;
        self.0.get(at.saturating_sub(1)).map_or(f64::NAN, |time| time.as_secs_f64() * 1_000.0)
    }
}

/// The middle one; of an even number, the mean of the two in the middle.
pub fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => values[length / 2],
        length => (values[length / 2 - 1] + values[length / 2]) / 2.0,
    }
}
