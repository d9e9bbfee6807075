//! What a person does with a device while everything fails: writes, writes twice, corrects, reacts, walks into
//! a tunnel.

use std::{sync::Arc, time::Duration};

use magpie::protocol::ConversationId;
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Value, json};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use super::{
    device::{Device, Resubscribe},
    schedule::Who,
};

const EMOJIS: [&str; 3] = ["👍", "🐦", "❤️"];
/// The 2 seconds for which a network is gone, at this test's pace.
const DROP: Duration = Duration::from_millis(100);

pub struct Person {
    pub device: Arc<Device>,
    pub who: Who,
    pub rng: StdRng,
    pub again: JoinSet<()>,
    number: u64,
}

impl Person {
    pub fn new(device: Arc<Device>, who: Who, seed: u64) -> Self {
        Self { device, who, rng: StdRng::seed_from_u64(seed), again: JoinSet::new(), number: 0 }
    }

    /// Busy for so long.
    pub async fn live(mut self, lasts: Duration) {
        let end = Instant::now() + lasts;
        let mut drop_at = self.next_drop();
        while Instant::now() < end {
            sleep(Duration::from_micros(self.rng.random_range(500..25_000))).await;
            if Instant::now() > drop_at {
                self.lose_the_network();
                drop_at = self.next_drop();
            }
            self.act();
        }
        while self.again.join_next().await.is_some() {}
    }

    fn next_drop(&mut self) -> Instant {
        Instant::now() + self.who.drops_every.mul_f64(self.rng.random_range(0.2..1.8))
    }

    fn lose_the_network(&mut self) {
        let time = DROP.mul_f64(self.rng.random_range(0.1..1.5));
        match self.rng.random_range(0..4) {
            0 => self.device.proxy.cut(),
            1 => self.device.proxy.silent_for(time),
            2 => self.device.away_for(time),
            _ => self.device.proxy.down_for(time),
        }
    }

    fn act(&mut self) {
        let Some(&room) = self.device.rooms.choose(&mut self.rng) else { return };
        match self.rng.random_range(0..100) {
            0..40 => self.write(room),
            40..46 => (0..self.rng.random_range(2..20)).for_each(|_| self.write(room)),
            46..52 => self.send_again(),
            52..60 => self.edit(room),
            60..64 => self.delete(room),
            64..80 => self.react(room),
            80..88 => self.resubscribe(),
            88..92 => self.device.stall_for(Duration::from_millis(self.rng.random_range(5..120))),
            _ => {}
        }
    }

    fn write(&mut self, room: ConversationId) {
        self.number += 1;
        let most = if self.rng.random_bool(0.1) { 5_000 } else { 200 };
        let padding = "x".repeat(self.rng.random_range(0..most));
        self.device.write(room, format!("{} writes {} {padding}", self.device.name, self.number).trim().to_owned());
    }

    fn send_again(&mut self) {
        let device = Arc::clone(&self.device);
        if self.rng.random_bool(0.5) {
            self.again.spawn(device.send_again_over_http());
        } else {
            self.again.spawn(device.send_again_on_another_socket());
        }
    }

    fn edit(&mut self, room: ConversationId) {
        let Some(id) = self.own_message(room) else { return };
        let text = format!("edited {}", self.rng.random_range(0..1_000));
        self.device.change("edit", json!({ "conversation_id": room, "message_id": id, "message": text }));
    }

    fn delete(&mut self, room: ConversationId) {
        let Some(id) = self.own_message(room) else { return };
        self.device.change("delete", json!({ "conversation_id": room, "message_id": id }));
    }

    fn react(&mut self, room: ConversationId) {
        let Some(id) = self.any_message(room) else { return };
        let (emoji, on) = (EMOJIS.choose(&mut self.rng), self.rng.random_bool(0.7));
        let payload = json!({ "conversation_id": room, "message_id": id, "emoji": emoji, "on": on });
        self.device.change("react", payload);
    }

    fn own_message(&mut self, room: ConversationId) -> Option<String> {
        let book = self.device.book.lock();
        let own: Vec<_> = book.acks.iter().filter(|ack| ack.room == room).map(|ack| &ack.message_id).collect();
        own.choose(&mut self.rng).map(|id| id.to_string())
    }

    fn any_message(&mut self, room: ConversationId) -> Option<Value> {
        let book = self.device.book.lock();
        let (_, text) = book.copies.get(&room)?.log.choose(&mut self.rng)?;
        let frame: Value = serde_json::from_str(text).ok()?;
        (frame["type"] == "message").then(|| frame["id"].clone())
    }

    fn resubscribe(&mut self) {
        let how = match self.rng.random_range(0..3) {
            0 => Resubscribe::AtCursor,
            1 => Resubscribe::AfterLeaving,
            _ => Resubscribe::Before(self.rng.random_range(1..200)),
        };
        self.device.resubscribe(how);
    }
}
