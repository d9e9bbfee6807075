//! Bodies of the HTTP API, `/api/v1`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    dialog::{ControlAction, ControlState, DialogLine, DialogStatus, Owner, VisitorDetails},
    ids::{ClientId, ConversationId, MessageId, Seq, UserId},
    server::{Author, DurableFrame, PresenceStatus, UserRef, Visibility},
    time::Timestamp,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Member,
    Operator,
    Admin,
    Visitor,
}

impl Role {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Operator => "operator",
            Self::Admin => "admin",
            Self::Visitor => "visitor",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Register {
    pub username: String,
    pub password: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Login {
    pub username: String,
    pub password: String,
}

/// A token and whose it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SignedIn {
    pub token: String,
    pub expires_at: Timestamp,
    pub user: User,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct User {
    pub id: UserId,
    pub username: String,
    pub display_name: String,
    pub role: Role,
    #[serde(default)]
    pub disabled: bool,
}

impl User {
    /// As others see this person.
    pub fn as_ref(&self) -> UserRef {
        UserRef { id: self.id, name: self.display_name.clone() }
    }
}

/// The caller: `GET /me`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Me {
    pub id: UserId,
    pub username: String,
    pub display_name: String,
    pub role: Role,
    pub expires_at: Timestamp,
}

/// What a page measured since it last told, without a word of what was said: `POST /me/timings`. At most
/// [`super::limits::TIMINGS_PER_REPORT`] of each, none above [`super::limits::TIMING_MS`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Timings {
    /// From sending a message to its ack, in milliseconds.
    #[serde(default)]
    pub ack_ms: Vec<u32>,
    /// From the server's time on a message to its being painted, in milliseconds.
    #[serde(default)]
    pub render_ms: Vec<u32>,
    /// Why connections were lost.
    #[serde(default)]
    pub reconnects: Vec<ReconnectReason>,
}

/// Why a client had to connect again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReconnectReason {
    /// The browser said that there is no network.
    NetworkLost,
    /// The connection broke without a goodbye.
    ConnectionLost,
    ServerRestarted,
    /// A slow reader.
    TooSlow,
    /// One side had no answer from the other.
    Silent,
    RateLimited,
    TokenExpired,
    Other,
}

impl ReconnectReason {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NetworkLost => "network_lost",
            Self::ConnectionLost => "connection_lost",
            Self::ServerRestarted => "server_restarted",
            Self::TooSlow => "too_slow",
            Self::Silent => "silent",
            Self::RateLimited => "rate_limited",
            Self::TokenExpired => "token_expired",
            Self::Other => "other",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Users {
    pub users: Vec<User>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PatchUser {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Room,
    Dialog,
}

/// A line of the caller's list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Conversation {
    pub id: ConversationId,
    pub title: String,
    pub kind: Kind,
    pub head: Seq,
    /// Messages of others after the caller's read position.
    pub unread: u64,
    /// A room's is who made it.
    pub owner: Owner,
    pub status: DialogStatus,
    /// Whether agents take part.
    pub agents: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_message: Option<LastMessage>,
    /// Of a dialog, for operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialog: Option<DialogLine>,
}

/// The newest message, cut to [`super::limits::PREVIEW_CHARS`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LastMessage {
    pub id: MessageId,
    pub seq: Seq,
    pub author: Author,
    pub text: String,
    pub timestamp: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Conversations {
    pub conversations: Vec<Conversation>,
}

/// One conversation with its people: `GET /conversations/{id}`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ConversationDetail {
    #[serde(flatten)]
    pub conversation: Conversation,
    pub members: Vec<Member>,
    /// Of a dialog.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<ControlState>,
    /// Of a dialog, for operators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visitor: Option<VisitorDetails>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Member {
    pub id: UserId,
    /// What others see: the display name.
    pub name: String,
    pub username: String,
    pub role: Role,
    /// How far this person has read.
    pub up_to: Seq,
    pub status: PresenceStatus,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CreateConversation {
    pub title: String,
    #[serde(default)]
    pub members: Vec<String>,
    #[serde(default = "yes")]
    pub agents: bool,
}

fn yes() -> bool {
    true
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AddMember {
    pub username: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Events {
    pub events: Vec<DurableFrame>,
    pub head: Seq,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Messages {
    pub messages: Vec<MessageNow>,
    /// Whether older ones exist.
    pub more: bool,
}

/// A message as it stands now: its frame, with what was done to it since folded in.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct MessageNow {
    #[serde(flatten)]
    pub frame: DurableFrame,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub deleted: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<ReactionNow>,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// Who reacted to a message with one emoji, the earliest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReactionNow {
    pub emoji: String,
    pub by: Vec<UserRef>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PostMessage {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility: Option<Visibility>,
}

/// As the `control` frame has it: `POST /conversations/{id}/control`, for who has no socket.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PostControl {
    pub action: ControlAction,
    pub epoch: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunAccepted {
    pub run_id: super::ids::RunId,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PostBroadcast {
    pub message: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Delivered {
    /// Connections that the frame was queued for.
    pub delivered: u64,
}
