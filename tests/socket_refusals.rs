//! What a socket that misbehaves, or may not, gets.

use magpie::protocol::limits;
use reqwest::Method;
use serde_json::json;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::support::{Account, Socket, TestApp};

async fn refused(app: &TestApp, path: &str, headers: &[(&'static str, &str)]) -> u16 {
    match Socket::handshake(app.addr, path, headers).await {
        Err(Error::Http(response)) => response.status().as_u16(),
        Err(other) => panic!("{other}"),
        Ok(_) => 101,
    }
}

fn bearer(account: &Account) -> String {
    format!("Bearer {}", account.token)
}

#[tokio::test]
async fn a_token_is_taken_from_header_cookie_query_and_subprotocol() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let (query, cookie) = (format!("/ws?token={}", anna.token), format!("magpie_session={}", anna.token));
    let protocols = format!("magpie.v1, bearer.{}", anna.token);
    assert_eq!(refused(&app, "/ws", &[("authorization", &bearer(&anna))]).await, 101);
    assert_eq!(refused(&app, &query, &[]).await, 101);
    assert_eq!(refused(&app, "/ws", &[("cookie", &cookie)]).await, 101);
    assert_eq!(refused(&app, "/ws", &[("sec-websocket-protocol", &protocols)]).await, 101);
}

#[tokio::test]
async fn without_a_good_token_there_is_no_socket() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    assert_eq!(refused(&app, "/ws", &[]).await, 401);
    assert_eq!(refused(&app, "/ws?token=nonsense", &[]).await, 401);
    let mut forged = anna.token.clone();
    forged.replace_range(forged.len() - 8.., "AAAAAAAA");
    assert_eq!(refused(&app, "/ws", &[("authorization", &format!("Bearer {forged}"))]).await, 401);
    app.send(&anna, Method::POST, "/api/v1/auth/logout", None).await;
    assert_eq!(refused(&app, "/ws", &[("authorization", &bearer(&anna))]).await, 401);
}

#[tokio::test]
async fn a_page_of_another_origin_gets_no_socket() {
    let app = TestApp::start_with(|settings| settings.allowed_origins = Some("https://friend.example".into())).await;
    let anna = app.register("anna").await;
    let bearer = bearer(&anna);
    let own = format!("http://{}", app.addr);
    for (origin, status) in
        [("https://evil.example", 403), ("null", 403), (own.as_str(), 101), ("https://friend.example", 101)]
    {
        assert_eq!(refused(&app, "/ws", &[("authorization", &bearer), ("origin", origin)]).await, status, "{origin}");
    }
}

#[tokio::test]
async fn a_client_of_another_version_is_told_so() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let headers = [("authorization", bearer(&anna)), ("sec-websocket-protocol", "magpie.v9, magpie.v1".to_owned())];
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Socket::handshake(app.addr, "/ws", &headers).await.unwrap();
}

#[tokio::test]
async fn signing_out_closes_the_sockets_of_that_session_alone() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let body = json!({ "username": "anna", "password": crate::support::PASSWORD });
    let again = app.request(Method::POST, "/api/v1/auth/login").json(&body).send().await.unwrap();
    let other = Account::of("anna", again.json().await.unwrap());
    let (mut here, mut there) = (app.connect(&anna).await, app.connect(&other).await);
    app.send(&anna, Method::POST, "/api/v1/auth/logout", None).await;
    assert_eq!(here.closed().await.map(|(code, _)| code), Some(4501));
    there.settled().await;
}

#[tokio::test]
async fn what_is_no_frame_is_answered_and_the_tenth_closes() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let mut socket = app.connect(&anna).await;
    for bad in 1..=limits::BAD_FRAMES_PER_MINUTE {
        let message = if bad % 2 == 0 { Message::binary(vec![1, 2]) } else { Message::text("{broken") };
        socket.send_raw(message).await;
        let error = socket.next_of("error").await;
        assert_eq!(error["code"], "bad_frame", "{error}");
    }
    assert_eq!(socket.closed().await.map(|(code, _)| code), Some(4504));
}

