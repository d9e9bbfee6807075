//! A WebSocket client that knows nothing but the wire.

use std::{net::SocketAddr, time::Duration};

use futures_util::{SinkExt, StreamExt};
use magpie::protocol::ConversationId;
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, client_async, connect_async,
    tungstenite::{self, Message, client::IntoClientRequest, http::HeaderValue},
};

/// How long anything may take before a test gives up: far more than it ever takes.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Frames that came while another was waited for.
    skipped: Vec<Value>,
    refs: u64,
}

impl Socket {
    /// Opens `/ws` with a bearer token and reads the first frame, which is `connected`.
    pub async fn open(addr: SocketAddr, token: &str) -> Result<Self, tungstenite::Error> {
        let mut socket = Self::handshake(addr, "/ws", &[("authorization", &format!("Bearer {token}"))]).await?;
        let first = socket.read().await.ok_or(tungstenite::Error::ConnectionClosed)?;
        assert_eq!((&first["type"], &first["status"]), (&json!("status"), &json!("connected")), "{first}");
        Ok(socket)
    }

    /// Like [`Socket::open`], for a reader whose kernel takes little for it.
    pub async fn open_with_small_buffer(addr: SocketAddr, token: &str) -> Self {
        let tcp = TcpSocket::new_v4().expect("a socket");
        tcp.set_recv_buffer_size(4_096).expect("a small buffer");
        let tcp = tcp.connect(addr).await.expect("a connection");
        let request = format!("ws://{addr}/ws?token={token}").into_client_request().expect("a request");
        let opened = client_async(request, MaybeTlsStream::Plain(tcp)).await;
        Self { stream: opened.expect("a socket").0, skipped: Vec::new(), refs: 0 }
    }

    pub async fn handshake(
        addr: SocketAddr,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, tungstenite::Error> {
        let mut request = format!("ws://{addr}{path}").into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_str(value).expect("a header"));
        }
        let (stream, _) = connect_async(request).await?;
        Ok(Self { stream, skipped: Vec::new(), refs: 0 })
    }

    pub async fn send(&mut self, kind: &str, payload: Value) {
        self.send_raw(Message::text(json!({ "type": kind, "payload": payload }).to_string())).await;
    }

    /// Sends with a fresh `ref`, which is returned.
    pub async fn ask(&mut self, kind: &str, payload: Value) -> String {
        let (reference, message) = self.request(kind, &payload);
        self.send_raw(message).await;
        reference
    }

    fn request(&mut self, kind: &str, payload: &Value) -> (String, Message) {
        self.refs += 1;
        let reference = self.refs.to_string();
        let frame = json!({ "type": kind, "payload": payload, "ref": reference });
        (reference, Message::text(frame.to_string()))
    }

    pub async fn send_raw(&mut self, message: Message) {
        self.stream.send(message).await.expect("an open socket");
    }

    /// Like [`Socket::send_raw`] where the other end may close in the middle.
    pub async fn try_send_raw(&mut self, message: Message) -> Result<(), tungstenite::Error> {
        self.stream.send(message).await
    }

    /// Sends a frame where the other end may close in the middle.
    pub async fn try_send(&mut self, kind: &str, payload: Value) -> Result<(), tungstenite::Error> {
        self.try_send_raw(Message::text(json!({ "type": kind, "payload": payload }).to_string())).await
    }

    /// The next message as it came over the wire, pings too; without patience: for a clock that stands still.
    pub async fn next_message(&mut self) -> Option<Message> {
        self.stream.next().await?.ok()
    }

    /// The next message of this kind, as it came over the wire.
    pub async fn next_raw(&mut self, wanted: impl Fn(&Message) -> bool) -> Message {
        loop {
            let message = self.message().await.expect("a message, not the end").expect("a message, no error");
            if wanted(&message) {
                return message;
            }
        }
    }

    /// The connection below, for a client that answers nothing by itself.
    pub fn into_wire(self) -> TcpStream {
        match self.stream.into_inner() {
            MaybeTlsStream::Plain(tcp) => tcp,
            _ => unreachable!("tests speak plain TCP"),
        }
    }

    /// The next frame, in the order of arrival.
    pub async fn next(&mut self) -> Value {
        if !self.skipped.is_empty() {
            return self.skipped.remove(0);
        }
        self.read().await.expect("a frame, not the end")
    }

    /// The next frame in the order of arrival, however long it takes; `None`: the connection is over.
    pub async fn try_next(&mut self) -> Option<Value> {
        if !self.skipped.is_empty() {
            return Some(self.skipped.remove(0));
        }
        loop {
            if let Message::Text(text) = self.next_message().await? {
                return Some(serde_json::from_str(&text).expect("JSON"));
            }
        }
    }

    /// The next frame of this type; those that come before it stay for later.
    pub async fn next_of(&mut self, kind: &str) -> Value {
        self.next_where(|frame| frame["type"] == kind).await
    }

    pub async fn next_where(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.skipped.iter().position(&wanted) {
            return self.skipped.remove(at);
        }
        loop {
            let frame = self.read().await.expect("a frame, not the end");
            if wanted(&frame) {
                return frame;
            }
            self.skipped.push(frame);
        }
    }

    /// The answer with this `ref`.
    pub async fn answer(&mut self, reference: &str) -> Value {
        self.next_where(|frame| frame["ref"] == reference).await
    }

    /// The close code, after whatever still comes.
    pub async fn closed(&mut self) -> Option<(u16, String)> {
        loop {
            match self.message().await {
                Some(Ok(Message::Close(Some(close)))) => return Some((close.code.into(), close.reason.to_string())),
                Some(Ok(Message::Close(None))) | None => return None,
                Some(Ok(_)) => {}
                Some(Err(_)) => return None,
            }
        }
    }

    /// All frames that came up to the answer to a ping, which says that nothing is on its way any more.
    pub async fn settled(&mut self) -> Vec<Value> {
        let nonce = format!("settled {}", self.refs);
        self.refs += 1;
        self.send("ping", json!({ "nonce": nonce })).await;
        let mut frames = Vec::new();
        loop {
            let frame = self.next().await;
            if frame["type"] == "pong" && frame["nonce"] == nonce.as_str() {
                return frames;
            }
            frames.push(frame);
        }
    }

    pub async fn subscribe(&mut self, id: ConversationId, after: Option<u64>) -> Value {
        let cursor = match after {
            Some(after) => json!({ "id": id, "after": after }),
            None => json!({ "id": id }),
        };
        let reference = self.ask("subscribe", json!({ "conversations": [cursor] })).await;
        self.answer(&reference).await
    }

    /// Posts and returns the ack.
    pub async fn chat(&mut self, id: ConversationId, message: &str) -> Value {
        let reference = self.ask("chat", json!({ "conversation_id": id, "message": message })).await;
        self.answer(&reference).await
    }

    /// Sends and waits for the answer; `None` if the server is gone by then.
    pub async fn try_ask(&mut self, kind: &str, payload: Value) -> Option<Value> {
        let (reference, message) = self.request(kind, &payload);
        self.stream.send(message).await.ok()?;
        loop {
            let frame = self.read().await?;
            if frame["ref"] == reference.as_str() {
                return Some(frame);
            }
        }
    }

    async fn read(&mut self) -> Option<Value> {
        loop {
            match self.message().await? {
                Ok(Message::Text(text)) => return Some(serde_json::from_str(&text).expect("JSON")),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    async fn message(&mut self) -> Option<Result<Message, tungstenite::Error>> {
        tokio::time::timeout(PATIENCE, self.stream.next()).await.expect("something within the patience of a test")
    }
}
