//! How many of everything a scenario has, and how long it goes on.

use std::time::Duration;

#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Accounts; each opens many connections.
    pub people: usize,
    pub rooms: usize,
    pub clients: usize,
    pub time: Duration,
}

impl Shape {
    /// The room that client `n` stands in.
    pub const fn room_of(&self, n: usize) -> usize {
        n * self.rooms / self.clients
    }
}
