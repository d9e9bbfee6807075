//! What operators work with: each other, canned replies, and the panel's first paint.

use magpie::protocol::limits;
use reqwest::{Method, Response, header};
use serde_json::{Value, json};

use crate::support::{Account, PASSWORD, TestApp, problem};

const CANNED: &str = "/api/v1/canned";

/// Made an operator by the first account, and signed in as one.
async fn operator(app: &TestApp, root: &Account, name: &str) -> Account {
    app.register(name).await;
    let path = format!("/api/v1/users/{name}");
    assert_eq!(app.send(root, Method::PATCH, &path, Some(json!({ "role": "operator" }))).await.status(), 200);
    let body = json!({ "username": name, "password": PASSWORD });
    let answer = app.request(Method::POST, "/api/v1/auth/login").json(&body).send().await.unwrap();
    Account::of(name, answer.json().await.unwrap())
}

/// A visitor's token and dialog, in which they wrote this.
async fn visitor(app: &TestApp, text: &str) -> (String, String) {
    let body = json!({ "site_id": "default", "page": "https://shop.example/cart", "identity": { "name": "Vera" } });
    let opened = app.request(Method::POST, "/api/v1/widget/sessions").json(&body).send().await.unwrap();
    let opened: Value = opened.json().await.unwrap();
    let (token, dialog) = (opened["token"].as_str().unwrap(), opened["dialog_id"].as_str().unwrap());
    let path = format!("/api/v1/conversations/{dialog}/messages");
    let posted = app.request(Method::POST, &path).bearer_auth(token).json(&json!({ "message": text })).send().await;
    assert_eq!(posted.unwrap().status(), 201);
    (token.to_owned(), dialog.to_owned())
}

