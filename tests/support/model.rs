//! A model's server that says what a test tells it to: OpenAI's protocol over a real socket, written by hand, so
//! that it can also be broken at any byte.
//!
//! ```ignore
//! let model = ModelServer::start().await;
//! model.will([say("Hello "), say("world")]);                        // the next request
//! model.will([calls(&[("c1", "calculate", r#"{"expression":"2+2"}"#)])]);
//! model.will([status(429, &[("retry-after", "1")], "{}")]);
//! model.will([say("Never"), hang()]);
//! let app = TestApp::start_with(|settings| model.configure(settings)).await;
//! …
//! assert_eq!(model.requests()[0].body["model"], "scripted");
//! let closed = model.closed(3).await;                               // when the client hung up on the 4th request
//! ```
//!
//! Each request plays the next list of beats; a request beyond the script is answered with status 500 and the
//! words "the script is over", unless [`ModelServer::always`] says otherwise. An answer ends by itself with
//! `finish_reason`, a usage chunk and `[DONE]`, unless its last beat says how it ends: [`hang`], [`cut`],
//! [`endless`], [`stop`] or a [`status`].

use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use magpie::server::config::Settings;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{Notify, watch},
    task::JoinHandle,
};

/// One thing that the server does, in the order of the script.
#[derive(Clone)]
pub enum Beat {
    /// A chunk with this delta.
    Delta(Value),
    /// Bytes as they are, in a chunk of their own.
    Raw(String),
    /// Nothing for this long.
    Pause(Duration),
    /// Nothing until the test says so.
    Wait(Arc<Notify>),
    /// Nothing more, with the connection open. As the first beat it is before the headers.
    Hang,
    /// The headers, before anything is said.
    Headers,
    /// The connection is closed in the middle of a chunk. As the first beat it is before the headers.
    Cut,
    /// An answer of another status, with these headers and this body; the stream does not begin.
    Status(u16, Vec<(String, String)>, String),
    /// This word again and again, until the client hangs up.
    Endless(String),
    /// These bytes again and again, without a line's end, until the client hangs up: in a stream, or as the words of
    /// an answer of this status.
    Flood(u16, String),
    /// How many tokens were read and written; without it the answer counts its words.
    Usage(u64, u64),
    NoUsage,
    /// The end, with this reason; `None`: without a word, not even `[DONE]`.
    Stop(Option<&'static str>),
}

pub fn say(text: &str) -> Beat {
    Beat::Delta(json!({ "content": text }))
}

pub fn think(text: &str) -> Beat {
    Beat::Delta(json!({ "reasoning_content": text }))
}

/// Whole tool calls, all in one delta: id, name, arguments as the model writes them.
pub fn calls(calls: &[(&str, &str, &str)]) -> Beat {
    let call = |(at, (id, name, arguments)): (usize, &(&str, &str, &str))| {
        json!({
            "index": at, "id": id, "type": "function", "function": { "name": name, "arguments": arguments },
        })
    };
    Beat::Delta(json!({ "tool_calls": calls.iter().enumerate().map(call).collect::<Vec<_>>() }))
}

/// One tool call in as many deltas as its arguments have pieces.
pub fn call_in_pieces(index: usize, id: &str, name: &str, pieces: &[&str]) -> Vec<Beat> {
    let first = json!({ "index": index, "id": id, "type": "function", "function": { "name": name, "arguments": "" } });
    let rest = pieces.iter().map(|piece| json!({ "index": index, "function": { "arguments": piece } }));
    std::iter::once(first).chain(rest).map(|call| Beat::Delta(json!({ "tool_calls": [call] }))).collect()
}

/// A line of the stream as it is: garbage, a comment, an error of the provider's.
pub fn line(text: &str) -> Beat {
    Beat::Raw(format!("{text}\n\n"))
}

/// Bytes as they are.
pub fn raw(text: &str) -> Beat {
    Beat::Raw(text.into())
}

pub fn pause(ms: u64) -> Beat {
    Beat::Pause(Duration::from_millis(ms))
}

pub fn wait(until: &Arc<Notify>) -> Beat {
    Beat::Wait(until.clone())
}

pub fn hang() -> Beat {
    Beat::Hang
}

pub fn headers() -> Beat {
    Beat::Headers
}

pub fn cut() -> Beat {
    Beat::Cut
}

pub fn endless(word: &str) -> Beat {
    Beat::Endless(word.into())
}

pub fn flood(status: u16, text: &str) -> Beat {
    Beat::Flood(status, text.into())
}

pub fn usage(input: u64, output: u64) -> Beat {
    Beat::Usage(input, output)
}

pub fn no_usage() -> Beat {
    Beat::NoUsage
}

pub fn stop(reason: &'static str) -> Beat {
    Beat::Stop(Some(reason))
}

/// The stream ends as if it were whole, and says nothing of it.
pub fn silent_end() -> Beat {
    Beat::Stop(None)
}

pub fn status(code: u16, headers: &[(&str, &str)], body: &str) -> Beat {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Beat::Status(code, headers.collect(), body.into())
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// `null` where it is no JSON.
    pub body: Value,
    pub at: Instant,
    /// When the client hung up while its answer was going on.
    pub closed: Option<Instant>,
    /// Of the connection: the same for requests that shared one.
    pub peer: SocketAddr,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// What the model was told last.
    pub fn last_message(&self) -> &Value {
        self.body["messages"].as_array().and_then(|messages| messages.last()).unwrap_or(&Value::Null)
    }
}

pub struct ModelServer {
    pub addr: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

/// From a request's body to what is played.
type Answering = Arc<dyn Fn(&Value) -> Vec<Beat> + Send + Sync>;

#[derive(Default)]
struct Shared {
    script: Mutex<VecDeque<Vec<Beat>>>,
    otherwise: Mutex<Option<Answering>>,
    asked: watch::Sender<Vec<Asked>>,
    /// Other requests than POST: their paths.
    probes: Mutex<Vec<String>>,
}

impl ModelServer {
    pub async fn start() -> Self {
        Self::start_at("127.0.0.1:0".parse().expect("an address")).await
    }

