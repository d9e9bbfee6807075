//! One run as a pure machine: events in, effects out. No I/O, no clock, no fresh ids in here; the driver
//! performs the effects in their order and brings back what came of them.
//!
//! Whatever it is told is written to the run's journal, in one commit with the events that follow from it.
//! Told the same again after a crash, it stands where it stood: nothing in here may depend on anything but what
//! it was told and the team.
//!
//! The order on the log is fixed by this machine alone: `agent_run initializing`, `agent_run processing`,
//! then steps, calls, results, charts and progress, then `message`, `result` and `agent_run completed`. A run
//! that ends otherwise keeps what was written as a partial `message` before its last `agent_run`. An event
//! that does not fit the phase is ignored: the last word of a tool that was stopped changes nothing.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    llm::{ChatMessage, ModelCall},
    orchestrator::Orchestrator,
    team::Team,
    tools::HandOver,
};
use crate::{
    protocol::{
        CallId, ChartId, Event, Message, MessageId, RunId, Side, Timestamp, UserRef,
        agent::{ChartTable, ToolClass, Usage},
        limits,
        server::Author,
    },
    server::storage::Spent,
};

mod calls;
mod spend;
mod talk;
mod tell;

pub use tell::chart_url;

use talk::Talk;

/// What a run is from its first moment on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunSpec {
    pub run_id: RunId,
    /// The answer's, from its first token on.
    pub message_id: MessageId,
    pub question: Message,
    /// Whose budget it is.
    pub asked_by: UserRef,
    /// The question was answered before, and that answer is not to be looked at.
    pub again: bool,
    /// Where the question is a visitor's.
    #[serde(default)]
    pub dialog: Option<UnderEpoch>,
}

/// The hands that a dialog was in when the question came: under a later epoch nothing of the run is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnderEpoch {
    pub epoch: u64,
    /// The queue that the dialog goes to when a person is asked for.
    pub team: Option<String>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum RunEvent {
    /// The question is there; `waits` says for what, where its turn has not come.
    Asked {
        waits: Option<String>,
    },
    /// Its turn has come. `model`: the one that is configured.
    Started {
        way: Way,
        model: Option<String>,
    },
    /// What the asker's runs used up today so far, this one included.
    Today(Spent),
    /// The server stopped in the middle, and is back.
    Resumed,
    /// The model wrote.
    Text(String),
    /// The model's call failed and is made again: what it brought is void.
    Retrying {
        attempt: u32,
        of: u32,
        delay_ms: u64,
        reason: String,
    },
    /// The model wants a tool.
    Called(PlannedCall),
    /// What the model's current call read and wrote so far.
    Used(Usage),
    /// The model's answer of this call is whole.
    ModelDone(ModelTimes),
    ModelFailed {
        reason: String,
        ms: u64,
    },
    ToolReturned {
        call_id: CallId,
        outcome: ToolOutcome,
    },
    /// Somebody allowed a call or did not; nobody: the time ran out.
    Decided {
        call_id: CallId,
        approved: bool,
        by: Option<UserRef>,
        /// In the place of the model's own.
        arguments: Option<Value>,
    },
    Stop(Stop),
}

/// How a question is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Way {
    /// By this agent alone: its handle.
    Direct(String),
    /// As the team's orchestrator decides.
    Team,
}

/// Of one call of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelTimes {
    /// `None`: there was no model to speak of.
    pub model: Option<String>,
    pub first_token_ms: Option<u64>,
    pub duration_ms: u64,
}

/// Why a run ends before its answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stop {
    Cancelled(String),
    Interrupted(String),
    Failed(String),
}

/// A tool call with its place in the timeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedCall {
    pub call_id: CallId,
    pub call: ModelCall,
    /// What the agent does by it, in plain words.
    pub activity: String,
    /// `None`: there is no such tool.
    pub class: Option<ToolClass>,
    /// Somebody has to allow it.
    pub asks_first: bool,
}

