//! The seam to a language model: what it is asked, and what comes back piece by piece.
//!
//! A client knows nothing of conversations, runs or tools' bodies: it sees a [`ChatRequest`] and answers
//! with a stream. Dropping the stream ends the call. Whoever adds a provider implements [`LlmClient`] here
//! and nothing else.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::{genai::GenaiClient, offline::OfflineClient, retry::Retrying};
use crate::{
    protocol::{Side, agent::Usage},
    server::config::ModelChoice,
};

pub mod genai;
pub mod offline;
pub mod retry;
pub mod switching;

/// One call of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatRequest {
    /// Who the model is to be.
    pub system: String,
    /// Oldest first; the question is the last [`ChatMessage::User`].
    pub messages: Vec<ChatMessage>,
    /// What the model may call; none on a run's last turn.
    pub tools: Vec<ToolDefinition>,
    /// Which of the provider's models; `None`: the one that is configured.
    pub model: Option<String>,
    /// The answer is to be one JSON value of this schema. A provider that cannot hold a model to it leaves that
    /// to the prompt: whoever asks checks what comes.
    pub schema: Option<Value>,
    /// Who reads the answer. A prompt says so too; the built-in planner reads none.
    pub audience: Side,
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// What the model thinks before it answers: shown to nobody, it says that the model is alive.
    Reasoning(String),
    /// The call failed and is made again after this time: what this call brought so far is void.
    Retry(Retry),
    ToolCall(ModelCall),
    /// What this call read and wrote so far.
    Usage(Usage),
    /// The answer is whole. A stream that ends without it was cut.
    Done,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Of the attempt to come: 2 is the first that is not the first.
    pub attempt: u32,
    /// Attempts at most.
    pub of: u32,
    pub delay: Duration,
    /// Why, in plain words.
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LlmError {
    #[error("the model cannot be reached: {0}")]
    Unreachable(String),
    /// What helps is another key, model or request, not another try.
    #[error("the model refused the request: {0}")]
    Refused(String),
    #[error("the model is asked too often{}", in_seconds(*retry_after))]
    RateLimited { retry_after: Option<Duration> },
    #[error("the model's server failed: {0}")]
    Failed(String),
    #[error("the model said nothing for {} s", .0.as_secs())]
    Silent(Duration),
    #[error("the model's answer could not be read: {0}")]
    Malformed(String),
    /// No other try brings less.
    #[error("the model's answer is too much to read: {0}")]
    TooMuch(String),
    #[error("the model's answer broke off")]
    Cut,
}

fn in_seconds(wait: Option<Duration>) -> String {
    wait.map_or_else(String::new, |wait| format!(": it may be asked again in {} s", wait.as_secs_f64().ceil()))
}

pub type DeltaStream = BoxStream<'static, Result<Delta, LlmError>>;

/// What `GET /health/ready` says of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LlmStatus {
    Connected,
    /// No model is configured: the built-in planner answers.
    Offline,
    /// One is configured, and its last call did not reach it.
    Unreachable,
}

impl LlmStatus {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Offline => "offline",
            Self::Unreachable => "unreachable",
        }
    }
}

/// The client of a model that was chosen.
pub fn client(choice: &ModelChoice) -> Result<Arc<dyn LlmClient>, LlmError> {
    Ok(match choice {
        ModelChoice::Offline => Arc::new(OfflineClient::default()),
        ModelChoice::Remote(remote) => Arc::new(Retrying::new(Arc::new(GenaiClient::new(remote.clone())?))),
    })
}

#[async_trait]
pub trait LlmClient: Send + Sync + 'static {
    /// Returns once the model begins to answer.
    async fn chat(&self, request: ChatRequest) -> Result<DeltaStream, LlmError>;
    fn status(&self) -> LlmStatus;
    /// The same after a look, where the last one is some time ago.
    async fn check(&self) -> LlmStatus {
        self.status()
    }
    /// The model that answers where a request names none, as the timeline and the price table call it; `None`
    /// where there is no model to speak of.
    fn model(&self) -> Option<String> {
        None
    }
    /// The client that a run keeps from its start to its end, where this one changes as the settings do.
    fn current(&self) -> Option<Arc<dyn LlmClient>> {
        None
    }
}
