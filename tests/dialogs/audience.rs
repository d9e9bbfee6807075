//! Every frame there is, held against the table of who receives what (docs/protocol.md §5).

use std::collections::BTreeMap;

use magpie::{
    fresh_id,
    protocol::{
        AgentRun, AgentStep, Audience, CallId, ChartId, Code, EphemeralFrame, Event, Message, MessageId, Problem,
        RunId, RunStatus, Sender, Seq, Timestamp, UserId, UserRef, Visibility,
        agent::{Approval, ApprovalResolved, ChartGenerated, Progress, RunResult, ToolCall, ToolResult, Usage},
        dialog::{ControlChanged, ControlState, DialogStatus, Owner},
        server::{Deleted, Edited, Format, Presence, PresenceStatus, Reaction, ReadUpTo, Token, UserTyping},
    },
    server::{
        bus::{BusMessage, EncodedFrame},
        storage::{Append, Write},
    },
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    Socket, TestApp,
    desk::{Visitor, at_dialog, operator},
};

/// In everything that is not the visitor's to see.
const SECRET: &str = "xylophone";

fn who() -> UserRef {
    UserRef { id: UserId::of_agent("anna"), name: "Anna".into() }
}

fn message(visibility: Visibility, text: &str) -> Message {
    Message {
        id: fresh_id!(MessageId),
        sender: Sender::Operator,
        author: who().into(),
        text: text.into(),
        format: Format::Markdown,
        client_id: None,
        reply_to: None,
        run_id: None,
        visibility,
        partial: false,
    }
}

/// The events, each with whether the visitor sees it.
fn table() -> Vec<(Event, bool)> {
    let (run_id, call_id) = (fresh_id!(RunId), fresh_id!(CallId));
    let (agent, tool_name) = ("Assistant".to_owned(), "calculate".to_owned());
    let secret = || SECRET.to_owned();
    let (public, note) = (message(Visibility::Public, "hello"), message(Visibility::Note, SECRET));
    let (said, noted) = (public.id, note.id);
    let usage = Usage { input_tokens: 7_777, output_tokens: 1, cost_micros: Some(7_777), ..Usage::default() };
    let ended = AgentRun { message: Some(secret()), usage: Some(usage), ..AgentRun::new(run_id, RunStatus::Failed) };
    let edited = |message_id, text: &str| Event::Edited(Edited { message_id, by: who(), text: text.into() });
    let reacted = |message_id| Event::Reaction(Reaction { message_id, by: who(), emoji: "👀".into(), on: true });
    let chart = ChartGenerated {
        run_id,
        chart_id: fresh_id!(ChartId),
        url: "/c".into(),
        title: "C".into(),
        symbol: None,
        table: None,
    };
    let result = RunResult { run_id, content: "hello".into(), format: Format::Markdown, message_id: said };
    let state = ControlState { owner: Owner::Queue { team: None }, status: DialogStatus::Open, epoch: 2 };
    let arguments = json!({ "expression": SECRET });
    vec![
        (Event::Message(public), true),
        (Event::Message(note), false),
        (edited(said, "hello again"), true),
        (edited(noted, SECRET), false),
        (reacted(said), true),
        (reacted(noted), false),
        (Event::AgentRun(AgentRun::new(run_id, RunStatus::Initializing)), true),
        (Event::AgentStep(AgentStep::new(run_id, agent.clone(), "🐦", 1, secret())), false),
        (
            Event::ToolCall(serde_json::from_value::<ToolCall>(json!({
                "run_id": run_id, "call_id": call_id, "agent": agent, "tool_name": tool_name, "arguments": arguments,
            })).unwrap()),
            false,
        ),
        (
            Event::ToolResult(ToolResult {
                run_id, call_id, agent: agent.clone(), tool_name: tool_name.clone(), success: true,
                result_preview: secret(), duration_ms: 1,
            }),
            false,
        ),
        (Event::Progress(Progress { run_id, current_turn: 1, max_turns: 2, percentage: 50.0 }), false),
        (
            Event::Approval(Approval { run_id, call_id, agent, tool_name, arguments, expires_at: Timestamp::from_ms(1) }),
            false,
        ),
        (
            Event::ApprovalResolved(ApprovalResolved { run_id, call_id, approved: true, by: Some(who()), arguments: None }),
            false,
        ),
        (Event::ChartGenerated(chart), true),
        (Event::Result(result), true),
        (Event::AgentRun(ended), true),
        (Event::Control(ControlChanged { state, by: who(), reason: None }), true),
        (Event::Deleted(Deleted { message_id: noted, by: who() }), false),
        (Event::Deleted(Deleted { message_id: said, by: who() }), true),
    ]
}

fn by_seq(frames: impl IntoIterator<Item = Value>) -> BTreeMap<u64, Value> {
    let durable = frames.into_iter().filter(|frame| frame["type"] != "ack");
    durable.filter_map(|frame| Some((frame["seq"].as_u64()?, frame))).collect()
}

