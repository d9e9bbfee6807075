//! A server that webhooks are sent to: it answers as a test tells it to, and keeps what came.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, response::IntoResponse, routing::post};
use hmac::{Hmac, Mac};
use serde_json::Value;
use sha2::Sha256;
use tokio::{net::TcpListener, sync::watch};

/// How long a test waits: far more than it ever takes.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug)]
pub enum Reply {
    Status(u16, &'static str),
    /// No answer at all.
    Hang,
}

#[derive(Clone, Debug)]
pub struct Got {
    pub delivery: String,
    pub event: String,
    pub signature: String,
    pub raw: String,
    pub body: Value,
    /// Answered with 2xx.
    pub is_taken: bool,
}

type Script = Box<dyn Fn(&Got) -> Reply + Send>;

pub struct Receiver {
    pub addr: SocketAddr,
    inner: Arc<Inner>,
    count: watch::Receiver<usize>,
}

struct Inner {
    script: Mutex<Script>,
    got: Mutex<Vec<Got>>,
    count: watch::Sender<usize>,
}

impl Receiver {
    /// Takes everything.
    pub async fn start() -> Self {
        let (sender, count) = watch::channel(0);
        let script: Script = Box::new(|_| Reply::Status(200, "ok"));
        let inner = Arc::new(Inner { script: Mutex::new(script), got: Mutex::default(), count: sender });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("an address");
        let router = Router::new().route("/hook", post(take)).with_state(inner.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { addr, inner, count }
    }

    /// As `MAGPIE_WEBHOOK_HOSTS` lists it.
    pub fn host(&self) -> String {
        self.addr.to_string()
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.addr)
    }

    /// What is answered.
    pub fn answers(&self, script: impl Fn(&Got) -> Reply + Send + 'static) {
        *self.inner.script.lock().unwrap() = Box::new(script);
    }

    pub fn got(&self) -> Vec<Got> {
        self.inner.got.lock().unwrap().clone()
    }

    /// All that came, once it is so many at least.
    pub async fn after(&self, count: usize) -> Vec<Got> {
        self.until(|got| got.len() >= count).await
    }

    pub async fn until(&self, is_enough: impl Fn(&[Got]) -> bool) -> Vec<Got> {
        let mut count = self.count.clone();
        let waiting = count.wait_for(|_| is_enough(&self.inner.got.lock().unwrap()));
        let came = tokio::time::timeout(PATIENCE, waiting).await.map(drop);
        let got = self.got();
        assert!(came.is_ok(), "no more came within the patience of a test: {} deliveries", got.len());
        got
    }
}

async fn take(State(inner): State<Arc<Inner>>, headers: HeaderMap, body: Bytes) -> impl IntoResponse {
    let header = |name: &str| headers[name].to_str().expect("text").to_owned();
    let raw = String::from_utf8(body.to_vec()).expect("UTF-8");
    let mut got = Got {
        delivery: header("magpie-delivery"),
        event: header("magpie-event"),
        signature: header("magpie-signature"),
        body: serde_json::from_str(&raw).expect("JSON"),
        raw,
        is_taken: false,
    };
    let reply = (inner.script.lock().unwrap())(&got);
    got.is_taken = matches!(reply, Reply::Status(200..=299, _));
    inner.got.lock().unwrap().push(got);
    inner.count.send_modify(|count| *count += 1);
    match reply {
        Reply::Status(status, text) => (axum::http::StatusCode::from_u16(status).expect("a status"), text),
        Reply::Hang => std::future::pending().await,
    }
}

impl Got {
    /// As a receiver checks it: over the bytes that came.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let Some((time, mac)) = self.signature.strip_prefix("t=").and_then(|rest| rest.split_once(",v1=")) else {
            return false;
        };
        let mut expected = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
        expected.update(format!("{time}.{}", self.raw).as_bytes());
        let bytes: Option<Vec<u8>> =
            (0..mac.len()).step_by(2).map(|at| u8::from_str_radix(mac.get(at..at + 2)?, 16).ok()).collect();
        bytes.is_some_and(|bytes| expected.verify_slice(&bytes).is_ok())
    }
}
