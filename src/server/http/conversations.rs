//! `/conversations`: the list, one of it, and its people.

use axum::{Json, extract::State, http::StatusCode};

use super::{
    body::Body,
    params::{ConversationPath, UsernamePath},
    problem::Failure,
};
use crate::{
    protocol::{
        Problem,
        http::{self, AddMember, ConversationDetail, CreateConversation},
    },
    server::{auth::Caller, conversations::Conversations},
};

pub(super) async fn list(
    caller: Caller,
    State(conversations): State<Conversations>,
) -> Result<Json<http::Conversations>, Problem> {
    Ok(Json(http::Conversations { conversations: conversations.list(&caller.user).await? }))
}

pub(super) async fn create(
    caller: Caller,
    State(conversations): State<Conversations>,
    Body(body): Body<CreateConversation>,
) -> Result<(StatusCode, Json<ConversationDetail>), Failure> {
    Ok((StatusCode::CREATED, Json(conversations.create(&caller.user, body).await?)))
}

pub(super) async fn detail(
    caller: Caller,
    State(conversations): State<Conversations>,
    ConversationPath(id): ConversationPath,
) -> Result<Json<ConversationDetail>, Problem> {
    Ok(Json(conversations.detail(&caller.user, id).await?))
}

pub(super) async fn add_member(
    caller: Caller,
    State(conversations): State<Conversations>,
    ConversationPath(id): ConversationPath,
    Body(body): Body<AddMember>,
) -> Result<StatusCode, Failure> {
    conversations.add_member(&caller.user, id, &body.username).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn remove_member(
    caller: Caller,
    State(conversations): State<Conversations>,
    ConversationPath(id): ConversationPath,
    UsernamePath(username): UsernamePath,
) -> Result<StatusCode, Problem> {
    conversations.remove_member(&caller.user, id, &username).await?;
    Ok(StatusCode::NO_CONTENT)
}
