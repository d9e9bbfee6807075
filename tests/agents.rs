//! An agent that answers, as everyone in the conversation sees it.

use magpie::protocol::ConversationId;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Account, Socket, TestApp};

async fn room_with_agents(app: &TestApp, owner: &Account, members: &[&str]) -> ConversationId {
    app.conversation(owner, json!({ "title": "With agents", "members": members })).await
}

/// The durable frames of one run, from the question to its end.
async fn run_of(socket: &mut Socket) -> Vec<Value> {
    let mut frames = Vec::new();
    loop {
        let frame = socket.next().await;
        let is_end = frame["type"] == "agent_run"
            && ["completed", "cancelled", "failed", "interrupted"].contains(&frame["status"].as_str().unwrap());
        frames.push(frame);
        if is_end {
            return frames;
        }
    }
}

fn words(frames: &[Value]) -> Vec<String> {
    let durable = frames.iter().filter(|frame| frame["seq"].is_u64() && frame["type"] != "ack");
    durable
        .map(|frame| match frame["status"].as_str() {
            Some(status) => format!("{} {status}", frame["type"].as_str().unwrap()),
            None => frame["type"].as_str().unwrap().to_owned(),
        })
        .collect()
}

#[tokio::test]
async fn a_question_is_answered_with_a_tool_in_the_order_of_the_contract() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let room = room_with_agents(&app, &anna, &[]).await;
    let (mut asking, mut watching) = (app.connect(&anna).await, app.connect(&anna).await);
    watching.subscribe(room, Some(1)).await;
    asking.chat(room, "What is 17 * 23?").await;
    let frames = run_of(&mut watching).await;
    let seen = words(&frames);
    assert_eq!(seen[..3], ["message", "agent_run initializing", "agent_run processing"]);
    assert_eq!(seen[seen.len() - 3..], ["message", "result", "agent_run completed"]);
    for kind in ["agent_step", "tool_call", "tool_result", "progress"] {
        assert!(seen.iter().any(|word| word == kind), "{kind} in {seen:?}");
    }
    let answer = frames.iter().find(|f| f["type"] == "message" && f["sender"] == "agent").unwrap();
    assert!(answer["text"].as_str().unwrap().contains("391"), "{answer}");
    let result = frames.iter().find(|f| f["type"] == "result").unwrap();
    assert_eq!((&result["message_id"], &result["content"]), (&answer["id"], &answer["text"]));
    let written: String =
        frames.iter().filter(|f| f["type"] == "token").map(|f| f["delta"].as_str().unwrap()).collect();
    assert!(answer["text"].as_str().unwrap().starts_with(&written) && !written.is_empty());
    let typing: Vec<_> = frames.iter().filter(|f| f["type"].as_str().unwrap().starts_with("typing")).collect();
    assert_eq!(typing.first().unwrap()["user"]["name"], "Assistant");
    if typing.last().unwrap()["type"] != "typing_stop" {
        assert_eq!(watching.next_of("typing_stop").await["user"]["name"], "Assistant");
    }
}

#[tokio::test]
async fn who_comes_late_sees_the_text_so_far_and_who_is_at_work() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let room = room_with_agents(&app, &anna, &[]).await;
    let (mut asking, mut late) = (app.connect(&anna).await, app.connect(&anna).await);
    asking.subscribe(room, Some(1)).await;
    asking.chat(room, "What can you do?").await;
    asking.next_of("token").await;
    let subscribed = late.subscribe(room, None).await;
    assert_eq!(subscribed["typing"][0]["name"], "Assistant");
    let mut text = subscribed["streams"][0]["text"].as_str().unwrap().as_bytes().to_vec();
    assert!(!text.is_empty());
    let answer = loop {
        let frame = late.next().await;
        match frame["type"].as_str().unwrap() {
            "token" => {
                let offset = usize::try_from(frame["offset"].as_u64().unwrap()).unwrap();
                assert!(offset <= text.len(), "a hole before {frame}");
                text.truncate(offset);
                text.extend(frame["delta"].as_str().unwrap().bytes());
            }
            "message" if frame["sender"] == "agent" => break frame,
            _ => {}
        }
    };
    assert!(answer["text"].as_str().unwrap().as_bytes().starts_with(&text));
    assert_eq!(late.subscribe(room, None).await["streams"], json!([]));
}

