//! A reader that does not read harms nobody but itself, and loses nothing.

use std::time::Duration;

use magpie::{
    fresh_id,
    protocol::{
        Author, ConversationId, Event, Message, MessageId, RunId, Sender, Visibility, agent::RunResult, limits,
        server::Format,
    },
    server::{
        clock,
        storage::{Append, Write},
    },
};
use serde_json::json;

use crate::support::{Socket, TestApp};

/// The longest answer that there can be, as the agents write it: its text twice, in two events.
async fn long_answer(app: &TestApp, room: ConversationId) {
    let (message_id, run_id, text) = (fresh_id!(MessageId), fresh_id!(RunId), "word ".repeat(limits::ANSWER_BYTES / 5));
    let message = Message {
        id: message_id,
        sender: Sender::Agent,
        author: Author::agent("Assistant", None),
        text: text.clone(),
        format: Format::Markdown,
        client_id: None,
        reply_to: None,
        run_id: Some(run_id),
        visibility: Visibility::Public,
        partial: false,
    };
    let result = RunResult { run_id, content: text, format: Format::Markdown, message_id };
    for event in [Event::Message(message), Event::Result(result)] {
        let append = Append { conversation_id: room, at: clock::now(), write: Write::Server(event) };
        app.state.storage.append(append).await.expect("a place in the log");
    }
}

/// Two frames of a megabyte at once do not fit into a lane; who reads, however slowly, has them all the same.
#[tokio::test]
async fn a_slow_reader_gets_an_answer_of_a_megabyte_and_what_follows_once_and_in_order() {
    let app = TestApp::start().await;
    let (anna, ben) = (app.member("anna").await, app.member("ben").await);
    let (room, other) = (app.room(&anna, &[&ben]).await, app.room(&anna, &[&ben]).await);
    let mut slow = Socket::open_with_small_buffer(app.addr, &ben.token).await;
    slow.subscribe(room, Some(2)).await;
    slow.subscribe(other, Some(2)).await;
    let (mut writer, text) = (app.connect(&anna).await, "x".repeat(30_000));
    writer.chat(room, "before").await;
    long_answer(&app, room).await;
    long_answer(&app, room).await;
    // More than a lane holds, there and elsewhere, while the megabytes are on their way.
    for _ in 0..8 {
        writer.chat(room, &text).await;
        writer.chat(other, &text).await;
    }
    assert_eq!(app.state.hub.connections(), 2, "nobody was closed");
    assert!(app.state.hub.lanes().fullest < 256 * 1024 + limits::ANSWER_BYTES, "{:?}", app.state.hub.lanes());
    let mut next = [3, 3];
    while next != [16, 11] {
        let frame = slow.next().await;
        let Some(seq) = frame["seq"].as_u64() else { continue };
        let at = usize::from(frame["conversation_id"] == other.to_string().as_str());
        assert_eq!(seq, next[at], "of {}", frame["type"]);
        next[at] += 1;
    }
    slow.settled().await;
}

#[tokio::test]
async fn a_reader_that_takes_nothing_of_a_large_frame_is_given_up() {
    let app = TestApp::start().await;
    let (anna, ben) = (app.member("anna").await, app.member("ben").await);
    let room = app.room(&anna, &[&ben]).await;
    let mut stalled = Socket::open_with_small_buffer(app.addr, &ben.token).await;
    stalled.subscribe(room, Some(2)).await;
    // More than the kernel takes for it.
    for _ in 0..8 {
        long_answer(&app, room).await;
    }
    tokio::time::pause();
    let (started, longest) = (tokio::time::Instant::now(), Duration::from_secs(15 * 60));
    while app.state.hub.connections() > 0 {
        // Of a clock that is stopped: it moves on to the next timer, this one or the server's, and nobody waits.
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(started.elapsed() < longest, "it is still there");
    }
    assert!(started.elapsed() > Duration::from_secs(75), "it had its time: {:?}", started.elapsed());
}

