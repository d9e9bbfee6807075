//! Servers that go on and on.

use magpie::{protocol::limits, server::agents::llm::retry::Retrying};

use super::*;
use crate::support::model::{Beat, flood, raw, say};

/// Whatever the server says, the call is over soon, and it is made once. Several threads: one that reads and one that
/// brings more are never done with each other.
async fn is_given_up(provider: &str, beats: Vec<Beat>) -> LlmError {
    let server = ModelServer::start().await;
    server.will(beats);
    let client = Retrying::new(std::sync::Arc::new(client(&server, provider, "key")));
    // In a task of its own: one that never comes back must not keep the test's own clock from running.
    let call = tokio::spawn(async move { answer(&client, question("?")).await });
    let error = tokio::time::timeout(Duration::from_secs(20), call).await.expect("an end").unwrap().unwrap_err();
    tokio::time::timeout(Duration::from_secs(5), server.closed(0)).await.expect("the server is hung up on");
    assert_eq!(server.requests().len(), 1, "no other try brings less");
    error
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_without_an_end_ends_the_call() {
    for provider in ["openai", "anthropic", "gemini"] {
        let line = "x".repeat(64 * 1024);
        let error = is_given_up(provider, vec![raw("data: "), flood(200, &line)]).await;
        assert_eq!(error, LlmError::TooMuch("a piece of it is longer than 1024 KiB".into()), "{provider}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_of_lines_without_an_end_ends_the_call() {
    let error = is_given_up("openai", vec![say("One"), flood(200, &"data: {}\n".repeat(512))]).await;
    assert!(matches!(error, LlmError::TooMuch(_)), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_without_an_end_is_told_by_its_beginning() {
    let error = is_given_up("openai", vec![flood(400, &"no such model. ".repeat(512))]).await;
    assert!(matches!(&error, LlmError::Refused(why) if why.contains("no such model. no such")), "{error}");
}

#[tokio::test]
async fn a_large_piece_is_read() {
    let server = ModelServer::start().await;
    let long = "x".repeat(limits::MODEL_EVENT_BYTES - 1_024);
    server.will([say(&long), say(&long)]);
    let deltas = answer(&client(&server, "openai", ""), question("?")).await.unwrap();
    assert_eq!(text(&deltas).len(), 2 * long.len());
}
