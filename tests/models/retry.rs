//! What goes wrong on the way to a model, and is healed by another call or ended clearly.

use std::sync::Arc;

use magpie::server::agents::llm::retry::{Patience, Retrying};

use super::{
    room::{end, is_answer, room},
    *,
};
use crate::support::model::{Beat, cut, hang, headers, line, say, status};

/// With little patience, so that a test need not have much.
fn retrying(server: &ModelServer) -> Retrying<GenaiClient> {
    let patience = Patience {
        base: Duration::from_millis(20),
        first_piece: Duration::from_millis(400),
        silence: Duration::from_millis(200),
        ..Patience::default()
    };
    Retrying::with(Arc::new(client(server, "openai", "")), patience)
}

/// The answer after the last retry, and how many there were.
fn after_retries(deltas: &[Delta]) -> (String, usize) {
    let is_retry = |delta: &Delta| matches!(delta, Delta::Retry(_));
    let last = deltas.iter().rposition(is_retry).map_or(0, |at| at + 1);
    (text(&deltas[last..]), deltas.iter().filter(|delta| is_retry(delta)).count())
}

#[tokio::test]
async fn whatever_breaks_on_the_wire_is_healed_by_another_call() {
    let broken: [(&str, Vec<Beat>); 11] = [
        ("429", vec![status(429, &[("retry-after", "0.05")], "{}")]),
        ("500", vec![status(500, &[], "<html>oops</html>")]),
        ("503", vec![status(503, &[], r#"{"error":{"message":"Loading model"}}"#)]),
        ("529", vec![status(529, &[], "")]),
        ("cut before the headers", vec![cut()]),
        ("cut in the middle of a chunk", vec![say("Half"), cut()]),
        ("garbage", vec![say("Half"), line("data: {]")]),
        ("an error in the stream", vec![say("Half"), line(r#"data: {"error":{"message":"busy"}}"#)]),
        ("silence before the headers", vec![hang()]),
        ("silence after the headers", vec![headers(), hang()]),
        ("silence in the middle", vec![say("Half"), hang()]),
    ];
    for (what, beats) in broken {
        let server = ModelServer::start().await;
        server.will(beats).will([say("Whole")]);
        let deltas = answer(&retrying(&server), question("?")).await.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(after_retries(&deltas), ("Whole".into(), 1), "{what}");
        assert_eq!(deltas.last(), Some(&Delta::Done));
        if what.starts_with("silence") {
            server.closed(0).await;
        }
    }
}

#[tokio::test]
async fn a_server_that_comes_back_is_found_again() {
    let server = ModelServer::start().await;
    let (addr, client) = (server.addr, retrying(&server));
    server.will([say("Half"), hang()]);
    let mut stream = client.chat(question("?")).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap(), Delta::Text("Half".into()));
    drop(server);
    assert!(matches!(stream.next().await, Some(Ok(Delta::Retry(_)))));
    let server = ModelServer::start_at(addr).await;
    server.always([say("Whole")]);
    let rest: Vec<_> = stream.map(Result::unwrap).collect().await;
    assert_eq!(after_retries(&rest).0, "Whole");
}

#[tokio::test]
async fn a_run_says_that_it_tries_again_and_answers() {
    let server = ModelServer::start().await;
    server.will([status(429, &[("retry-after", "0.1")], "{}")]);
    server.will([status(503, &[], "{}")]);
    server.will([say("Here I am.")]);
    let (_app, _anna, room, mut socket) = room(&server).await;
    socket.chat(room, "@analyst Hello?").await;
    assert_eq!(socket.next_where(is_answer).await["text"], "Here I am.");
    assert_eq!(end(&mut socket).await["status"], "completed");
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_run_whose_model_refuses_ends_with_what_to_do() {
    let server = ModelServer::start().await;
    server.will([status(404, &[], r#"{"error":{"message":"The model `x` does not exist"}}"#)]);
    server.will([status(429, &[("retry-after", "3600")], "{}")]);
    let (_app, _anna, room, mut socket) = room(&server).await;
    for says in ["The model `x` does not exist", "again in 3600 s"] {
        socket.chat(room, "@analyst Hello?").await;
        let end = end(&mut socket).await;
        assert_eq!(end["status"], "failed");
        assert!(end["message"].as_str().unwrap().contains(says), "{end}");
    }
    assert_eq!(server.requests().len(), 2, "neither is tried again");
}
