//! One device of one person: a small, correct client. It remembers over connections, connects again with a
//! jittered backoff, resumes by cursor, pages what a snapshot left out, and sends again what has no ack.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use magpie::protocol::ConversationId;
use parking_lot::Mutex;
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::Value;
use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout},
};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use super::{
    book::{Book, Letter},
    membership::{Register, Standing},
    schedule::Who,
    session::{self, Session},
};
use crate::support::{Account, proxy::Proxy};

/// A twentieth of what the contract names, as all times here.
const BACKOFF_BASE: Duration = Duration::from_millis(10);
const BACKOFF_CAP: Duration = Duration::from_millis(150);
/// How long an answer may take before the connection counts as dead; longer after each failure in a row.
const PATIENCE: Duration = Duration::from_millis(250);
const PATIENCE_CAP: Duration = Duration::from_secs(4);
/// How often one who is away or stalled looks whether that is over.
const LOOK: Duration = Duration::from_millis(5);

/// A fault of the client, planted to see that the checker catches it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Plant {
    #[default]
    None,
    /// Applies what it saw before once more.
    NoDedupe,
    /// Takes the newest events for all that it missed.
    NoResume,
    /// Makes a new client_id for each try.
    NewIdOnRetry,
    /// Forgets what was not acked when the connection ends.
    ForgetOnDrop,
}

pub struct Device {
    pub name: String,
    pub person: usize,
    pub account: Account,
    pub proxy: Proxy,
    pub book: Mutex<Book>,
    pub rooms: Vec<ConversationId>,
    pub register: Arc<Register>,
    /// Something waits to be sent.
    pub wake: Notify,
    /// A message was just written to the wire.
    pub sent: Arc<Notify>,
    pub plant: Plant,
    /// Subscribes without a cursor until it has one.
    pub is_late: bool,
    /// Its kernel takes little for it, so that a pause is felt at the server.
    pub has_small_buffer: bool,
    /// Takes large frames deflated.
    pub compresses: bool,
    pub http: reqwest::Client,
    orders: Mutex<Orders>,
}

/// What all devices of a seed have in common.
pub struct Shared {
    pub register: Arc<Register>,
    pub sent: Arc<Notify>,
    pub plant: Plant,
}

#[derive(Clone, Copy)]
struct Orders {
    away_until: Option<Instant>,
    stall_until: Option<Instant>,
    resubscribe: Option<Resubscribe>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resubscribe {
    AtCursor,
    Before(u64),
    AfterLeaving,
}

impl Device {
    pub fn new(
        number: usize,
        who: &Who,
        account: Account,
        proxy: Proxy,
        rooms: Vec<ConversationId>,
        Shared { register, sent, plant }: Shared,
    ) -> Self {
        let mut book = Book::default();
        for room in &rooms {
            book.copies.entry(*room).or_default().forgets_what_it_saw = plant == Plant::NoDedupe;
        }
        Self {
            name: format!("device {number} of person {}", who.person),
            person: who.person,
            account,
            proxy,
            book: Mutex::new(book),
            rooms,
            register,
            wake: Notify::new(),
            sent,
            plant,
            is_late: who.is_late,
            has_small_buffer: who.has_small_buffer,
            compresses: who.compresses,
            http: reqwest::Client::builder().timeout(Duration::from_secs(2)).build().expect("a client"),
            orders: Mutex::new(Orders { away_until: None, stall_until: None, resubscribe: None }),
        }
    }

    /// Connects, again and again, until `stop`.
    pub async fn run(self: Arc<Self>, seed: u64, stop: CancellationToken) {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut failures = 0;
        while !stop.is_cancelled() {
            while self.is_away() && !stop.is_cancelled() {
                sleep(LOOK).await;
            }
            let patience = PATIENCE_CAP.min(PATIENCE * 2u32.pow(failures.min(8)));
            let was_up = session::run(&self, &stop, patience).await;
            self.forget_if_planted();
            self.book.lock().disconnected();
            failures = if was_up { 0 } else { failures + 1 };
            let most = BACKOFF_CAP.min(BACKOFF_BASE * 2u32.pow(failures.min(8)));
            stop.run_until_cancelled(sleep(most.mul_f64(rng.random_range(0.0..1.0)))).await;
        }
    }

    fn forget_if_planted(&self) {
        let mut book = self.book.lock();
        match self.plant {
            Plant::ForgetOnDrop => book.outbox.retain(|letter| !letter.on_wire),
            Plant::NewIdOnRetry => {
                let sent: Vec<Letter> = book.outbox.iter().filter(|letter| letter.on_wire).cloned().collect();
                book.outbox.retain(|letter| !letter.on_wire);
                book.written.retain(|written| sent.iter().all(|letter| letter.client_id != written.client_id));
                sent.into_iter().for_each(|letter| book.write(letter.room, letter.text));
            }
            _ => {}
        }
    }

