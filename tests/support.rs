//! A real server on a free port, with a real SQLite file, and clients that speak to it as any would.

pub mod desk;
pub mod model;
pub mod process;
pub mod proxy;
pub mod receiver;
pub mod socket;

use std::{net::SocketAddr, path::Path};

use magpie::{
    protocol::{
        ConversationId,
        http::{ConversationDetail, SignedIn},
    },
    server::{
        config::{Config, Settings},
        serve::serve,
        state::AppState,
    },
};
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

pub use self::{process::Process, socket::Socket};

pub const PASSWORD: &str = "correct horse";

pub struct TestApp {
    pub addr: SocketAddr,
    pub state: AppState,
    pub http: reqwest::Client,
    stop: CancellationToken,
    served: JoinHandle<std::io::Result<()>>,
    _data: Option<tempfile::TempDir>,
}

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct Account {
    pub username: String,
    pub token: String,
    pub signed_in: SignedIn,
}

impl TestApp {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Settings)) -> Self {
        let data = tempfile::tempdir().expect("a temporary folder");
        let mut app = Self::start_in(data.path(), change).await;
        app._data = Some(data);
        app
    }

    /// On a data dir that outlives the server.
    pub async fn start_in(data: &Path, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::in_dir(data.to_str().expect("a UTF-8 path"));
        settings.addr = Some("127.0.0.1:0".into());
        settings.rate_limit = Some("off".into());
        change(&mut settings);
        let state = AppState::open(Config::new(&settings).expect("good settings")).await.expect("a state");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("an address");
        let stop = CancellationToken::new();
        let served = tokio::spawn(serve(listener, state.clone(), stop.clone().cancelled_owned()));
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
        Self { addr, state, http, stop, served, _data: None }
    }

    /// As SIGTERM does; returns when everything is drained.
    pub async fn stop(self) {
        self.stop.cancel();
        self.served.await.expect("no panic").expect("a clean end");
    }

    /// As SIGTERM does, without waiting.
    pub fn begin_to_stop(&self) {
        self.stop.cancel();
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.url(path))
    }

    /// Makes an account; the first is the admin's.
    pub async fn register(&self, username: &str) -> Account {
        let body = json!({ "username": username, "password": PASSWORD });
        let response = self.request(Method::POST, "/api/v1/auth/register").json(&body).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::CREATED, "registering {username}");
        Account::of(username, response.json().await.expect("a sign-in"))
    }

    /// An ordinary member: makes the admin first where there is none.
    pub async fn member(&self, username: &str) -> Account {
        if self.state.storage.users().await.expect("users").is_empty() {
            self.register("root").await;
        }
        self.register(username).await
    }

    /// A fresh sign-in.
    pub async fn login(&self, username: &str) -> Account {
        let body = json!({ "username": username, "password": PASSWORD });
        let response = self.request(Method::POST, "/api/v1/auth/login").json(&body).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK, "signing {username} in");
        Account::of(username, response.json().await.expect("a sign-in"))
    }

    pub async fn get(&self, account: &Account, path: &str) -> Response {
        self.request(Method::GET, path).bearer_auth(&account.token).send().await.expect("an answer")
    }

    pub async fn post(&self, account: &Account, path: &str, body: Value) -> Response {
        self.send(account, Method::POST, path, Some(body)).await
    }

    pub async fn send(&self, account: &Account, method: Method, path: &str, body: Option<Value>) -> Response {
        let request = self.request(method, path).bearer_auth(&account.token);
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        request.send().await.expect("an answer")
    }

    /// A room without agents, with these others in it.
    pub async fn room(&self, owner: &Account, members: &[&Account]) -> ConversationId {
        let names: Vec<_> = members.iter().map(|member| member.username.as_str()).collect();
        self.conversation(owner, json!({ "title": "Room", "members": names, "agents": false })).await
    }

    pub async fn conversation(&self, owner: &Account, body: Value) -> ConversationId {
        let response = self.post(owner, "/api/v1/conversations", body).await;
        assert_eq!(response.status(), StatusCode::CREATED);
        response.json::<ConversationDetail>().await.expect("a conversation").conversation.id
    }

    pub async fn connect(&self, account: &Account) -> Socket {
        Socket::open(self.addr, &account.token).await.expect("a socket")
    }
}

impl Account {
    pub fn of(username: &str, signed_in: SignedIn) -> Self {
        Self { username: username.into(), token: signed_in.token.clone(), signed_in }
    }
}

/// The status and the problem of a refused request.
pub async fn problem(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok()).map(str::to_owned);
    assert_eq!(kind.as_deref(), Some("application/problem+json"));
    let body: Value = response.json().await.expect("a problem");
    assert_eq!(body["status"], status);
    for field in ["type", "title", "detail"] {
        assert!(body[field].is_string(), "{field} of {body}");
    }
    (status, body["code"].as_str().expect("a code").to_owned())
}
