//! A client from the command line, for each of the five endpoints. It knows nothing but the wire (docs/protocol.md):
//! read it to write one of your own. `cargo run --features ssr --example client -- --help`.

use std::{error::Error, io::IsTerminal, time::Duration};

use clap::{Parser, Subcommand, ValueEnum};
use futures_util::{SinkExt, StreamExt};
use reqwest::{Client, RequestBuilder, Upgraded};
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        handshake::{client::generate_key, derive_accept_key},
        protocol::Role,
    },
};

type Failure = Box<dyn Error>;
type Wire = WebSocketStream<Upgraded>;

/// Talks to a Magpie server from the command line.
#[derive(Parser)]
#[command(name = "client", max_term_width = 110)]
struct Options {
    /// The server: http or https, ws or wss
    #[arg(long, global = true, default_value = "http://127.0.0.1:3000")]
    url: String,

    #[arg(long, global = true, value_enum, default_value = "stream")]
    endpoint: Endpoint,

    /// The conversation: app and dialog need one; the others have their own
    #[arg(long, global = true, value_name = "ID")]
    conversation: Option<String>,

    /// A token, instead of a name and a password
    #[arg(long, global = true)]
    token: Option<String>,

    #[arg(long, global = true)]
    username: Option<String>,

    #[arg(long, global = true)]
    password: Option<String>,

    /// For the widget: the website whose visitor one is
    #[arg(long, global = true, default_value = "default")]
    site: String,

    /// For the widget: the visitor that one was before
    #[arg(long, global = true)]
    visitor_token: Option<String>,

    /// Frames as they come, one on each line
    #[arg(long, global = true)]
    json: bool,

    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Copy, ValueEnum)]
enum Endpoint {
    /// /ws: any conversation
    App,
    /// /ws/stream: one's own with the agents
    Stream,
    /// /api/v1/ws/{user_id}: the same, by one's id
    User,
    /// /ws/dialogs/{id}: a website visitor's dialog, for operators
    Dialog,
    /// /ws/widget/dialogs/{id}: the same, for its visitor
    Widget,
}

#[derive(Subcommand)]
enum Command {
    /// Sends a message, and shows what comes until it is answered
    Send {
        message: String,
        /// For operators in a dialog: no visitor reads it
        #[arg(long)]
        note: bool,
    },
    /// Shows what comes, until Ctrl+C
    Watch,
    /// Stops the agents
    Cancel,
}

/// What a socket needs.
struct Ticket {
    token: String,
    path: String,
    /// Subscribed by hand, where the endpoint does not do it.
    subscribe: Option<String>,
}

/// How long an answer is waited for that nobody announced.
const QUIET: Duration = Duration::from_secs(3);

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let options = Options::parse();
    let ticket = ticket(&options).await?;
    let mut wire = open(&options, &ticket).await?;
    let mut screen = Screen { json: options.json, colours: std::io::stdout().is_terminal(), writing: false };
    if let Some(id) = &ticket.subscribe {
        send(&mut wire, "subscribe", json!({ "conversations": [{ "id": id }] })).await?;
    }
    // One event at least is in every log: where the newest came, all of the snapshot has.
    let subscribed = until(&mut wire, &mut screen, |frame| frame["type"] == "subscribed" || is_error(frame)).await?;
    if is_error(&subscribed) || subscribed["mode"] == "denied" {
        return Err("there is no such conversation, or none that you may see".into());
    }
    let head = &subscribed["head"];
    until(&mut wire, &mut screen, |frame| frame["seq"] == *head).await?;
    match options.command {
        Command::Watch => loop {
            let frame = next(&mut wire).await?;
            screen.show(&frame);
        },
        Command::Cancel => {
            send(&mut wire, "cancel", json!({ "conversation_id": subscribed["conversation_id"] })).await?;
            let answer = until(&mut wire, &mut screen, |frame| frame["type"] == "ack" || is_error(frame)).await?;
            if is_error(&answer) { Err("nothing was stopped".into()) } else { Ok(()) }
        }
        Command::Send { message, note } => {
            let mut payload = json!({
                "conversation_id": subscribed["conversation_id"],
                // Made once per message, and kept over every retry.
                "client_id": uuid(),
                "message": message,
            });
            if note {
                payload["visibility"] = "note".into();
            }
            send(&mut wire, "chat", payload).await?;
            answered(&mut wire, &mut screen).await
        }
    }
}

