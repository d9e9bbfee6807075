//! A model in a real conversation: the server, its sockets, and a model's server that follows a script. One agent is
//! asked by name: it answers alone, without the team's leader, so that the script is its own.

use std::{fs, process::Stdio, time::Instant};

use magpie::protocol::ConversationId;
use serde_json::Value;

use super::*;
use crate::support::{
    Account, Process, Socket, TestApp,
    model::{calls, endless, line, pause, say, status, usage},
    process::command,
};

/// Somebody alone with the agents, whose model is this server.
pub(super) async fn room(server: &ModelServer) -> (TestApp, Account, ConversationId, Socket) {
    let app = TestApp::start_with(|settings| server.configure(settings)).await;
    let anna = app.register("anna").await;
    let room = app.conversation(&anna, json!({ "title": "With a model" })).await;
    let mut socket = app.connect(&anna).await;
    socket.subscribe(room, Some(1)).await;
    (app, anna, room, socket)
}

pub(super) async fn end(socket: &mut Socket) -> Value {
    let over = ["completed", "cancelled", "failed", "interrupted"];
    let is_over = |frame: &Value| over.iter().any(|status| frame["status"] == *status);
    socket.next_where(|frame| frame["type"] == "agent_run" && is_over(frame)).await
}

pub(super) fn is_answer(frame: &Value) -> bool {
    frame["type"] == "message" && frame["sender"] == "agent"
}

#[tokio::test]
async fn a_model_calls_a_tool_and_answers_with_what_it_returned() {
    let server = ModelServer::start().await;
    server.will([calls(&[("c1", "calculate", r#"{"expression":"17 * 23"}"#)])]);
    server.will([say("It is "), pause(50), say("**391**."), usage(40, 5)]);
    let (_app, _anna, room, mut socket) = room(&server).await;
    socket.chat(room, "@analyst What is 17 * 23?").await;
    let answer = socket.next_where(is_answer).await;
    assert_eq!(answer["text"], "It is **391**.");
    assert_eq!(end(&mut socket).await["status"], "completed");
    let asked = server.requests();
    let called = asked[1].last_message();
    assert_eq!((&called["role"], &called["tool_call_id"]), (&json!("tool"), &json!("c1")));
    assert!(called["content"].as_str().unwrap().contains("391"), "{called}");
    assert!(asked[1].at >= asked[0].at);
}

#[tokio::test]
async fn stopping_a_run_hangs_up_on_the_model_within_200_ms() {
    let server = ModelServer::start().await;
    server.will([endless("on and on ")]);
    let (_app, _anna, room, mut socket) = room(&server).await;
    socket.chat(room, "@analyst Tell me everything").await;
    socket.next_of("token").await;
    let stopped = Instant::now();
    socket.send("cancel", json!({ "conversation_id": room })).await;
    let took = server.closed(0).await.saturating_duration_since(stopped);
    println!("the model's connection was closed {took:?} after the stop was sent");
    assert!(took < Duration::from_millis(200), "{took:?}");
    let partial = socket.next_where(is_answer).await;
    assert_eq!(partial["partial"], true);
    assert_eq!(end(&mut socket).await["status"], "cancelled");
}

#[tokio::test]
async fn a_key_that_a_provider_repeats_stands_in_no_log_line_and_no_frame() {
    let key = "sk-0123456789-echoed";
    let server = ModelServer::start().await;
    let body = json!({ "error": { "message": format!("Incorrect API key provided: {key}") } }).to_string();
    server.will([status(401, &[], &body)]);
    server.will([say("Half"), line(&format!("data: {}", json!({ "error": { "message": key, "code": 401 } })))]);
    server.will([line(&format!("data: {{\"{key}"))]);
    server.always([status(401, &[], &body)]);
    let data = tempfile::tempdir().unwrap();
    let log = data.path().join("log");
    let mut command = command(data.path());
    command.envs(server.environment()).env("MAGPIE_LLM_API_KEY", key).env("MAGPIE_LOG", "trace,genai=trace");
    command.stderr(Stdio::from(fs::File::create(&log).unwrap()));
    let process = Process::spawn(command);
    let mut shown = String::new();
    let url = |path: &str| format!("http://{}/api/v1{path}", process.addr);
    let http = reqwest::Client::new();
    let body = json!({ "username": "anna", "password": crate::support::PASSWORD });
    let signed_in: Value = http.post(url("/auth/register")).json(&body).send().await.unwrap().json().await.unwrap();
    let token = signed_in["token"].as_str().unwrap();
    let made = http.post(url("/conversations")).bearer_auth(token).json(&json!({ "title": "Keys" })).send().await;
    let room: ConversationId =
        serde_json::from_value(made.unwrap().json::<Value>().await.unwrap()["id"].take()).unwrap();
    let mut socket = Socket::open(process.addr, token).await.unwrap();
    socket.subscribe(room, Some(1)).await;
    for _ in 0..3 {
        socket.chat(room, "@analyst Who are you?").await;
        loop {
            let frame = socket.next().await;
            shown.push_str(&frame.to_string());
            if frame["type"] == "agent_run" && frame["status"] == "failed" {
                break;
            }
        }
    }
    assert!(shown.contains("[key]"), "{shown}");
    assert!(!shown.contains(key), "{shown}");
    process.terminate();
    let log = fs::read_to_string(&log).unwrap();
    assert!(log.contains("a run") || log.contains("TRACE"), "something was logged");
    let leak = log.lines().find(|line| line.contains(key));
    assert!(leak.is_none(), "{leak:?}");
}

#[tokio::test]
async fn readiness_tells_whether_the_model_can_be_reached() {
    let server = ModelServer::start().await;
    server.will([say("Hello.")]);
    let (app, anna, room, mut socket) = room(&server).await;
    let ready = async || app.get(&anna, "/health/ready").await.json::<Value>().await.unwrap();
    let first = ready().await;
    assert_eq!((&first["llm_status"], &first["llm_model"]), (&json!("connected"), &json!("scripted")));
    assert_eq!(server.probes(), ["/v1/models"]);
    ready().await;
    socket.chat(room, "@analyst Hello?").await;
    socket.next_where(is_answer).await;
    assert_eq!(server.probes().len(), 1, "looked at once in a while");
    server.always([status(500, &[], "{}")]);
    socket.chat(room, "@analyst Hello?").await;
    // The failure is heard when it is told that there is another try.
    socket.next_where(|frame| frame["topic"] == "retry").await;
    socket.send("cancel", json!({ "conversation_id": room })).await;
    end(&mut socket).await;
    let away = ready().await;
    assert_eq!((&away["llm_status"], &away["status"]), (&json!("unreachable"), &json!("ready")), "the chat works");
    let offline = TestApp::start().await;
    let ready = offline.http.get(offline.url("/health/ready")).send().await.unwrap().json::<Value>().await.unwrap();
    assert_eq!((&ready["llm_status"], &ready["llm_model"]), (&json!("offline"), &Value::Null));
}
