//! The timeline of one run, folded from the agents' events.

use reactive_stores::Store;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::protocol::{
    CallId, DurableFrame, Event, MessageId, RunId, RunStatus, Seq, Timestamp,
    agent::{
        AgentStep, Approval, ApprovalResolved, ChartGenerated, ChartTable, Progress, StepTopic, ToolCall, ToolResult,
        Usage,
    },
};

#[derive(Clone, Debug, PartialEq, Store, Serialize, Deserialize)]
pub struct Run {
    pub id: RunId,
    pub status: RunStatus,
    /// What the last `agent_run` said, such as why it failed.
    pub message: Option<String>,
    pub started_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// Ascending. Not keyed: a map of keys would be made anew for each step that comes.
    pub steps: Vec<Step>,
    /// The turn of the newest step that tells one.
    pub turn: Option<u32>,
    /// What is known of it begins after its beginning.
    pub is_cut: bool,
    pub progress: Option<Progress>,
    pub usage: Option<Usage>,
    /// The answer's message.
    pub message_id: Option<MessageId>,
    /// The message that it answers.
    pub question: Option<MessageId>,
    /// Steps that wait for somebody's approval.
    pub pending: Vec<Seq>,
}

/// One line of the timeline, at the seq of the event that began it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub seq: Seq,
    pub at: Timestamp,
    /// The turn that begins with it.
    pub turn: Option<u32>,
    pub what: StepKind,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(clippy::large_enum_variant, reason = "most steps are calls")]
pub enum StepKind {
    Agent {
        agent: String,
        emoji: String,
        turn: u32,
        message: String,
    },
    /// One with more to it than its words.
    Topic {
        agent: String,
        emoji: String,
        turn: u32,
        message: String,
        topic: StepTopic,
        detail: Option<Value>,
    },
    /// What a call of a model took.
    Model {
        model: Option<String>,
        usage: Option<Usage>,
        first_token_ms: Option<u64>,
        duration_ms: Option<u64>,
    },
    Tool {
        call: ToolCall,
        result: Option<ToolResult>,
    },
    Chart {
        url: String,
        title: String,
        table: Option<ChartTable>,
    },
    Approval {
        asked: Approval,
        resolved: Option<ApprovalResolved>,
    },
}

impl StepKind {
    /// The call that this line is about.
    pub fn call_id(&self) -> Option<CallId> {
        match self {
            Self::Tool { call, .. } => Some(call.call_id),
            _ => None,
        }
    }

    /// The turn in which an agent took it.
    fn turn(&self) -> Option<u32> {
        match self {
            Self::Agent { turn, .. } | Self::Topic { turn, .. } => Some(*turn),
            _ => None,
        }
    }

    fn of(step: &AgentStep) -> Self {
        let (agent, emoji, message) = (step.agent.clone(), step.emoji.clone(), step.message.clone());
        match step.topic {
            None => Self::Agent { agent, emoji, turn: step.turn, message },
            Some(StepTopic::Model) => Self::Model {
                model: step.model.clone(),
                usage: step.usage.as_deref().copied(),
                first_token_ms: step.first_token_ms,
                duration_ms: step.duration_ms,
            },
            Some(topic) => Self::Topic { agent, emoji, turn: step.turn, message, topic, detail: step.detail.clone() },
        }
    }
}

/// What an event was to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Folded {
    pub run: RunId,
    pub is_over: bool,
    /// The step that came by it or changed.
    pub step: Option<Seq>,
}

impl Run {
    /// Folds an agents' event into its run, which begins with the first event seen of it. Any other event
    /// is nothing. Ascending order is the caller's business; seeing an event twice does no harm.
    pub fn fold(runs: &mut Vec<Run>, frame: &DurableFrame) -> Option<Folded> {
        let id = run_of(&frame.event)?;
        let index = match runs.iter().rposition(|run| run.id == id) {
            Some(index) => index,
            None => {
                runs.push(Self::new(id, frame));
                runs.len() - 1
            }
        };
        let run = &mut runs[index];
        let step = run.apply(frame);
        Some(Folded { run: id, is_over: run.status.is_over(), step })
    }

    fn new(id: RunId, first: &DurableFrame) -> Self {
        let is_beginning = matches!(&first.event, Event::AgentRun(run) if run.status == RunStatus::Initializing);
        Self {
            id,
            status: if is_beginning { RunStatus::Initializing } else { RunStatus::Processing },
            message: None,
            started_at: first.timestamp,
            ended_at: None,
            steps: Vec::new(),
            turn: None,
            is_cut: !is_beginning,
            progress: None,
            usage: None,
            message_id: None,
            question: None,
            pending: Vec::new(),
        }
    }

