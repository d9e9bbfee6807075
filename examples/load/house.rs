//! Who is there and where: accounts and rooms, made through the HTTP API as any client would. A peer has no
//! accounts: it takes any token that is signed with its secret, and any room.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
};

use jsonwebtoken::{EncodingKey, Header, encode};
use magpie::{
    fresh_id,
    protocol::{
        ClientId, ConversationId, MessageId, UserId,
        http::{Conversation, CreateConversation, Register, SignedIn},
    },
    server::clock,
};
use serde_json::json;

use super::{Result, server::SECRET};

const PASSWORD: &str = "correct horse battery";
/// Text that makes a message's frame 500 bytes long, with what stands around it.
const TEXT_BYTES: usize = 180;

pub struct House {
    pub addr: SocketAddr,
    pub rooms: Vec<Room>,
    tokens: Vec<String>,
    serial: AtomicU64,
}

#[derive(Clone)]
pub struct Room {
    pub id: String,
    pub head: u64,
}

impl House {
    pub async fn of_magpie(addr: SocketAddr, people: usize, rooms: usize) -> Result<Self> {
        let http = reqwest::Client::new();
        let url = |path: &str| format!("http://{addr}/api/v1{path}");
        let (mut tokens, mut names) = (Vec::new(), Vec::new());
        for person in 0..people {
            let username = format!("person{person:02}");
            let body = Register { username: username.clone(), password: PASSWORD.into(), display_name: None };
            let answer = http.post(url("/auth/register")).json(&body).send().await?.error_for_status()?;
            tokens.push(answer.json::<SignedIn>().await?.token);
            names.push(username);
        }
        let mut made = Vec::new();
        for room in 0..rooms {
            let body =
                CreateConversation { title: format!("Room {room}"), members: names[1..].to_vec(), agents: false };
            let request = http.post(url("/conversations")).bearer_auth(&tokens[0]).json(&body);
            let room: Conversation = request.send().await?.error_for_status()?.json().await?;
            made.push(Room { id: room.id.to_string(), head: room.head.0 });
        }
        Ok(Self { addr, rooms: made, tokens, serial: AtomicU64::new(0) })
    }

    pub fn of_peer(addr: SocketAddr, people: usize, rooms: usize) -> Result<Self> {
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        let now = clock::now().as_ms() / 1_000;
        let token = |person| {
            let name = format!("person{person:02}");
            let claims = json!({ "sub": fresh_id!(UserId), "name": name, "iat": now, "exp": now + 3_600 });
            encode(&Header::default(), &claims, &key)
        };
        let rooms = (0..rooms).map(|_| Room { id: fresh_id!(ConversationId).to_string(), head: 0 }).collect();
        Ok(Self {
            addr,
            rooms,
            tokens: (0..people).map(token).collect::<std::result::Result<_, _>>()?,
            serial: AtomicU64::new(0),
        })
    }

    /// The request that opens client `n`'s socket.
    pub fn handshake(&self, n: usize) -> String {
        let (addr, token) = (self.addr, &self.tokens[n % self.tokens.len()]);
        format!(
            "GET /ws?token={token} HTTP/1.1\r\nHost: {addr}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
    }

    /// A message, and its number, which stands in its text: 0, 1, 2 …
    pub fn chat(&self, room: &Room) -> (u64, String) {
        let number = self.serial.fetch_add(1, Ordering::Relaxed);
        let client_id: ClientId = fresh_id!(MessageId).into();
        let (id, client_id) = (&room.id, client_id.as_str());
        let text = format!("{:x<TEXT_BYTES$}", format!("number={number} "));
        let chat = format!(
            r#"{{"type":"chat","payload":{{"conversation_id":"{id}","client_id":"{client_id}","message":"{text}"}}}}"#
        );
        (number, chat)
    }

    pub fn typing(&self, room: &Room) -> String {
        format!(r#"{{"type":"typing_start","payload":{{"conversation_id":"{}"}}}}"#, room.id)
    }
}
