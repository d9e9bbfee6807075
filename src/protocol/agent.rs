//! What a run of the agents tells, in the order of the log.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

use super::{
    ids::{CallId, ChartId, MessageId, RunId},
    server::{Format, UserRef},
    time::Timestamp,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    Initializing,
    Processing,
    /// For somebody's approval.
    Waiting,
    Completed,
    Cancelled,
    Failed,
    /// The server stopped in the middle.
    Interrupted,
}

impl RunStatus {
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled | Self::Failed | Self::Interrupted)
    }

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initializing => "initializing",
            Self::Processing => "processing",
            Self::Waiting => "waiting",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgentRun {
    pub run_id: RunId,
    pub status: RunStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// The message that the run answers; with `initializing`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<MessageId>,
}

impl AgentRun {
    pub const fn new(run_id: RunId, status: RunStatus) -> Self {
        Self { run_id, status, message: None, usage: None, question: None }
    }
}

/// What the models of a run read and wrote, in tokens as their providers count them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Usage {
    pub input_tokens: u64,
    pub output_tokens: u64,
    /// Millionths of `currency`; absent where the operator's price table does not know the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_micros: Option<u64>,
    /// The price table's; with `cost_micros`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
}

/// Three capital letters, as ISO 4217 has them. The default is its `XXX`: no currency.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    pub fn of(text: &str) -> Option<Self> {
        let letters: [u8; 3] = text.as_bytes().try_into().ok()?;
        letters.iter().all(u8::is_ascii_uppercase).then_some(Self(letters))
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl Default for Currency {
    fn default() -> Self {
        Self(*b"XXX")
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::of(&text).ok_or_else(|| de::Error::custom("not a currency"))
    }
}

impl JsonSchema for Currency {
    fn schema_name() -> Cow<'static, str> {
        "Currency".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[A-Z]{3}$" })
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgentStep {
    pub run_id: RunId,
    /// The agent's name.
    pub agent: String,
    pub emoji: String,
    /// From 1.
    pub turn: u32,
    pub message: String,
    /// What the step is about, where it is more than its words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<StepTopic>,
    /// With `plan` and `ledger` what the orchestrator wrote, an object; with `said` a string, all the words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Value>,
    /// With `model`: which one, what it read and wrote, how long its first token and the whole call took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    // Boxed: few steps have one, and an event of any kind is as large as the largest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Box<Usage>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_token_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
}

impl AgentStep {
    pub fn new(run_id: RunId, agent: impl Into<String>, emoji: impl Into<String>, turn: u32, message: String) -> Self {
        Self {
            run_id,
            agent: agent.into(),
            emoji: emoji.into(),
            turn,
            message,
            topic: None,
            detail: None,
            model: None,
            usage: None,
            first_token_ms: None,
            duration_ms: None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepTopic {
    /// The task ledger: what is known, what is to be found out, the plan.
    Plan,
    /// The progress ledger: where the task stands and who goes on.
    Ledger,
    /// What an agent of a team told the others.
    Said,
    /// A call of a model is over.
    Model,
    /// A call of a model failed and is made again.
    Retry,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ToolCall {
    pub run_id: RunId,
    pub call_id: CallId,
    pub agent: String,
    pub tool_name: String,
    pub arguments: Value,
    /// Absent where there is no such tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<ToolClass>,
}

/// What a tool does to the world: whether it may be tried again, and whether somebody should be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ToolClass {
    Read,
    Write,
    Costly,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ToolResult {
    pub run_id: RunId,
    pub call_id: CallId,
    pub agent: String,
    pub tool_name: String,
    pub success: bool,
    pub result_preview: String,
    pub duration_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Approval {
    pub run_id: RunId,
    pub call_id: CallId,
    pub agent: String,
    pub tool_name: String,
    pub arguments: Value,
    pub expires_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ApprovalResolved {
    pub run_id: RunId,
    pub call_id: CallId,
    pub approved: bool,
    /// Nobody: it expired.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<UserRef>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Progress {
    pub run_id: RunId,
    pub current_turn: u32,
    pub max_turns: u32,
    /// 0 to 100.
    pub percentage: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChartGenerated {
    pub run_id: RunId,
    pub chart_id: ChartId,
    /// Serves the picture (SVG) to whoever may read the conversation.
    pub url: String,
    pub title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// The numbers of the picture, for those who do not see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<ChartTable>,
}

/// Each row has a cell for each column; the first column names the row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChartTable {
    pub columns: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

/// A run's final answer, also posted as the message that it names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunResult {
    pub run_id: RunId,
    pub content: String,
    #[serde(default)]
    pub format: Format,
    pub message_id: MessageId,
}