async fn page(app: &TestApp, by: &Account, path: &str) -> (u16, String) {
    let cookie = format!("magpie_session={}", by.token);
    let answer = app.request(Method::GET, path).header(header::COOKIE, cookie).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn put(app: &TestApp, by: &Account, canned: Value) -> Response {
    app.send(by, Method::PUT, CANNED, Some(json!({ "canned": canned }))).await
}

#[tokio::test]
async fn operators_see_each_other_and_who_of_them_is_here() {
    let app = TestApp::start().await;
    let root = app.register("root").await;
    let anna = operator(&app, &root, "anna").await;
    let ben = app.register("ben").await;
    let _socket = app.connect(&anna).await;
    let body: Value = app.get(&anna, "/api/v1/operators").await.json().await.unwrap();
    let all: Vec<_> =
        body["operators"].as_array().unwrap().iter().map(|one| (&one["username"], &one["status"])).collect();
    assert_eq!(all, [(&json!("root"), &json!("offline")), (&json!("anna"), &json!("online"))]);
    assert_eq!(problem(app.get(&ben, "/api/v1/operators").await).await, (403, "forbidden".into()));
}

#[tokio::test]
async fn canned_replies_are_the_operators_own_and_within_their_bounds() {
    let app = TestApp::start().await;
    let root = app.register("root").await;
    let anna = operator(&app, &root, "anna").await;
    let ben = app.register("ben").await;
    assert_eq!(app.get(&anna, CANNED).await.json::<Value>().await.unwrap(), json!({ "canned": [] }));
    let list = json!([{ "shortcut": "hours", "text": "9 to 5" }, { "shortcut": "bye", "text": "Bye, {name}!" }]);
    assert_eq!(put(&app, &anna, list.clone()).await.json::<Value>().await.unwrap()["canned"], list);
    assert_eq!(app.get(&root, CANNED).await.json::<Value>().await.unwrap()["canned"], list, "everybody's");

    assert_eq!(problem(put(&app, &ben, json!([])).await).await, (403, "forbidden".into()));
    assert_eq!(problem(app.get(&ben, CANNED).await).await, (403, "forbidden".into()));
    let (vera, _) = visitor(&app, "hello").await;
    let refused = app.request(Method::GET, CANNED).bearer_auth(vera).send().await.unwrap();
    assert_eq!(problem(refused).await, (403, "forbidden".into()));
    let many: Vec<_> = (0..=limits::CANNED).map(|n| json!({ "shortcut": n.to_string(), "text": "x" })).collect();
    let long = "x".repeat(limits::CANNED_TEXT_CHARS + 1);
    for wrong in [json!(many), json!([{ "shortcut": "a b", "text": "x" }]), json!([{ "shortcut": "a", "text": long }])]
    {
        assert_eq!(problem(put(&app, &anna, wrong).await).await, (422, "invalid".into()));
    }
    assert_eq!(
        app.get(&anna, CANNED).await.json::<Value>().await.unwrap()["canned"],
        list,
        "a refused list changes nothing"
    );
}

#[tokio::test]
async fn the_panel_is_painted_with_its_dialogs_and_is_there_for_operators_alone() {
    let app = TestApp::start().await;
    let root = app.register("root").await;
    let anna = operator(&app, &root, "anna").await;
    let ben = app.register("ben").await;
    let (_, dialog) = visitor(&app, "Where is my parcel?").await;

    let (status, html) = page(&app, &anna, "/operator?tab=all").await;
    assert_eq!(status, 200);
    assert!(html.contains("aria-label=\"Vera: "), "{html}");
    let (status, html) = page(&app, &anna, &format!("/operator/{dialog}")).await;
    assert_eq!(status, 200);
    assert!(html.contains("Where is my parcel?") && html.contains("https://shop.example/cart"));

    for path in ["/operator".to_owned(), format!("/operator/{dialog}")] {
        let (status, html) = page(&app, &ben, &path).await;
        assert_eq!(status, 404, "{path}");
        assert!(!html.contains("Vera") && !html.contains("parcel"), "{path}");
        let out = app.request(Method::GET, &path).send().await.unwrap();
        assert_eq!(out.headers()[header::LOCATION], format!("/login?next={path}"));
    }
    let room = app.room(&anna, &[]).await;
    assert_eq!(page(&app, &anna, &format!("/operator/{room}")).await.0, 404, "a room is no dialog");
}

#[tokio::test]
async fn the_list_of_conversations_and_their_pages_are_for_rooms() {
    let app = TestApp::start().await;
    let root = app.register("root").await;
    let (_, dialog) = visitor(&app, "Where is my parcel?").await;
    let (status, html) = page(&app, &root, "/").await;
    assert_eq!(status, 200);
    assert!(html.contains("Operator panel") && !html.contains("Vera"), "{html}");
    assert_eq!(page(&app, &root, &format!("/c/{dialog}")).await.0, 404);
    let ben = app.register("ben").await;
    assert!(!page(&app, &ben, "/").await.1.contains("Operator panel"));
}

/// A form of a page without JavaScript; where it leads.
async fn submit(app: &TestApp, by: &Account, function: &str, fields: &[(&str, &str)]) -> Option<String> {
    let request = app.request(Method::POST, &format!("/fn/{function}")).header(header::ACCEPT, "text/html");
    let request = request.header(header::COOKIE, format!("magpie_session={}", by.token));
    let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={}", value.replace(' ', "+"))).collect();
    let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let answer = request.header(header::ORIGIN, app.url("")).body(fields.join("&")).send().await.unwrap();
    answer.headers().get(header::LOCATION).map(|to| to.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_plain_form_in_a_dialog_leads_back_to_the_panel_and_one_in_a_room_to_the_room() {
    let app = TestApp::start().await;
    let root = app.register("root").await;
    let (_, dialog) = visitor(&app, "Where is my parcel?").await;
    let room = app.room(&root, &[]).await.to_string();
    for (id, here) in [(&dialog, format!("/operator/{dialog}")), (&room, format!("/c/{room}"))] {
        let posted =
            app.post(&root, &format!("/api/v1/conversations/{id}/messages"), json!({ "message": "Soon." })).await;
        let posted: Value = posted.json().await.unwrap();
        let (id, message) = (("conversation", id.as_str()), ("message_id", posted["message_id"].as_str().unwrap()));
        let form = async |function: &str, fields: &[(&str, &str)]| submit(&app, &root, function, fields).await;
        assert_eq!(form("edit_message", &[id, message, ("message", "Tomorrow.")]).await.as_deref(), Some(&*here));
        assert_eq!(form("react", &[id, message, ("emoji", "x"), ("on", "true")]).await.as_deref(), Some(&*here));
        assert_eq!(form("send_message", &[id, ("message", "Really.")]).await.as_deref(), Some(&*here));
        assert_eq!(form("delete_message", &[id, message]).await.as_deref(), Some(&*here));
        assert_eq!(
            form("stop_run", &[id]).await,
            Some(format!("{here}?error=no_run")),
            "what went wrong is told there"
        );
        assert_eq!(page(&app, &root, &here).await.0, 200);
    }
}

#[tokio::test]
async fn by_plain_forms_a_dialog_is_taken_answered_and_noted() {
    let app = TestApp::start().await;
    let root = app.register("root").await;
    let (vera, dialog) = visitor(&app, "Where is my parcel?").await;
    let form = async |function: &str, fields: &[(&str, &str)]| submit(&app, &root, function, fields).await;
    let here = format!("/operator/{dialog}");
    let control = [("conversation", dialog.as_str()), ("action", "take"), ("epoch", "0")];
    let detail: Value = app.get(&root, &format!("/api/v1/conversations/{dialog}")).await.json().await.unwrap();
    let epoch = detail["control"]["epoch"].to_string();
    let control = control.map(|(name, value)| (name, if name == "epoch" { epoch.as_str() } else { value }));
    assert_eq!(form("control", &control).await.as_deref(), Some(here.as_str()));
    assert_eq!(form("control", &control).await, Some(format!("{here}?error=stale_epoch")));
    let reply =
        |visibility, message| [("conversation", dialog.as_str()), ("visibility", visibility), ("message", message)];
    assert_eq!(form("send_reply", &reply("public", "On its way.")).await.as_deref(), Some(here.as_str()));
    assert_eq!(form("send_reply", &reply("note", "It is lost.")).await.as_deref(), Some(here.as_str()));
    let path = format!("/api/v1/conversations/{dialog}/messages");
    let seen = app.request(Method::GET, &path).bearer_auth(&vera).send().await.unwrap().text().await.unwrap();
    assert!(seen.contains("On its way.") && !seen.contains("It is lost."), "{seen}");
    let html = page(&app, &root, &here).await.1;
    assert!(html.contains("It is lost.") && html.contains("took over"), "{html}");
}
