//! Five addresses, one session: they differ in the first subscription and in nothing else.

use reqwest::Method;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{self, Message};

use crate::support::{
    Socket, TestApp,
    desk::{Visitor, at_dialog, endpoint, operator},
};

async fn refused(app: &TestApp, path: &str, token: &str) -> u16 {
    let bearer = format!("Bearer {token}");
    match Socket::handshake(app.addr, path, &[("authorization", &bearer)]).await {
        Err(tungstenite::Error::Http(response)) => response.status().as_u16(),
        other => panic!("{path}: {:?}", other.map(|_| "a socket")),
    }
}

#[tokio::test]
async fn a_stream_begins_in_ones_own_conversation_and_tells_of_runs_twice() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let own = format!("/api/v1/ws/{}", anna.signed_in.user.id);
    let mut ids = Vec::new();
    for path in ["/ws/stream", &own] {
        let mut socket = endpoint(&app, path, &anna.token).await;
        let subscribed = socket.next_of("subscribed").await;
        ids.push(subscribed["conversation_id"].clone());
        socket.send("chat", json!({ "message": "What is 17 * 23?" })).await;
        loop {
            let frame = socket.next().await;
            if frame["type"] != "agent_run" {
                continue;
            }
            let status = socket.next().await;
            assert_eq!(status["type"], "status", "{path}: right after it");
            assert_eq!((&status["status"], &status["run_id"]), (&frame["status"], &frame["run_id"]));
            assert_eq!(status["message"], frame.get("message").cloned().unwrap_or(json!("")));
            assert!(status.get("seq").is_none());
            if frame["status"] == "completed" {
                break;
            }
        }
    }
    assert_eq!(ids[0], ids[1], "one conversation, made on first use");
    let listed: Value = app.get(&anna, "/api/v1/conversations").await.json().await.unwrap();
    assert_eq!(listed["conversations"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_users_own_address_takes_a_bare_message_and_no_other_user() {
    let app = TestApp::start().await;
    let (anna, ben) = (app.register("anna").await, app.register("ben").await);
    let own = format!("/api/v1/ws/{}", anna.signed_in.user.id);
    let mut socket = endpoint(&app, &own, &anna.token).await;
    socket.next_of("subscribed").await;
    socket.send_raw(Message::text(r#"{"message":"What is 2 + 3?"}"#)).await;
    assert!(socket.next_of("ack").await["message_id"].is_string());
    let result = socket.next_of("result").await;
    assert!(result["content"].as_str().unwrap().contains('5'), "{result}");
    assert_eq!(refused(&app, &own, &ben.token).await, 403);
    assert_eq!(refused(&app, "/api/v1/ws/nobody", &ben.token).await, 403);
    let mut socket = app.connect(&anna).await;
    socket.send_raw(Message::text(r#"{"message":"bare"}"#)).await;
    assert_eq!(socket.next_of("error").await["code"], "bad_frame", "elsewhere that is no frame");
}

#[tokio::test]
async fn a_cancel_on_a_stream_needs_no_name() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let mut socket = endpoint(&app, "/ws/stream", &anna.token).await;
    socket.next_of("subscribed").await;
    socket.send("chat", json!({ "message": "What can you do?" })).await;
    socket.next_of("token").await;
    let reference = socket.ask("cancel", json!({})).await;
    assert_eq!(socket.answer(&reference).await["type"], "ack");
    socket.next_where(|frame| frame["type"] == "agent_run" && frame["status"] == "cancelled").await;
}

#[tokio::test]
async fn a_dialogs_two_addresses_are_for_its_two_sides() {
    let app = TestApp::start().await;
    let anna = operator(&app, "anna").await;
    let mia = app.register("mia").await;
    let (vera, other) = (Visitor::open(&app).await, Visitor::open(&app).await);
    let (inside, outside) = (format!("/ws/dialogs/{}", vera.dialog), format!("/ws/widget/dialogs/{}", vera.dialog));
    let (_, subscribed) = at_dialog(&app, &anna, vera.dialog).await;
    assert_eq!(subscribed["conversation_id"], json!(vera.dialog));
    for (path, token, status) in [
        (&inside, &vera.token, 403),
        (&inside, &mia.token, 404),
        (&outside, &anna.token, 403),
        (&outside, &mia.token, 404),
        (&outside, &other.token, 404),
        (&outside, &"nonsense".to_owned(), 401),
    ] {
        assert_eq!(refused(&app, path, token).await, status, "{path}");
    }
    assert_eq!(refused(&app, "/ws/dialogs/01JD3WQ8ZC3E5V9G7M2K4N6P8R", &anna.token).await, 404);
    assert_eq!(refused(&app, "/ws/stream", &vera.token).await, 403, "a visitor has no rooms");
    // What is taken and ignored.
    let path = format!("{outside}?assistant_id=7&token={}", vera.token);
    let mut socket = Socket::handshake(app.addr, &path, &[]).await.expect("a socket");
    socket.next_of("subscribed").await;
    let response = app.request(Method::GET, "/ws/stream").bearer_auth(&anna.token).send().await.unwrap();
    assert_eq!(response.status(), 422, "an address for WebSocket clients");
}
