//! Frames from the server: flat, `{"type", …}`.
//!
//! A [`DurableFrame`] is one event of its conversation's log. An [`EphemeralFrame`] is of the moment: it
//! has no seq of its own and is never replayed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    agent::{
        AgentRun, AgentStep, Approval, ApprovalResolved, ChartGenerated, Progress, RunResult, ToolCall, ToolResult,
    },
    client::Typing,
    dialog::{ControlChanged, ControlState},
    http::Conversation,
    ids::{ClientId, ConnectionId, ConversationId, LogEpoch, MessageId, RunId, Seq, UserId},
    problem::{Code, Details},
    time::Timestamp,
};

#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum ServerFrame {
    Durable(DurableFrame),
    Ephemeral(EphemeralFrame),
}

/// One event at its place in the log.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DurableFrame {
    pub conversation_id: ConversationId,
    pub seq: Seq,
    /// A `hidden` frame has none.
    #[serde(default, skip_serializing_if = "Timestamp::is_unset")]
    pub timestamp: Timestamp,
    #[serde(flatten)]
    pub event: Event,
}

#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    Message(Message),
    Edited(Edited),
    Deleted(Deleted),
    Reaction(Reaction),
    Member(MemberChanged),
    AgentRun(AgentRun),
    AgentStep(AgentStep),
    ToolCall(ToolCall),
    ToolResult(ToolResult),
    Approval(Approval),
    ApprovalResolved(ApprovalResolved),
    Progress(Progress),
    ChartGenerated(ChartGenerated),
    Result(RunResult),
    Control(ControlChanged),
    /// Fills a seq whose event this reader may not see.
    Hidden,
}

impl Event {
    /// The `type` on the wire.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Message(_) => "message",
            Self::Edited(_) => "edited",
            Self::Deleted(_) => "deleted",
            Self::Reaction(_) => "reaction",
            Self::Member(_) => "member",
            Self::AgentRun(_) => "agent_run",
            Self::AgentStep(_) => "agent_step",
            Self::ToolCall(_) => "tool_call",
            Self::ToolResult(_) => "tool_result",
            Self::Approval(_) => "approval",
            Self::ApprovalResolved(_) => "approval_resolved",
            Self::Progress(_) => "progress",
            Self::ChartGenerated(_) => "chart_generated",
            Self::Result(_) => "result",
            Self::Control(_) => "control",
            Self::Hidden => "hidden",
        }
    }
}

/// A person or an agent, as others see it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct UserRef {
    pub id: UserId,
    pub name: String,
}

/// Who wrote a message.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Author {
    pub id: UserId,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emoji: Option<String>,
}

impl Author {
    /// An agent: its id is made of its name, so that it is the same everywhere and at all times.
    pub fn agent(name: &str, emoji: Option<String>) -> Self {
        Self { id: UserId::of_agent(&agent_handle(name)), name: name.to_owned(), emoji }
    }
}

/// What an agent is addressed by after the `@`: its name in lower case, `-` for whatever is no letter or digit.
pub fn agent_handle(name: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() { c } else { '-' };
    name.to_lowercase().chars().map(plain).collect()
}

