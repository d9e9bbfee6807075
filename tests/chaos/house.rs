//! One server process on one data dir, with people who have accounts, over the kills that it suffers.

use std::{net::SocketAddr, time::Duration};

use magpie::protocol::{ConversationId, http::SignedIn};
use parking_lot::Mutex;
use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use tempfile::TempDir;
use tokio::sync::watch;

use super::clock::Clock;
use crate::support::{Account, PASSWORD, Process, process::command};

/// People with accounts; the first makes every room and never leaves.
pub const PEOPLE: usize = 6;

pub struct House {
    data: TempDir,
    clock: Option<Clock>,
    process: Mutex<Option<Process>>,
    addr: watch::Sender<SocketAddr>,
    http: reqwest::Client,
    pub people: Vec<Account>,
}

/// An event as the log has it: its seq and the text of its frame.
pub type Logged = (u64, String);

#[derive(Deserialize)]
pub struct EventsPage {
    pub events: Vec<Box<RawValue>>,
    pub head: u64,
}

impl EventsPage {
    pub fn read(text: &str) -> Option<(Vec<Logged>, u64)> {
        let page: Self = serde_json::from_str(text).ok()?;
        let events = page.events.iter().map(|event| Some((seq_of(event.get())?, event.get().to_owned())));
        Some((events.collect::<Option<_>>()?, page.head))
    }
}

fn seq_of(frame: &str) -> Option<u64> {
    serde_json::from_str::<Value>(frame).ok()?["seq"].as_u64()
}

impl House {
    pub async fn open() -> Self {
        let data = tempfile::tempdir().expect("a temporary folder");
        let clock = Clock::build(data.path());
        let process = start(&data, clock.as_ref()).await;
        let addr = watch::Sender::new(process.addr);
        let http = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().expect("a client");
        let mut house = Self { data, clock, process: Mutex::new(Some(process)), addr, http, people: Vec::new() };
        for name in 0..PEOPLE {
            let account = house.register(&format!("person{name}")).await;
            house.people.push(account);
        }
        house
    }

    async fn register(&self, username: &str) -> Account {
        let url = format!("http://{}/api/v1/auth/register", self.addr());
        let body = json!({ "username": username, "password": PASSWORD });
        let answer = self.http.post(url).json(&body).send().await.expect("an answer");
        Account::of(username, answer.json::<SignedIn>().await.expect("a sign-in"))
    }

    pub fn addr(&self) -> SocketAddr {
        *self.addr.borrow()
    }

    /// Tells of each restart.
    pub fn addresses(&self) -> watch::Receiver<SocketAddr> {
        self.addr.subscribe()
    }

    /// SIGKILL, then a new process on the same data.
    pub async fn kill_and_restart(&self) {
        let process = self.process.lock().take();
        if let Some(process) = process {
            process.kill();
        }
        let process = start(&self.data, self.clock.as_ref()).await;
        self.addr.send_replace(process.addr);
        *self.process.lock() = Some(process);
    }

    /// The server's wall clock is off by so much from now on.
    pub fn set_clock(&self, seconds: i64) {
        if let Some(clock) = &self.clock {
            clock.set(seconds);
        }
    }

    /// As the person who made the rooms, past every proxy; again and again while the server is down.
    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> (StatusCode, String) {
        loop {
            let url = format!("http://{}/api/v1{path}", self.addr());
            let mut request = self.http.request(method.clone(), url).bearer_auth(&self.people[0].token);
            if let Some(body) = &body {
                request = request.json(body);
            }
            if let Ok(answer) = request.send().await {
                let status = answer.status();
                if let Ok(text) = answer.text().await {
                    return (status, text);
                }
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub async fn make_room(&self, members: &[usize]) -> ConversationId {
        let names: Vec<_> = members.iter().map(|&member| &self.people[member].username).collect();
        let body = json!({ "title": "Chaos", "members": names, "agents": false });
        let (status, text) = self.ask(Method::POST, "/conversations", Some(body)).await;
        assert_eq!(status, StatusCode::CREATED, "{text}");
        let made: Value = serde_json::from_str(&text).expect("a conversation");
        made["id"].as_str().expect("an id").parse().expect("a ULID")
    }

    /// Returns once the removal is certain.
    pub async fn remove(&self, room: ConversationId, person: usize) {
        let path = format!("/conversations/{room}/members/{}", self.people[person].username);
        let (status, text) = self.ask(Method::DELETE, &path, None).await;
        // Not found: an earlier try was committed and its answer lost.
        assert!(matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_FOUND), "{status} {text}");
    }

    pub async fn add(&self, room: ConversationId, person: usize) {
        let body = json!({ "username": self.people[person].username });
        let (status, text) = self.ask(Method::POST, &format!("/conversations/{room}/members"), Some(body)).await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{text}");
    }

    /// The whole log, read past every proxy.
    pub async fn log(&self, room: ConversationId) -> Vec<Logged> {
        let mut log: Vec<Logged> = Vec::new();
        loop {
            let after = log.last().map_or(0, |event| event.0);
            let (status, text) =
                self.ask(Method::GET, &format!("/conversations/{room}/events?after={after}"), None).await;
            assert_eq!(status, StatusCode::OK, "{text}");
            let (events, head) = EventsPage::read(&text).expect("a page of events");
            let ends = events.is_empty();
            log.extend(events);
            if ends || log.last().is_some_and(|last| last.0 >= head) {
                return log;
            }
        }
    }

    pub async fn head(&self, room: ConversationId) -> u64 {
        let (_, text) = self.ask(Method::GET, &format!("/conversations/{room}/events?limit=1"), None).await;
        EventsPage::read(&text).expect("a page of events").1
    }

    /// The messages as they stand now, ascending.
    pub async fn messages(&self, room: ConversationId) -> Vec<Value> {
        let mut messages: Vec<Value> = Vec::new();
        loop {
            let before = messages.first().map(|first| format!("&before={}", first["seq"])).unwrap_or_default();
            let path = format!("/conversations/{room}/messages?limit=200{before}");
            let (status, text) = self.ask(Method::GET, &path, None).await;
            assert_eq!(status, StatusCode::OK, "{text}");
            let mut page: Value = serde_json::from_str(&text).expect("a page of messages");
            let Value::Array(mut older) = page["messages"].take() else { panic!("{text}") };
            older.append(&mut messages);
            messages = older;
            if page["more"] != true {
                return messages;
            }
        }
    }
}

async fn start(data: &TempDir, clock: Option<&Clock>) -> Process {
    let mut server = command(data.path());
    if let Some(clock) = clock {
        clock.apply(&mut server);
    }
    tokio::task::spawn_blocking(move || Process::spawn(server)).await.expect("the server starts")
}