/// Until the run that answers is over, or nobody answers.
async fn answered(wire: &mut Wire, screen: &mut Screen) -> Result<(), Failure> {
    let sent = until(wire, screen, |frame| frame["type"] == "ack" || is_error(frame)).await?;
    if is_error(&sent) {
        return Err("the message was not taken".into());
    }
    let is_run = |frame: &Value| frame["type"] == "agent_run";
    let is_over = |frame: &Value| {
        let over = ["completed", "cancelled", "failed", "interrupted"];
        is_run(frame) && frame["status"].as_str().is_some_and(|status| over.contains(&status))
    };
    // Nobody may answer at all.
    let Ok(began) = timeout(QUIET, until(wire, screen, is_run)).await else { return Ok(()) };
    if is_over(&began?) {
        return Ok(());
    }
    until(wire, screen, is_over).await.map(drop)
}

// ── Who, and where ──────────────────────────────────────────────────────────────────────────────────

async fn ticket(options: &Options) -> Result<Ticket, Failure> {
    if matches!(options.endpoint, Endpoint::Widget) && options.token.is_none() {
        return visitor(options).await;
    }
    let token = match (&options.token, &options.username, &options.password) {
        (Some(token), _, _) => token.clone(),
        (None, Some(username), Some(password)) => {
            let body = json!({ "username": username, "password": password });
            text(&call(api(options, "/auth/login").json(&body)).await?, "token")?
        }
        _ => return Err("who are you? Give --username and --password, or --token".into()),
    };
    let id = || options.conversation.clone().ok_or("which one? Give --conversation");
    let (path, subscribe) = match options.endpoint {
        Endpoint::App => ("/ws".to_owned(), Some(id()?)),
        Endpoint::Stream => ("/ws/stream".to_owned(), None),
        Endpoint::User => {
            let me = Client::new().get(format!("{}/api/v1/me", options.url)).bearer_auth(&token);
            (format!("/api/v1/ws/{}", text(&call(me).await?, "id")?), None)
        }
        Endpoint::Dialog => (format!("/ws/dialogs/{}", id()?), None),
        Endpoint::Widget => (format!("/ws/widget/dialogs/{}", id()?), None),
    };
    Ok(Ticket { token, path, subscribe })
}

/// As the widget's launcher does it.
async fn visitor(options: &Options) -> Result<Ticket, Failure> {
    let body = json!({ "site_id": options.site, "visitor_token": options.visitor_token });
    let session = call(api(options, "/widget/sessions").json(&body)).await?;
    if options.visitor_token.is_none() {
        eprintln!("To come back: --visitor-token {}", text(&session, "visitor_token")?);
    }
    let path = format!("/ws/widget/dialogs/{}", text(&session, "dialog_id")?);
    Ok(Ticket { token: text(&session, "token")?, path, subscribe: None })
}

fn api(options: &Options, path: &str) -> RequestBuilder {
    Client::new().post(format!("{}/api/v1{path}", base(options)))
}

/// Sockets are asked for by HTTP, whatever their addresses are called.
fn base(options: &Options) -> String {
    let url = options.url.trim_end_matches('/');
    if url.starts_with("ws") { url.replacen("ws", "http", 1) } else { url.to_owned() }
}

/// What went wrong is a problem, whose `detail` is for people.
async fn call(request: RequestBuilder) -> Result<Value, Failure> {
    let response = request.send().await?;
    let is_good = response.status().is_success();
    let body: Value = response.json().await?;
    if is_good { Ok(body) } else { Err(body["detail"].as_str().unwrap_or("refused").into()) }
}

fn text(body: &Value, field: &str) -> Result<String, Failure> {
    body[field].as_str().map(str::to_owned).ok_or_else(|| format!("an answer without {field}").into())
}

/// Of 122 random bits.
fn uuid() -> String {
    let hex = format!("{:032x}", rand::random::<u128>());
    format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}

// ── The socket ──────────────────────────────────────────────────────────────────────────────────────

