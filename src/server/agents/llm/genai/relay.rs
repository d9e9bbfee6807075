//! Stands between the crate and the model's server, because the crate reads an event, and an error's words, to
//! their end: where there is none, its memory grows, and it comes back for no time-out and no stop. It takes no
//! transport but its own, so it asks here, on this machine, and is told what the server says as far as anybody
//! would read it.
//!
//! Each call has an address that nobody can guess and that ends with the call. The key is added on this side.

use std::{
    collections::HashMap,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    serve::ListenerExt,
};
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use parking_lot::Mutex;
use reqwest::{
    RequestBuilder,
    header::{CONTENT_TYPE, DATE, RETRY_AFTER},
};
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use super::{super::LlmError, failure::Failures, place::Place};
use crate::protocol::limits;

pub(super) struct Relay {
    addr: SocketAddr,
    shared: Arc<Shared>,
    _listening: AbortOnDropHandle<()>,
}

struct Shared {
    http: reqwest::Client,
    place: Arc<Place>,
    failures: Failures,
    calls: Mutex<HashMap<String, Arc<Going>>>,
}

/// What both sides know of a call.
#[derive(Default)]
struct Going {
    over: CancellationToken,
    /// What went wrong on the way to the server: the crate learns no more than that something did.
    failure: Mutex<Option<LlmError>>,
}

/// One call, and its address. Dropping it hangs up on the server.
pub(super) struct Call {
    key: String,
    /// With a slash at its end.
    pub base: String,
    going: Arc<Going>,
    shared: Arc<Shared>,
}

impl Call {
    pub fn failure(&self) -> Option<LlmError> {
        self.going.failure.lock().clone()
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.shared.calls.lock().remove(&self.key);
        self.going.over.cancel();
    }
}

impl Relay {
    pub async fn start(http: reqwest::Client, place: Arc<Place>, failures: Failures) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let addr = listener.local_addr()?;
        let listener = listener.tap_io(|stream| {
            // A token is not to wait for the next one; without it, it only comes later.
            let _ = stream.set_nodelay(true);
        });
        let shared = Arc::new(Shared { http, place, failures, calls: Mutex::default() });
        let app = Router::new().fallback(pass).with_state(shared.clone());
        let listening = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, app).await {
                tracing::error!(%error, "the way to the model is closed");
            }
        });
        Ok(Self { addr, shared, _listening: AbortOnDropHandle::new(listening) })
    }

    pub fn call(&self) -> Call {
        let key = format!("{:032x}", rand::random::<u128>());
        let going = Arc::<Going>::default();
        self.shared.calls.lock().insert(key.clone(), going.clone());
        Call { base: format!("http://{}/{key}/", self.addr), key, going, shared: self.shared.clone() }
    }
}

async fn pass(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let path = request.uri().path_and_query().map(|path| path.as_str()).unwrap_or_default();
    let Some((key, rest)) = path.trim_start_matches('/').split_once('/') else { return gone() };
    let Some(going) = shared.calls.lock().get(key).cloned() else { return gone() };
    let url = match &shared.place.chat {
        Some(chat) => chat.to_string(),
        None => format!("{}{rest}", shared.place.base),
    };
    let over = going.over.clone();
    let answered = async {
        let asked = shared.asked(&url, request).await?;
        let answer = asked.send().await.map_err(|error| shared.failures.of_transport(&error))?;
        Ok(shared.told(answer, going.clone()).await)
    };
    match over.run_until_cancelled(answered).await {
        Some(Ok(response)) => response,
        Some(Err(failure)) => {
            *going.failure.lock() = Some(failure);
            gone()
        }
        None => gone(),
    }
}

fn gone() -> Response {
    StatusCode::BAD_GATEWAY.into_response()
}

impl Shared {
    /// The same request for the model's server, with the headers that are for it alone.
    async fn asked(&self, url: &str, request: Request) -> Result<RequestBuilder, LlmError> {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.map_err(|_| LlmError::Cut)?;
        let mut headers = parts.headers;
        let own = ["host", "content-length", "connection", "authorization", "x-api-key", "x-goog-api-key"];
        for name in own.into_iter().chain(self.place.headers.iter().map(|(name, _)| name.as_str())) {
            headers.remove(name);
        }
        let asked = self.http.post(url).headers(headers).body(body);
        Ok(self.place.headers.iter().fold(asked, |asked, (name, value)| asked.header(name, value)))
    }

    /// An answer's stream as it comes; of an error as much as is read of it.
    async fn told(self: &Arc<Self>, answer: reqwest::Response, going: Arc<Going>) -> Response {
        let status = answer.status();
        let passed = ["retry-after-ms", RETRY_AFTER.as_str(), DATE.as_str(), CONTENT_TYPE.as_str()];
        let headers = passed.map(|name| answer.headers().get(name).map(|value| (name, value.clone())));
        let body = match status.is_success() {
            true => Body::from_stream(self.clone().events(answer, going)),
            false => Body::from(beginning(answer).await),
        };
        let mut response = (status, body).into_response();
        for (name, value) in headers.into_iter().flatten() {
            response.headers_mut().insert(name, value);
        }
        response
    }

