use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    protocol::{
        RunStatus, Sender, UserId, Visibility,
        agent::{StepTopic, ToolCall, ToolClass},
    },
    server::agents::team::Agent,
};

mod approval;
mod budget;
mod chance;
mod resume;
mod team;

const RUN: RunId = RunId::from_parts(1, 1);
const ANSWER: MessageId = MessageId::from_parts(1, 2);

fn drawn(id: ChartId, title: &str) -> DrawnChart {
    DrawnChart { id, title: title.into(), symbol: None, table: Default::default() }
}

/// One agent alone.
fn alone(max_turns: u32) -> Team {
    let assistant = Team::built_in().leader().as_ref().clone();
    Team::of(Agent { max_turns, ..assistant }, [])
}

fn question() -> Message {
    Message {
        id: MessageId::from_parts(1, 1),
        sender: Sender::User,
        author: Author { id: UserId::of_agent("anna"), name: "Anna".into(), emoji: None },
        text: "And?".into(),
        format: Default::default(),
        client_id: None,
        reply_to: None,
        run_id: None,
        visibility: Visibility::Public,
        partial: false,
    }
}

fn spec() -> RunSpec {
    RunSpec {
        run_id: RUN,
        message_id: ANSWER,
        question: question(),
        asked_by: UserRef { id: UserId::of_agent("anna"), name: "Anna".into() },
        again: false,
        dialog: None,
    }
}

fn asked() -> RunEvent {
    RunEvent::Asked { waits: None }
}

fn started() -> RunEvent {
    RunEvent::Started { way: Way::Direct("assistant".into()), model: Some("m".into()) }
}

fn done() -> RunEvent {
    RunEvent::ModelDone(ModelTimes::default())
}

fn retrying() -> RunEvent {
    RunEvent::Retrying { attempt: 2, of: 4, delay_ms: 500, reason: "The model's answer broke off.".into() }
}

/// The time of the nth event.
fn moment(n: usize) -> Timestamp {
    Timestamp(i64::try_from(n).expect("few events") * 1_000)
}

fn call(number: u64) -> PlannedCall {
    PlannedCall {
        call_id: CallId::from_parts(number, 0),
        call: ModelCall { id: format!("call_{number}"), tool_name: "calculate".into(), arguments: json!({}) },
        activity: "Calculating".into(),
        class: Some(ToolClass::Read),
        asks_first: false,
    }
}

fn returned(number: u64, text: &str) -> RunEvent {
    let outcome = ToolOutcome { duration_ms: 3, ..ToolOutcome::of(text.into()) };
    RunEvent::ToolReturned { call_id: CallId::from_parts(number, 0), outcome }
}

fn appended(effect: &Effect) -> Option<&Event> {
    match effect {
        Effect::Append(event) => Some(event),
        _ => None,
    }
}

/// Plays events and checks after each what must hold at any time.
struct Play {
    machine: RunMachine,
    team: Arc<Team>,
    journal: Vec<RunEvent>,
    effects: Vec<Effect>,
    /// The model is being asked.
    asked: bool,
    /// The call that is being made.
    tool: Option<CallId>,
    /// What the model wrote while it was asked.
    written: String,
    /// Some of that may be void.
    voided: bool,
}

impl Play {
    fn new(max_turns: u32) -> Self {
        Self::of(alone(max_turns))
    }

    fn of(team: Team) -> Self {
        let team = Arc::new(team);
        let machine = RunMachine::new(spec(), team.clone());
        Self {
            machine,
            team,
            journal: vec![],
            effects: vec![],
            asked: false,
            tool: None,
            written: String::new(),
            voided: false,
        }
    }

    /// Asked, and its turn has come.
    fn begun(team: Team) -> Self {
        let mut play = Self::of(team);
        play.tell(asked()).tell(started());
        play
    }

    /// The server was killed: another machine is told the journal, and that it goes on.
    fn killed(&mut self) -> &mut Self {
        let mut machine = RunMachine::new(spec(), self.team.clone());
        for (n, event) in self.journal.iter().enumerate() {
            let entry = serde_json::to_string(event).expect("an event encodes");
            machine.handle(serde_json::from_str(&entry).expect("an event is read"), moment(n));
        }
        assert_eq!(format!("{machine:?}"), format!("{:?}", self.machine), "the journal tells all");
        self.machine = machine;
        (self.asked, self.tool) = (false, None);
        self.tell(RunEvent::Resumed)
    }

