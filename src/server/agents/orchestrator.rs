//! How a team works on one question: a leader that plans, sends the members to work one after the other, and
//! has the last word. The scheme is that of Magentic-One (Fourney et al. 2024, arXiv:2411.04468): a task ledger
//! (facts and plan) and, before each turn, a progress ledger; a team that stalls plans anew.
//!
//! A pure machine: what came of one act goes in, the next act comes out. No I/O, no clock, no chance and no
//! `async` in here, for a run that outlives its server is found again by giving it the same replies. Whatever
//! it is told, it comes to [`Act::Direct`] or [`Act::Answer`] within [`Orchestrator::most_acts`].

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    llm::ChatMessage,
    team::{Agent, Team},
    tools::shortened,
};
use crate::protocol::{agent::StepTopic, limits};

mod json;
mod ledger;
mod prompts;
mod record;

use ledger::{Progress, Route, TaskLedger};
use prompts::Ending;
use record::Record;

/// What the team does next.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// Ask the leader for one JSON value of this schema; nothing of it is shown as answer text. The messages
    /// go after the conversation, here and below.
    Ask { system: String, messages: Vec<ChatMessage>, schema: Value },
    /// This agent answers the question by itself, with its tools: its words are the answer, streamed.
    Direct { agent: Arc<Agent> },
    /// A member's turn, with its tools. Its words are for the team: a step, not the answer.
    Speak { agent: Arc<Agent>, messages: Vec<ChatMessage> },
    /// The last word, streamed as the answer, without tools.
    Answer { agent: Arc<Agent>, messages: Vec<ChatMessage> },
}

/// A step of the leader for the timeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    pub topic: StepTopic,
    pub message: String,
    /// The ledger, where it is about one.
    pub detail: Option<Value>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Next {
    /// Told before the act is begun.
    pub notes: Vec<Note>,
    pub act: Act,
    /// Turns that members took, with the one that this act is.
    pub turn: u32,
    pub max_turns: u32,
}

/// What is being waited for.
#[derive(Clone, Debug, PartialEq)]
enum Stage {
    New,
    /// Who answers: one agent, or the team by this plan.
    Triage,
    Progress,
    Replan,
    /// A member does what it was told.
    Speaking(Arc<Agent>, String),
    Direct(Arc<Agent>),
    Over,
}

/// One team at work on one question.
#[derive(Clone, Debug)]
pub struct Orchestrator {
    team: Arc<Team>,
    stage: Stage,
    ledger: TaskLedger,
    record: Record,
    turn: u32,
    stalls: u32,
    replans: u32,
    /// Replies to the present question that could not be read.
    unusable: u32,
}

impl Orchestrator {
    pub fn new(team: Arc<Team>) -> Self {
        Self {
            team,
            stage: Stage::New,
            ledger: TaskLedger::default(),
            record: Record::default(),
            turn: 0,
            stalls: 0,
            replans: 0,
            unusable: 0,
        }
    }

    /// Acts after which every run of this team is over, whatever models say.
    pub fn most_acts(&self) -> u32 {
        let work = self.team.teamwork;
        let asks = limits::LEDGER_REPAIRS.saturating_add(1);
        // Each turn with its ledger, each new plan with the ledger that showed the need, the last ledger, then
        // triage and answer.
        let turns = work.max_turns.saturating_mul(asks.saturating_add(1));
        let plans = work.max_replans.saturating_mul(asks.saturating_mul(2));
        turns.saturating_add(plans).saturating_add(asks).saturating_add(2)
    }

    /// The first act. A team of one is not asked who answers.
    pub fn begin(&mut self) -> Next {
        if self.stage != Stage::New {
            return self.answer(Vec::new(), Ending::Stuck);
        }
        if self.team.members().is_empty() {
            return self.direct(Vec::new(), self.team.leader().clone());
        }
        self.stage = Stage::Triage;
        self.ask(Vec::new(), None)
    }

    /// The leader's whole reply to an [`Act::Ask`], any text at all.
    pub fn asked(&mut self, reply: &str) -> Next {
        match self.stage {
            Stage::Triage => self.triaged(reply),
            Stage::Progress => self.judged(reply),
            Stage::Replan => self.replanned(reply),
            _ => self.answer(Vec::new(), Ending::Stuck),
        }
    }

