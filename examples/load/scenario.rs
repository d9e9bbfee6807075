//! What is done to a server, and measured: one file for each kind of load.

use std::time::Duration;

use clap::ValueEnum;

use super::{Result, figures::Figures, server::Server, shape::Shape};

mod acks;
mod day;
mod fan_out;
mod idle;
mod paced;
mod storm;

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Scenario {
    /// Connections that are there and do nothing.
    Idle,
    /// As many deliveries as go.
    FanOut,
    /// Ten messages a second to a thousand.
    Paced,
    /// Many senders, each waiting for its ack.
    Acks,
    /// The same, all to one room that none of them reads.
    RoomAcks,
    /// One of them.
    LoneAck,
    /// All clients dropped at once.
    Storm,
    /// Many small rooms.
    Day,
}

impl Scenario {
    pub const ALL: [Self; 8] =
        [Self::Idle, Self::FanOut, Self::Paced, Self::Acks, Self::RoomAcks, Self::LoneAck, Self::Storm, Self::Day];

    pub async fn run(self, server: &mut Server, size: Size) -> Result<Figures> {
        let shape = self.shape(size);
        match self {
            Self::Idle => idle::run(server, shape).await,
            Self::FanOut => fan_out::run(server, shape).await,
            Self::Paced => paced::run(server, shape).await,
            Self::Acks => acks::many(server, shape).await,
            Self::RoomAcks => acks::in_one_room(server, shape).await,
            Self::LoneAck => acks::one(server, shape).await,
            Self::Storm => storm::run(server, shape).await,
            Self::Day => day::run(server, shape).await,
        }
    }

    fn shape(self, size: Size) -> Shape {
        let (people, rooms, clients, seconds) = match self {
            Self::Idle => (10, 150, size.of(15_000, 5_000), 1),
            Self::FanOut => (10, 1, 1_000, size.of(3, 2)),
            Self::Paced => (10, 1, 1_000, size.of(10, 4)),
            Self::Acks => (16, 64, 64, size.of(5, 2)),
            Self::RoomAcks => (16, 1, 64, size.of(5, 2)),
            Self::LoneAck => (1, 1, 1, size.of(3, 1)),
            Self::Storm => (10, 50, size.of(5_000, 2_000), 1),
            Self::Day => (20, 200, 4_000, size.of(10, 4)),
        };
        Shape { people, rooms, clients, time: Duration::from_secs(seconds as u64) }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Size {
    Full,
    Quick,
}

impl Size {
    const fn of(self, full: usize, quick: usize) -> usize {
        match self {
            Self::Full => full,
            Self::Quick => quick,
        }
    }
}