/// By the handshake as HTTP/1.1 has it: over TLS where the address is https.
async fn open(options: &Options, ticket: &Ticket) -> Result<Wire, Failure> {
    let key = generate_key();
    let request = Client::builder().http1_only().build()?.get(format!("{}{}", base(options), ticket.path));
    let request = request.bearer_auth(&ticket.token).header("connection", "upgrade").header("upgrade", "websocket");
    let response = request.header("sec-websocket-version", "13").header("sec-websocket-key", &key).send().await?;
    let accepted = response.headers().get("sec-websocket-accept").map(|accept| accept.as_bytes());
    if accepted != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
        return Err(format!("no socket: the server answers {}", response.status()).into());
    }
    Ok(WebSocketStream::from_raw_socket(response.upgrade().await?, Role::Client, None).await)
}

async fn send(wire: &mut Wire, kind: &str, payload: Value) -> Result<(), Failure> {
    let frame = json!({ "type": kind, "payload": payload, "ref": kind });
    Ok(wire.send(Message::text(frame.to_string())).await?)
}

async fn next(wire: &mut Wire) -> Result<Value, Failure> {
    loop {
        match wire.next().await.ok_or("the connection is over")?? {
            Message::Text(text) => return Ok(serde_json::from_str(&text)?),
            Message::Close(Some(close)) => return Err(format!("closed: {} {}", close.code, close.reason).into()),
            Message::Close(None) => return Err("closed".into()),
            // The library answers pings.
            _ => {}
        }
    }
}

/// Shows all that comes up to this one.
async fn until(wire: &mut Wire, screen: &mut Screen, wanted: impl Fn(&Value) -> bool) -> Result<Value, Failure> {
    loop {
        let frame = next(wire).await?;
        screen.show(&frame);
        if wanted(&frame) {
            return Ok(frame);
        }
    }
}

fn is_error(frame: &Value) -> bool {
    frame["type"] == "error"
}

// ── The screen ──────────────────────────────────────────────────────────────────────────────────────

struct Screen {
    json: bool,
    colours: bool,
    /// The line is an answer that is being written.
    writing: bool,
}

const GREY: &str = "90";
const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const BLUE: &str = "34";
const CYAN: &str = "36";

impl Screen {
    fn show(&mut self, frame: &Value) {
        if self.json {
            println!("{frame}");
            return;
        }
        let word = |name: &str| frame[name].as_str().unwrap_or_default();
        let who = |name: &str| frame[name]["name"].as_str().unwrap_or_default();
        if frame["type"] == "token" {
            if !self.writing {
                print!("{} ", self.paint(CYAN, &format!("{}:", word("agent"))));
            }
            self.writing = true;
            print!("{}", word("delta"));
            let _ = std::io::Write::flush(&mut std::io::stdout());
            return;
        }
        if std::mem::take(&mut self.writing) {
            println!();
        }
        let (colour, line) = match word("type") {
            "message" => {
                let colour = if frame["visibility"] == "note" { YELLOW } else { BLUE };
                (colour, format!("{}: {}", who("author"), word("text")))
            }
            "agent_step" => (GREY, format!("{}: {}", word("agent"), word("message"))),
            "tool_call" => (GREY, format!("{} calls {} {}", word("agent"), word("tool_name"), frame["arguments"])),
            "tool_result" => (GREY, format!("{}: {}", word("tool_name"), word("result_preview"))),
            "agent_run" => (GREY, format!("the agents: {} {}", word("status"), word("message"))),
            "control" => (YELLOW, format!("with {}, {}", frame["owner"], word("status"))),
            "typing_start" => (GREY, format!("{} is typing…", who("user"))),
            "ack" => (GREEN, format!("sent as {}", frame["seq"])),
            "error" => (RED, format!("{}: {}", word("code"), word("message"))),
            "broadcast" => (YELLOW, format!("{} to everybody: {}", who("from"), word("message"))),
            "status" => (GREY, word("message").to_owned()),
            "typing_stop" | "read" | "presence" | "progress" | "subscribed" | "hidden" | "result" => return,
            kind => (GREY, kind.to_owned()),
        };
        println!("{}", self.paint(colour, &line));
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.colours { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }
}
