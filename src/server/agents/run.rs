//! One run as a pure machine: events in, effects out. No I/O, no clock, no fresh ids in here; the driver
//! performs the effects in their order and brings back what came of them.
//!
//! The order on the log is fixed by this machine alone: `agent_run initializing`, `agent_run processing`,
//! then steps, calls, results, charts and progress, then `message`, `result` and `agent_run completed`. A run
//! that ends otherwise keeps what was written as a partial `message` before its last `agent_run`. An event
//! that does not fit the phase is ignored: the last word of a tool that was stopped changes nothing.

use std::collections::VecDeque;

use super::llm::{ChatMessage, ModelCall};
use crate::protocol::{
    AgentRun, AgentStep, Author, CallId, ChartId, Event, Message, MessageId, RunId, RunStatus, Sender, Visibility,
    agent::{ChartGenerated, ChartTable, Progress, RunResult, ToolCall, ToolResult, Usage},
    limits,
    server::Format,
};

/// What a run is from its first moment on.
#[derive(Clone, Debug)]
pub struct RunSpec {
    pub run_id: RunId,
    /// The answer's, from its first token on.
    pub message_id: MessageId,
    pub agent: Author,
    pub max_turns: u32,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum RunEvent {
    /// The question is there; `waits` says for what, where its turn has not come.
    Asked {
        waits: Option<String>,
    },
    /// Its turn has come.
    Started,
    /// The model wrote.
    Text(String),
    /// The model wants a tool.
    Called(PlannedCall),
    /// What the model's current call read and wrote so far.
    Used(Usage),
    /// The model's answer of this turn is whole.
    ModelDone,
    ModelFailed(String),
    ToolReturned {
        call_id: CallId,
        outcome: ToolOutcome,
    },
    Stop(Stop),
}

/// Why a run ends before its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    Cancelled(String),
    Interrupted(String),
    Failed(String),
}

/// A tool call with its place in the timeline.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedCall {
    pub call_id: CallId,
    pub call: ModelCall,
    /// What the agent does by it, in plain words.
    pub activity: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ToolOutcome {
    pub success: bool,
    /// As the model reads it.
    pub text: String,
    pub chart: Option<DrawnChart>,
    pub duration_ms: u64,
}

/// A picture that is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct DrawnChart {
    pub id: ChartId,
    pub title: String,
    pub symbol: Option<String>,
    pub table: ChartTable,
}

/// What is to be done, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// To the log; whatever follows waits for the commit.
    Append(Event),
    /// Ask the model with [`RunMachine::transcript`]; without tools it has to answer.
    CallModel {
        with_tools: bool,
    },
    CallTool(PlannedCall),
    /// Show this text as appended to the answer.
    Show(String),
    TypingStart,
    TypingStop,
    /// Tell everyone in the conversation that the run failed.
    Report(String),
    /// Nothing more comes: let go of model and tools.
    Finish,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    New,
    Waiting,
    Model,
    Tool,
    Over,
}

#[derive(Debug)]
pub struct RunMachine {
    spec: RunSpec,
    phase: Phase,
    turn: u32,
    /// The answer so far, over all turns.
    text: String,
    /// Where this turn's text begins in it.
    turn_start: usize,
    /// Calls of this turn that the model asked for, then those still to be made.
    calls: VecDeque<PlannedCall>,
    /// Calls beyond what a turn allows.
    left_out: usize,
    /// The call being made.
    current: Option<PlannedCall>,
    transcript: Vec<ChatMessage>,
    used: Usage,
    used_this_turn: Usage,
}

impl RunMachine {
    pub fn new(spec: RunSpec) -> Self {
        Self {
            spec,
            phase: Phase::New,
            turn: 0,
            text: String::new(),
            turn_start: 0,
            calls: VecDeque::new(),
            left_out: 0,
            current: None,
            transcript: Vec::new(),
            used: Usage::default(),
            used_this_turn: Usage::default(),
        }
    }

    pub fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// What the model said and its tools returned in this run, after the conversation it was shown.
    pub fn transcript(&self) -> &[ChatMessage] {
        &self.transcript
    }