    fn tell(&mut self, event: RunEvent) -> &mut Self {
        match &event {
            RunEvent::Text(text) if self.asked => self.written.push_str(text),
            RunEvent::Retrying { .. } | RunEvent::Resumed => self.voided = true,
            _ => {}
        }
        self.journal.push(event.clone());
        if self.asked && matches!(event, RunEvent::ModelDone(_) | RunEvent::ModelFailed { .. }) {
            self.asked = false;
        }
        if matches!(event, RunEvent::ToolReturned { call_id, .. } if Some(call_id) == self.tool) {
            self.tool = None;
        }
        let over = self.machine.is_over();
        let effects = self.machine.handle(event, moment(self.journal.len() - 1));
        assert!(!over || effects.is_empty(), "nothing comes after the end");
        for effect in &effects {
            match effect {
                Effect::CallModel => {
                    assert!(!self.asked && self.tool.is_none(), "one thing at a time");
                    self.asked = true;
                }
                Effect::CallTool(planned) => {
                    assert!(!self.asked && self.tool.is_none(), "one thing at a time");
                    self.tool = Some(planned.call_id);
                }
                Effect::Finish => (self.asked, self.tool) = (false, None),
                _ => {}
            }
        }
        self.effects.extend(effects);
        self
    }

    fn log(&self) -> Vec<&Event> {
        self.effects.iter().filter_map(appended).collect()
    }

    /// The log, a word for each event.
    fn words(&self) -> Vec<String> {
        self.log()
            .into_iter()
            .map(|event| match event {
                Event::AgentRun(run) => run.status.as_str().to_owned(),
                Event::Message(message) if message.partial => "partial".to_owned(),
                event => event.kind().to_owned(),
            })
            .collect()
    }

    /// As a reader has it.
    fn shown(&self) -> String {
        let mut text = String::new();
        for effect in &self.effects {
            if let Effect::Show { offset, delta } = effect {
                assert!(*offset <= text.len(), "no hole");
                text.truncate(*offset);
                text.push_str(delta);
            }
        }
        text
    }

    fn message(&self) -> Option<&Message> {
        self.log().into_iter().find_map(|event| match event {
            Event::Message(message) => Some(message),
            _ => None,
        })
    }

    fn check_the_end(&self) {
        assert!(self.machine.is_over(), "a run always ends");
        let count = |wanted: &Effect| self.effects.iter().filter(|effect| *effect == wanted).count();
        assert_eq!((self.effects.last(), count(&Effect::Finish)), (Some(&Effect::Finish), 1));
        let mut at_work = self.effects.iter().filter_map(|effect| match effect {
            Effect::AtWork(agent) => Some(agent.is_some()),
            _ => None,
        });
        assert_ne!(at_work.next_back(), Some(true), "who is at work stops");

        let words = self.words();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let is_work = |word: &&str| {
            matches!(
                *word,
                "agent_step"
                    | "progress"
                    | "tool_call"
                    | "tool_result"
                    | "chart_generated"
                    | "approval"
                    | "approval_resolved"
                    | "waiting"
                    | "processing"
            )
        };
        let (first, rest) = words.split_first().expect("a run leaves events");
        assert_eq!(*first, "initializing");
        let rest = match rest {
            ["processing", rest @ ..] => &rest[rest.iter().take_while(|word| is_work(word)).count()..],
            rest => rest,
        };
        match rest {
            ["message", "result", "completed"] => {}
            ["partial", end] | [end] => assert!(matches!(*end, "cancelled" | "failed" | "interrupted"), "{words:?}"),
            _ => panic!("out of order: {words:?}"),
        }
        let failed = words.last() == Some(&"failed");
        assert_eq!(self.effects.iter().any(|effect| matches!(effect, Effect::Report(_))), failed);

        let shown = self.shown();
        assert_eq!(self.message().map_or("", |message| &message.text).trim(), shown.trim(), "no text is lost");
        let without_space = |text: &str| text.split_whitespace().collect::<String>();
        if !self.voided && self.written.len() < limits::ANSWER_BYTES {
            assert_eq!(without_space(&shown), without_space(&self.written), "all that was written is shown");
        }
        for event in self.log() {
            match event {
                Event::Message(message) => assert_eq!((message.id, message.run_id), (ANSWER, Some(RUN))),
                Event::Result(result) => {
                    assert_eq!((result.message_id, result.content.as_str()), (ANSWER, shown.as_str()));
                }
                _ => {}
            }
        }
    }
}

#[test]
fn an_answer_with_a_tool_goes_in_the_order_of_the_protocol() {
    let mut play = Play::new(8);
    play.tell(asked())
        .tell(started())
        .tell(RunEvent::Called(call(1)))
        .tell(RunEvent::Called(call(2)))
        .tell(done())
        .tell(returned(1, "391"))
        .tell(returned(2, "4"))
        .tell(RunEvent::Text("17 × 23 ".into()))
        .tell(RunEvent::Text("= 391".into()))
        .tell(done());
    let order = "initializing processing progress agent_step agent_step tool_call tool_result agent_step tool_call \
                 tool_result progress agent_step agent_step progress message result completed";
    assert_eq!(play.words().join(" "), order);
    assert_eq!(play.message().map(|message| message.text.as_str()), Some("17 × 23 = 391"));
    let heard: Vec<_> =
        play.machine.request().messages.iter().map(|message| matches!(message, ChatMessage::Tool { .. })).collect();
    assert_eq!(heard, [false, true, true]);
    play.check_the_end();
}

