//! `/users`, health, socket counts, broadcasts, and how the API says no.

use magpie::protocol::limits;
use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::support::{TestApp, problem};

async fn patch(app: &TestApp, by: &crate::support::Account, username: &str, body: Value) -> reqwest::Response {
    app.send(by, Method::PATCH, &format!("/api/v1/users/{username}"), Some(body)).await
}

#[tokio::test]
async fn users_are_for_admins() {
    let app = TestApp::start().await;
    let root = app.register("root").await;
    let anna = app.register("anna").await;
    let body: Value = app.get(&root, "/api/v1/users").await.json().await.unwrap();
    let names: Vec<_> = body["users"].as_array().unwrap().iter().map(|user| user["username"].clone()).collect();
    assert_eq!(names, ["anna", "root"]);
    assert_eq!(problem(app.get(&anna, "/api/v1/users").await).await, (403, "forbidden".into()));
    let promoted = patch(&app, &anna, "anna", json!({ "role": "admin" })).await;
    assert_eq!(problem(promoted).await, (403, "forbidden".into()));
    let unknown = patch(&app, &root, "nobody", json!({ "role": "member" })).await;
    assert_eq!(problem(unknown).await, (404, "unknown_user".into()));
    for role in ["visitor", "king"] {
        let refused = patch(&app, &root, "anna", json!({ "role": role })).await;
        assert_eq!(problem(refused).await, (422, "invalid".into()), "{role}");
    }
}

#[tokio::test]
async fn a_change_of_role_acts_at_once_and_closes_the_sockets() {
    let app = TestApp::start().await;
    let root = app.register("root").await;
    let anna = app.register("anna").await;
    let (mut hers, mut others) = (app.connect(&anna).await, app.connect(&root).await);
    let response = patch(&app, &root, "anna", json!({ "role": "operator" })).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.json::<Value>().await.unwrap()["role"], "operator");
    assert_eq!(hers.closed().await.map(|(code, _)| code), Some(4500));
    assert_eq!(app.get(&anna, "/api/v1/me").await.json::<Value>().await.unwrap()["role"], "operator");
    let mut again = app.connect(&anna).await;
    assert_eq!(patch(&app, &root, "anna", json!({ "role": "operator" })).await.status(), 200);
    again.settled().await;
    others.settled().await;
}

#[tokio::test]
async fn a_disabled_account_is_out_until_it_is_enabled() {
    let app = TestApp::start().await;
    let root = app.register("root").await;
    let anna = app.register("anna").await;
    let mut socket = app.connect(&anna).await;
    let response = patch(&app, &root, "anna", json!({ "disabled": true })).await;
    assert_eq!(response.json::<Value>().await.unwrap()["disabled"], true);
    assert_eq!(socket.closed().await.map(|(code, _)| code), Some(4501));
    assert_eq!(app.get(&anna, "/api/v1/me").await.status(), 401);
    let login = json!({ "username": "anna", "password": crate::support::PASSWORD });
    let refused = app.request(Method::POST, "/api/v1/auth/login").json(&login).send().await.unwrap();
    assert_eq!(problem(refused).await, (401, "bad_credentials".into()));
    patch(&app, &root, "anna", json!({ "disabled": false })).await;
    assert_eq!(app.get(&anna, "/api/v1/me").await.status(), 401, "the old session stays revoked");
    let back = app.request(Method::POST, "/api/v1/auth/login").json(&login).send().await.unwrap();
    assert_eq!(back.status(), 200);
}

#[tokio::test]
async fn the_last_admin_stays_one() {
    let app = TestApp::start().await;
    let root = app.register("root").await;
    app.register("anna").await;
    for body in [json!({ "role": "member" }), json!({ "disabled": true })] {
        assert_eq!(problem(patch(&app, &root, "root", body).await).await, (422, "invalid".into()));
    }
    assert_eq!(patch(&app, &root, "anna", json!({ "role": "admin" })).await.status(), 200);
    assert_eq!(patch(&app, &root, "root", json!({ "role": "member" })).await.status(), 200);
    assert_eq!(app.get(&root, "/api/v1/users").await.status(), 403);
}