    pub fn handle(&mut self, event: RunEvent) -> Vec<Effect> {
        match (self.phase, event) {
            (Phase::New, RunEvent::Asked { waits }) => {
                self.phase = Phase::Waiting;
                vec![self.status(RunStatus::Initializing, waits)]
            }
            (Phase::Waiting, RunEvent::Started) => self.start(),
            (Phase::Model, RunEvent::Text(delta)) => self.write(delta),
            (Phase::Model, RunEvent::Called(call)) => {
                self.ask_for(call);
                Vec::new()
            }
            (Phase::Model, RunEvent::Used(usage)) => {
                self.used_this_turn = usage;
                Vec::new()
            }
            (Phase::Model, RunEvent::ModelDone) => self.model_done(),
            (Phase::Model, RunEvent::ModelFailed(reason)) => self.end(Stop::Failed(reason)),
            (Phase::Tool, RunEvent::ToolReturned { call_id, outcome }) => self.tool_returned(call_id, outcome),
            (Phase::New, RunEvent::Stop(stop)) => {
                let mut effects = vec![self.status(RunStatus::Initializing, None)];
                effects.extend(self.end(stop));
                effects
            }
            (Phase::Waiting | Phase::Model | Phase::Tool, RunEvent::Stop(stop)) => self.end(stop),
            _ => Vec::new(),
        }
    }

    fn start(&mut self) -> Vec<Effect> {
        let mut effects = vec![self.status(RunStatus::Processing, None), Effect::TypingStart];
        effects.extend(self.next_turn());
        effects
    }

    fn next_turn(&mut self) -> Vec<Effect> {
        self.phase = Phase::Model;
        self.turn += 1;
        self.turn_start = self.text.len();
        self.left_out = 0;
        let done = f64::from(self.turn - 1) / f64::from(self.spec.max_turns.max(1));
        let doing = if self.turn == 1 { "Looking at the question" } else { "Going through the results" };
        vec![
            self.progress(done * 100.0),
            self.step(doing),
            Effect::CallModel { with_tools: self.turn < self.spec.max_turns },
        ]
    }

    fn write(&mut self, delta: String) -> Vec<Effect> {
        if delta.is_empty() {
            return Vec::new();
        }
        let mut effects = Vec::new();
        if self.text.is_empty() {
            effects.push(self.step("Writing the answer"));
        }
        // What is said in a later turn is a paragraph of its own.
        let apart = self.turn_start > 0 && self.text.len() == self.turn_start;
        let mut shown = if apart { format!("\n\n{delta}") } else { delta };
        let room = limits::ANSWER_BYTES - self.text.len();
        let too_long = shown.len() > room;
        if too_long {
            shown.truncate(shown.floor_char_boundary(room));
        }
        self.text.push_str(&shown);
        if !shown.is_empty() {
            effects.push(Effect::Show(shown));
        }
        if too_long {
            let reason = format!("The answer grew beyond {} KiB and was cut there.", limits::ANSWER_BYTES / 1024);
            effects.extend(self.end(Stop::Failed(reason)));
        }
        effects
    }

    fn ask_for(&mut self, call: PlannedCall) {
        if self.calls.len() < limits::CALLS_PER_TURN {
            self.calls.push_back(call);
        } else {
            self.left_out += 1;
        }
    }

    fn model_done(&mut self) -> Vec<Effect> {
        self.count_usage();
        if self.calls.is_empty() {
            return self.complete();
        }
        if self.turn >= self.spec.max_turns {
            return self.end(Stop::Failed(format!("No answer after {} turns.", self.spec.max_turns)));
        }
        self.transcript.push(ChatMessage::Assistant {
            text: self.text[self.turn_start..].trim().to_owned(),
            calls: self.calls.iter().map(|planned| planned.call.clone()).collect(),
        });
        let mut effects = Vec::new();
        if self.left_out > 0 {
            effects.push(self.step(&format!("Leaving out {} calls: too many for one turn", self.left_out)));
        }
        effects.extend(self.next_call());
        effects
    }

    fn next_call(&mut self) -> Vec<Effect> {
        let Some(planned) = self.calls.pop_front() else { return self.next_turn() };
        self.phase = Phase::Tool;
        self.current = Some(planned.clone());
        let call = ToolCall {
            run_id: self.spec.run_id,
            call_id: planned.call_id,
            agent: self.spec.agent.name.clone(),
            tool_name: planned.call.tool_name.clone(),
            arguments: planned.call.arguments.clone(),
        };
        vec![self.step(&planned.activity), Effect::Append(Event::ToolCall(call)), Effect::CallTool(planned)]
    }