async fn polled(app: &TestApp, token: &str, path: &str) -> Value {
    app.request(Method::GET, path).bearer_auth(token).send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn each_event_reaches_whom_the_table_says_by_every_way() {
    let app = TestApp::start().await;
    let anna = operator(&app, "anna").await;
    let vera = Visitor::open(&app).await;
    let id = vera.dialog;
    let mut visitor = vera.connect(&app).await;
    visitor.next_of("subscribed").await;
    let (mut person, _) = at_dialog(&app, &anna, id).await;
    let table = table();
    let mut places: BTreeMap<u64, (Event, bool)> = BTreeMap::new();
    for (event, is_seen) in table {
        let write = Append { conversation_id: id, at: Timestamp::from_ms(1), write: Write::Server(event.clone()) };
        let appended = app.state.storage.append(write).await.unwrap();
        places.insert(appended.seq.0, (event, is_seen));
    }
    let live = (by_seq(visitor.settled().await), by_seq(person.settled().await));
    let path = format!("/api/v1/conversations/{id}/events?limit=500");
    let read = async |token: &str| {
        let page = polled(&app, token, &path).await;
        by_seq(page["events"].as_array().unwrap().clone())
    };
    let read = (read(&vera.token).await, read(&anna.token).await);
    let mut late = vera.connect(&app).await;
    let replayed = by_seq(late.settled().await);
    for (seq, (event, is_seen)) in &places {
        for (way, frames) in [("live", &live.0), ("polled", &read.0), ("replayed", &replayed)] {
            let frame = &frames[seq];
            assert_eq!(frame["conversation_id"], json!(id), "{way}");
            if *is_seen {
                assert_eq!(frame["type"], event.kind(), "{way}: {frame}");
                assert!(frame.get("usage").is_none(), "{way}: what a run cost is the house's affair");
            } else {
                assert_eq!(*frame, json!({ "type": "hidden", "conversation_id": id, "seq": seq }), "{way}");
            }
            assert!(!frame.to_string().contains(SECRET), "{way}: {frame}");
        }
        for (way, frames) in [("live", &live.1), ("polled", &read.1)] {
            assert_eq!(frames[seq]["type"], event.kind(), "{way}");
        }
    }
    // The pages of the app are no way to it either.
    let page = async |token: &str, function: &str| {
        let request = app.request(Method::POST, &format!("/fn/{function}")).bearer_auth(token);
        let request = request.header("origin", app.url(""));
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(format!("id={id}"));
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let (status, shown) = page(&anna.token, "open_dialog").await;
    assert!(status == 200 && shown.contains(SECRET), "{status}: {shown}");
    for function in ["open_dialog", "open_conversation"] {
        let (status, shown) = page(&vera.token, function).await;
        assert!(status == 403 && !shown.contains(SECRET) && !shown.contains("hello"), "{function}, {status}: {shown}");
    }
    let head = Seq(*places.keys().last().unwrap());
    assert_eq!(by_seq(late.settled().await).len(), 0);
    assert_eq!(replayed.keys().copied().collect::<Vec<_>>(), (1..=head.0).collect::<Vec<_>>(), "no hole");
}

/// Frames of the moment, each with whether the visitor gets it.
fn moments(id: magpie::protocol::ConversationId) -> Vec<(EphemeralFrame, Audience, bool)> {
    let typing = || UserTyping { conversation_id: id, user: who() };
    let token = Token {
        conversation_id: id,
        run_id: fresh_id!(RunId),
        message_id: fresh_id!(MessageId),
        agent: "Assistant".into(),
        offset: 0,
        delta: "Hello".into(),
    };
    let looks = Presence { user: who(), status: PresenceStatus::Online, conversation_id: Some(id) };
    let failed = Problem::new(Code::RunFailed, SECRET).into_frame(None);
    vec![
        (EphemeralFrame::TypingStart(typing()), Audience::Everyone, true),
        (EphemeralFrame::TypingStart(typing()), Audience::Operators, false),
        (EphemeralFrame::TypingStop(typing()), Audience::Operators, false),
        (EphemeralFrame::Token(token), Audience::Everyone, true),
        (EphemeralFrame::Presence(looks), Audience::Operators, false),
        (EphemeralFrame::Read(ReadUpTo { conversation_id: id, user: who(), up_to: Seq(1) }), Audience::Everyone, true),
        (EphemeralFrame::Error(failed), Audience::Everyone, true),
    ]
}

async fn types(socket: &mut Socket) -> Vec<String> {
    socket.settled().await.iter().map(|frame| frame["type"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn each_frame_of_the_moment_reaches_whom_it_is_for() {
    let app = TestApp::start().await;
    let anna = operator(&app, "anna").await;
    let vera = Visitor::open(&app).await;
    let mut visitor = vera.connect(&app).await;
    visitor.settled().await;
    let (mut person, _) = at_dialog(&app, &anna, vera.dialog).await;
    person.settled().await;
    visitor.settled().await;
    for (frame, audience, is_seen) in moments(vera.dialog) {
        let name = serde_json::to_value(&frame).unwrap()["type"].as_str().unwrap().to_owned();
        let encoded = EncodedFrame::within(&frame, audience);
        app.state.bus.publish(BusMessage::Conversation { id: vera.dialog, frame: encoded, except: None }).await;
        // The bus is asynchronous: what is published after it is delivered after it.
        app.state.bus.publish(BusMessage::Everyone(EncodedFrame::of(&broadcast()))).await;
        person.next_of("broadcast").await;
        assert!(types(&mut person).await.contains(&name), "{name}");
        visitor.next_of("broadcast").await;
        let seen = visitor.settled().await;
        assert_eq!(seen.iter().any(|frame| frame["type"] == name.as_str()), is_seen, "{name} {audience:?}");
        assert!(!json!(seen).to_string().contains(SECRET), "{seen:?}");
    }
}

fn broadcast() -> EphemeralFrame {
    EphemeralFrame::Broadcast(magpie::protocol::server::Broadcast {
        message: "now".into(),
        from: who(),
        timestamp: Timestamp::from_ms(1),
    })
}
