//! The HTTP API as the browser calls it: the list, older messages, polling, a fresh token; with the page's
//! [`Credential`].

use gloo_net::http::{Request, RequestBuilder, Response};
use gloo_timers::callback::Timeout;
use serde::de::DeserializeOwned;
use serde_json::Value;
use web_sys::{AbortController, RequestCredentials};

use super::credential::{self, Credential};

use crate::protocol::{
    Code, ConversationId, Problem, RunId, Seq,
    desk::{Canned, CannedReplies, Operator, Operators},
    http::{
        Conversation, ConversationDetail, Conversations, Events, Messages, PostControl, PostMessage, RunAccepted,
        SignedIn, Timings,
    },
    limits,
    problem::ProblemBody,
    server::Ack,
};

const BASE: &str = "/api/v1";

#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// No answer at all.
    Unreachable,
    Refused {
        status: u16,
        problem: Problem,
    },
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unreachable => {
                Self::new(Code::Unavailable, "The server cannot be reached. Try again in a moment.")
            }
            Failure::Refused { problem, .. } => problem,
        }
    }
}

pub(super) async fn conversations() -> Result<Vec<Conversation>, Failure> {
    let list: Conversations = json(Request::get(&[BASE, "/conversations"].concat())).await?;
    Ok(list.conversations)
}

pub(super) async fn conversation(id: ConversationId) -> Result<ConversationDetail, Failure> {
    json(Request::get(&of(id, ""))).await
}

pub(super) async fn messages(id: ConversationId, before: Option<Seq>) -> Result<Messages, Failure> {
    let before = before.map_or_else(String::new, |seq| ["&before=", &seq.0.to_string()].concat());
    let limit = limits::MESSAGES_PER_PAGE_DEFAULT.to_string();
    json(Request::get(&of(id, &["/messages?limit=", &limit, &before].concat()))).await
}

pub(super) async fn events(id: ConversationId, after: Seq) -> Result<Events, Failure> {
    let (after, limit) = (after.0.to_string(), limits::EVENTS_PER_PAGE.to_string());
    json(Request::get(&of(id, &["/events?after=", &after, "&limit=", &limit].concat()))).await
}

pub(super) async fn post_message(id: ConversationId, body: &PostMessage) -> Result<Ack, Failure> {
    let patience = Patience::of(limits::HTTP_TIMEOUT_MS);
    read(&sent(patience.during(Request::post(&of(id, "/messages"))).json(body)).await?).await
}

pub(super) async fn cancel(id: ConversationId) -> Result<RunAccepted, Failure> {
    json(Request::post(&of(id, "/cancel"))).await
}

pub(super) async fn control(id: ConversationId, body: &PostControl) -> Result<(), Failure> {
    let patience = Patience::of(limits::HTTP_TIMEOUT_MS);
    sent(patience.during(Request::post(&of(id, "/control"))).json(body)).await.map(|_| ())
}

pub(super) async fn operators() -> Result<Vec<Operator>, Failure> {
    let list: Operators = json(Request::get(&[BASE, "/operators"].concat())).await?;
    Ok(list.operators)
}

pub(super) async fn put_canned(canned: Vec<Canned>) -> Result<Vec<Canned>, Failure> {
    let patience = Patience::of(limits::HTTP_TIMEOUT_MS);
    let request = patience.during(Request::put(&[BASE, "/canned"].concat())).json(&CannedReplies { canned });
    let kept: CannedReplies = read(&sent(request).await?).await?;
    Ok(kept.canned)
}

/// Has a run's question answered once more.
pub(super) async fn run_again(id: ConversationId, run: RunId) -> Result<(), Failure> {
    tell(&["/conversations/", &id.to_string(), "/runs/", &run.to_string(), "/retry"].concat(), limits::HTTP_TIMEOUT_MS)
        .await
}

