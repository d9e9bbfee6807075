//! `POST /agui/{agent}`: the agents by way of AG-UI (Agent-User Interaction Protocol 1.0, docs.ag-ui.com), for
//! clients such as CopilotKit's and assistant-ui's.
//!
//! A thread is a conversation, a run is a run: what a client sends is posted as any message is, what it gets are
//! the conversation's own frames in other words ([`translate`]). So it sees what everybody sees, and hanging up
//! stops nothing. Nothing of a run is decided in here.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::{Path, State},
    http::HeaderMap,
    response::{
        Sse,
        sse::{Event as SseEvent, KeepAlive},
    },
};
use futures_util::{Stream, stream};

use super::{
    auth::Caller,
    clock,
    http::Body,
    hub::{Connection, lane::Work},
    payload::Encoding,
    state::AppState,
    ws,
};
use crate::{
    fresh_id,
    protocol::{
        Code, ConnectionId, ConversationId, Problem, RunId, Seq, ServerFrame, client::Cursor, http::PostMessage,
        limits, read,
    },
};

mod input;
mod translate;

use input::RunInput;
use translate::{Told, Translator};

/// Posts the thread's last message and streams the run that answers it. The same request again joins the same run;
/// with `Last-Event-ID` it goes on after that event.
pub async fn run(
    caller: Caller,
    State(state): State<AppState>,
    Path(agent): Path<String>,
    headers: HeaderMap,
    Body(input): Body<RunInput>,
) -> Result<Sse<impl Stream<Item = Result<SseEvent, Infallible>>>, Problem> {
    let agent = state.agents.agent(&agent).ok_or_else(|| Problem::new(Code::NotFound, "There is no such agent."))?;
    let id = thread(&state, &caller, &input).await?;
    let text = input.question()?;
    let addressed = format!("@{} {text}", agent.handle);
    let message = PostMessage {
        client_id: Some(input.client_id(caller.user.id)?),
        message: addressed,
        reply_to: None,
        visibility: None,
    };
    let ack = state.conversations.post(&caller.user, id, message).await?;
    let posted = ack.posted.ok_or_else(|| Problem::new(Code::Internal, "The message was not posted."))?;
    let seen = headers.get("last-event-id").and_then(|value| value.to_str().ok()).and_then(last_event);
    let state = Arc::new(state);
    let reader = Reader::open(state, &caller, id, seen.map_or(ack.seq, |(_, seq)| seq)).await?;
    let translator = Translator::new(input.thread_id, input.run_id, posted.message_id, seen.map(|(run, _)| run));
    let keep_alive = KeepAlive::new().interval(Duration::from_millis(limits::HEARTBEAT_MS));
    Ok(Sse::new(events(reader, translator)).keep_alive(keep_alive))
}

/// `RUN:SEQ`, as this server named the event.
fn last_event(id: &str) -> Option<(RunId, Seq)> {
    let (run, seq) = id.split_once(':')?;
    Some((run.parse().ok()?, Seq(seq.parse().ok()?)))
}

/// The conversation of a thread: one that the caller may see, or one of the caller's own that is made for it.
async fn thread(state: &AppState, caller: &Caller, input: &RunInput) -> Result<ConversationId, Problem> {
    if let Ok(id) = input.thread_id.parse::<ConversationId>() {
        return state.conversations.detail(&caller.user, id).await.map(|_| id);
    }
    let id = input.conversation(caller.user.id);
    state.conversations.own(&caller.user, id, &input.title()).await?;
    Ok(id)
}

/// One reader of one conversation, as a socket would be.
struct Reader {
    state: Arc<AppState>,
    connection: Arc<Connection>,
    /// Frames that were read and not looked at.
    waiting: std::collections::VecDeque<String>,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.state.hub.disconnect(&self.connection);
    }
}

impl Reader {
    async fn open(state: Arc<AppState>, caller: &Caller, id: ConversationId, after: Seq) -> Result<Self, Problem> {
        let (who, session, ends) = (caller.user.as_ref(), caller.session_id, caller.expires_at);
        let connection = Connection::new(fresh_id!(ConnectionId), who, session, clock::now(), ends, Encoding::Plain);
        let connection = Arc::new(connection);
        let full = |_| Problem::new(Code::Unavailable, "The server has as many connections as it can hold.");
        state.hub.connect(&connection).map_err(full)?;
        let reader = Self { state, connection, waiting: Default::default() };
        let cursor = Cursor { id, after: Some(after), log_epoch: None };
        ws::subscribe(&reader.state, &reader.connection, &cursor).await?;
        Ok(reader)
    }

    /// `None`: the connection is to end.
    async fn next(&mut self) -> Option<ServerFrame> {
        loop {
            if let Some(text) = self.waiting.pop_front() {
                if let Ok(frame) = read::parse(&text) {
                    return Some(frame);
                }
                continue;
            }
            match self.connection.lane.work().await {
                Work::Frames(frames) => {
                    let texts = frames.items.into_iter().filter(|item| self.connection.may_go(item.of, frames.recalls));
                    self.waiting.extend(texts.map(|item| (*item.payload).to_owned()));
                }
                Work::ReadOn(reading) => {
                    self.waiting.extend(ws::read_on(&self.state, &self.connection, reading).await?)
                }
                Work::Close(_) => return None,
            }
        }
    }
}

fn events(reader: Reader, translator: Translator) -> impl Stream<Item = Result<SseEvent, Infallible>> {
    let first = Vec::from([translator.begin()]);
    let state = (reader, translator, first.into_iter());
    stream::unfold(state, |(mut reader, mut translator, mut told)| async move {
        loop {
            if let Some(Told { id, event }) = told.next() {
                let mut frame = SseEvent::default().data(event.to_string());
                if let Some(id) = id {
                    frame = frame.id(id);
                }
                return Some((Ok(frame), (reader, translator, told)));
            }
            if translator.is_over() {
                return None;
            }
            told = match reader.next().await {
                Some(frame) => translator.frame(&frame),
                None => translator.cut(),
            }
            .into_iter();
        }
    })
}
