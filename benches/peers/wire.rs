//! What the two axum peers share: the wire of `docs/protocol.md` as far as the load generator speaks it, with
//! a channel per room and nothing kept. They differ in what a frame costs on its way out.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    extract::{
        Query, State, WebSocketUpgrade,
        ws::{Message as WsMessage, Utf8Bytes, WebSocket},
    },
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
    serve::ListenerExt,
};
use clap::Parser;
use futures_util::SinkExt;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use magpie::{
    fresh_id,
    protocol::{
        self, ClientEnvelope, ClientFrame, ConnectionId, ConversationId, DurableFrame, EphemeralFrame, Event, LogEpoch,
        Message, MessageId, Sender, Seq, UserId, UserRef, Visibility,
        client::Chat,
        limits,
        server::{Ack, Connected, Format, Mode, Posted, ServerFrame, Status, Subscribed, TypingTimes, UserTyping},
    },
    server::clock,
};
use serde::Deserialize;
use tokio::{
    net::TcpListener,
    sync::broadcast::{self, error::RecvError},
};

/// Frames that a room keeps for whoever is slow; more, and they miss some.
const CHANNEL: usize = 1_024;

/// How a frame travels from its sender to the socket of each who reads it.
pub trait Parcel: Clone + Send + Sync + 'static {
    /// Whether the socket's buffers are small, one flush serves all that waits, and no packet waits for another
    /// (Nagle's algorithm, which axum leaves on).
    const TUNED: bool;
    fn pack(frame: ServerFrame) -> Self;
    fn text(self) -> Utf8Bytes;
}

pub fn encode(frame: &ServerFrame) -> Utf8Bytes {
    serde_json::to_string(frame).unwrap_or_default().into()
}

#[derive(Parser)]
struct Options {
    #[arg(long)]
    addr: SocketAddr,
    /// Signs the tokens.
    #[arg(long)]
    secret: String,
}

struct Peer<P> {
    key: DecodingKey,
    rooms: Mutex<HashMap<ConversationId, Arc<Room<P>>>>,
}

struct Room<P> {
    seq: Mutex<u64>,
    /// With the connection that it is not for.
    frames: broadcast::Sender<(Option<ConnectionId>, P)>,
}

impl<P: Parcel> Room<P> {
    fn tell(&self, except: Option<ConnectionId>, frame: ServerFrame) {
        // Nobody listens: nobody misses it.
        let _ = self.frames.send((except, P::pack(frame)));
    }
}

impl<P: Parcel> Peer<P> {
    fn room(&self, id: ConversationId) -> Arc<Room<P>> {
        let new = || Arc::new(Room { seq: Mutex::new(0), frames: broadcast::channel(CHANNEL).0 });
        Arc::clone(self.rooms.lock().unwrap_or_else(PoisonError::into_inner).entry(id).or_insert_with(new))
    }
}

pub async fn serve<P: Parcel>() -> std::io::Result<()> {
    let options = Options::parse();
    let key = DecodingKey::from_secret(options.secret.as_bytes());
    let peer = Arc::new(Peer::<P> { key, rooms: Mutex::default() });
    let listener = TcpListener::bind(options.addr).await?.tap_io(|stream| {
        if P::TUNED {
            let _ = stream.set_nodelay(true);
        }
    });
    axum::serve(listener, Router::new().route("/ws", get(upgrade::<P>)).with_state(peer)).await
}

#[derive(Deserialize)]
struct Token {
    token: String,
}

#[derive(Deserialize)]
struct Claims {
    sub: UserId,
    name: String,
}

async fn upgrade<P: Parcel>(
    State(peer): State<Arc<Peer<P>>>,
    Query(Token { token }): Query<Token>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let Ok(token) = decode::<Claims>(&token, &peer.key, &Validation::new(Algorithm::HS256)) else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    let user = UserRef { id: token.claims.sub, name: token.claims.name };
    let upgrade = match P::TUNED {
        true => upgrade.read_buffer_size(limits::READ_BUFFER_BYTES).write_buffer_size(limits::WRITE_BUFFER_BYTES),
        false => upgrade,
    };
    upgrade.on_upgrade(async |socket| {
        let id = fresh_id!(ConnectionId);
        let _ = Session { peer, socket, id, user, room: None, typing: false }.run().await;
    })
}

struct Session<P> {
    peer: Arc<Peer<P>>,
    socket: WebSocket,
    id: ConnectionId,
    user: UserRef,
    room: Option<broadcast::Receiver<(Option<ConnectionId>, P)>>,
    typing: bool,
}

impl<P: Parcel> Session<P> {
    async fn run(mut self) -> Result<(), axum::Error> {
        self.answer(self.welcome()).await?;
        loop {
            tokio::select! {
                frame = next(&mut self.room) => self.deliver(frame).await?,
                message = self.socket.recv() => match message {
                    Some(Ok(WsMessage::Text(text))) => self.handle(&text).await?,
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(error),
                    None => return Ok(()),
                },
            }
        }
    }

