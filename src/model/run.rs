//! The timeline of one run, folded from the agents' events.

use reactive_stores::Store;
use serde::{Deserialize, Serialize};

use crate::protocol::{
    CallId, ChartId, MessageId, RunId, RunStatus, Seq, Timestamp,
    agent::{Progress, ToolCall, ToolResult, Usage},
};

#[derive(Clone, Debug, PartialEq, Store, Serialize, Deserialize)]
pub struct Run {
    pub id: RunId,
    pub status: RunStatus,
    /// What the last `agent_run` said, such as why it failed.
    pub message: Option<String>,
    pub started_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    #[store(key: Seq = |step| step.seq)]
    pub steps: Vec<Step>,
    pub progress: Option<Progress>,
    pub usage: Option<Usage>,
    /// The answer's message.
    pub message_id: Option<MessageId>,
}

/// One line of the timeline, at the seq of the event that began it.
#[derive(Clone, Debug, PartialEq, Store, Serialize, Deserialize)]
pub struct Step {
    pub seq: Seq,
    pub at: Timestamp,
    pub what: StepKind,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum StepKind {
    Agent { agent: String, emoji: String, turn: u32, message: String },
    Tool { call: ToolCall, result: Option<ToolResult> },
    Chart { chart_id: ChartId, url: String, title: String },
}

impl StepKind {
    /// The call that this line is about.
    pub fn call_id(&self) -> Option<CallId> {
        match self {
            Self::Tool { call, .. } => Some(call.call_id),
            _ => None,
        }
    }
}