    // ── What a person does with it ──────────────────────────────────────────────────────────────

    pub fn write(&self, room: ConversationId, text: String) {
        self.book.lock().write(room, text);
        self.wake.notify_one();
    }

    pub fn change(&self, kind: &'static str, payload: Value) {
        self.book.lock().change(kind, payload);
        self.wake.notify_one();
    }

    fn is_away(&self) -> bool {
        self.orders.lock().away_until.is_some_and(|until| until > Instant::now())
    }

    /// Reads nothing for so long.
    pub fn stall_for(&self, time: Duration) {
        self.orders.lock().stall_until = Some(Instant::now() + time);
    }

    /// Waits until it reads again; whether it had to.
    pub async fn stalls(&self) -> bool {
        let is_stalled = || self.orders.lock().stall_until.is_some_and(|until| until > Instant::now());
        let stalled = is_stalled();
        while is_stalled() {
            sleep(LOOK).await;
        }
        stalled
    }

    /// Leaves now and comes back after so long.
    pub fn away_for(&self, time: Duration) {
        self.orders.lock().away_until = Some(Instant::now() + time);
        self.proxy.cut();
    }

    /// What a person had in mind is over: come back, read on.
    pub fn settle(&self) {
        *self.orders.lock() = Orders { away_until: None, stall_until: None, resubscribe: None };
        self.proxy.heal();
        self.wake.notify_one();
    }

    pub fn resubscribe(&self, how: Resubscribe) {
        self.orders.lock().resubscribe = Some(how);
        self.wake.notify_one();
    }

    pub fn take_resubscribe(&self) -> Option<Resubscribe> {
        self.orders.lock().resubscribe.take()
    }

    /// Sends the oldest unanswered message once more by POST, now.
    pub async fn send_again_over_http(self: Arc<Self>) {
        let Some(letter) = self.book.lock().oldest() else { return };
        let url = format!("http://{}/api/v1/conversations/{}/messages", self.proxy.addr, letter.room);
        let request = self.http.post(url).bearer_auth(&self.account.token).json(&letter.payload());
        let Ok(answer) = request.send().await else { return };
        let status = answer.status().as_u16();
        let Ok(text) = answer.text().await else { return };
        self.answered(status, &text);
    }

    fn answered(&self, status: u16, text: &str) {
        let body: Value = serde_json::from_str(text).unwrap_or_default();
        let mut book = self.book.lock();
        match status {
            200 | 201 => book.acked(&body, |room| self.register.of(room, self.person)),
            // Out of the room, or the proxy's own refusal.
            404 | 503 => {}
            _ => book.wrong.push(format!("a message by POST was answered with {status}: {text}")),
        }
    }

    /// Sends the oldest unanswered message once more on a socket of its own, now.
    pub async fn send_again_on_another_socket(self: Arc<Self>) {
        let Some(letter) = self.book.lock().oldest() else { return };
        let Some(mut socket) = timeout(PATIENCE, Session::dial(&self)).await.ok().flatten() else { return };
        let frame = serde_json::json!({ "type": "chat", "payload": letter.payload(), "ref": letter.client_id });
        use futures_util::{SinkExt, StreamExt};
        if socket.send(Message::text(frame.to_string())).await.is_err() {
            return;
        }
        while let Ok(Some(Ok(message))) = timeout(PATIENCE, socket.next()).await {
            let Message::Text(text) = message else { continue };
            let frame: Value = serde_json::from_str(&text).unwrap_or_default();
            if frame["ref"] == letter.client_id.as_str() {
                if frame["type"] == "ack" {
                    self.book.lock().acked(&frame, |room| self.register.of(room, self.person));
                }
                return;
            }
        }
    }

    // ── Whether all is well at the end ──────────────────────────────────────────────────────────

    /// What is still missing to be up to date with these heads; nothing: all is here.
    pub fn lacks(&self, heads: &[(ConversationId, u64)]) -> Option<String> {
        let book = self.book.lock();
        let is_member = |room| self.register.of(room, self.person).standing == Standing::Member;
        if let Some(letter) = book.outbox.iter().find(|letter| is_member(letter.room)) {
            return Some(format!("{}: {letter:?} has no ack", self.name));
        }
        if let Some(change) = book.changes.front() {
            return Some(format!("{}: {change:?} has no answer", self.name));
        }
        heads.iter().filter(|(room, _)| self.rooms.contains(room) && is_member(*room)).find_map(|(room, head)| {
            let cursor = book.copies[room].cursor;
            (cursor < *head).then(|| format!("{}: {room} at {cursor} of {head}", self.name))
        })
    }

    pub fn proxy_addr(&self) -> SocketAddr {
        self.proxy.addr
    }
}