/// Renews the session's token: the cookie by itself, a bearer's in this page. It is answered or given up soon: there
/// is one at a time.
pub(super) async fn refresh() -> Result<(), Failure> {
    let patience = Patience::of(limits::REFRESH_TIMEOUT_MS);
    let request = Request::post(&[BASE, "/auth/refresh"].concat());
    let answer = sent(patience.during(request).build()).await?;
    if credential::is_bearer() {
        let fresh: SignedIn = read(&answer).await?;
        credential::set(Credential::Bearer(fresh.token));
    }
    Ok(())
}

/// A picture that an agent drew, at an address of this server: as text, for a page whose pictures cannot name it.
pub(super) async fn picture(path: &str) -> Result<String, Failure> {
    let patience = Patience::of(limits::HTTP_TIMEOUT_MS);
    let answer = sent(patience.during(Request::get(path)).build()).await?;
    answer.text().await.map_err(|_| Failure::Unreachable)
}

pub(super) async fn logout() -> Result<(), Failure> {
    tell("/auth/logout", limits::HTTP_TIMEOUT_MS).await
}

/// What this page measured, without a word of what was said.
pub(super) async fn timings(body: &Timings) -> Result<(), Failure> {
    let patience = Patience::of(limits::HTTP_TIMEOUT_MS);
    let request = Request::post(&[BASE, "/me/timings"].concat());
    sent(patience.during(request).json(body)).await.map(|_| ())
}

fn of(id: ConversationId, rest: &str) -> String {
    [BASE, "/conversations/", &id.to_string(), rest].concat()
}

async fn json<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, Failure> {
    let patience = Patience::of(limits::HTTP_TIMEOUT_MS);
    read(&sent(patience.during(request).build()).await?).await
}

/// A POST without a body, of whose answer only the status counts.
async fn tell(path: &str, patience_ms: u32) -> Result<(), Failure> {
    let patience = Patience::of(patience_ms);
    sent(patience.during(Request::post(&[BASE, path].concat())).build()).await.map(|_| ())
}

/// Ends a request that takes too long, as long as it lives: a half-open connection would never answer.
struct Patience {
    controller: Option<AbortController>,
    _timer: Timeout,
}

impl Patience {
    fn of(ms: u32) -> Self {
        let controller = AbortController::new().ok();
        let ends = controller.clone();
        let timer = Timeout::new(ms, move || {
            if let Some(controller) = ends {
                controller.abort();
            }
        });
        Self { controller, _timer: timer }
    }

    fn during(&self, request: RequestBuilder) -> RequestBuilder {
        let signal = self.controller.as_ref().map(AbortController::signal);
        let request = request.abort_signal(signal.as_ref());
        match credential::current() {
            Credential::Cookie => request,
            // Whoever else is signed in at this server in this browser has nothing to do with it.
            Credential::Bearer(token) => {
                request.credentials(RequestCredentials::Omit).header("authorization", &["Bearer ", &token].concat())
            }
        }
    }
}

/// By way of a value, as frames are read: no type is compiled for a second parser.
async fn read<T: DeserializeOwned>(response: &Response) -> Result<T, Failure> {
    let text = response.text().await.map_err(|_| Failure::Unreachable)?;
    let value: Value = serde_json::from_str(&text).map_err(|_| Failure::Unreachable)?;
    T::deserialize(&value).map_err(|_| Failure::Unreachable)
}

async fn sent(request: Result<Request, gloo_net::Error>) -> Result<Response, Failure> {
    let request = request.map_err(|_| Failure::Unreachable)?;
    let response = request.send().await.map_err(|_| Failure::Unreachable)?;
    if response.ok() {
        return Ok(response);
    }
    let status = response.status();
    let problem = match read::<ProblemBody>(&response).await {
        Ok(body) => body.into(),
        // A proxy in between says that there is no server.
        Err(_) if status >= 500 => return Err(Failure::Unreachable),
        // Or speaks for itself.
        Err(_) => Problem::new(Code::Unavailable, "The server did not answer as it should. Try again in a moment."),
    };
    Err(Failure::Refused { status, problem })
}
