//! What a long answer costs on the wire of each who watches it.

use std::time::Instant;

use serde_json::{Value, json};

use crate::support::{
    TestApp,
    model::{ModelServer, say},
};

const TOKENS: usize = 100_000;

/// What a frame has around its text, in bytes.
fn around(frame: &Value) -> usize {
    let text = serde_json::to_string(&frame["delta"]).expect("a text").len();
    serde_json::to_string(frame).expect("a frame").len() - text + 2
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_of_a_long_answer_gets_each_byte_once_in_few_frames() {
    let model = ModelServer::start().await;
    model.will((0..TOKENS).map(|n| say(if n % 10 == 9 { "word\n" } else { "word " })));
    let app = TestApp::start_with(|settings| model.configure(settings)).await;
    let anna = app.register("anna").await;
    let room = app.conversation(&anna, json!({ "title": "Room" })).await;
    let mut socket = app.connect(&anna).await;
    socket.subscribe(room, None).await;
    socket.chat(room, "@writer write a long one").await;
    let (mut deltas, mut frames, mut most, mut began) = (0, 0, 0, None);
    let text = loop {
        let frame = socket.next_where(|frame| frame["type"] == "token" || frame["sender"] == "agent").await;
        if frame["type"] == "message" {
            break frame["text"].as_str().expect("a text").to_owned();
        }
        began.get_or_insert_with(Instant::now);
        frames += 1;
        deltas += frame["delta"].as_str().expect("a text").len();
        most = most.max(around(&frame));
    };
    let seconds = began.expect("a first token").elapsed().as_secs_f64();
    eprintln!(
        "{TOKENS} tokens, {} bytes: deltas {:.3} of the text, {frames} frames in {seconds:.1} s, at most {most} bytes around each",
        text.len(),
        deltas as f64 / text.len() as f64
    );
    assert_eq!(text.len(), TOKENS * 5);
    assert!(deltas as f64 <= text.len() as f64 * 1.05, "{deltas} bytes");
    assert!(most <= 220, "{most} bytes around a text");
    // One frame is out at once, each other one 40 ms after the one before: a slow machine makes them fewer.
    assert!(frames as f64 <= seconds * 25.0 + 2.0, "{frames} frames in {seconds} s");
}