    /// On a port that a test knows: to be gone and to come back.
    pub async fn start_at(addr: SocketAddr) -> Self {
        let listener = TcpListener::bind(addr).await.expect("a free port");
        let addr = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared::default());
        let task = tokio::spawn(serve(listener, shared.clone()));
        Self { addr, shared, task }
    }

    /// Plays this for the next request that has nothing to play yet.
    pub fn will(&self, beats: impl IntoIterator<Item = Beat>) -> &Self {
        self.shared.script.lock().unwrap().push_back(beats.into_iter().collect());
        self
    }

    /// Plays this for every request beyond the script.
    pub fn always(&self, beats: impl IntoIterator<Item = Beat>) -> &Self {
        let beats: Vec<Beat> = beats.into_iter().collect();
        self.answers(move |_| beats.clone())
    }

    /// Plays what this makes of the body of every request beyond the script.
    pub fn answers(&self, answer: impl Fn(&Value) -> Vec<Beat> + Send + Sync + 'static) -> &Self {
        *self.shared.otherwise.lock().unwrap() = Some(Arc::new(answer));
        self
    }

    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.addr)
    }

    /// Makes a server ask this model.
    pub fn configure(&self, settings: &mut Settings) {
        settings.llm_provider = Some("openai".into());
        settings.llm_base_url = Some(self.base_url());
        settings.llm_model = Some("scripted".into());
    }

    /// The same for a server that is a process of its own.
    pub fn environment(&self) -> [(&'static str, String); 3] {
        [
            ("MAGPIE_LLM_PROVIDER", "openai".into()),
            ("MAGPIE_LLM_BASE_URL", self.base_url()),
            ("MAGPIE_LLM_MODEL", "scripted".into()),
        ]
    }

    /// Every chat request so far.
    pub fn requests(&self) -> Vec<Asked> {
        self.shared.asked.borrow().clone()
    }

    /// The paths of all other requests so far.
    pub fn probes(&self) -> Vec<String> {
        self.shared.probes.lock().unwrap().clone()
    }

    /// Waits for this many chat requests.
    pub async fn asked(&self, count: usize) -> Vec<Asked> {
        let mut asked = self.shared.asked.subscribe();
        asked.wait_for(|asked| asked.len() >= count).await.expect("a server").clone()
    }

    /// Waits until the client hung up on this request (0 is the first); when it did.
    pub async fn closed(&self, request: usize) -> Instant {
        let mut asked = self.shared.asked.subscribe();
        let is_closed = |asked: &Vec<Asked>| asked.get(request).is_some_and(|asked| asked.closed.is_some());
        asked.wait_for(is_closed).await.expect("a server")[request].closed.expect("a time")
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    // Dropped with the server, and all its connections with it.
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, peer)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        connections.spawn(connection(stream, peer, shared.clone()));
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, shared: Arc<Shared>) {
    stream.set_nodelay(true).expect("a socket");
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read);
    while let Some(request) = request(&mut read, peer).await {
        if request.method != "POST" {
            shared.probes.lock().unwrap().push(request.path.clone());
            let (code, body) = match request.path.ends_with("/models") {
                true => (200, json!({ "object": "list", "data": [{ "id": "scripted", "object": "model" }] })),
                false => (404, json!({ "error": { "message": "no such address" } })),
            };
            if respond(&mut write, code, &[], &body.to_string()).await.is_err() {
                return;
            }
            continue;
        }
        let beats = shared.script.lock().unwrap().pop_front();
        let over = || vec![status(500, &[], r#"{"error":{"message":"the script is over"}}"#)];
        let otherwise = shared.otherwise.lock().unwrap().clone();
        let beats = beats.or_else(|| otherwise.map(|answer| answer(&request.body))).unwrap_or_else(over);
        let mut at = 0;
        shared.asked.send_modify(|asked| {
            at = asked.len();
            asked.push(request);
        });
        let played = tokio::select! {
            played = Answer::on(&mut write).play(beats) => played,
            () = hung_up(&mut read) => Err(io::ErrorKind::ConnectionAborted.into()),
        };
        match played {
            Ok(Then::Next) => {}
            Ok(Then::Close) => return,
            Err(_) => return shared.asked.send_modify(|asked| asked[at].closed = Some(Instant::now())),
        }
    }
}

/// Returns when the client closed its side, or sent what nobody asked for.
async fn hung_up(read: &mut BufReader<OwnedReadHalf>) {
    let _ = read.fill_buf().await;
}

async fn request(read: &mut BufReader<OwnedReadHalf>, peer: SocketAddr) -> Option<Asked> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        read.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let mut first = lines.first()?.split(' ');
    let (method, path) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers = lines.iter().skip(1).filter_map(|line| line.split_once(':'));
    let headers: Vec<(String, String)> =
        headers.map(|(name, value)| (name.to_lowercase(), value.trim().to_owned())).collect();
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    read.read_exact(&mut body).await.ok()?;
    let body = serde_json::from_slice(&body).unwrap_or_default();
    Some(Asked { method, path, headers, body, at: Instant::now(), closed: None, peer })
}

