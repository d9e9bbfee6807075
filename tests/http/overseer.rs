//! What admins see and do of the server at work: connections, broadcasts, the audit log.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Account, PASSWORD, Socket, TestApp, problem};

async fn connections(app: &TestApp, root: &Account) -> Value {
    app.get(root, "/api/v1/ws/connections").await.json().await.unwrap()
}

async fn audit(app: &TestApp, root: &Account) -> Vec<Value> {
    let page: Value = app.get(root, "/api/v1/audit").await.json().await.unwrap();
    page["entries"].as_array().unwrap().clone()
}

/// The actions, the newest first.
fn actions(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["action"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn an_admin_sees_who_is_connected_since_when_and_from_where() {
    let app = TestApp::start_with(|settings| settings.trusted_proxies = Some("127.0.0.1".into())).await;
    let root = app.register("root").await;
    let anna = app.register("anna").await;
    let room = app.room(&anna, &[]).await;
    let token = format!("Bearer {}", anna.token);
    let headers = [("authorization", token.as_str()), ("x-forwarded-for", "203.0.113.9")];
    let mut socket = Socket::handshake(app.addr, "/ws", &headers).await.unwrap();
    let connected = socket.next().await;
    socket.subscribe(room, None).await;
    let stream = Socket::handshake(app.addr, "/ws/stream", &headers[..1]).await.unwrap();

    let list = connections(&app, &root).await;
    assert_eq!(list["total"], 2);
    let of = |endpoint: &str| {
        list["connections"].as_array().unwrap().iter().find(|line| line["endpoint"] == endpoint).unwrap().clone()
    };
    let line = of("/ws");
    assert_eq!(line["id"], connected["connection_id"]);
    assert_eq!((&line["user"]["name"], &line["role"]), (&json!("anna"), &json!("member")));
    assert_eq!((&line["address"], &line["subscriptions"]), (&json!("203.0.113.9"), &json!(1)));
    assert!(line["since"].is_string() && line["waiting_bytes"].is_u64());
    assert_eq!(of("/ws/stream")["address"], "127.0.0.1");
    drop(stream);
    let refused = problem(app.get(&anna, "/api/v1/ws/connections").await).await;
    assert_eq!(refused, (403, "forbidden".into()));
}

#[tokio::test]
async fn a_disconnected_client_is_closed_with_4503_and_the_others_stay() {
    let app = TestApp::start().await;
    let root = app.register("root").await;
    let anna = app.register("anna").await;
    let (mut one, mut other) = (app.connect(&anna).await, app.connect(&anna).await);
    let list = connections(&app, &root).await;
    // The newest first.
    let id = list["connections"][1]["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/ws/connections/{id}");
    assert_eq!(app.send(&anna, Method::DELETE, &path, None).await.status(), 403);
    assert_eq!(app.send(&root, Method::DELETE, &path, None).await.status(), 204);
    let closed = tokio::select! {
        closed = one.closed() => closed,
        closed = other.closed() => closed,
    };
    assert_eq!(closed.map(|(code, _)| code), Some(4503));
    let left = connections(&app, &root).await;
    assert_eq!(left["connections"].as_array().unwrap().iter().filter(|line| line["id"] != id.as_str()).count(), 1);
    for unknown in ["nonsense", "01J00000000000000000000000"] {
        let gone = app.send(&root, Method::DELETE, &format!("/api/v1/ws/connections/{unknown}"), None).await;
        assert_eq!(gone.status(), 404, "{unknown}");
    }
    let entries = audit(&app, &root).await;
    assert_eq!((&entries[0]["action"], &entries[0]["subject"]), (&json!("disconnected"), &json!(id)));
}

#[tokio::test]
async fn the_audit_log_has_sign_ins_and_those_that_failed_without_a_password() {
    let app = TestApp::start().await;
    let root = app.register("root").await;
    let tried = [("root", PASSWORD, 200), ("root", "wrong horse", 401), ("my pass word", "wrong horse", 401)];
    for (username, password, status) in tried {
        let body = json!({ "username": username, "password": password });
        let answer = app.request(Method::POST, "/api/v1/auth/login").json(&body).send().await.unwrap();
        assert_eq!(answer.status(), status);
    }
    let entries = audit(&app, &root).await;
    assert_eq!(actions(&entries), ["sign_in_failed", "sign_in_failed", "signed_in", "account_created"]);
    assert_eq!((&entries[0]["subject"], &entries[1]["subject"]), (&json!(""), &json!("root")));
    assert_eq!((&entries[2]["by"]["name"], &entries[2]["address"]), (&json!("root"), &json!("127.0.0.1")));
    assert!(entries[1].get("by").is_none());
    assert!(!json!(entries).to_string().contains("horse"));
}

#[tokio::test]
async fn the_audit_log_has_roles_settings_sites_broadcasts_and_takeovers() {
    let app = TestApp::start().await;
    let root = app.register("root").await;
    let anna = app.register("anna").await;
    for body in [json!({ "role": "operator" }), json!({ "disabled": true }), json!({ "disabled": false })] {
        app.send(&root, Method::PATCH, "/api/v1/users/anna", Some(body)).await;
    }
    let model = json!({ "provider": "ollama", "model": "llama3.2", "api_key": "sk-never-told" });
    assert_eq!(app.send(&root, Method::PUT, "/api/v1/settings/model", Some(model)).await.status(), 200);
    let site = json!({ "agents": false });
    assert_eq!(app.send(&root, Method::PATCH, "/api/v1/sites/default", Some(site)).await.status(), 200);
    assert_eq!(app.post(&root, "/api/v1/ws/broadcast", json!({ "message": "Back at noon" })).await.status(), 202);
    let opened = app.request(Method::POST, "/api/v1/widget/sessions").json(&json!({ "site_id": "default" }));
    let opened: Value = opened.send().await.unwrap().json().await.unwrap();
    let dialog = opened["dialog_id"].as_str().unwrap();
    let control = format!("/api/v1/conversations/{dialog}/control");
    let taken = app.post(&root, &control, json!({ "action": "take", "epoch": 1 })).await;
    assert_eq!(taken.status(), 200, "{}", taken.text().await.unwrap());

    let entries = audit(&app, &root).await;
    let expected = [
        "control",
        "broadcast",
        "site_changed",
        "settings_changed",
        "account_enabled",
        "account_disabled",
        "role_changed",
        "account_created",
        "account_created",
    ];
    assert_eq!(actions(&entries), expected);
    assert_eq!((&entries[0]["subject"], &entries[0]["by"]["name"]), (&json!(dialog), &json!("root")));
    assert_eq!(entries[0]["detail"], "take: with root, open");
    assert_eq!(entries[1]["detail"], "Back at noon");
    assert_eq!((&entries[6]["subject"], &entries[6]["detail"]), (&json!("anna"), &json!("from member to operator")));
    assert!(!json!(entries).to_string().contains("sk-never-told"));
    let cookie = format!("magpie_session={}", root.token);
    let page = app.request(Method::GET, "/settings/audit").header("cookie", cookie).send().await.unwrap();
    let page = page.text().await.unwrap();
    let link = format!("<a href=\"/operator/{dialog}\">Dialog with Visitor");
    for words in [&link, "Took over", "now with root, open", "This server", "Changed a role", "The model"] {
        assert!(page.contains(words), "{words} in {page}");
    }
    let (_, table) = page.split_once("<tbody>").unwrap();
    let (table, _) = table.split_once("</tbody>").unwrap();
    assert!(!table.contains("_") && table.matches(dialog).count() == 1, "{table}");
    // The old session of somebody disabled is revoked.
    assert_eq!(app.get(&anna, "/api/v1/audit").await.status(), 401);
}

#[tokio::test]
async fn the_audit_log_is_read_in_pages() {
    let app = TestApp::start().await;
    let root = app.register("root").await;
    for n in 0..5 {
        app.post(&root, "/api/v1/ws/broadcast", json!({ "message": format!("{n}") })).await;
    }
    let page: Value = app.get(&root, "/api/v1/audit?limit=2").await.json().await.unwrap();
    let details = |page: &Value| -> Vec<Value> {
        page["entries"].as_array().unwrap().iter().map(|entry| entry["detail"].clone()).collect()
    };
    assert_eq!((details(&page), &page["more"]), (vec![json!("4"), json!("3")], &json!(true)));
    let before = page["entries"][1]["id"].as_u64().unwrap();
    let page: Value = app.get(&root, &format!("/api/v1/audit?before={before}&limit=200")).await.json().await.unwrap();
    assert_eq!((page["entries"].as_array().unwrap().len(), &page["more"]), (4, &json!(false)));
    let anna = app.register("anna").await;
    assert_eq!(app.get(&anna, "/api/v1/audit").await.status(), 403);
}