#[test]
fn a_chart_is_told_of_after_its_result() {
    let mut play = Play::new(8);
    let chart = ChartId::from_parts(7, 7);
    let outcome = ToolOutcome { chart: Some(drawn(chart, "Sales")), duration_ms: 1, ..ToolOutcome::of("drawn".into()) };
    play.tell(asked()).tell(started()).tell(RunEvent::Called(call(1)));
    play.tell(done()).tell(RunEvent::ToolReturned { call_id: CallId::from_parts(1, 0), outcome });
    let at = play.words().iter().position(|word| word == "chart_generated").expect("a chart");
    assert_eq!(play.words()[at - 1], "tool_result");
    let Event::ChartGenerated(told) = play.log()[at] else { panic!("a chart") };
    assert_eq!(told.url, format!("/api/v1/charts/{chart}.svg"));
}

#[test]
fn what_was_written_before_a_stop_stays() {
    for (stop, end) in [
        (Stop::Cancelled("Stopped.".into()), "cancelled"),
        (Stop::Interrupted("Shutting down.".into()), "interrupted"),
        (Stop::Failed("No.".into()), "failed"),
    ] {
        let mut play = Play::new(8);
        play.tell(asked())
            .tell(started())
            .tell(RunEvent::Text("Half an".into()))
            .tell(RunEvent::Stop(stop))
            .tell(RunEvent::Text("swer".into()))
            .tell(done());
        assert_eq!(&play.words()[play.words().len() - 2..], ["partial", end]);
        assert_eq!(play.message().map(|message| message.text.as_str()), Some("Half an"));
        play.check_the_end();
    }
}

#[test]
fn a_stop_before_its_turn_leaves_two_events() {
    let mut play = Play::new(8);
    play.tell(RunEvent::Asked { waits: Some("Waiting.".into()) })
        .tell(RunEvent::Stop(Stop::Cancelled("Stopped.".into())));
    assert_eq!(play.words(), ["initializing", "cancelled"]);
    play.check_the_end();
}

#[test]
fn a_model_that_never_answers_is_ended_after_its_turns() {
    let mut play = Play::new(3);
    play.tell(asked()).tell(started());
    let mut offered = Vec::new();
    for number in 1.. {
        if play.machine.is_over() {
            break;
        }
        offered.push(!play.machine.request().tools.is_empty());
        play.tell(RunEvent::Called(call(number))).tell(done()).tell(returned(number, "again"));
    }
    assert_eq!(offered, [true, true, false], "the last turn has no tools");
    play.check_the_end();
}

#[test]
fn no_more_calls_are_made_than_a_turn_allows() {
    let mut play = Play::new(8);
    play.tell(asked()).tell(started());
    for number in 0..=limits::CALLS_PER_TURN as u64 {
        play.tell(RunEvent::Called(call(number)));
    }
    play.tell(done());
    for number in 0..=limits::CALLS_PER_TURN as u64 {
        play.tell(returned(number, "ok"));
    }
    assert_eq!(play.words().iter().filter(|word| *word == "tool_call").count(), limits::CALLS_PER_TURN);
}

#[test]
fn an_answer_is_cut_at_its_bound() {
    let mut play = Play::new(8);
    play.tell(asked()).tell(started()).tell(RunEvent::Text("a".into()));
    play.tell(RunEvent::Text("é".repeat(limits::ANSWER_BYTES / 2)));
    assert_eq!(play.message().map(|message| message.text.len()), Some(limits::ANSWER_BYTES - 1));
    assert_eq!(play.words().last().map(String::as_str), Some("failed"));
    play.check_the_end();
}

#[test]
fn an_empty_answer_is_a_failure() {
    let mut play = Play::new(8);
    play.tell(asked()).tell(started()).tell(RunEvent::Text(" \n".into()));
    play.tell(done());
    assert_eq!(play.words().last().map(String::as_str), Some("failed"));
    assert_eq!(play.message(), None);
}

#[test]
fn usage_is_added_up_over_the_turns() {
    let mut play = Play::new(8);
    let used = |input_tokens, output_tokens| RunEvent::Used(Usage { input_tokens, output_tokens, ..Usage::default() });
    play.tell(asked()).tell(started()).tell(used(5, 1)).tell(used(10, 2));
    play.tell(RunEvent::Called(call(1))).tell(done()).tell(returned(1, "ok"));
    play.tell(used(20, 3)).tell(RunEvent::Text("Done.".into())).tell(done());
    let Some(Event::AgentRun(end)) = play.log().last().copied() else { panic!("an end") };
    assert_eq!(end.usage, Some(Usage { input_tokens: 30, output_tokens: 5, ..Usage::default() }));
}
