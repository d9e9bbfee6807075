//! Who speaks and for whom, and what a model's words become.

use std::sync::Arc;

use super::{Effect, ModelTimes, Phase, PlannedCall, Request, RunMachine, Stop};
use crate::{
    protocol::{Side, Timestamp, agent::StepTopic, limits},
    server::agents::{
        llm::ChatMessage,
        orchestrator::{Act, Next},
        team::Agent,
        tools::ask_a_person,
    },
};

/// What an agent's words are for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Purpose {
    /// The leader's, for the orchestrator: one JSON value.
    Ask { system: String, schema: serde_json::Value },
    /// The answer, with tools.
    Direct,
    /// For the team.
    Speak,
    /// The answer, from what the team found.
    Answer,
}

#[derive(Debug)]
pub(super) struct Talk {
    pub agent: Arc<Agent>,
    pub purpose: Purpose,
    /// After the conversation: what the team said, then what this agent called and got.
    pub messages: Vec<ChatMessage>,
    /// Calls of the model.
    pub asked: u32,
    /// The words of the model's current call, where they are no answer.
    pub said: String,
}

impl Talk {
    pub fn direct(agent: Arc<Agent>) -> Self {
        Self::new(agent, Purpose::Direct, Vec::new())
    }

    fn new(agent: Arc<Agent>, purpose: Purpose, messages: Vec<ChatMessage>) -> Self {
        Self { agent, purpose, messages, asked: 0, said: String::new() }
    }

    fn is_shown(&self) -> bool {
        matches!(self.purpose, Purpose::Direct | Purpose::Answer)
    }

    /// On its last call the model has to speak.
    fn may_call(&self) -> bool {
        matches!(self.purpose, Purpose::Direct | Purpose::Speak) && self.asked < self.agent.max_turns
    }
}

/// What an agent is told beside its prompt where it speaks with a website's visitor.
const WITH_A_VISITOR: &str = "You speak with a visitor of a website. Be short, friendly and plain. Say nothing of how \
    you work inside. When the visitor asks for a person, or you cannot help, call `ask_a_person`.";

impl RunMachine {
    /// What the model is to be asked now.
    pub fn request(&self) -> Request {
        let Talk { agent, purpose, messages, .. } = &self.talk;
        let (system, schema) = match purpose {
            Purpose::Ask { system, schema } => (system.clone(), Some(schema.clone())),
            _ if self.spec.dialog.is_some() => (format!("{}\n\n{WITH_A_VISITOR}", agent.prompt), None),
            _ => (agent.prompt.clone(), None),
        };
        let (tools, ask_before) =
            if self.talk.may_call() { (self.tools(), agent.ask_before.clone()) } else { Default::default() };
        let audience = if self.spec.dialog.is_some() { Side::Visitor } else { Side::House };
        Request { system, messages: messages.clone(), tools, ask_before, model: agent.model.clone(), schema, audience }
    }

    /// What the agent at work may use.
    pub fn tools(&self) -> Vec<String> {
        let hand_over = self.spec.dialog.is_some().then(|| ask_a_person::NAME.to_owned());
        self.talk.agent.tools.iter().cloned().chain(hand_over).collect()
    }

    /// Which of these somebody is asked about before each call.
    pub fn ask_before(&self) -> &[String] {
        &self.talk.agent.ask_before
    }

    pub(super) fn direct(&mut self, agent: Arc<Agent>) -> Vec<Effect> {
        self.max_turns = agent.max_turns;
        self.talk = Talk::direct(agent);
        let mut effects = vec![self.at_work()];
        effects.extend(self.ask_model());
        effects
    }

    /// What the orchestrator wants done.
    pub(super) fn next(&mut self, next: Next) -> Vec<Effect> {
        (self.turn, self.max_turns) = (next.turn, next.max_turns);
        self.talk = Talk::direct(self.team.leader().clone());
        let mut effects: Vec<Effect> = next.notes.into_iter().map(|note| self.note(note)).collect();
        self.talk = match next.act {
            Act::Direct { agent } => {
                effects.extend(self.direct(agent));
                return effects;
            }
            Act::Ask { system, messages, schema } => {
                let purpose = Purpose::Ask { system, schema };
                Talk::new(self.team.leader().clone(), purpose, messages)
            }
            Act::Speak { agent, messages } => Talk::new(agent, Purpose::Speak, messages),
            Act::Answer { agent, messages } => Talk::new(agent, Purpose::Answer, messages),
        };
        effects.push(self.progress(self.done()));
        effects.push(self.at_work());
        effects.extend(self.ask_model());
        effects
    }

    /// The next call of the model, within what the run may use up.
    pub(super) fn ask_model(&mut self) -> Vec<Effect> {
        if let Some(why) = self.over_budget() {
            return self.end(Stop::Failed(why));
        }
        self.phase = Phase::Model;
        self.is_asking = true;
        self.current = None;
        self.talk.asked += 1;
        self.talk.said.clear();
        self.call_start = self.text.len();
        self.left_out = 0;
        let mut effects = Vec::new();
        if self.orchestrator.is_none() || self.talk.purpose == Purpose::Direct {
            self.turn = self.talk.asked;
            effects.push(self.progress(self.done()));
            effects.push(self.step(match self.turn {
                1 => "Looking at the question",
                _ => "Going through the results",
            }));
        }
        effects.push(Effect::CallModel);
        effects
    }