impl From<UserRef> for Author {
    fn from(UserRef { id, name }: UserRef) -> Self {
        Self { id, name, emoji: None }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sender {
    User,
    Visitor,
    Operator,
    Agent,
    System,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    #[default]
    Public,
    /// In a dialog: for operators only.
    Note,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    #[default]
    Markdown,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    pub id: MessageId,
    pub sender: Sender,
    pub author: Author,
    pub text: String,
    #[serde(default)]
    pub format: Format,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
    #[serde(default)]
    pub visibility: Visibility,
    /// An agent was stopped while it wrote this.
    #[serde(default, skip_serializing_if = "is_false")]
    pub partial: bool,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Edited {
    pub message_id: MessageId,
    pub by: UserRef,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Deleted {
    pub message_id: MessageId,
    pub by: UserRef,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reaction {
    pub message_id: MessageId,
    pub by: UserRef,
    pub emoji: String,
    pub on: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MemberChanged {
    pub user: UserRef,
    pub change: Membership,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Membership {
    Joined,
    Left,
}

#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum EphemeralFrame {
    Status(Status),
    Subscribed(Subscribed),
    Ack(Ack),
    TypingStart(UserTyping),
    TypingStop(UserTyping),
    Presence(Presence),
    Read(ReadUpTo),
    Conversation(ConversationChanged),
    Token(Token),
    Broadcast(Broadcast),
    Pong(Pong),
    Error(ErrorFrame),
}

/// Which lane of a connection a frame goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Never dropped: if it overflows, the connection is closed and resumes from the log.
    Durable,
    /// Dropped first for a slow reader.
    Ephemeral,
}

impl EphemeralFrame {
    pub const fn lane(&self) -> Lane {
        match self {
            Self::TypingStart(_) | Self::TypingStop(_) | Self::Presence(_) | Self::Read(_) | Self::Token(_) => {
                Lane::Ephemeral
            }
            Self::Status(_)
            | Self::Subscribed(_)
            | Self::Ack(_)
            | Self::Conversation(_)
            | Self::Broadcast(_)
            | Self::Pong(_)
            | Self::Error(_) => Lane::Durable,
        }
    }
}

/// The first frame on every socket has `status: "connected"` and all fields but `run_id`. `renewed` tells that
/// the session's token was refreshed, and until when the socket lives now.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Status {
    pub status: String,
    pub message: String,
    pub timestamp: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
    /// When the socket ends with 4500, unless its session's token is refreshed before. With `connected` and
    /// `renewed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub connected: Option<Connected>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Connected {
    pub connection_id: ConnectionId,
    pub user: UserRef,
    pub protocol: String,
    pub heartbeat_ms: u64,
    pub typing: TypingTimes,
}

/// When a client says again that somebody types, when it says that they stopped, and when the server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TypingTimes {
    pub resend_ms: u64,
    pub stop_ms: u64,
    pub expire_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Subscribed {
    pub conversation_id: ConversationId,
    pub mode: Mode,
    pub head: Seq,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_epoch: Option<LogEpoch>,
    #[serde(default)]
    pub typing: Vec<UserRef>,
    #[serde(default)]
    pub presence: Vec<UserPresence>,
    #[serde(default)]
    pub reads: Vec<ReadPosition>,
    #[serde(default)]
    pub streams: Vec<Stream>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub control: Option<ControlState>,
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Nothing is missing.
    Current,
    /// All that is missing follows.
    Replay,
    /// The newest events follow.
    Snapshot,
    /// Not a member, or no such conversation.
    Denied,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UserPresence {
    pub user: UserRef,
    pub status: PresenceStatus,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PresenceStatus {
    Online,
    Away,
    #[default]
    Offline,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReadPosition {
    pub user: UserRef,
    pub up_to: Seq,
}

/// A message being written: its text so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Stream {
    pub run_id: RunId,
    pub message_id: MessageId,
    /// The agent's name.
    pub agent: String,
    pub text: String,
}

/// Sent only after the commit is on disk. A `chat`'s has all fields.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Ack {
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    pub conversation_id: ConversationId,
    pub seq: Seq,
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub posted: Option<Posted>,
}

/// What became of a `chat`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Posted {
    pub client_id: ClientId,
    pub message_id: MessageId,
    pub timestamp: Timestamp,
    /// This author used that client_id before, for the same message.
    pub duplicate: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserTyping {
    pub conversation_id: ConversationId,
    pub user: UserRef,
}

impl UserTyping {
    pub fn of(frame: &Typing, user: UserRef) -> Self {
        Self { conversation_id: frame.conversation_id, user }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Presence {
    pub user: UserRef,
    pub status: PresenceStatus,
    /// With it: an operator looks at this dialog (`online`) or does so no more. For operators only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<ConversationId>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReadUpTo {
    pub conversation_id: ConversationId,
    pub user: UserRef,
    pub up_to: Seq,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConversationChanged {
    pub conversation: Conversation,
    pub change: ListChange,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ListChange {
    Added,
    Removed,
    Changed,
}

/// Text appended at a byte offset of the message being written. An offset below the length so far first
/// truncates to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Token {
    pub conversation_id: ConversationId,
    pub run_id: RunId,
    pub message_id: MessageId,
    /// The agent's name.
    pub agent: String,
    /// Bytes of UTF-8.
    pub offset: u64,
    pub delta: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Broadcast {
    pub message: String,
    pub from: UserRef,
    pub timestamp: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Pong {
    pub timestamp: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorFrame {
    pub code: Code,
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Details>,
    pub recoverable: bool,
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}
