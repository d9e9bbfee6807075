//! Bounds of `protocol::limits` that are reached over a real socket.

use magpie::protocol::limits;
use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::support::{TestApp, problem};

async fn limited_app() -> TestApp {
    TestApp::start_with(|settings| settings.rate_limit = Some("on".into())).await
}

#[tokio::test]
async fn a_client_that_goes_on_over_its_rate_is_told_when_to_try_again_and_then_closed_with_4004() {
    let app = limited_app().await;
    let anna = app.register("anna").await;
    let mut socket = app.connect(&anna).await;
    // Twice what passes while they are sent, and those that are refused before the close.
    for nonce in 0..limits::FRAMES_PER_CONNECTION.burst * 2 + limits::RATE_LIMITED_FRAMES {
        if socket.try_send("ping", json!({ "nonce": nonce })).await.is_err() {
            break;
        }
    }
    let refused = socket.next_of("error").await;
    assert_eq!((&refused["code"], &refused["recoverable"]), (&json!("rate_limited"), &json!(true)));
    assert!(refused["retry_after_ms"].as_u64().is_some_and(|ms| ms > 0), "{refused}");
    assert_eq!(socket.closed().await.map(|(code, _)| code), Some(4004));
}

#[tokio::test]
async fn a_client_that_flickers_between_typing_and_not_is_told_to_slow_down() {
    let app = limited_app().await;
    let anna = app.register("anna").await;
    let room = app.room(&anna, &[]).await;
    let mut socket = app.connect(&anna).await;
    for _ in 0..=limits::TYPING_PER_CONNECTION.burst * 2 {
        socket.send("typing_start", json!({ "conversation_id": room })).await;
        socket.send("typing_stop", json!({ "conversation_id": room })).await;
    }
    assert_eq!(socket.next_of("error").await["code"], "rate_limited");
    socket.settled().await;
}

#[tokio::test]
async fn one_address_opens_so_many_sockets_at_once_and_then_waits() {
    let app = limited_app().await;
    let mut refused = None;
    for _ in 0..limits::SOCKETS_PER_ADDRESS.burst * 2 {
        let response = app.request(Method::GET, "/ws").send().await.unwrap();
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(response);
            break;
        }
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    }
    let refused = refused.expect("the bound is reached");
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(problem(refused).await, (429, "rate_limited".to_owned()));
}