#[tokio::test]
async fn health_answers_at_the_root_and_under_the_api() {
    let app = TestApp::start().await;
    for base in ["", "/api/v1"] {
        let health: Value =
            app.request(Method::GET, &format!("{base}/health")).send().await.unwrap().json().await.unwrap();
        assert_eq!(health["status"], "healthy");
        assert!(health["timestamp"].is_string());
        let ready = app.request(Method::GET, &format!("{base}/health/ready")).send().await.unwrap();
        assert_eq!(ready.status(), 200);
        let ready: Value = ready.json().await.unwrap();
        for (part, word) in
            [("status", "ready"), ("llm_status", "offline"), ("database", "connected"), ("bus", "in_process")]
        {
            assert_eq!(ready[part], word, "{ready}");
        }
    }
}

#[tokio::test]
async fn a_server_whose_database_fails_is_not_ready_and_says_so() {
    let app = TestApp::start().await;
    app.state.storage.close().await;
    let ready = app.request(Method::GET, "/health/ready").send().await.unwrap();
    assert_eq!(ready.status(), 503);
    let ready: Value = ready.json().await.unwrap();
    assert_eq!((&ready["status"], &ready["database"]), (&json!("not_ready"), &json!("failed")));
    assert_eq!(ready["bus"], "in_process");
    assert_eq!(app.request(Method::GET, "/health").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn the_number_of_open_sockets_is_told() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let _sockets = [app.connect(&anna).await, app.connect(&anna).await];
    for path in ["/ws/status", "/api/v1/ws/status"] {
        let status: Value = app.request(Method::GET, path).send().await.unwrap().json().await.unwrap();
        assert_eq!((&status["active_connections"], &status["status"]), (&json!(2), &json!("healthy")), "{path}");
        assert!(status["timestamp"].is_string());
    }
}

#[tokio::test]
async fn an_admin_speaks_to_every_connection() {
    let app = TestApp::start().await;
    let root = app.register("root").await;
    let anna = app.register("anna").await;
    let mut sockets = [app.connect(&root).await, app.connect(&anna).await, app.connect(&anna).await];
    let body = json!({ "message": " Back in five minutes. " });
    let response = app.post(&root, "/api/v1/ws/broadcast", body.clone()).await;
    assert_eq!(response.status(), 202);
    assert_eq!(response.json::<Value>().await.unwrap(), json!({ "delivered": 3 }));
    for socket in &mut sockets {
        let frame = socket.next_of("broadcast").await;
        assert_eq!(frame["message"], "Back in five minutes.");
        assert_eq!(frame["from"], json!({ "id": root.signed_in.user.id, "name": "root" }));
        assert!(frame["timestamp"].is_string());
    }
    assert_eq!(problem(app.post(&anna, "/api/v1/ws/broadcast", body).await).await, (403, "forbidden".into()));
    let empty = app.post(&root, "/api/v1/ws/broadcast", json!({ "message": " " })).await;
    assert_eq!(problem(empty).await, (422, "invalid".into()));
}

#[tokio::test]
async fn every_refusal_of_the_api_is_a_problem() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let conversations = "/api/v1/conversations";
    assert_eq!(problem(app.get(&anna, "/api/v1/nothing/here").await).await, (404, "not_found".into()));
    assert_eq!(problem(app.get(&anna, "/api/v1/conversations/nonsense").await).await, (404, "not_found".into()));
    assert_eq!(problem(app.send(&anna, Method::DELETE, conversations, None).await).await, (405, "invalid".into()));
    let send = |kind: &'static str, body: String| {
        app.request(Method::POST, conversations).bearer_auth(&anna.token).header(header::CONTENT_TYPE, kind).body(body)
    };
    for (kind, body, status, code) in [
        ("application/json", "{".to_owned(), 400, "invalid"),
        ("application/json", "[]".into(), 422, "invalid"),
        ("application/json", r#"{"title":7}"#.into(), 422, "invalid"),
        ("application/json", format!(r#"{{"title":"{}"}}"#, "x".repeat(limits::HTTP_BODY_BYTES)), 413, "too_large"),
        ("application/x-www-form-urlencoded", "title=Room".into(), 415, "invalid"),
        ("text/plain", r#"{"title":"Room"}"#.into(), 415, "invalid"),
    ] {
        let refused = problem(send(kind, body).send().await.unwrap()).await;
        assert_eq!(refused, (status, code.to_owned()), "{kind}");
    }
    let named: Value = send("application/json", "{}".into()).send().await.unwrap().json().await.unwrap();
    assert_eq!(named["details"], json!({ "title": "missing" }));
    assert!(
        send("application/json; charset=utf-8", r#"{"title":"Room"}"#.into()).send().await.unwrap().status() == 201
    );
}

#[tokio::test]
async fn answers_of_the_api_are_kept_by_nobody() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let response = app.get(&anna, "/api/v1/me").await;
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
}