    pub(super) fn write(&mut self, delta: &str) -> Vec<Effect> {
        if delta.is_empty() {
            return Vec::new();
        }
        if !self.talk.is_shown() {
            let room = limits::LEDGER_BYTES - self.talk.said.len();
            self.talk.said.push_str(&delta[..delta.floor_char_boundary(room)]);
            return Vec::new();
        }
        let mut effects = Vec::new();
        if self.text.is_empty() {
            effects.push(self.step("Writing the answer"));
        }
        self.drop_void();
        // What is said in a later call is a paragraph of its own.
        let apart = self.call_start > 0 && self.text.len() == self.call_start;
        let mut shown = if apart { format!("\n\n{delta}") } else { delta.to_owned() };
        let room = limits::ANSWER_BYTES - self.text.len();
        let too_long = shown.len() > room;
        shown.truncate(shown.floor_char_boundary(room));
        let offset = self.text.len();
        self.text.push_str(&shown);
        effects.push(Effect::Show { offset, delta: shown });
        if too_long {
            let reason = format!("The answer grew beyond {} KiB and was cut there.", limits::ANSWER_BYTES / 1024);
            effects.extend(self.end(Stop::Failed(reason)));
        }
        effects
    }

    /// The call is made again. What it wrote stays on the screen until something takes its place.
    pub(super) fn retry(&mut self, attempt: u32, of: u32, delay_ms: u64, reason: &str) -> Vec<Effect> {
        self.void();
        let wait = match delay_ms {
            0..1_000 => "now".to_owned(),
            _ => format!("in {} s", delay_ms.div_ceil(1_000)),
        };
        let reason = reason.trim_end_matches('.');
        vec![self.tell_step(
            StepTopic::Retry,
            format!("{reason}. Asking again {wait} (attempt {attempt} of {of})"),
            None,
        )]
    }

    pub(super) fn void(&mut self) {
        self.is_void = self.text.len() > self.call_start;
        self.talk.said.clear();
        self.calls.clear();
        self.left_out = 0;
        self.used_this_call = Default::default();
    }

    fn drop_void(&mut self) -> bool {
        let was = std::mem::take(&mut self.is_void);
        if was {
            self.text.truncate(self.call_start);
        }
        was
    }

    pub(super) fn ask_for(&mut self, call: PlannedCall) {
        if self.calls.len() < limits::CALLS_PER_TURN {
            self.calls.push_back(call);
        } else {
            self.left_out += 1;
        }
    }

    pub(super) fn model_failed(&mut self, reason: String, ms: u64) -> Vec<Effect> {
        let mut effects = self.account_for_a_cut(ms);
        // Who leads may do without a ledger, and a team without one of its members; the answer itself is needed.
        if matches!(self.talk.purpose, Purpose::Ask { .. } | Purpose::Speak)
            && let Some(mut orchestrator) = self.orchestrator.take()
        {
            effects.push(self.step(&format!("Could not go on: {reason}")));
            let next = orchestrator.failed(&reason);
            self.orchestrator = Some(orchestrator);
            effects.extend(self.next(next));
            return effects;
        }
        effects.extend(self.end(Stop::Failed(reason)));
        effects
    }

    pub(super) fn model_done(&mut self, times: &ModelTimes, at: Timestamp) -> Vec<Effect> {
        let mut effects = self.account(times);
        if self.is_void && self.calls.is_empty() && self.talk.is_shown() {
            // What was shown stays: nothing came to take its place.
            effects.extend(self.end(Stop::Failed("The model gave no answer.".into())));
            return effects;
        }
        if self.drop_void() {
            effects.push(Effect::Show { offset: self.text.len(), delta: String::new() });
        }
        if !self.calls.is_empty() && self.talk.may_call() {
            effects.extend(self.take_calls(at));
            return effects;
        }
        let called_in_vain = !self.calls.is_empty();
        self.calls.clear();
        effects.extend(match self.talk.purpose {
            Purpose::Ask { .. } | Purpose::Speak => self.hand_over(),
            Purpose::Direct if called_in_vain => {
                self.end(Stop::Failed(format!("No answer after {} turns.", self.talk.agent.max_turns)))
            }
            Purpose::Direct | Purpose::Answer => self.complete(),
        });
        effects
    }

    fn take_calls(&mut self, at: Timestamp) -> Vec<Effect> {
        let text = if self.talk.is_shown() { &self.text[self.call_start..] } else { &self.talk.said };
        self.talk.messages.push(ChatMessage::Assistant {
            text: text.trim().to_owned(),
            calls: self.calls.iter().map(|planned| planned.call.clone()).collect(),
        });
        let mut effects = Vec::new();
        if self.left_out > 0 {
            effects.push(self.step(&format!("Leaving out {} calls: too many for one turn", self.left_out)));
        }
        effects.extend(self.next_call(at));
        effects
    }

    /// What was said goes to the orchestrator, which says what is next.
    fn hand_over(&mut self) -> Vec<Effect> {
        let Some(mut orchestrator) = self.orchestrator.take() else { return self.complete() };
        let said = std::mem::take(&mut self.talk.said);
        let mut effects = Vec::new();
        let next = if self.talk.purpose == Purpose::Speak {
            effects.push(self.said(said.trim()));
            orchestrator.said(said.trim())
        } else {
            orchestrator.asked(&said)
        };
        self.orchestrator = Some(orchestrator);
        effects.extend(self.next(next));
        effects
    }

    /// How far the run is, of 100.
    fn done(&self) -> f64 {
        f64::from(self.turn.saturating_sub(1)) / f64::from(self.max_turns.max(1)) * 100.0
    }
}
