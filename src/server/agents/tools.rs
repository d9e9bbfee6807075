//! What agents can do besides writing. A tool gets its arguments as JSON and what belongs to the run; it
//! knows no socket, no model and no timeline, and never brings a run down: what goes wrong is text that
//! the model reads.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{
    protocol::{ConversationId, MessageId, RunId, Timestamp, agent::ChartTable, limits},
    server::storage::Storage,
};

pub mod ask_a_person;
pub mod calculate;
pub mod catalog;
pub mod convert_units;
pub mod csv;
pub mod date_time;
pub mod fetch_page;
pub mod make_chart;
pub mod market;
pub mod mcp;
pub mod search_conversation;
pub mod search_knowledge;
pub mod summarize_csv;

pub use crate::protocol::agent::ToolClass as Class;
pub use ask_a_person::HandOver;
pub use catalog::{ToolSource, Tools};

/// The run that a tool works for.
pub struct ToolContext {
    pub storage: Arc<dyn Storage>,
    pub conversation_id: ConversationId,
    pub run_id: RunId,
    /// The message that is being answered.
    pub question: MessageId,
    pub now: Timestamp,
    /// Ends when the run is stopped: for what goes on beyond the call's own future.
    pub cancel: CancellationToken,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolOutput {
    /// As the model reads it.
    pub text: String,
    pub chart: Option<Chart>,
    /// A dialog goes to a person, and the run is over.
    pub hand_over: Option<HandOver>,
}

impl From<String> for ToolOutput {
    fn from(text: String) -> Self {
        Self { text, chart: None, hand_over: None }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chart {
    pub title: String,
    pub svg: String,
    /// What the price or the numbers belong to, such as a share.
    pub symbol: Option<String>,
    /// The numbers, for those who do not see the picture.
    pub table: ChartTable,
}

/// What went wrong, in words for the model and the timeline.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ToolError(pub String);

#[async_trait]
pub trait Tool: Send + Sync + 'static {
    fn name(&self) -> &str;
    /// For the model: when to use it.
    fn description(&self) -> &str;
    /// JSON Schema of the arguments.
    fn parameters(&self) -> Value;
    fn class(&self) -> Class;
    /// How long one call may take.
    fn timeout(&self) -> Duration {
        Duration::from_millis(limits::TOOL_TIMEOUT_MS)
    }
    /// Bytes of its answer that a model reads; what is beyond is cut.
    fn output_bytes(&self) -> usize {
        limits::TOOL_OUTPUT_BYTES
    }
    /// Whether a person is asked before each call, whoever calls.
    fn asks_first(&self) -> bool {
        false
    }
    /// What the agent does by this call, in plain words: "Calculating 17 × 23".
    fn activity(&self, arguments: &Value) -> String;
    async fn call(&self, context: &ToolContext, arguments: Value) -> Result<ToolOutput, ToolError>;
}

/// The JSON Schema of a tool's arguments, from their type.
pub fn schema_of<T: JsonSchema>() -> Value {
    schemars::schema_for!(T).to_value()
}

/// Reads arguments as their type; the error names the field.
pub fn read<T: DeserializeOwned>(arguments: Value) -> Result<T, ToolError> {
    serde_path_to_error::deserialize(arguments)
        .map_err(|error| ToolError(format!("These arguments do not fit: {error}")))
}

/// A text on one line, at most so many characters of it.
pub fn shortened(text: &str, chars: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(chars) {
        None => line,
        Some(_) => line.chars().take(chars.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// `1 passage`, `3 passages`.
pub fn counted(count: usize, what: &str) -> String {
    let end = if count == 1 { "" } else { "s" };
    format!("{count} {what}{end}")
}

/// As much of a text as a step of the timeline shows.
pub fn short(text: &str) -> String {
    shortened(text, 100)
}

#[cfg(test)]
mod tests;