    /// What a member said in its turn; empty, where it said nothing.
    pub fn said(&mut self, text: &str) -> Next {
        let Stage::Speaking(agent, instruction) = std::mem::replace(&mut self.stage, Stage::Over) else {
            return self.answer(Vec::new(), Ending::Stuck);
        };
        self.record.said(&agent, &instruction, text);
        self.go_on(Vec::new())
    }

    /// The act could not be done: the model failed for good. After an [`Act::Answer`] there is nothing left to
    /// try: the run ends there.
    pub fn failed(&mut self, reason: &str) -> Next {
        let reason = shortened(reason, limits::LEDGER_ITEM_CHARS);
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Triage => {
                let note = note(StepTopic::Ledger, format!("Answering without a plan: {reason}"), None);
                self.direct(vec![note], self.team.leader().clone())
            }
            Stage::Speaking(agent, instruction) => {
                let told = note(StepTopic::Ledger, format!("{} could not go on: {reason}", agent.name), None);
                self.record.failed(&agent, &instruction, &reason);
                self.stalls += 1;
                self.go_on_or_plan(vec![told])
            }
            Stage::Direct(agent) => {
                let told = note(StepTopic::Ledger, format!("{} could not answer: {reason}", agent.name), None);
                self.record.failed(&agent, "Answer the question.", &reason);
                self.answer(vec![told], Ending::Failed)
            }
            _ => {
                let told = note(StepTopic::Ledger, format!("Answering with what there is: {reason}"), None);
                self.answer(vec![told], Ending::Failed)
            }
        }
    }

    fn triaged(&mut self, reply: &str) -> Next {
        match ledger::triage(reply, &self.team) {
            Ok(Route::Direct(agent)) => self.direct(Vec::new(), agent),
            Ok(Route::Team(ledger)) => {
                self.ledger = ledger;
                let note = self.plan_note("Made a plan");
                self.go_on(vec![note])
            }
            // An easy question costs one call more than without a team, even where the model writes no JSON.
            Err(why) => {
                let note = note(StepTopic::Ledger, format!("Answering without a plan: {why}"), None);
                self.direct(vec![note], self.team.leader().clone())
            }
        }
    }

    fn judged(&mut self, reply: &str) -> Next {
        let progress = match ledger::progress(reply, &self.team) {
            Ok(progress) => progress,
            Err(why) => return self.again_or(&why, reply, Self::without_ledger),
        };
        let detail = serde_json::to_value(&progress.ledger).ok();
        if progress.ledger.is_request_satisfied.answer {
            let told = note(StepTopic::Ledger, "Everything that was asked for is there".into(), detail);
            return self.answer(vec![told], Ending::Satisfied);
        }
        let stalls = progress.ledger.is_in_loop.answer || !progress.ledger.is_progress_being_made.answer;
        self.stalls = if stalls { self.stalls + 1 } else { self.stalls.saturating_sub(1) };
        if self.stalls > self.team.teamwork.max_stalls {
            return self.plan_anew(vec![note(StepTopic::Ledger, "The team makes no progress".into(), detail)]);
        }
        let Progress { speaker, instruction, .. } = progress;
        let message = format!("Asks {}: {}", speaker.name, shortened(&instruction, limits::LEDGER_ITEM_CHARS));
        self.speak(vec![note(StepTopic::Ledger, message, detail)], speaker, instruction)
    }

    /// No ledger to be had: that is a stall, and the members go on in their order.
    fn without_ledger(&mut self, notes: Vec<Note>) -> Next {
        self.stalls += 1;
        if self.stalls > self.team.teamwork.max_stalls {
            return self.plan_anew(notes);
        }
        let members = self.team.members();
        let Some(member) = members.get(self.turn as usize % members.len().max(1)) else {
            return self.answer(notes, Ending::Stuck);
        };
        self.speak(notes, member.clone(), ledger::GO_ON.to_owned())
    }

    fn replanned(&mut self, reply: &str) -> Next {
        match ledger::task(reply) {
            Ok(ledger) => {
                self.ledger = ledger;
                self.record.new_plan();
                let note = self.plan_note("Made a new plan");
                self.go_on(vec![note])
            }
            // The plan that there is stays.
            Err(why) => self.again_or(&why, reply, Self::go_on),
        }
    }

    /// Asks once more, saying what was wrong; where that was done often enough, `otherwise`.
    fn again_or(&mut self, why: &str, reply: &str, otherwise: fn(&mut Self, Vec<Note>) -> Next) -> Next {
        let told = note(StepTopic::Retry, format!("The leader's reply could not be read: {why}"), None);
        if self.unusable >= limits::LEDGER_REPAIRS {
            self.unusable = 0;
            return otherwise(self, vec![told]);
        }
        self.unusable += 1;
        self.ask(vec![told], Some((reply, why)))
    }

    fn go_on_or_plan(&mut self, notes: Vec<Note>) -> Next {
        if self.stalls > self.team.teamwork.max_stalls { self.plan_anew(notes) } else { self.go_on(notes) }
    }

    fn go_on(&mut self, notes: Vec<Note>) -> Next {
        if self.turn >= self.team.teamwork.max_turns {
            return self.answer(notes, Ending::OutOfTurns);
        }
        self.stage = Stage::Progress;
        self.unusable = 0;
        self.ask(notes, None)
    }

    fn plan_anew(&mut self, notes: Vec<Note>) -> Next {
        if self.replans >= self.team.teamwork.max_replans {
            return self.answer(notes, Ending::Stuck);
        }
        self.replans += 1;
        self.stalls = 0;
        self.stage = Stage::Replan;
        self.unusable = 0;
        self.ask(notes, None)
    }

    /// The question that the stage is about; after a reply that could not be read, with what was wrong.
    fn ask(&self, notes: Vec<Note>, unusable: Option<(&str, &str)>) -> Next {
        let (text, schema) = match self.stage {
            Stage::Triage => (prompts::TRIAGE.to_owned(), ledger::triage_schema(&self.team)),
            Stage::Replan => (prompts::replan(&self.ledger, &self.record), ledger::task_schema()),
            _ => (prompts::progress(&self.ledger, &self.record), ledger::progress_schema(&self.team)),
        };
        let mut messages = vec![prompts::from_us(text)];
        if let Some((reply, why)) = unusable {
            // Some providers take no empty message.
            let text = Some(shortened(reply, limits::LEDGER_ITEM_CHARS)).filter(|text| !text.is_empty());
            let text = text.unwrap_or_else(|| "(nothing)".to_owned());
            messages.push(ChatMessage::Assistant { text, calls: Vec::new() });
            messages.push(prompts::from_us(prompts::unusable(why)));
        }
        self.next(notes, Act::Ask { system: prompts::leader(&self.team), messages, schema })
    }

    fn direct(&mut self, notes: Vec<Note>, agent: Arc<Agent>) -> Next {
        self.stage = Stage::Direct(agent.clone());
        self.next(notes, Act::Direct { agent })
    }

    fn speak(&mut self, notes: Vec<Note>, agent: Arc<Agent>, instruction: String) -> Next {
        self.turn += 1;
        let text = prompts::member(&agent, &self.ledger, &self.record, &instruction);
        let messages = vec![ChatMessage::User { name: self.team.leader().name.clone(), text }];
        self.stage = Stage::Speaking(agent.clone(), instruction);
        self.next(notes, Act::Speak { agent, messages })
    }

    fn answer(&mut self, notes: Vec<Note>, ending: Ending) -> Next {
        self.stage = Stage::Over;
        let messages = vec![prompts::from_us(prompts::answer(ending, &self.ledger, &self.record))];
        self.next(notes, Act::Answer { agent: self.team.leader().clone(), messages })
    }

    fn plan_note(&self, what: &str) -> Note {
        let message = match self.ledger.plan.len() {
            0 => what.to_owned(),
            1 => format!("{what} of one step"),
            steps => format!("{what} of {steps} steps"),
        };
        note(StepTopic::Plan, message, Some(json!(self.ledger)))
    }

    fn next(&self, notes: Vec<Note>, act: Act) -> Next {
        Next { notes, act, turn: self.turn, max_turns: self.team.teamwork.max_turns }
    }
}

fn note(topic: StepTopic, message: String, detail: Option<Value>) -> Note {
    Note { topic, message, detail }
}

#[cfg(test)]
mod tests;
