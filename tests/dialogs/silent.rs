//! Visitors who open the widget and write nothing.

use magpie::{
    protocol::{Timestamp, limits},
    server::clock,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    TestApp,
    desk::{Visitor, at_dialog, operator},
    problem,
};

/// So long after now that whoever came until now is silent for too long.
fn later() -> Timestamp {
    Timestamp::from_ms(clock::now().as_ms() + limits::VISITOR_SILENT_MS + 1)
}

#[tokio::test]
async fn a_visitor_who_writes_nothing_is_forgotten_and_their_widget_begins_anew() {
    let app = TestApp::start().await;
    let anna = operator(&app, "anna").await;
    let (silent, writes, here) = (Visitor::open(&app).await, Visitor::open(&app).await, Visitor::open(&app).await);
    let looked_at = Visitor::open(&app).await;
    let (_person, _) = at_dialog(&app, &anna, looked_at.dialog).await;
    let mut socket = here.connect(&app).await;
    socket.next_of("subscribed").await;
    let get = async |visitor: &Visitor| {
        let path = format!("/api/v1/conversations/{}", visitor.dialog);
        app.request(Method::GET, &path).bearer_auth(&visitor.token).send().await.unwrap()
    };
    let path = format!("/api/v1/conversations/{}/messages", writes.dialog);
    let posted = app.request(Method::POST, &path).bearer_auth(&writes.token).json(&json!({ "message": "Hello" }));
    assert_eq!(posted.send().await.unwrap().status(), 201);

    let soon = Timestamp::from_ms(later().as_ms() - 60_000);
    assert_eq!(app.state.dialogs.forget_silent(soon).await.unwrap(), 0, "a while is no crime");
    assert_eq!(app.state.dialogs.forget_silent(later()).await.unwrap(), 1);
    for (visitor, status) in [(&writes, 200), (&here, 200), (&looked_at, 200), (&silent, 401)] {
        assert_eq!(get(visitor).await.status(), status);
    }
    assert_eq!(problem(get(&silent).await).await, (401, "unauthorized".into()));
    let refresh = app.request(Method::POST, "/api/v1/auth/refresh").bearer_auth(&silent.token).send().await.unwrap();
    assert_eq!(problem(refresh).await.0, 401);

    // What the launcher does then: it comes with the token that it kept.
    let again = |visitor: &Visitor| Visitor::open_with(&app, json!({ "visitor_token": visitor.visitor_token() }));
    let new = again(&silent).await;
    assert_ne!((new.visitor_token(), new.dialog), (silent.visitor_token(), silent.dialog));
    assert_ne!(new.session["visitor_id"], silent.session["visitor_id"]);
    assert_eq!(get(&new).await.status(), 200);
    assert_eq!(again(&writes).await.dialog, writes.dialog);
    let all: Value = app.get(&anna, "/api/v1/conversations").await.json().await.unwrap();
    assert_eq!(all["conversations"].as_array().unwrap().len(), 1);
}