    /// Whole events: the crate goes over what is unfinished again with each piece.
    fn events(
        self: Arc<Self>,
        answer: reqwest::Response,
        going: Arc<Going>,
    ) -> impl Stream<Item = Result<Bytes, LlmError>> {
        let over = going.over.clone();
        let events = stream::try_unfold((answer, Event::default(), false), move |(mut answer, mut event, is_over)| {
            let shared = self.clone();
            async move {
                let mut told = Vec::new();
                while told.is_empty() && !is_over {
                    match answer.chunk().await.map_err(|error| shared.failures.of_transport(&error))? {
                        Some(bytes) => told = event.take(&bytes)?,
                        None if event.held.is_empty() => return Ok(None),
                        None => return Ok(Some((Bytes::from(event.held), (answer, Event::default(), true)))),
                    }
                }
                Ok((!is_over).then(|| (Bytes::from(told), (answer, event, false))))
            }
        });
        let events = events.inspect_err(move |failure: &LlmError| *going.failure.lock() = Some(failure.clone()));
        events.take_until(over.cancelled_owned())
    }
}

/// As much of an error's words as is read; where they break off, what came.
async fn beginning(mut answer: reqwest::Response) -> Vec<u8> {
    let mut words = Vec::new();
    while let Ok(Some(bytes)) = answer.chunk().await {
        let room = limits::MODEL_ERROR_BYTES - words.len();
        words.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if words.len() >= limits::MODEL_ERROR_BYTES {
            break;
        }
    }
    words
}

/// The event that is being read. An empty line ends it; a line ends with `\n`, `\r\n` or `\r`.
struct Event {
    held: Vec<u8>,
    last: u8,
    is_line_begun: bool,
}

impl Default for Event {
    fn default() -> Self {
        Self { held: Vec::new(), last: b'\n', is_line_begun: false }
    }
}

impl Event {
    /// All that is whole with these bytes.
    fn take(&mut self, bytes: &[u8]) -> Result<Vec<u8>, LlmError> {
        let (mut length, mut end) = (self.held.len(), 0);
        for (at, &byte) in bytes.iter().enumerate() {
            length += 1;
            match byte {
                b'\n' if self.last == b'\r' => {}
                b'\n' | b'\r' if !self.is_line_begun => (length, end) = (0, at + 1),
                b'\n' | b'\r' => self.is_line_begun = false,
                _ => self.is_line_begun = true,
            }
            self.last = byte;
            if length > limits::MODEL_EVENT_BYTES {
                let most = limits::MODEL_EVENT_BYTES / 1024;
                return Err(LlmError::TooMuch(format!("a piece of it is longer than {most} KiB")));
            }
        }
        let (whole, begun) = bytes.split_at(end);
        if whole.is_empty() {
            self.held.extend_from_slice(begun);
            return Ok(Vec::new());
        }
        let mut told = std::mem::replace(&mut self.held, begun.to_vec());
        told.extend_from_slice(whole);
        Ok(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_passed_on_when_its_empty_line_came_however_lines_end() {
        for (stream, events) in [
            ("data: a\n\ndata: b\n\n", vec!["data: a\n\n", "data: b\n\n"]),
            ("data: a\r\n\r\ndata: b\r\n\r\n", vec!["data: a\r\n\r", "\ndata: b\r\n\r"]),
            ("data: a\r\rdata: b\r\r: x", vec!["data: a\r\r", "data: b\r\r"]),
            ("data: a\r\ndata: b\r\n", vec![]),
        ] {
            let whole = Event::default().take(stream.as_bytes()).unwrap();
            assert_eq!(String::from_utf8(whole).unwrap(), events.concat(), "{stream:?}");
            let mut event = Event::default();
            let by_byte = stream.as_bytes().chunks(1).map(|byte| event.take(byte).unwrap());
            let told: Vec<_> = by_byte.filter(|told| !told.is_empty()).collect();
            assert_eq!(told, events.iter().map(|event| event.as_bytes()).collect::<Vec<_>>(), "{stream:?}");
        }
    }

    #[test]
    fn an_event_without_an_end_is_too_much_and_many_short_ones_are_not() {
        let mut event = Event::default();
        let line = "x".repeat(1_023) + "\n";
        for _ in 0..limits::MODEL_EVENT_BYTES / 1_024 {
            assert!(event.take(line.as_bytes()).unwrap().is_empty());
        }
        assert!(matches!(event.take(b"x"), Err(LlmError::TooMuch(_))));
        let many = "data: {}\n\n".repeat(limits::MODEL_EVENT_BYTES / 8);
        assert_eq!(Event::default().take(many.as_bytes()).unwrap().len(), many.len());
    }
}
