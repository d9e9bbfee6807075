//! A socket lives as long as the newest token of its session.

use magpie::{
    protocol::{Timestamp, time::SECOND_MS},
    server::{
        auth::jwt::{Claims, Tokens},
        clock,
    },
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Account, Socket, TestApp};

/// The same session by a token that is over two to three seconds from now, and when.
fn short_lived(app: &TestApp, account: &Account) -> (String, i64) {
    let secret = &app.state.config.auth.jwt_secret;
    let now = clock::now();
    let claims = Tokens::new(secret).verify(&account.token, now).expect("a token of this server").claims().clone();
    let exp = now.as_ms() / SECOND_MS + 3;
    let key = jsonwebtoken::EncodingKey::from_secret(secret.expose());
    let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &Claims { exp, ..claims }, &key).unwrap();
    (token, exp * SECOND_MS)
}

/// Opens a socket; also until when it says that it lives.
async fn open(app: &TestApp, token: &str) -> (Socket, i64) {
    let header = format!("Bearer {token}");
    let mut socket = Socket::handshake(app.addr, "/ws", &[("authorization", &header)]).await.unwrap();
    let until = expires_at(&socket.next().await);
    (socket, until)
}

fn expires_at(frame: &Value) -> i64 {
    serde_json::from_value::<Timestamp>(frame["expires_at"].clone()).unwrap().as_ms()
}

async fn refresh(app: &TestApp, token: &str) -> Value {
    let request = app.request(Method::POST, "/api/v1/auth/refresh").bearer_auth(token);
    request.send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn a_socket_whose_token_was_refreshed_outlives_the_old_one() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let (token, end) = short_lived(&app, &anna);
    let (mut socket, until) = open(&app, &token).await;
    let (mut left_alone, _) = open(&app, &short_lived(&app, &app.register("ben").await).0).await;
    assert_eq!(until, end);
    let fresh = refresh(&app, &token).await;
    let renewed = socket.next_of("status").await;
    assert_eq!((&renewed["status"], expires_at(&renewed)), (&json!("renewed"), expires_at(&fresh)));
    // By then the old token is over for certain: it closes who has no other.
    assert_eq!(left_alone.closed().await.map(|(code, _)| code), Some(4500));
    assert_eq!(socket.settled().await, Vec::<Value>::new());
}

#[tokio::test]
async fn tabs_that_refresh_at_the_same_time_leave_each_other_signed_in() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let (token, _) = short_lived(&app, &anna);
    let ((mut one, _), (mut other, _)) = (open(&app, &token).await, open(&app, &token).await);
    let (first, second) = tokio::join!(refresh(&app, &token), refresh(&app, &token));
    for token in [&first["token"], &second["token"]] {
        let account = Account { token: token.as_str().unwrap().into(), ..anna.clone() };
        assert_eq!(app.get(&account, "/api/v1/me").await.status(), 200);
    }
    for socket in [&mut one, &mut other] {
        assert_eq!(socket.next_of("status").await["status"], "renewed");
        assert_eq!(socket.next_of("status").await["status"], "renewed");
    }
}

#[tokio::test]
async fn a_refresh_renews_its_own_session_and_no_other() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let login = json!({ "username": "anna", "password": crate::support::PASSWORD });
    let again = app.request(Method::POST, "/api/v1/auth/login").json(&login).send().await.unwrap();
    let phone = Account::of("anna", again.json().await.unwrap());
    let mut hers = app.connect(&phone).await;
    refresh(&app, &anna.token).await;
    assert_eq!(hers.settled().await, Vec::<Value>::new());
}