/// What becomes of the connection after an answer.
enum Then {
    Next,
    Close,
}

struct Answer<'a> {
    write: &'a mut OwnedWriteHalf,
    begun: bool,
    words: u64,
    /// `Some(None)`: it is not told.
    usage: Option<Option<(u64, u64)>>,
}

impl<'a> Answer<'a> {
    fn on(write: &'a mut OwnedWriteHalf) -> Self {
        Self { write, begun: false, words: 0, usage: None }
    }

    async fn play(mut self, beats: Vec<Beat>) -> io::Result<Then> {
        let mut reason = Some("stop");
        for beat in beats {
            match beat {
                Beat::Delta(delta) => {
                    if delta.get("tool_calls").is_some() {
                        reason = Some("tool_calls");
                    }
                    self.delta(delta).await?;
                }
                Beat::Raw(text) => self.chunk(&text).await?,
                Beat::Pause(time) => tokio::time::sleep(time).await,
                Beat::Wait(until) => until.notified().await,
                Beat::Hang => std::future::pending().await,
                Beat::Headers => self.begin().await?,
                Beat::Cut => return self.cut().await,
                Beat::Status(code, headers, body) => {
                    respond(self.write, code, &headers, &body).await?;
                    return Ok(Then::Next);
                }
                Beat::Endless(word) => loop {
                    self.delta(json!({ "content": word })).await?;
                    tokio::task::yield_now().await;
                },
                Beat::Flood(status, text) => {
                    if status != 200 {
                        self.begun = true;
                        let head = format!("HTTP/1.1 {status} Scripted\r\ntransfer-encoding: chunked\r\n\r\n");
                        self.write.write_all(head.as_bytes()).await?;
                    }
                    loop {
                        self.chunk(&text).await?;
                        tokio::task::yield_now().await;
                    }
                }
                Beat::Usage(input, output) => self.usage = Some(Some((input, output))),
                Beat::NoUsage => self.usage = Some(None),
                Beat::Stop(given) => reason = given,
            }
        }
        self.end(reason).await?;
        Ok(Then::Next)
    }

    async fn begin(&mut self) -> io::Result<()> {
        if !std::mem::replace(&mut self.begun, true) {
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
            self.write.write_all(head.as_bytes()).await?;
        }
        Ok(())
    }

    async fn chunk(&mut self, text: &str) -> io::Result<()> {
        self.begin().await?;
        self.write.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes()).await
    }

    async fn event(&mut self, choices: Value, usage: Value) -> io::Result<()> {
        let event = json!({
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 0, "model": "scripted",
            "choices": choices, "usage": usage,
        });
        self.chunk(&format!("data: {event}\n\n")).await
    }

    async fn delta(&mut self, delta: Value) -> io::Result<()> {
        self.words += 1;
        self.event(json!([{ "index": 0, "delta": delta, "finish_reason": null }]), Value::Null).await
    }

    async fn end(&mut self, reason: Option<&str>) -> io::Result<()> {
        self.begin().await?;
        if let Some(reason) = reason {
            self.event(json!([{ "index": 0, "delta": {}, "finish_reason": reason }]), Value::Null).await?;
            if let Some((input, output)) = self.usage.unwrap_or(Some((10, self.words))) {
                let usage = json!({
                    "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output,
                });
                self.event(json!([]), usage).await?;
            }
            self.chunk("data: [DONE]\n\n").await?;
        }
        self.write.write_all(b"0\r\n\r\n").await
    }

    /// Half a chunk, and the end of the connection.
    async fn cut(&mut self) -> io::Result<Then> {
        if self.begun {
            self.write.write_all(b"400\r\ndata: {\"choices\":[{\"del").await?;
            self.write.flush().await?;
        }
        Ok(Then::Close)
    }
}

async fn respond(write: &mut OwnedWriteHalf, code: u16, headers: &[(String, String)], body: &str) -> io::Result<()> {
    let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    let head =
        format!("HTTP/1.1 {code} Scripted\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{more}\r\n");
    write.write_all(format!("{head}{body}").as_bytes()).await
}
