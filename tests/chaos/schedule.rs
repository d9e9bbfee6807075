//! From a seed to what happens: who is there, what fails and when.

use std::time::Duration;

use rand::{Rng, SeedableRng, rngs::StdRng};

use super::house::PEOPLE;
use crate::support::proxy::Weather;

/// What one seed stands for. Times are a twentieth of what people live through: the 2-second drop is 100 ms.
#[derive(Clone, Debug)]
pub struct Schedule {
    pub seed: u64,
    /// People by their number, in each room; 0 is in all of them.
    pub rooms: Vec<Vec<usize>>,
    pub devices: Vec<Who>,
    /// How long people are busy.
    pub lasts: Duration,
    /// SIGKILL after so many messages were sent, and so long after the last of them.
    pub kills: Vec<(u64, Duration)>,
    /// When the server's wall clock jumps, and how far off it is then, in seconds.
    pub clock: Vec<(Duration, i64)>,
    /// Who is removed from which room and added again, and how often.
    pub removals: Vec<Removals>,
    pub flood: Option<Flood>,
}

#[derive(Clone, Debug)]
pub struct Who {
    pub person: usize,
    pub weather: Weather,
    /// How often the network is gone, on average.
    pub drops_every: Duration,
    /// Comes without a copy.
    pub is_late: bool,
    pub has_small_buffer: bool,
    /// Takes large frames deflated.
    pub compresses: bool,
}

#[derive(Clone, Debug)]
pub struct Removals {
    pub room: usize,
    pub person: usize,
    pub times: usize,
    /// The last of them is for good.
    pub stays_gone: bool,
}

/// Much, at once, while somebody reads nothing of it.
#[derive(Clone, Copy, Debug)]
pub enum Flood {
    /// More events than a replay has, while the first device is away.
    Events(usize),
    /// More bytes than a lane holds, while the first device stalls.
    Bytes { messages: usize, each: usize },
}

impl Schedule {
    pub fn of(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let rooms = rooms(&mut rng);
        let mut devices = Vec::new();
        for person in 0..PEOPLE {
            let is_somewhere = rooms.iter().any(|room| room.contains(&person));
            let has = if is_somewhere { rng.random_range(1..=2) } else { 0 };
            devices.extend((0..has).map(|_| who(person, &mut rng)));
        }
        let lasts = Duration::from_millis(rng.random_range(250..600));
        let kills = if rng.random_bool(0.25) { rng.random_range(1..=2) } else { 0 };
        let kills = (0..kills).map(|_| (rng.random_range(1..30), micros(&mut rng, 0..8_000))).collect();
        let jumps = if rng.random_bool(0.4) { rng.random_range(1..=3) } else { 0 };
        // Within a token's hour: a socket's token is checked when it is opened.
        let clock = (0..jumps).map(|_| (lasts.mul_f64(rng.random_range(0.0..1.0)), rng.random_range(-20_000..3_000)));
        let clock = clock.collect();
        let removals = removals(&rooms, &mut rng);
        let flood = match rng.random_range(0..20) {
            0 => Some(Flood::Events(rng.random_range(1_010..1_300))),
            1 => Some(Flood::Bytes { messages: rng.random_range(100..200), each: 32_000 }),
            _ => None,
        };
        if matches!(flood, Some(Flood::Bytes { .. })) {
            // Else the kernel takes it all.
            devices[0].has_small_buffer = true;
        }
        Self { seed, rooms, devices, lasts, kills, clock, removals, flood }
    }
}

fn rooms(rng: &mut StdRng) -> Vec<Vec<usize>> {
    let people = rng.random_range(2..=PEOPLE);
    let everyone: Vec<_> = (0..people).collect();
    let second = rng.random_bool(0.5).then(|| {
        let others = (1..people).filter(|_| rng.random_bool(0.5));
        std::iter::once(0).chain(others).collect()
    });
    std::iter::once(everyone).chain(second).collect()
}

fn who(person: usize, rng: &mut StdRng) -> Who {
    let storm = rng.random_range(0.0..1.0f64);
    Who {
        person,
        weather: Weather {
            refuse: 0.15 * storm,
            hold: 0.2 * storm,
            delay: 0.3 * storm,
            reset: 0.25 * storm,
            truncate: 0.25 * storm,
            half_open: 0.15 * storm,
            within_bytes: 20_000,
            time: Duration::from_millis(100),
        },
        drops_every: Duration::from_millis(rng.random_range(80..800)),
        is_late: rng.random_bool(0.15),
        has_small_buffer: rng.random_bool(0.2),
        compresses: rng.random_bool(0.5),
    }
}

fn removals(rooms: &[Vec<usize>], rng: &mut StdRng) -> Vec<Removals> {
    let mut removals = Vec::new();
    for (room, people) in rooms.iter().enumerate() {
        for &person in people.iter().filter(|&&person| person != 0) {
            if rng.random_bool(0.3) {
                let (times, stays_gone) = (rng.random_range(1..=5), rng.random_bool(0.3));
                removals.push(Removals { room, person, times, stays_gone });
            }
        }
    }
    removals
}

pub fn micros(rng: &mut StdRng, range: std::ops::Range<u64>) -> Duration {
    Duration::from_micros(rng.random_range(range))
}