    /// The step that it was to, if it was to one.
    fn apply(&mut self, frame: &DurableFrame) -> Option<Seq> {
        match &frame.event {
            Event::AgentRun(now) => {
                self.status = now.status;
                self.message.clone_from(&now.message);
                self.usage = now.usage.or(self.usage);
                self.question = now.question.or(self.question);
                self.ended_at = now.status.is_over().then_some(frame.timestamp);
                if now.status.is_over() {
                    self.pending.clear();
                }
            }
            Event::AgentStep(step) => return self.step(frame, StepKind::of(step)),
            Event::ToolCall(call) => return self.step(frame, StepKind::Tool { call: call.clone(), result: None }),
            Event::ToolResult(result) => return self.tool_result(result),
            Event::ChartGenerated(ChartGenerated { url, title, table, .. }) => {
                let (url, title, table) = (url.clone(), title.clone(), table.clone());
                return self.step(frame, StepKind::Chart { url, title, table });
            }
            Event::Approval(asked) => {
                if self.knows(frame.seq).is_none() {
                    self.pending.push(frame.seq);
                }
                return self.step(frame, StepKind::Approval { asked: asked.clone(), resolved: None });
            }
            Event::ApprovalResolved(resolved) => return self.resolve(resolved),
            Event::Progress(progress) => self.progress = Some(progress.clone()),
            Event::Result(result) => self.message_id = Some(result.message_id),
            _ => {}
        }
        None
    }

    /// Where among the steps that of this event is.
    pub fn place_of(&self, seq: Seq) -> Option<usize> {
        self.steps.binary_search_by_key(&seq, |step| step.seq).ok()
    }

    /// With its newest steps alone.
    pub fn newest(&self, count: usize) -> Self {
        let from = self.steps.len().saturating_sub(count);
        Self {
            id: self.id,
            status: self.status,
            message: self.message.clone(),
            started_at: self.started_at,
            ended_at: self.ended_at,
            steps: self.steps[from..].to_vec(),
            turn: self.turn,
            is_cut: self.is_cut || from > 0,
            progress: self.progress.clone(),
            usage: self.usage,
            message_id: self.message_id,
            question: self.question,
            pending: self.pending.clone(),
        }
    }

    fn knows(&self, seq: Seq) -> Option<usize> {
        // What comes is mostly the newest.
        if self.steps.last().is_none_or(|last| last.seq < seq) {
            return None;
        }
        self.place_of(seq)
    }

    fn step(&mut self, frame: &DurableFrame, what: StepKind) -> Option<Seq> {
        if self.knows(frame.seq).is_some() {
            return None;
        }
        let turn = what.turn().filter(|now| self.turn != Some(*now));
        self.turn = turn.or(self.turn);
        self.steps.push(Step { seq: frame.seq, at: frame.timestamp, turn, what });
        Some(frame.seq)
    }

    /// A result stands with its call. One whose call lies before what is in memory has no place.
    fn tool_result(&mut self, now: &ToolResult) -> Option<Seq> {
        let step = self.steps.iter_mut().rfind(|step| step.what.call_id() == Some(now.call_id))?;
        if let StepKind::Tool { result, .. } = &mut step.what {
            *result = Some(now.clone());
        }
        Some(step.seq)
    }

    /// The first decision counts.
    fn resolve(&mut self, now: &ApprovalResolved) -> Option<Seq> {
        let is_it = |step: &&mut Step| matches!(&step.what, StepKind::Approval { asked, resolved: None } if asked.call_id == now.call_id);
        let step = self.steps.iter_mut().rfind(is_it)?;
        let seq = step.seq;
        if let StepKind::Approval { resolved, .. } = &mut step.what {
            *resolved = Some(now.clone());
        }
        self.pending.retain(|pending| *pending != seq);
        Some(seq)
    }

    /// Puts what happened before in front of it: the same run, as far as an older page of the log tells it.
    pub fn succeed(&mut self, mut before: Self) {
        let first = self.steps.first().map_or(Seq(u64::MAX), |step| step.seq);
        before.steps.retain(|step| step.seq < first);
        let turn = before.steps.iter().rev().find_map(|step| step.what.turn());
        if let Some(next) = self.steps.iter_mut().find(|step| step.turn.is_some()) {
            next.turn = next.turn.filter(|next| turn != Some(*next));
        }
        before.steps.append(&mut self.steps);
        self.steps = before.steps;
        self.turn = self.turn.or(turn);
        self.is_cut = before.is_cut;
        self.started_at = before.started_at;
        self.question = self.question.or(before.question);
        self.progress = self.progress.take().or(before.progress);
    }
}

/// The run that an agents' event belongs to, where it is one that the timeline shows.
pub(super) fn run_of(event: &Event) -> Option<RunId> {
    Some(match event {
        Event::AgentRun(run) => run.run_id,
        Event::AgentStep(step) => step.run_id,
        Event::ToolCall(call) => call.run_id,
        Event::ToolResult(result) => result.run_id,
        Event::Approval(approval) => approval.run_id,
        Event::ApprovalResolved(resolved) => resolved.run_id,
        Event::Progress(progress) => progress.run_id,
        Event::ChartGenerated(chart) => chart.run_id,
        Event::Result(result) => result.run_id,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
