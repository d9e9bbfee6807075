//! The operators' panel for its first paint, and by plain forms what its composer and its buttons do.

use leptos::{prelude::*, server_fn::codec::PostUrl};
use serde::Serialize;
use serde_json::Value;

use super::{ApiError, conversation::Opened};
use crate::{
    deserialize_by_reading,
    protocol::{
        ConversationId,
        desk::Canned,
        http::{Conversation, User},
        read::{Read, field},
    },
};

/// What the panel shows beside the open dialog.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeskData {
    pub me: User,
    pub dialogs: Vec<Conversation>,
    pub canned: Vec<Canned>,
}

deserialize_by_reading!(DeskData);

impl Read for DeskData {
    fn read(value: &Value) -> Result<Self, serde_json::Error> {
        Ok(Self { me: field(value, "me")?, dialogs: field(value, "dialogs")?, canned: field(value, "canned")? })
    }
}

/// `not_found`, with status 404, for who is no operator.
#[server(prefix = "/fn", endpoint = "desk", input = PostUrl)]
pub async fn load_desk() -> Result<DeskData, ApiError> {
    use crate::{
        protocol::Problem,
        server::{
            dialogs::counter::must_be_operator,
            functions::{caller, failed},
        },
    };

    let (state, me) = caller().await?;
    must_be_operator(&me).map_err(|_| failed(Problem::not_found()))?;
    let mut dialogs = state.conversations.list(&me).await.map_err(failed)?;
    dialogs.retain(|row| row.dialog.is_some());
    let canned = state.dialogs.canned(&me).await.map_err(failed)?;
    Ok(DeskData { me, dialogs, canned })
}

/// `not_found`, with status 404, for who is no operator, and where there is no such dialog.
#[server(prefix = "/fn", endpoint = "open_dialog", input = PostUrl)]
pub async fn open_dialog(id: String) -> Result<Opened, ApiError> {
    use crate::{
        protocol::http::Kind,
        server::functions::{self, Opening},
    };

    let Opening { me, detail, messages, timeline, log_epoch } = functions::open(&id, Kind::Dialog).await?;
    Ok(Opened { head: detail.conversation.head, me, detail, messages, timeline, log_epoch })
}

/// A reply to the visitor, or with `note` a word to the other operators.
#[server(prefix = "/fn", endpoint = "send_reply", input = PostUrl)]
pub async fn send_reply(
    conversation: ConversationId,
    message: String,
    visibility: crate::protocol::Visibility,
) -> Result<(), ApiError> {
    use crate::{protocol::http::PostMessage, server::functions};

    let (state, me) = functions::caller().await?;
    let body = PostMessage { client_id: None, message, reply_to: None, visibility: Some(visibility) };
    let sent = state.conversations.post(&me, conversation, body).await.map(|_| ());
    let page = format!("/operator/{conversation}");
    Ok(functions::lead(sent, |()| page.clone(), &page)?)
}

/// Puts a dialog into other hands, from the epoch that the page was made at.
#[server(prefix = "/fn", endpoint = "control", input = PostUrl)]
pub async fn control(
    conversation: ConversationId,
    action: crate::protocol::dialog::ControlAction,
    epoch: u64,
    #[server(default)] to: Option<String>,
) -> Result<(), ApiError> {
    use crate::{protocol::client::Control, server::functions};

    let (state, me) = functions::caller().await?;
    let frame = Control { conversation_id: conversation, action, epoch, to };
    let done = state.conversations.control(&me, frame).await.map(|_| ());
    let page = format!("/operator/{conversation}");
    Ok(functions::lead(done, |()| page.clone(), &page)?)
}