impl PlannedCall {
    /// It changes nothing: where nobody knows whether it was made, it is made again.
    fn is_repeatable(&self) -> bool {
        self.class == Some(ToolClass::Read)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolOutcome {
    pub success: bool,
    /// As the model reads it.
    pub text: String,
    pub chart: Option<DrawnChart>,
    pub duration_ms: u64,
    #[serde(default)]
    pub hand_over: Option<HandOver>,
}

impl ToolOutcome {
    /// A success, in words.
    pub fn of(text: String) -> Self {
        Self { success: true, text, chart: None, duration_ms: 0, hand_over: None }
    }
}

/// A picture that is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// To the asker's account.
    Spend(Spent),
    /// Ask the model what [`RunMachine::request`] says.
    CallModel,
    CallTool(PlannedCall),
    /// Show this text in the answer from this byte on.
    Show {
        offset: usize,
        delta: String,
    },
    /// This agent is at work, and shown typing; or nobody.
    AtWork(Option<Author>),
    /// Tell everyone in the conversation that the run failed.
    Report(String),
    /// Nothing more comes: let go of model and tools.
    Finish,
}

/// What a model is to be asked. `messages` come after those of the conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub system: String,
    pub messages: Vec<ChatMessage>,
    /// Names, as in [`super::team::Agent::tools`].
    pub tools: Vec<String>,
    pub ask_before: Vec<String>,
    pub model: Option<String>,
    pub schema: Option<Value>,
    /// Who reads the answer.
    pub audience: Side,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    New,
    /// For its turn.
    Waiting,
    Model,
    Tool,
    Approval,
    Over,
}

#[derive(Debug)]
pub struct RunMachine {
    spec: RunSpec,
    team: Arc<Team>,
    /// Where the team works together.
    orchestrator: Option<Orchestrator>,
    phase: Phase,
    turn: u32,
    max_turns: u32,
    /// Who speaks, and for whom.
    talk: Talk,
    /// The answer so far, over all calls.
    text: String,
    /// Where this call's text begins in it.
    call_start: usize,
    /// What stands after that is of a call that failed: shown until something takes its place.
    is_void: bool,
    /// Calls that the model asked for, then those still to be made.
    calls: VecDeque<PlannedCall>,
    /// Calls beyond what a turn allows.
    left_out: usize,
    /// The call being made, or waiting to be allowed.
    current: Option<PlannedCall>,
    /// Until when it waits.
    expires_at: Option<Timestamp>,
    /// Who decided about a call.
    decided: BTreeMap<CallId, String>,
    used: Usage,
    used_this_call: Usage,
    /// The model's call is not counted yet.
    is_asking: bool,
    spent: Spent,
    /// What the asker's runs used up today, and what this one had by then.
    today: Spent,
    spent_by_then: Spent,
    model: Option<String>,
    resumes: u32,
}

impl RunMachine {
    pub fn new(spec: RunSpec, team: Arc<Team>) -> Self {
        let talk = Talk::direct(team.leader().clone());
        Self {
            spec,
            orchestrator: None,
            phase: Phase::New,
            turn: 0,
            max_turns: talk.agent.max_turns,
            team,
            talk,
            text: String::new(),
            call_start: 0,
            is_void: false,
            calls: VecDeque::new(),
            left_out: 0,
            current: None,
            expires_at: None,
            decided: BTreeMap::new(),
            used: Usage::default(),
            used_this_call: Usage::default(),
            is_asking: false,
            spent: Spent::default(),
            today: Spent::default(),
            spent_by_then: Spent::default(),
            model: None,
            resumes: 0,
        }
    }

    pub fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// Its turn has not come yet.
    pub fn is_waiting(&self) -> bool {
        matches!(self.phase, Phase::New | Phase::Waiting)
    }

    /// The answer as it was shown.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Who is at work.
    pub fn agent(&self) -> Author {
        self.talk.agent.author()
    }