    /// One frame of the room, or, tuned, all that wait, and one flush.
    async fn deliver(&mut self, frame: (Option<ConnectionId>, P)) -> Result<(), axum::Error> {
        let mut next = Some(frame);
        while let Some((except, parcel)) = next.take() {
            if except != Some(self.id) {
                self.socket.feed(WsMessage::Text(parcel.text())).await?;
            }
            if P::TUNED {
                next = self.room.as_mut().and_then(|room| room.try_recv().ok());
            }
        }
        self.socket.flush().await
    }

    async fn handle(&mut self, text: &str) -> Result<(), axum::Error> {
        let Ok(envelope) = ClientEnvelope::parse(text) else { return Ok(()) };
        match envelope.frame {
            ClientFrame::Subscribe(frame) => {
                for cursor in frame.conversations {
                    let room = self.peer.room(cursor.id);
                    let head = {
                        let seq = room.seq.lock().unwrap_or_else(PoisonError::into_inner);
                        self.room = Some(room.frames.subscribe());
                        Seq(*seq)
                    };
                    self.answer(subscribed(cursor.id, head)).await?;
                }
            }
            ClientFrame::Chat(frame) => {
                let ack = self.post(frame);
                self.answer(EphemeralFrame::Ack(ack)).await?;
            }
            ClientFrame::TypingStart(frame) => {
                self.typing = true;
                let (id, typing) = (frame.conversation_id, UserTyping::of(&frame, self.user.clone()));
                let frame = ServerFrame::Ephemeral(EphemeralFrame::TypingStart(typing));
                self.peer.room(id).tell(Some(self.id), frame);
            }
            _ => {}
        }
        Ok(())
    }

    /// Broadcast, and then acknowledged; nothing is kept.
    fn post(&mut self, chat: Chat) -> Ack {
        let conversation_id = chat.conversation_id.unwrap_or_else(|| fresh_id!(ConversationId));
        let room = self.peer.room(conversation_id);
        let (id, timestamp) = (fresh_id!(MessageId), clock::now());
        let client_id = chat.client_id.unwrap_or_else(|| id.into());
        let event = Event::Message(Message {
            id,
            sender: Sender::User,
            author: self.user.clone().into(),
            text: chat.message,
            format: Format::Markdown,
            client_id: Some(client_id.clone()),
            reply_to: chat.reply_to,
            run_id: None,
            visibility: Visibility::Public,
            partial: false,
        });
        let seq = {
            let mut seq = room.seq.lock().unwrap_or_else(PoisonError::into_inner);
            *seq += 1;
            let frame = DurableFrame { conversation_id, seq: Seq(*seq), timestamp, event };
            room.tell(None, ServerFrame::Durable(frame));
            Seq(*seq)
        };
        if std::mem::take(&mut self.typing) {
            let stop = UserTyping { conversation_id, user: self.user.clone() };
            room.tell(Some(self.id), ServerFrame::Ephemeral(EphemeralFrame::TypingStop(stop)));
        }
        let posted = Posted { client_id, message_id: id, timestamp, duplicate: false };
        Ack { reference: None, conversation_id, seq, posted: Some(posted) }
    }

    async fn answer(&mut self, frame: EphemeralFrame) -> Result<(), axum::Error> {
        self.socket.send(WsMessage::Text(encode(&ServerFrame::Ephemeral(frame)))).await
    }

    fn welcome(&self) -> EphemeralFrame {
        let typing = TypingTimes {
            resend_ms: limits::TYPING_RESEND_MS,
            stop_ms: limits::TYPING_STOP_MS,
            expire_ms: limits::TYPING_EXPIRE_MS,
        };
        EphemeralFrame::Status(Status {
            status: "connected".into(),
            message: "Welcome.".into(),
            timestamp: clock::now(),
            run_id: None,
            expires_at: None,
            connected: Some(Connected {
                connection_id: self.id,
                user: self.user.clone(),
                protocol: protocol::VERSION.into(),
                heartbeat_ms: limits::HEARTBEAT_MS,
                typing,
            }),
        })
    }
}

/// The next frame of the room; who is not in one waits for ever, who was too slow goes on behind the gap.
async fn next<T: Clone>(room: &mut Option<broadcast::Receiver<T>>) -> T {
    loop {
        match room {
            None => std::future::pending().await,
            Some(frames) => match frames.recv().await {
                Ok(frame) => return frame,
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => *room = None,
            },
        }
    }
}

fn subscribed(id: ConversationId, head: Seq) -> EphemeralFrame {
    EphemeralFrame::Subscribed(Subscribed {
        conversation_id: id,
        mode: Mode::Current,
        head,
        log_epoch: Some(fresh_id!(LogEpoch)),
        typing: vec![],
        presence: vec![],
        reads: vec![],
        streams: vec![],
        control: None,
        reference: None,
    })
}
