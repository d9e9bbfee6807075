//! Messages by plain forms: what the socket does where a script runs.

use leptos::{prelude::*, server_fn::codec::PostUrl};

use super::ApiError;
use crate::protocol::{ConversationId, MessageId};

#[server(prefix = "/fn", endpoint = "send_message", input = PostUrl)]
pub async fn send_message(
    conversation: ConversationId,
    message: String,
    #[server(default)] reply_to: Option<MessageId>,
) -> Result<(), ApiError> {
    use crate::{protocol::http::PostMessage, server::functions};

    let (state, me) = functions::caller().await?;
    let body = PostMessage { client_id: None, message, reply_to, visibility: None };
    let sent = state.conversations.post(&me, conversation, body).await.map(|_| ());
    let page = functions::page_of(&state, conversation).await;
    Ok(functions::lead(sent, |()| page.clone(), &page)?)
}

#[server(prefix = "/fn", endpoint = "edit_message", input = PostUrl)]
pub async fn edit_message(
    conversation: ConversationId,
    message_id: MessageId,
    message: String,
) -> Result<(), ApiError> {
    use crate::server::functions;

    let (state, me) = functions::caller().await?;
    let edited = state.conversations.edit(&me, conversation, message_id, message).await.map(|_| ());
    let page = functions::page_of(&state, conversation).await;
    Ok(functions::lead(edited, |()| page.clone(), &page)?)
}

#[server(prefix = "/fn", endpoint = "delete_message", input = PostUrl)]
pub async fn delete_message(conversation: ConversationId, message_id: MessageId) -> Result<(), ApiError> {
    use crate::server::functions;

    let (state, me) = functions::caller().await?;
    let deleted = state.conversations.delete(&me, conversation, message_id).await.map(|_| ());
    let page = functions::page_of(&state, conversation).await;
    Ok(functions::lead(deleted, |()| page.clone(), &page)?)
}

#[server(prefix = "/fn", endpoint = "react", input = PostUrl)]
pub async fn react(
    conversation: ConversationId,
    message_id: MessageId,
    emoji: String,
    on: bool,
) -> Result<(), ApiError> {
    use crate::server::functions;

    let (state, me) = functions::caller().await?;
    let reacted = state.conversations.react(&me, conversation, message_id, emoji, on).await.map(|_| ());
    let page = functions::page_of(&state, conversation).await;
    Ok(functions::lead(reacted, |()| page.clone(), &page)?)
}
