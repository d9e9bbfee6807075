//! Large frames, deflated for who asked.

use std::io::Read;

use flate2::read::ZlibDecoder;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::support::{Socket, TestApp};

fn inflate(bytes: &[u8]) -> Value {
    let mut text = String::new();
    ZlibDecoder::new(bytes).read_to_string(&mut text).expect("zlib");
    serde_json::from_str(&text).expect("JSON")
}

#[tokio::test]
async fn who_asked_gets_large_frames_deflated_and_small_ones_as_text() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let room = app.room(&anna, &[]).await;
    let path = format!("/ws?token={}&compress=deflate", anna.token);
    let mut reader = Socket::handshake(app.addr, &path, &[]).await.unwrap();
    let mut plain = app.connect(&anna).await;
    plain.subscribe(room, None).await;
    reader.subscribe(room, None).await;

    let long = "a long story ".repeat(500);
    for text in ["short", &long] {
        plain.chat(room, text).await;
        assert_eq!(plain.next_of("message").await["text"], text.trim());
    }
    let Message::Text(short) = reader.next_raw(|message| message.to_string().contains("short")).await else {
        panic!("a small frame is text")
    };
    let short: Value = serde_json::from_str(&short).unwrap();
    let binary = reader.next_raw(Message::is_binary).await.into_data();
    assert!(binary.len() < long.len() / 4, "{} bytes", binary.len());
    let message = inflate(&binary);
    assert_eq!((&message["text"], message["seq"].as_u64()), (&json!(long.trim()), Some(3)));
    assert_eq!(short["seq"], 2);
}

#[tokio::test]
async fn a_replay_is_deflated_too_and_an_unknown_compression_is_none() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let room = app.room(&anna, &[]).await;
    let long = "once more ".repeat(500);
    app.connect(&anna).await.chat(room, &long).await;
    for (compress, is_binary) in [("deflate", true), ("zstd", false)] {
        let path = format!("/ws?token={}&compress={compress}", anna.token);
        let mut reader = Socket::handshake(app.addr, &path, &[]).await.unwrap();
        reader.send("subscribe", json!({ "conversations": [{ "id": room, "after": 0 }] })).await;
        let message = reader.next_raw(|message| message.is_binary() || message.to_string().contains("once")).await;
        assert_eq!(message.is_binary(), is_binary, "{compress}");
    }
}
