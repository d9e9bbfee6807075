//! The frames that a run writes, and how it ends.

use serde_json::Value;

use super::{Effect, Phase, RunMachine, Stop};
use crate::{
    protocol::{
        AgentRun, AgentStep, ChartId, Event, Message, RunStatus, Sender, Visibility,
        agent::{Progress, RunResult, StepTopic, Usage},
        limits,
        server::Format,
    },
    server::agents::{orchestrator::Note, tools::short},
};

impl RunMachine {
    pub(super) fn asked(&self, waits: Option<String>) -> Effect {
        let question = Some(self.spec.question.id);
        let run = AgentRun { message: waits, question, ..AgentRun::new(self.spec.run_id, RunStatus::Initializing) };
        Effect::Append(Event::AgentRun(run))
    }

    pub(super) fn processing(&self) -> Effect {
        self.status(RunStatus::Processing, None)
    }

    pub(super) fn status(&self, status: RunStatus, message: Option<String>) -> Effect {
        let usage = (status.is_over() && self.used != Usage::default()).then_some(self.used);
        Effect::Append(Event::AgentRun(AgentRun { message, usage, ..AgentRun::new(self.spec.run_id, status) }))
    }

    pub(super) fn at_work(&self) -> Effect {
        Effect::AtWork(Some(self.talk.agent.author()))
    }

    pub(super) fn step(&self, message: &str) -> Effect {
        Effect::Append(Event::AgentStep(self.bare_step(message.to_owned())))
    }

    pub(super) fn tell_step(&self, topic: StepTopic, message: String, detail: Option<Value>) -> Effect {
        Effect::Append(Event::AgentStep(AgentStep { topic: Some(topic), detail, ..self.bare_step(message) }))
    }

    pub(super) fn note(&self, note: Note) -> Effect {
        self.tell_step(note.topic, note.message, note.detail)
    }

    /// What an agent told its team.
    pub(super) fn said(&self, text: &str) -> Effect {
        let message = if text.is_empty() { "Said nothing".to_owned() } else { short(text) };
        self.tell_step(StepTopic::Said, message, Some(text[..text.floor_char_boundary(limits::SAID_BYTES)].into()))
    }

    pub(super) fn bare_step(&self, message: String) -> AgentStep {
        let agent = &self.talk.agent;
        AgentStep::new(self.spec.run_id, agent.name.clone(), agent.emoji.clone(), self.turn.max(1), message)
    }

    pub(super) fn progress(&self, percentage: f64) -> Effect {
        let (current_turn, max_turns) = (self.turn, self.max_turns);
        Effect::Append(Event::Progress(Progress { run_id: self.spec.run_id, current_turn, max_turns, percentage }))
    }

    pub(super) fn complete(&mut self) -> Vec<Effect> {
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
            Effect::AtWork(None),
            Effect::Finish,
        ];
        self.phase = Phase::Over;
        effects
    }

    pub(super) fn end(&mut self, stop: Stop) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.is_asking {
            // Its time is counted where it is known.
            effects.extend(self.account_for_a_cut(0));
        }
        if !self.text.trim().is_empty() {
            effects.push(Effect::Append(Event::Message(self.message(true))));
        }
        match stop {
            Stop::Cancelled(why) => effects.push(self.status(RunStatus::Cancelled, Some(why))),
            Stop::Interrupted(why) => effects.push(self.status(RunStatus::Interrupted, Some(why))),
            Stop::Failed(why) => {
                effects.push(self.status(RunStatus::Failed, Some(why.clone())));
                effects.push(Effect::Report(why));
            }
        }
        if matches!(self.phase, Phase::Model | Phase::Tool) {
            effects.push(Effect::AtWork(None));
        }
        effects.push(Effect::Finish);
        self.phase = Phase::Over;
        effects
    }

    /// What was written of the answer, as it is kept where the run has no end of its own.
    pub fn partial(&self) -> Option<Message> {
        (!self.is_over() && !self.text.trim().is_empty()).then(|| self.message(true))
    }

    fn message(&self, partial: bool) -> Message {
        Message {
            id: self.spec.message_id,
            sender: Sender::Agent,
            author: self.talk.agent.author(),
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
pub(super) fn preview(text: &str) -> String {
    match text.char_indices().nth(limits::RESULT_PREVIEW_CHARS) {
        None => text.to_owned(),
        Some(_) => {
            let kept: String = text.chars().take(limits::RESULT_PREVIEW_CHARS - 1).collect();
            format!("{kept}…")
        }
    }
}