#[tokio::test]
async fn a_reader_that_stops_reading_is_closed_with_4001_and_resumes_from_the_log() {
    let app = TestApp::start().await;
    let (anna, ben) = (app.member("anna").await, app.member("ben").await);
    let room = app.room(&anna, &[&ben]).await;
    let mut stalled = Socket::open_with_small_buffer(app.addr, &ben.token).await;
    stalled.subscribe(room, Some(2)).await;
    let mut quick = app.connect(&ben).await;
    quick.subscribe(room, Some(2)).await;

    // More than the kernel's buffers and the lane together hold.
    let (mut writer, text) = (app.connect(&anna).await, "x".repeat(32_000));
    let mut sent = 0;
    while app.state.hub.connections() == 3 {
        let ack = writer.chat(room, &text).await;
        sent += 1;
        assert_eq!(ack["type"], "ack");
        assert_eq!(quick.next_of("message").await["seq"], 2 + sent, "the quick one is not held up");
        assert!(sent < 2_000, "the stalled reader was never given up");
    }
    let (code, _) = stalled.closed().await.expect("a close frame after what was under way");
    assert_eq!(code, 4001);

    let mut back = app.connect(&ben).await;
    let subscribed = back.subscribe(room, Some(2)).await;
    assert_eq!(subscribed["mode"], "replay");
    for seq in 3..=2 + sent {
        assert_eq!(back.next().await["seq"], seq);
    }
}

#[tokio::test]
async fn metrics_and_status_count_the_connections() {
    let app = TestApp::start_with(|settings| settings.metrics_token = Some("let me see".into())).await;
    let anna = app.register("anna").await;
    let _socket = app.connect(&anna).await;
    let status: serde_json::Value = app.get(&anna, "/ws/status").await.json().await.unwrap();
    assert_eq!((&status["active_connections"], &status["status"]), (&json!(1), &json!("healthy")));
    let refused = app.request(reqwest::Method::GET, "/metrics").send().await.unwrap();
    assert_eq!(crate::support::problem(refused).await.0, 401);
    let metrics = app.request(reqwest::Method::GET, "/metrics").bearer_auth("let me see").send().await.unwrap();
    let text = metrics.text().await.unwrap();
    assert!(text.lines().any(|line| line == "magpie_connections 1"), "{text}");
}

/// A commit may bring more than a lane holds: whoever reads gets it all the same.
#[tokio::test]
async fn a_burst_of_long_messages_closes_nobody_who_reads() {
    let app = TestApp::start().await;
    let (anna, ben) = (app.member("anna").await, app.member("ben").await);
    let room = app.room(&anna, &[&ben]).await;
    let mut reader = app.connect(&ben).await;
    reader.subscribe(room, Some(2)).await;
    let path = format!("/api/v1/conversations/{room}/messages");
    let posts = (0..16).map(|_| app.post(&anna, &path, json!({ "message": "x".repeat(32_000) })));
    for response in futures_util::future::join_all(posts).await {
        assert_eq!(response.status(), 201);
    }
    for seq in 3..19 {
        assert_eq!(reader.next_of("message").await["seq"], seq);
    }
}

#[tokio::test]
async fn one_who_does_not_read_does_not_hold_up_a_restart() {
    let app = TestApp::start().await;
    let (anna, ben) = (app.member("anna").await, app.member("ben").await);
    let room = app.room(&anna, &[&ben]).await;
    let mut stalled = Socket::open_with_small_buffer(app.addr, &ben.token).await;
    stalled.subscribe(room, Some(2)).await;
    let (mut writer, text) = (app.connect(&anna).await, "x".repeat(32_000));
    while app.state.hub.lanes().fullest < text.len() {
        writer.chat(room, &text).await;
    }
    let asked = std::time::Instant::now();
    app.stop().await;
    assert!(asked.elapsed().as_millis() < u128::from(limits::DRAIN_DEADLINE_MS), "{:?}", asked.elapsed());
    assert_eq!(writer.closed().await.map(|(code, _)| code), Some(4002));
}
