//! `/conversations/{id}/…`: its log, its messages, and what sends them and stops a run.

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::IntoResponse,
};

use super::{
    body::Body,
    params::{ConversationPath, RunPath, Window},
    problem::Failure,
};
use crate::{
    protocol::{
        EphemeralFrame, Problem,
        client::Control,
        http::{Messages, PostControl, PostMessage, RunAccepted},
        server::Ack,
    },
    server::{auth::Caller, conversations::Conversations, storage::Page},
};

/// The frames go out as they are stored: text, neither parsed nor encoded again.
pub(super) async fn events(
    caller: Caller,
    State(conversations): State<Conversations>,
    ConversationPath(id): ConversationPath,
    window: Window,
) -> Result<impl IntoResponse, Problem> {
    let page = conversations.events(&caller.user, id, window.after, window.limit).await?;
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], events_body(&page)))
}

fn events_body(page: &Page) -> String {
    let bytes: usize = page.frames.iter().map(|frame| frame.text.len() + 1).sum();
    let mut body = String::with_capacity(bytes + 64);
    body.push_str(r#"{"events":["#);
    for (at, frame) in page.frames.iter().enumerate() {
        if at > 0 {
            body.push(',');
        }
        body.push_str(&frame.text);
    }
    body.push_str(r#"],"head":"#);
    body.push_str(&page.head.to_string());
    body.push('}');
    body
}

pub(super) async fn list(
    caller: Caller,
    State(conversations): State<Conversations>,
    ConversationPath(id): ConversationPath,
    window: Window,
) -> Result<Json<Messages>, Problem> {
    Ok(Json(conversations.messages(&caller.user, id, window.before, window.limit).await?))
}

/// The answer is the `ack` frame that a socket would get: 201, or 200 for a repeat.
pub(super) async fn post(
    caller: Caller,
    State(conversations): State<Conversations>,
    ConversationPath(id): ConversationPath,
    Body(body): Body<PostMessage>,
) -> Result<(StatusCode, Json<EphemeralFrame>), Failure> {
    let ack = conversations.post(&caller.user, id, body).await?;
    let is_repeat = ack.posted.as_ref().is_some_and(|posted| posted.duplicate);
    let status = if is_repeat { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, Json(EphemeralFrame::Ack(ack))))
}

pub(super) async fn cancel(
    caller: Caller,
    State(conversations): State<Conversations>,
    ConversationPath(id): ConversationPath,
) -> Result<(StatusCode, Json<RunAccepted>), Problem> {
    let (run_id, _) = conversations.cancel(&caller.user, id, None).await?;
    Ok((StatusCode::ACCEPTED, Json(RunAccepted { run_id })))
}

pub(super) async fn retry(
    caller: Caller,
    State(conversations): State<Conversations>,
    RunPath { id, run_id }: RunPath,
) -> Result<(StatusCode, Json<RunAccepted>), Problem> {
    let run_id = conversations.retry(&caller.user, id, run_id).await?;
    Ok((StatusCode::ACCEPTED, Json(RunAccepted { run_id })))
}

/// The answer is the `ack` frame that a socket would get.
pub(super) async fn control(
    caller: Caller,
    State(conversations): State<Conversations>,
    ConversationPath(id): ConversationPath,
    Body(body): Body<PostControl>,
) -> Result<Json<EphemeralFrame>, Failure> {
    let PostControl { action, epoch, to } = body;
    let frame = Control { conversation_id: id, action, epoch, to };
    let seq = conversations.control(&caller.user, frame).await?;
    Ok(Json(EphemeralFrame::Ack(Ack { reference: None, conversation_id: id, seq, posted: None })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{protocol::Seq, server::storage::StoredFrame};

    #[test]
    fn stored_frames_are_put_together_as_they_are() {
        let frame = |seq, text: &str| StoredFrame { seq: Seq(seq), text: text.into() };
        let page = Page { frames: vec![frame(1, r#"{"seq":1}"#), frame(2, r#"{"seq":2}"#)], head: Seq(7) };
        assert_eq!(events_body(&page), r#"{"events":[{"seq":1},{"seq":2}],"head":7}"#);
        assert_eq!(events_body(&Page::default()), r#"{"events":[],"head":0}"#);
    }
}
