//! One connection of a device, from the handshake to its end.

mod received;
mod subscriptions;

use std::{collections::HashMap, time::Duration};

use futures_util::{SinkExt, StreamExt};
use magpie::protocol::{ClientId, ConversationId};
use serde_json::{Value, json};
use tokio::{
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::{Instant, timeout},
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest},
};
use tokio_util::sync::CancellationToken;

use self::subscriptions::{Page, Subscriptions};
use super::{device::Device, membership::Membership};

type Stream = WebSocketStream<TcpStream>;

/// Messages on the wire without an ack.
const WINDOW: usize = 16;
const TICK: Duration = Duration::from_millis(15);
/// After so long without a frame the other end is asked whether it is there.
const QUIET: Duration = Duration::from_millis(60);
/// The kernel's share of what a slow reader did not read.
const SMALL_BUFFER: u32 = 4_096;

pub struct Session<'a> {
    device: &'a Device,
    stream: Stream,
    subscriptions: Subscriptions,
    paging: JoinSet<Page>,
    /// What was sent, and where its author stood in the room at that time.
    sent_as: HashMap<String, Membership>,
    /// Rooms that a ping after the removal was answered for: nothing of them may come any more.
    sealed: HashMap<ConversationId, usize>,
    sealing: HashMap<String, (ConversationId, usize)>,
    heard: Instant,
    /// Since when an answer is awaited.
    asked: Option<Instant>,
    patience: Duration,
}

/// The connection is over.
pub struct Over;

/// Connects and stays until the connection ends or `stop`; whether it ever stood.
pub async fn run(device: &Device, stop: &CancellationToken, patience: Duration) -> bool {
    let Some(Some(stream)) = stop.run_until_cancelled(dial_within(device, patience)).await else { return false };
    let now = Instant::now();
    let mut session = Session {
        device,
        stream,
        subscriptions: Subscriptions::default(),
        paging: JoinSet::new(),
        sent_as: HashMap::new(),
        sealed: HashMap::new(),
        sealing: HashMap::new(),
        heard: now,
        asked: None,
        patience,
    };
    device.book.lock().count("connections");
    session.serve(stop).await
}

async fn dial_within(device: &Device, patience: Duration) -> Option<Stream> {
    timeout(patience, Session::dial(device)).await.ok().flatten()
}

impl Session<'_> {
    /// Opens a socket; its first frame says that it is connected.
    pub async fn dial(device: &Device) -> Option<Stream> {
        let socket = TcpSocket::new_v4().ok()?;
        if device.has_small_buffer {
            socket.set_recv_buffer_size(SMALL_BUFFER).ok()?;
        }
        let addr = device.proxy_addr();
        let tcp = socket.connect(addr).await.ok()?;
        tcp.set_nodelay(true).ok()?;
        let compress = if device.compresses { "&compress=deflate" } else { "" };
        let url = format!("ws://{addr}/ws?token={}{compress}", device.account.token);
        let (mut stream, _) = client_async(url.into_client_request().ok()?, tcp).await.ok()?;
        match stream.next().await {
            Some(Ok(Message::Text(text))) if text.contains(r#""status":"connected""#) => Some(stream),
            _ => None,
        }
    }

    /// Whether it ever stood: whether anything was answered.
    async fn serve(&mut self, stop: &CancellationToken) -> bool {
        let began = self.heard;
        if self.subscribe_to_all().await.is_err() {
            return false;
        }
        loop {
            let turn = tokio::select! {
                () = stop.cancelled() => Err(Over),
                turn = self.turn() => turn,
            };
            if turn.is_err() {
                return self.heard > began;
            }
        }
    }

    async fn turn(&mut self) -> Result<(), Over> {
        // Not a byte is read meanwhile: what is written piles up at the other end.
        if self.device.stalls().await {
            self.heard = Instant::now();
            self.asked = None;
        }
        tokio::select! {
            message = self.stream.next() => self.received(message).await,
            Some(Ok(page)) = self.paging.join_next(), if !self.paging.is_empty() => {
                self.paged(page);
                Ok(())
            }
            () = self.device.wake.notified() => self.send_what_waits().await,
            () = tokio::time::sleep(TICK) => self.tick().await,
        }
    }

    async fn tick(&mut self) -> Result<(), Over> {
        self.seal_where_gone().await?;
        self.subscribe_where_denied().await?;
        self.send_what_waits().await?;
        let now = Instant::now();
        if self.asked.is_some_and(|asked| now - asked.max(self.heard) > self.patience) {
            self.device.book.lock().count("connections given up for dead");
            return Err(Over);
        }
        if self.asked.is_none() && now - self.heard > QUIET {
            self.send("ping", json!({ "nonce": "there?" }), None).await?;
        }
        Ok(())
    }

    async fn send(&mut self, kind: &str, payload: Value, reference: Option<&str>) -> Result<(), Over> {
        let mut frame = json!({ "type": kind, "payload": payload });
        if let Some(reference) = reference {
            frame["ref"] = reference.into();
        }
        let sending = self.stream.send(Message::text(frame.to_string()));
        // Somebody in the middle may have stopped to take it.
        timeout(self.patience, sending).await.map_err(|_| Over)?.map_err(|_| Over)?;
        self.asked.get_or_insert_with(Instant::now);
        Ok(())
    }

    /// Messages in their order, a window of them at a time; then changes, one after the other.
    async fn send_what_waits(&mut self) -> Result<(), Over> {
        if let Some(how) = self.device.take_resubscribe() {
            self.subscribe_again(how).await?;
        }
        while let Some((client_id, room, payload)) = self.next_letter() {
            let standing = self.device.register.of(room, self.device.person);
            self.device.book.lock().sent(&client_id, standing);
            self.sent_as.insert(client_id.to_string(), standing);
            self.send("chat", payload, Some(client_id.as_str())).await?;
            self.device.sent.notify_one();
        }
        let change = {
            let mut book = self.device.book.lock();
            book.changes.front_mut().filter(|change| !change.on_wire).map(|change| {
                change.on_wire = true;
                change.clone()
            })
        };
        match change {
            Some(change) => self.send(change.kind, change.payload, Some(&change.reference)).await,
            None => Ok(()),
        }
    }

    fn next_letter(&self) -> Option<(ClientId, ConversationId, Value)> {
        let mut book = self.device.book.lock();
        if book.outbox.iter().filter(|letter| letter.on_wire).count() >= WINDOW {
            return None;
        }
        let at = book.outbox.iter().position(|letter| !letter.on_wire && !letter.parked)?;
        let letter = &mut book.outbox[at];
        letter.on_wire = true;
        Some((letter.client_id.clone(), letter.room, letter.payload()))
    }

    /// Asks for a pong in each room that the device's person was removed from: what comes of that room after
    /// it was sent after the removal.
    async fn seal_where_gone(&mut self) -> Result<(), Over> {
        for (room, removal) in self.device.register.gone(self.device.person) {
            let nonce = format!("seal {room} {removal}");
            if !self.sealing.contains_key(&nonce) {
                self.sealing.insert(nonce.clone(), (room, removal));
                self.send("ping", json!({ "nonce": nonce }), None).await?;
            }
        }
        Ok(())
    }
}