    /// Whether it can go on after a restart: nothing is under way of which nobody would know what it did.
    pub fn can_go_on(&self) -> bool {
        self.phase != Phase::Tool || self.current.as_ref().is_some_and(PlannedCall::is_repeatable)
    }

    /// `at`: the time of the event.
    pub fn handle(&mut self, event: RunEvent, at: Timestamp) -> Vec<Effect> {
        match (self.phase, event) {
            (Phase::New, RunEvent::Asked { waits }) => {
                self.phase = Phase::Waiting;
                vec![self.asked(waits)]
            }
            (Phase::Waiting, RunEvent::Started { way, model }) => self.start(&way, model),
            (Phase::Model, RunEvent::Today(today)) => self.of_today(today),
            (Phase::Model, RunEvent::Text(delta)) => self.write(&delta),
            (Phase::Model, RunEvent::Retrying { attempt, of, delay_ms, reason }) => {
                self.retry(attempt, of, delay_ms, &reason)
            }
            (Phase::Model, RunEvent::Called(call)) => {
                self.ask_for(call);
                Vec::new()
            }
            (Phase::Model, RunEvent::Used(usage)) => {
                self.used_this_call = usage;
                Vec::new()
            }
            (Phase::Model, RunEvent::ModelDone(times)) => self.model_done(&times, at),
            (Phase::Model, RunEvent::ModelFailed { reason, ms }) => self.model_failed(reason, ms),
            (Phase::Tool, RunEvent::ToolReturned { call_id, outcome }) => self.tool_returned(call_id, outcome, at),
            (Phase::Approval, RunEvent::Decided { call_id, approved, by, arguments }) => {
                self.decided(call_id, approved, by, arguments, at)
            }
            (_, RunEvent::Resumed) => self.resume(),
            (Phase::New, RunEvent::Stop(stop)) => {
                let mut effects = vec![self.asked(None)];
                effects.extend(self.end(stop));
                effects
            }
            (Phase::Over, _) => Vec::new(),
            (_, RunEvent::Stop(stop)) => self.end(stop),
            _ => Vec::new(),
        }
    }

    fn start(&mut self, way: &Way, model: Option<String>) -> Vec<Effect> {
        self.model = model;
        let mut effects = vec![self.processing()];
        match way {
            Way::Direct(handle) => {
                let agent = self.team.by_handle(handle).unwrap_or_else(|| self.team.leader()).clone();
                effects.extend(self.direct(agent));
            }
            Way::Team => {
                let mut orchestrator = Orchestrator::new(self.team.clone());
                let next = orchestrator.begin();
                self.orchestrator = Some(orchestrator);
                effects.push(self.step("Looking at the question"));
                effects.extend(self.next(next));
            }
        }
        effects
    }

    /// After a restart: what was under way is done again where that is safe.
    fn resume(&mut self) -> Vec<Effect> {
        if matches!(self.phase, Phase::New | Phase::Waiting | Phase::Approval | Phase::Over) {
            return Vec::new();
        }
        self.resumes += 1;
        if self.resumes > limits::RUN_RESUMES {
            let why = format!("The server stopped {} times during this run. Retry to ask again.", self.resumes);
            return self.end(Stop::Interrupted(why));
        }
        if !self.can_go_on() {
            let tool = self.current.as_ref().map_or("A tool", |planned| &planned.call.tool_name);
            let why = format!(
                "The server stopped while {tool} was at work, and nobody knows whether it took effect. See what it did before you retry."
            );
            return self.end(Stop::Interrupted(why));
        }
        let mut effects = vec![self.step("Going on after a restart of the server"), self.at_work()];
        match &self.current {
            Some(planned) => effects.push(Effect::CallTool(planned.clone())),
            None => {
                self.void();
                effects.push(Effect::CallModel);
            }
        }
        effects
    }
}

#[cfg(test)]
mod tests;
