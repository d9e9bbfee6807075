//! `POST /agui/{agent}`: the agents by way of AG-UI (Agent-User Interaction Protocol 1.0, docs.ag-ui.com), for
//! clients such as CopilotKit's and assistant-ui's.
//!
//! A thread is a conversation, a run is a run: what a client sends is posted as any message is, what it gets are
//! the conversation's own frames in other words ([`translate`]). So it sees what everybody sees, and hanging up
//! stops nothing. Nothing of a run is decided in here.

use std::convert::Infallible;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, State},
    http::HeaderMap,
    response::{
        Sse,
        sse::{Event as SseEvent, KeepAlive},
    },
    routing::post,
};
use futures_util::{Stream, stream};
use tokio::sync::mpsc;

use super::{
    auth::Caller,
    http::{Body, ClientAddress},
    hub::Origin,
    state::AppState,
};
use crate::protocol::{Code, ConversationId, Problem, http::PostMessage, limits};

mod input;
mod reader;
mod translate;

use input::{LastEvent, RunInput};
use reader::Reader;
use translate::Translator;

pub fn routes() -> Router<AppState> {
    Router::new().route("/agui/{agent}", post(run)).layer(DefaultBodyLimit::max(limits::AGUI_BODY_BYTES))
}

/// Posts the thread's last message and streams the run that answers it. The same request again joins the same run;
/// with `Last-Event-ID` it goes on after that event.
async fn run(
    caller: Caller,
    State(state): State<AppState>,
    ClientAddress(address): ClientAddress,
    Path(agent): Path<String>,
    headers: HeaderMap,
    Body(input): Body<RunInput>,
) -> Result<Sse<impl Stream<Item = Result<SseEvent, Infallible>>>, Problem> {
    let closes = state.hub.closes();
    let agent = state.agents.agent(&agent).ok_or_else(|| Problem::new(Code::NotFound, "There is no such agent."))?;
    let id = thread(&state, &caller, &input).await?;
    let message = PostMessage {
        client_id: Some(input.client_id(caller.user.id)?),
        message: format!("@{} {}", agent.handle, input.question()?),
        reply_to: None,
        visibility: None,
    };
    let ack = state.conversations.post(&caller.user, id, message).await?;
    let posted = ack.posted.ok_or_else(|| Problem::new(Code::Internal, "The message was not posted."))?;
    // It is in the log by now.
    let run = state.storage.run_of(posted.message_id).await?;
    let run = run.ok_or_else(|| Problem::new(Code::NoRun, "Nobody answers this message."))?;
    let origin = Origin { address: Some(address), endpoint: "/agui/{agent}" };
    let seen = LastEvent::of(&headers).filter(|seen| seen.run == run);
    let reader = Reader::open(state, &caller, closes, origin, id, seen.map_or(ack.seq, |seen| seen.seq)).await?;
    let translator = Translator::new(input.thread_id, input.run_id, run, seen.map_or(0, |seen| seen.bytes));
    let (events, queue) = mpsc::channel(limits::AGUI_QUEUE);
    tokio::spawn(reader.read(translator, events));
    let stream = stream::unfold(queue, |mut queue| async move {
        let event = queue.recv().await?;
        Some((Ok(event), queue))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::default()))
}

/// The conversation of a thread: one that the caller may see, or one of the caller's own that is made for it.
async fn thread(state: &AppState, caller: &Caller, input: &RunInput) -> Result<ConversationId, Problem> {
    if let Ok(id) = input.thread_id.parse::<ConversationId>() {
        let detail = state.conversations.detail(&caller.user, id).await?;
        // A visitor's dialog is no thread: writing there would take it from the AI.
        return match detail.conversation.agents && detail.control.is_none() {
            true => Ok(id),
            false => Err(Problem::invalid("threadId", "a conversation in which agents answer")),
        };
    }
    let id = input.conversation(caller.user.id);
    state.conversations.own(&caller.user, id, &input.title()).await?;
    Ok(id)
}
