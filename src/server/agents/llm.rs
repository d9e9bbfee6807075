//! The seam to a language model: what it is asked, and what comes back piece by piece.
//!
//! A client knows nothing of conversations, runs or tools' bodies: it sees a [`ChatRequest`] and answers
//! with a stream. Dropping the stream ends the call. Whoever adds a provider implements [`LlmClient`] here
//! and nothing else.

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use serde_json::Value;

use crate::protocol::agent::Usage;

pub mod offline;

/// One call of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatRequest {
    /// Who the model is to be.
    pub system: String,
    /// Oldest first; the question is the last [`ChatMessage::User`].
    pub messages: Vec<ChatMessage>,
    /// What the model may call; none on a run's last turn.
    pub tools: Vec<ToolDefinition>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ChatMessage {
    /// A person of the conversation.
    User { name: String, text: String },
    /// The model itself, earlier: its words and the tools it called.
    Assistant { text: String, calls: Vec<ModelCall> },
    /// What one of those calls brought.
    Tool { call_id: String, tool_name: String, success: bool, text: String },
}

/// A tool call as a model makes it.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelCall {
    /// The provider's own name for the call, given back with its result.
    pub id: String,
    pub tool_name: String,
    /// An object; where the model wrote no JSON, a string with what it wrote.
    pub arguments: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ToolDefinition {
    pub name: String,
    pub description: String,
    /// JSON Schema of the arguments.
    pub parameters: Value,
}

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Delta {
    Text(String),
    ToolCall(ModelCall),
    /// What this call read and wrote so far.
    Usage(Usage),
    /// The answer is whole. A stream that ends without it was cut.
    Done,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LlmError {
    #[error("the model cannot be reached: {0}")]
    Unreachable(String),
    #[error("the model refused the request: {0}")]
    Refused(String),
    #[error("the model's answer broke off")]
    Cut,
}

pub type DeltaStream = BoxStream<'static, Result<Delta, LlmError>>;

/// What `GET /health/ready` says of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LlmStatus {
    Connected,
    /// No model is configured: the built-in planner answers.
    Offline,
}

impl LlmStatus {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Offline => "offline",
        }
    }
}

#[async_trait]
pub trait LlmClient: Send + Sync + 'static {
    /// Returns once the model begins to answer.
    async fn chat(&self, request: ChatRequest) -> Result<DeltaStream, LlmError>;
    fn status(&self) -> LlmStatus;
}