    fn tool_returned(&mut self, call_id: CallId, outcome: ToolOutcome) -> Vec<Effect> {
        let Some(planned) = self.current.take_if(|current| current.call_id == call_id) else { return Vec::new() };
        let mut effects = vec![Effect::Append(Event::ToolResult(ToolResult {
            run_id: self.spec.run_id,
            call_id,
            agent: self.spec.agent.name.clone(),
            tool_name: planned.call.tool_name.clone(),
            success: outcome.success,
            result_preview: preview(&outcome.text),
            duration_ms: outcome.duration_ms,
        }))];
        if let Some(DrawnChart { id, title, symbol, table }) = outcome.chart {
            let (run_id, url, table) = (self.spec.run_id, chart_url(id), Some(table));
            let chart = ChartGenerated { run_id, chart_id: id, url, title, symbol, table };
            effects.push(Effect::Append(Event::ChartGenerated(chart)));
        }
        self.transcript.push(ChatMessage::Tool {
            call_id: planned.call.id,
            tool_name: planned.call.tool_name,
            success: outcome.success,
            text: outcome.text,
        });
        effects.extend(self.next_call());
        effects
    }

    fn complete(&mut self) -> Vec<Effect> {
        if self.text.trim().is_empty() {
            return self.end(Stop::Failed("The model gave no answer.".into()));
        }
        let message = self.message(false);
        let result = RunResult {
            run_id: self.spec.run_id,
            content: message.text.clone(),
            format: Format::Markdown,
            message_id: self.spec.message_id,
        };
        let effects = vec![
            self.progress(100.0),
            Effect::Append(Event::Message(message)),
            Effect::Append(Event::Result(result)),
            self.status(RunStatus::Completed, None),
            Effect::TypingStop,
            Effect::Finish,
        ];
        self.phase = Phase::Over;
        effects
    }

    fn end(&mut self, stop: Stop) -> Vec<Effect> {
        self.count_usage();
        let mut effects = Vec::new();
        if !self.text.trim().is_empty() {
            effects.push(Effect::Append(Event::Message(self.message(true))));
        }
        let was_typing = matches!(self.phase, Phase::Model | Phase::Tool);
        match stop {
            Stop::Cancelled(why) => effects.push(self.status(RunStatus::Cancelled, Some(why))),
            Stop::Interrupted(why) => effects.push(self.status(RunStatus::Interrupted, Some(why))),
            Stop::Failed(why) => {
                effects.push(self.status(RunStatus::Failed, Some(why.clone())));
                effects.push(Effect::Report(why));
            }
        }
        if was_typing {
            effects.push(Effect::TypingStop);
        }
        effects.push(Effect::Finish);
        self.phase = Phase::Over;
        effects
    }

    fn count_usage(&mut self) {
        let turn = std::mem::take(&mut self.used_this_turn);
        self.used.input_tokens = self.used.input_tokens.saturating_add(turn.input_tokens);
        self.used.output_tokens = self.used.output_tokens.saturating_add(turn.output_tokens);
    }

    fn status(&self, status: RunStatus, message: Option<String>) -> Effect {
        let usage = (status.is_over() && self.used != Usage::default()).then_some(self.used);
        Effect::Append(Event::AgentRun(AgentRun { message, usage, ..AgentRun::new(self.spec.run_id, status) }))
    }

    fn step(&self, message: &str) -> Effect {
        let Author { name, emoji, .. } = self.spec.agent.clone();
        let step = AgentStep::new(self.spec.run_id, name, emoji.unwrap_or_default(), self.turn, message.to_owned());
        Effect::Append(Event::AgentStep(step))
    }

    fn progress(&self, percentage: f64) -> Effect {
        Effect::Append(Event::Progress(Progress {
            run_id: self.spec.run_id,
            current_turn: self.turn,
            max_turns: self.spec.max_turns,
            percentage,
        }))
    }

    fn message(&self, partial: bool) -> Message {
        Message {
            id: self.spec.message_id,
            sender: Sender::Agent,
            author: self.spec.agent.clone(),
            text: self.text.clone(),
            format: Format::Markdown,
            client_id: None,
            reply_to: None,
            run_id: Some(self.spec.run_id),
            visibility: Visibility::Public,
            partial,
        }
    }
}

/// Where a chart is served.
pub fn chart_url(id: ChartId) -> String {
    format!("/api/v1/charts/{id}.svg")
}

/// A tool's answer as the timeline shows it.
fn preview(text: &str) -> String {
    match text.char_indices().nth(limits::RESULT_PREVIEW_CHARS) {
        None => text.to_owned(),
        Some(_) => {
            let kept: String = text.chars().take(limits::RESULT_PREVIEW_CHARS - 1).collect();
            format!("{kept}…")
        }
    }
}

#[cfg(test)]
mod tests;
