//! `examples/client.rs` speaks to each of the five endpoints.

use std::{path::Path, process::Stdio};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

use crate::support::{PASSWORD, TestApp};

/// Cargo builds it with the tests, beside the server.
fn client(app: &TestApp, arguments: &[&str]) -> Command {
    let server = Path::new(env!("CARGO_BIN_EXE_magpie"));
    let mut command = Command::new(server.with_file_name("examples").join("client"));
    command.arg("--url").arg(app.url("")).args(arguments).kill_on_drop(true);
    command
}

/// What it writes, once it has ended well.
async fn said(app: &TestApp, arguments: &[&str]) -> String {
    let ended = client(app, arguments).output().await.expect("the example is built");
    let errors = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(ended.stdout).unwrap()
}

const ROOT: [&str; 4] = ["--username", "root", "--password", PASSWORD];

#[tokio::test]
async fn the_client_sends_over_each_of_the_five_endpoints() {
    let app = TestApp::start().await;
    let root = app.register("root").await;
    for endpoint in ["stream", "user"] {
        let arguments = [&ROOT[..], &["--endpoint", endpoint, "send", "What is 17 * 23?"]].concat();
        assert!(said(&app, &arguments).await.contains("391"), "{endpoint}");
    }
    let room = app.room(&root, &[]).await.to_string();
    let arguments = [&ROOT[..], &["--endpoint", "app", "--conversation", &room, "send", "Hello"]].concat();
    assert!(said(&app, &arguments).await.contains("root: Hello"));

    app.send(&root, Method::PATCH, "/api/v1/sites/default", Some(json!({ "agents": false }))).await;
    let frames = said(&app, &["--endpoint", "widget", "--json", "send", "Is anybody there?"]).await;
    let frames: Vec<Value> = frames.lines().map(|line| serde_json::from_str(line).expect("a frame a line")).collect();
    let ack = frames.iter().find(|frame| frame["type"] == "ack").expect("an ack");
    let dialog = ack["conversation_id"].as_str().unwrap();
    let arguments = [&ROOT[..], &["--endpoint", "dialog", "--conversation", dialog, "send", "I am"]].concat();
    let seen = said(&app, &arguments).await;
    assert!(seen.contains("Is anybody there?") && seen.contains("root: I am"), "{seen}");
}

#[tokio::test]
async fn the_client_watches_and_tells_why_it_cannot() {
    let app = TestApp::start().await;
    let root = app.register("root").await;
    let room = app.room(&root, &[]).await;
    let id = room.to_string();
    let arguments = [&["--token", &root.token], &["--endpoint", "app", "--conversation", &id, "watch"][..]].concat();
    let mut watching = client(&app, &arguments).stdout(Stdio::piped()).spawn().expect("the example is built");
    let mut lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    let mut socket = app.connect(&root).await;
    while app.state.hub.connections() < 2 {
        tokio::task::yield_now().await;
    }
    socket.chat(room, "seen live").await;
    loop {
        if lines.next_line().await.unwrap().expect("not the end").contains("root: seen live") {
            break;
        }
    }
    watching.kill().await.unwrap();

    let arguments = [&ROOT[..], &["--endpoint", "stream", "cancel"]].concat();
    let nothing = client(&app, &arguments).output().await.unwrap();
    assert!(!nothing.status.success());
    assert!(String::from_utf8_lossy(&nothing.stdout).contains("no_run"));
    let wrong = client(&app, &["--username", "root", "--password", "wrong", "watch"]).output().await.unwrap();
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("Wrong username or password."));
}