#[tokio::test]
async fn an_unknown_type_is_an_error_and_the_connection_lives_on() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let mut socket = app.connect(&anna).await;
    for _ in 0..limits::BAD_FRAMES_PER_MINUTE * 2 {
        let reference = socket.ask("dance", json!({})).await;
        assert_eq!(socket.answer(&reference).await["code"], "unknown_type");
    }
    socket.settled().await;
}

#[tokio::test]
async fn a_wrong_field_is_named_and_loses_nothing() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let room = app.room(&anna, &[]).await;
    let mut socket = app.connect(&anna).await;
    let too_long = "x".repeat(limits::MESSAGE_BYTES + 1);
    for (payload, code, field) in [
        (json!({ "conversation_id": room, "message": "  \n " }), "invalid", "message"),
        (json!({ "conversation_id": room }), "invalid", "message"),
        (json!({ "message": "to nobody" }), "invalid", "conversation_id"),
        (json!({ "conversation_id": "x", "message": "hi" }), "invalid", "conversation_id"),
        (json!({ "conversation_id": room, "client_id": "1", "message": "hi" }), "invalid", "client_id"),
        (json!({ "conversation_id": room, "message": "hi", "visibility": "note" }), "invalid", "visibility"),
        (json!({ "conversation_id": room, "message": too_long }), "too_large", ""),
        (json!({ "conversation_id": "01JD3WQ8ZC3E5V9G7M2K4N6P8R", "message": "hi" }), "not_found", ""),
    ] {
        let reference = socket.ask("chat", payload).await;
        let error = socket.answer(&reference).await;
        assert_eq!((error["type"].as_str(), error["code"].as_str()), (Some("error"), Some(code)), "{error}");
        if !field.is_empty() {
            assert!(error["details"][field].is_string(), "{error}");
        }
    }
    let longest = socket.chat(room, &"é".repeat(limits::MESSAGE_BYTES / 2)).await;
    assert_eq!(longest["type"], "ack", "{longest}");
}

#[tokio::test]
async fn a_frame_that_is_too_large_closes_the_socket() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    for extra in [1, 1024 * 1024] {
        let mut socket = app.connect(&anna).await;
        let text = format!("{:?}", "x".repeat(limits::CLIENT_FRAME_BYTES - 2 + extra));
        let _ = socket.try_send_raw(Message::text(text)).await;
        assert_eq!(socket.closed().await.map(|(code, _)| code), Some(1009), "{extra}");
    }
    let mut socket = app.connect(&anna).await;
    socket.send_raw(Message::text(format!("{:?}", "x".repeat(limits::CLIENT_FRAME_BYTES - 2)))).await;
    assert_eq!(socket.next_of("error").await["code"], "bad_frame");
}

#[tokio::test]
async fn anothers_conversation_is_as_if_it_were_not_there() {
    let app = TestApp::start().await;
    let (anna, eve) = (app.member("anna").await, app.member("eve").await);
    let room = app.room(&anna, &[]).await;
    let message = app.connect(&anna).await.chat(room, "secret").await["message_id"].clone();
    let mut socket = app.connect(&eve).await;
    assert_eq!(socket.subscribe(room, Some(0)).await["mode"], "denied");
    for (kind, payload) in [
        ("chat", json!({ "conversation_id": room, "message": "hi" })),
        ("edit", json!({ "conversation_id": room, "message_id": message, "message": "hi" })),
        ("delete", json!({ "conversation_id": room, "message_id": message })),
        ("react", json!({ "conversation_id": room, "message_id": message, "emoji": "👍", "on": true })),
        ("read", json!({ "conversation_id": room, "seq": 1 })),
        ("typing_start", json!({ "conversation_id": room })),
        ("cancel", json!({ "conversation_id": room })),
        ("control", json!({ "conversation_id": room, "action": "take", "epoch": 1 })),
    ] {
        let reference = socket.ask(kind, payload).await;
        assert_eq!(socket.answer(&reference).await["code"], "not_found", "{kind}");
    }
    assert!(!socket.settled().await.iter().any(|frame| frame.to_string().contains("secret")));
}
