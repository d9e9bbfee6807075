use serde_json::json;

use super::*;
use crate::protocol::{
    AgentRun, AgentStep, Author, CallId, ConversationId, Message, MessageId, Sender, Timestamp, Visibility,
    agent::{ToolCall, ToolResult},
};

const RUN: RunId = RunId::from_parts(1, 1);
const ROOM: ConversationId = ConversationId::from_parts(1, 3);

fn translator() -> Translator {
    Translator::new("t".into(), "r".into(), RUN, 0)
}

fn durable(seq: u64, event: Event) -> ServerFrame {
    ServerFrame::Durable(DurableFrame { conversation_id: ROOM, seq: Seq(seq), timestamp: Timestamp::default(), event })
}

fn status(status: RunStatus) -> Event {
    Event::AgentRun(AgentRun::new(RUN, status))
}

fn token(offset: u64, delta: &str) -> ServerFrame {
    let message_id = MessageId::from_parts(1, 4);
    ServerFrame::Ephemeral(EphemeralFrame::Token(Token {
        conversation_id: ROOM,
        run_id: RUN,
        message_id,
        agent: "Assistant".into(),
        offset,
        delta: delta.into(),
    }))
}

fn answer(text: &str) -> Event {
    Event::Message(Message {
        id: MessageId::from_parts(1, 4),
        sender: Sender::Agent,
        author: Author::agent("Assistant", None),
        text: text.into(),
        format: Default::default(),
        client_id: None,
        reply_to: None,
        run_id: Some(RUN),
        visibility: Visibility::Public,
        partial: false,
    })
}

fn call() -> [Event; 2] {
    let call_id = CallId::from_parts(1, 5);
    let (agent, tool_name) = ("Assistant".to_owned(), "calculate".to_owned());
    let call = ToolCall {
        run_id: RUN,
        call_id,
        agent: agent.clone(),
        tool_name: tool_name.clone(),
        arguments: json!({}),
        class: None,
    };
    let (success, result_preview) = (true, "391".to_owned());
    let result = ToolResult { run_id: RUN, call_id, agent, tool_name, success, result_preview, duration_ms: 3 };
    [Event::ToolCall(call), Event::ToolResult(result)]
}

/// The types of what comes, and the text as a client puts it together.
fn told(frames: impl IntoIterator<Item = ServerFrame>) -> (Vec<String>, String) {
    let mut translator = translator();
    let all: Vec<Told> = frames.into_iter().flat_map(|frame| translator.frame(&frame)).collect();
    let text = all.iter().filter(|told| told.event["type"] == "TEXT_MESSAGE_CONTENT");
    let text = text.map(|told| told.event["delta"].as_str().expect("a text").to_owned()).collect();
    (all.iter().map(|told| told.event["type"].as_str().expect("a type").to_owned()).collect(), text)
}

#[test]
fn a_run_is_told_from_its_start_to_its_end_and_what_is_begun_is_ended() {
    let [call, result] = call();
    let step = AgentStep::new(RUN, "Assistant", "🐦", 1, "Calculating".into());
    let (types, text) = told([
        durable(1, status(RunStatus::Initializing)),
        durable(2, status(RunStatus::Processing)),
        durable(3, Event::AgentStep(step)),
        token(0, "Let me see. "),
        durable(4, call),
        durable(5, result),
        token(12, "It is 391."),
        durable(6, answer("Let me see. It is 391.")),
        durable(7, status(RunStatus::Completed)),
        token(0, "late"),
    ]);
    let order = "STEP_STARTED TEXT_MESSAGE_START TEXT_MESSAGE_CONTENT TEXT_MESSAGE_END TOOL_CALL_START TOOL_CALL_ARGS \
                 TOOL_CALL_END TOOL_CALL_RESULT TEXT_MESSAGE_START TEXT_MESSAGE_CONTENT TEXT_MESSAGE_END STEP_FINISHED \
                 RUN_FINISHED";
    assert_eq!(types.join(" "), order);
    assert_eq!(text, "Let me see. It is 391.");
}

#[test]
fn who_missed_tokens_gets_the_rest_with_the_answer() {
    let (_, text) = told([
        durable(1, status(RunStatus::Initializing)),
        token(0, "One "),
        token(8, "three"),
        durable(2, answer("One two three")),
        durable(3, status(RunStatus::Completed)),
    ]);
    assert_eq!(text, "One two three");
}

#[test]
fn what_is_taken_back_goes_on_in_another_message_and_is_said() {
    let (types, _) = told([
        durable(1, status(RunStatus::Initializing)),
        token(0, "Wrong"),
        token(0, "Right"),
        token(0, "Right"),
        durable(2, answer("Right")),
        durable(3, status(RunStatus::Completed)),
    ]);
    let order = "TEXT_MESSAGE_START TEXT_MESSAGE_CONTENT TEXT_MESSAGE_END ACTIVITY_SNAPSHOT TEXT_MESSAGE_START \
                 TEXT_MESSAGE_CONTENT TEXT_MESSAGE_END RUN_FINISHED";
    assert_eq!(types.join(" "), order);
}

#[test]
fn other_runs_and_other_peoples_messages_are_not_told() {
    let other = Event::AgentRun(AgentRun::new(RunId::from_parts(2, 2), RunStatus::Completed));
    let theirs = token(0, "theirs");
    let ServerFrame::Ephemeral(EphemeralFrame::Token(mut theirs)) = theirs else { panic!("a token") };
    theirs.run_id = RunId::from_parts(2, 2);
    let (types, _) = told([durable(1, other), ServerFrame::Ephemeral(EphemeralFrame::Token(theirs))]);
    assert!(types.is_empty(), "{types:?}");
}

#[test]
fn a_run_that_fails_ends_in_an_error() {
    let mut translator = translator();
    translator.frame(&durable(1, status(RunStatus::Initializing)));
    let end = AgentRun { message: Some("No route.".into()), ..AgentRun::new(RUN, RunStatus::Failed) };
    let told = translator.frame(&durable(2, Event::AgentRun(end)));
    assert_eq!(told[0].event, json!({ "type": "RUN_ERROR", "message": "No route.", "code": "run_failed" }));
    assert_eq!(told[0].id.as_deref(), Some(format!("{RUN}:2:0").as_str()));
    assert!(translator.is_over());
}

#[test]
fn who_comes_back_is_told_what_is_new_alone() {
    let mut translator = Translator::new("t".into(), "r".into(), RUN, 4);
    let frames = [token(0, "One two"), token(7, " three"), durable(9, answer("One two three"))];
    let told: Vec<Told> = frames.iter().flat_map(|frame| translator.frame(frame)).collect();
    let text = told.iter().filter_map(|told| told.event["delta"].as_str()).collect::<String>();
    assert_eq!(text, "two three");
    assert_eq!(told.last().and_then(|told| told.id.clone()), Some(format!("{RUN}:9:13")));
}