#[tokio::test]
async fn anyone_who_may_write_stops_a_run_from_any_device_and_what_was_written_stays() {
    let app = TestApp::start().await;
    let (anna, ben) = (app.member("anna").await, app.member("ben").await);
    let room = room_with_agents(&app, &anna, &["ben"]).await;
    let (mut annas, mut bens) = (app.connect(&anna).await, app.connect(&ben).await);
    annas.subscribe(room, Some(2)).await;
    annas.chat(room, "@assistant what can you do?").await;
    let token = annas.next_of("token").await;
    let cancel = bens.ask("cancel", json!({ "conversation_id": room, "run_id": token["run_id"] })).await;
    let ack = bens.answer(&cancel).await;
    assert_eq!(ack["type"], "ack", "{ack}");
    let frames = run_of(&mut annas).await;
    assert_eq!(frames.last().unwrap()["status"], "cancelled");
    let partial = frames.iter().find(|f| f["type"] == "message" && f["sender"] == "agent").unwrap();
    assert_eq!((&partial["partial"], &partial["id"]), (&json!(true), &token["message_id"]));
    let path = format!("/api/v1/conversations/{room}/cancel");
    let again = app.send(&ben, Method::POST, &path, None).await;
    assert_eq!(crate::support::problem(again).await, (404, "no_run".to_owned()));
}

#[tokio::test]
async fn among_several_people_agents_answer_when_they_are_addressed() {
    let app = TestApp::start().await;
    let (anna, _ben) = (app.member("anna").await, app.member("ben").await);
    let room = room_with_agents(&app, &anna, &["ben"]).await;
    let mut socket = app.connect(&anna).await;
    socket.subscribe(room, Some(2)).await;
    socket.chat(room, "What is 2 + 2?").await;
    socket.chat(room, "@agents what is 2 + 3?").await;
    let frames = run_of(&mut socket).await;
    let runs = frames.iter().filter(|f| f["status"] == "initializing").count();
    assert_eq!(runs, 1);
    assert!(frames.iter().any(|f| f["sender"] == "agent" && f["text"].as_str().unwrap().contains('5')));
}

#[tokio::test]
async fn a_chart_is_drawn_and_served_to_members_alone() {
    let app = TestApp::start().await;
    let (anna, eve) = (app.member("anna").await, app.member("eve").await);
    let room = room_with_agents(&app, &anna, &[]).await;
    let mut socket = app.connect(&anna).await;
    socket.subscribe(room, Some(1)).await;
    socket.chat(room, "chart: Jan 3, Feb 5, Mar 2").await;
    let chart = socket.next_of("chart_generated").await;
    let url = chart["url"].as_str().unwrap().to_owned();
    let picture = app.get(&anna, &url).await;
    assert_eq!(picture.headers()["content-type"], "image/svg+xml");
    assert!(picture.text().await.unwrap().contains("<svg"));
    assert_eq!(app.get(&eve, &url).await.status(), 404);
}

#[tokio::test]
async fn a_run_that_a_stopped_server_left_goes_on_in_its_next_life() {
    let data = tempfile::tempdir().unwrap();
    let first = TestApp::start_in(data.path(), |_| {}).await;
    let anna = first.register("anna").await;
    let room = room_with_agents(&first, &anna, &[]).await;
    let mut socket = first.connect(&anna).await;
    socket.subscribe(room, Some(1)).await;
    socket.chat(room, "What can you do?").await;
    socket.next_of("token").await;
    first.stop().await;
    let second = TestApp::start_in(data.path(), |_| {}).await;
    let mut socket = second.connect(&anna).await;
    socket.subscribe(room, Some(1)).await;
    let frames = run_of(&mut socket).await;
    assert_eq!(frames.last().unwrap()["status"], "completed");
    let answers: Vec<_> = frames.iter().filter(|f| f["type"] == "message" && f["sender"] == "agent").collect();
    assert_eq!(answers.len(), 1);
    assert!(answers[0]["partial"].is_null());
    socket.chat(room, "What is 1 + 1?").await;
    assert_eq!(run_of(&mut socket).await.last().unwrap()["status"], "completed");
}
