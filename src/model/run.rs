//! The timeline of one run, folded from the agents' events.

use reactive_stores::Store;
use serde::{Deserialize, Serialize};

use crate::protocol::{
    CallId, ChartId, DurableFrame, Event, MessageId, RunId, RunStatus, Seq, Timestamp,
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

impl Run {
    /// Folds an agents' event into its run, which begins with the first event seen of it. Any other event
    /// is nothing. Ascending order is the caller's business; seeing an event twice does no harm.
    pub fn fold<'a>(runs: &'a mut Vec<Run>, frame: &DurableFrame) -> Option<&'a mut Run> {
        let id = run_of(&frame.event)?;
        let index = match runs.iter().rposition(|run| run.id == id) {
            Some(index) => index,
            None => {
                runs.push(Self::new(id, frame.timestamp));
                runs.len() - 1
            }
        };
        let run = &mut runs[index];
        run.apply(frame);
        Some(run)
    }

    fn new(id: RunId, started_at: Timestamp) -> Self {
        Self {
            id,
            status: RunStatus::Initializing,
            message: None,
            started_at,
            ended_at: None,
            steps: Vec::new(),
            progress: None,
            usage: None,
            message_id: None,
        }
    }

    fn apply(&mut self, frame: &DurableFrame) {
        match &frame.event {
            Event::AgentRun(now) => {
                self.status = now.status;
                self.message.clone_from(&now.message);
                self.usage = now.usage.or(self.usage);
                self.ended_at = now.status.is_over().then_some(frame.timestamp);
            }
            Event::AgentStep(step) => {
                let (agent, emoji, message) = (step.agent.clone(), step.emoji.clone(), step.message.clone());
                self.step(frame, StepKind::Agent { agent, emoji, turn: step.turn, message });
            }
            Event::ToolCall(call) => self.step(frame, StepKind::Tool { call: call.clone(), result: None }),
            Event::ToolResult(result) => self.tool_result(result),
            Event::ChartGenerated(chart) => {
                let (url, title) = (chart.url.clone(), chart.title.clone());
                self.step(frame, StepKind::Chart { chart_id: chart.chart_id, url, title });
            }
            Event::Progress(progress) => self.progress = Some(progress.clone()),
            Event::Result(result) => self.message_id = Some(result.message_id),
            _ => {}
        }
    }

    fn step(&mut self, frame: &DurableFrame, what: StepKind) {
        if self.steps.iter().all(|step| step.seq != frame.seq) {
            self.steps.push(Step { seq: frame.seq, at: frame.timestamp, what });
        }
    }

    /// A result stands with its call. One whose call lies before what is in memory has no place.
    fn tool_result(&mut self, now: &ToolResult) {
        let step = self.steps.iter_mut().rfind(|step| step.what.call_id() == Some(now.call_id));
        if let Some(Step { what: StepKind::Tool { result, .. }, .. }) = step {
            *result = Some(now.clone());
        }
    }
}

/// The run that an agents' event belongs to, where it is one that the timeline shows.
fn run_of(event: &Event) -> Option<RunId> {
    Some(match event {
        Event::AgentRun(run) => run.run_id,
        Event::AgentStep(step) => step.run_id,
        Event::ToolCall(call) => call.run_id,
        Event::ToolResult(result) => result.run_id,
        Event::Progress(progress) => progress.run_id,
        Event::ChartGenerated(chart) => chart.run_id,
        Event::Result(result) => result.run_id,
        _ => return None,
    })
}
