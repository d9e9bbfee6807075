//! Conversations: the list, one opened for its first paint, a new one, its people.

use leptos::{prelude::*, server_fn::codec::PostUrl};
use serde::Serialize;
use serde_json::Value;

use super::ApiError;
use crate::{
    deserialize_by_reading,
    protocol::{
        ConversationId, DurableFrame, LogEpoch, Seq,
        http::{Conversation, ConversationDetail, Messages, User},
        read::{Read, field},
    },
};

/// What every page of somebody signed in shows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Home {
    pub me: User,
    /// The one with the newest event first.
    pub conversations: Vec<Conversation>,
}

/// One conversation as its page first shows it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Opened {
    pub me: User,
    pub detail: ConversationDetail,
    pub messages: Messages,
    /// The agents' events since the first message shown, ascending.
    pub timeline: Vec<DurableFrame>,
    /// Read before all of the above: what is newer comes by the socket.
    pub head: Seq,
    pub log_epoch: LogEpoch,
}

deserialize_by_reading!(Home, Opened);

impl Read for Home {
    fn read(value: &Value) -> Result<Self, serde_json::Error> {
        Ok(Self { me: field(value, "me")?, conversations: field(value, "conversations")? })
    }
}

impl Read for Opened {
    fn read(value: &Value) -> Result<Self, serde_json::Error> {
        Ok(Self {
            me: field(value, "me")?,
            detail: field(value, "detail")?,
            messages: field(value, "messages")?,
            timeline: field(value, "timeline")?,
            head: field(value, "head")?,
            log_epoch: field(value, "log_epoch")?,
        })
    }
}

#[server(prefix = "/fn", endpoint = "home", input = PostUrl)]
pub async fn load_home() -> Result<Home, ApiError> {
    use crate::server::functions::{caller, failed};

    let (state, me) = caller().await?;
    let mut conversations = state.conversations.list(&me).await.map_err(failed)?;
    // Those that operators see are on a page of their own.
    conversations.retain(|row| row.dialog.is_none());
    Ok(Home { me, conversations })
}

/// `not_found`, with status 404, for who is not a member.
#[server(prefix = "/fn", endpoint = "open_conversation", input = PostUrl)]
pub async fn open_conversation(id: String) -> Result<Opened, ApiError> {
    // A dialog has pages of its own: those of its visitor and of the operators.
    use crate::{
        protocol::http::Kind,
        server::functions::{self, Opening},
    };

    let Opening { me, detail, messages, timeline, log_epoch } = functions::open(&id, Kind::Room).await?;
    Ok(Opened { head: detail.conversation.head, me, detail, messages, timeline, log_epoch })
}

/// Makes a conversation; `members` are usernames apart by commas or spaces.
#[server(prefix = "/fn", endpoint = "create_conversation", input = PostUrl)]
pub async fn create_conversation(
    title: String,
    #[server(default)] members: String,
    #[server(default)] agents: Option<String>,
) -> Result<ConversationId, ApiError> {
    use crate::{protocol::http::CreateConversation, server::functions};

    let (state, me) = functions::caller().await?;
    let members = members.split([',', ' ', ';']).map(str::trim).filter(|name| !name.is_empty());
    let body = CreateConversation { title, members: members.map(str::to_owned).collect(), agents: agents.is_some() };
    let made = state.conversations.create(&me, body).await.map(|made| made.conversation.id);
    Ok(functions::lead(made, |id| format!("/c/{id}"), "/?new=1")?)
}

#[server(prefix = "/fn", endpoint = "add_member", input = PostUrl)]
pub async fn add_member(conversation: ConversationId, username: String) -> Result<(), ApiError> {
    use crate::server::functions;

    let (state, me) = functions::caller().await?;
    let added = state.conversations.add_member(&me, conversation, username.trim()).await;
    let page = format!("/c/{conversation}");
    Ok(functions::lead(added, |_| page.clone(), &format!("{page}?add=1"))?)
}

#[server(prefix = "/fn", endpoint = "leave", input = PostUrl)]
pub async fn leave(conversation: ConversationId) -> Result<(), ApiError> {
    use crate::server::functions;

    let (state, me) = functions::caller().await?;
    let left = state.conversations.remove_member(&me, conversation, &me.username).await;
    Ok(functions::lead(left, |_| "/".to_owned(), &format!("/c/{conversation}"))?)
}

#[server(prefix = "/fn", endpoint = "stop_run", input = PostUrl)]
pub async fn stop_run(conversation: ConversationId) -> Result<(), ApiError> {
    use crate::server::functions;

    let (state, me) = functions::caller().await?;
    let stopped = state.conversations.cancel(&me, conversation, None).await.map(|_| ());
    let page = functions::page_of(&state, conversation).await;
    Ok(functions::lead(stopped, |_| page.clone(), &page)?)
}
