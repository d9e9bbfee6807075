//! `/conversations/{id}/events`, `/messages` and `/cancel`: reading and writing without a socket.

use magpie::protocol::{ConversationId, limits};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::support::{Account, TestApp, problem};

fn path(id: ConversationId, what: &str) -> String {
    format!("/api/v1/conversations/{id}/{what}")
}

async fn post(app: &TestApp, by: &Account, id: ConversationId, body: Value) -> Response {
    app.post(by, &path(id, "messages"), body).await
}

async fn read(app: &TestApp, by: &Account, id: ConversationId, what: &str) -> Value {
    let response = app.get(by, &path(id, what)).await;
    assert_eq!(response.status(), 200, "{what}");
    assert_eq!(response.headers()["content-type"], "application/json");
    response.json().await.unwrap()
}

fn seqs(frames: &Value) -> Vec<u64> {
    frames.as_array().unwrap().iter().map(|frame| frame["seq"].as_u64().unwrap()).collect()
}

const CLIENT_ID: &str = "2f1c6a0e-6b1d-4c7e-9f55-0a6d3c1b2e4f";

#[tokio::test]
async fn a_posted_message_is_acked_and_a_repeat_makes_no_second_one() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let id = app.room(&anna, &[]).await;
    let body = json!({ "client_id": CLIENT_ID, "message": "  Hello \n" });
    let first = post(&app, &anna, id, body.clone()).await;
    assert_eq!(first.status(), 201);
    let first: Value = first.json().await.unwrap();
    assert_eq!((&first["type"], &first["client_id"]), (&json!("ack"), &json!(CLIENT_ID)));
    assert_eq!((&first["conversation_id"], &first["seq"]), (&json!(id), &json!(2)));
    assert_eq!(first["duplicate"], false);
    assert!(first["message_id"].is_string() && first["timestamp"].is_string());
    let again = post(&app, &anna, id, body).await;
    assert_eq!(again.status(), 200);
    let again: Value = again.json().await.unwrap();
    assert_eq!(again["duplicate"], true);
    for field in ["message_id", "seq", "timestamp"] {
        assert_eq!(again[field], first[field], "{field}");
    }
    let messages = read(&app, &anna, id, "messages").await;
    assert_eq!(seqs(&messages["messages"]), [2]);
    assert_eq!(messages["messages"][0]["text"], "Hello");
    assert_eq!(messages["messages"][0]["sender"], "user");
    assert_eq!(messages["messages"][0]["author"], json!({ "id": anna.signed_in.user.id, "name": "anna" }));
}

#[tokio::test]
async fn a_client_id_stands_for_one_message_of_its_author() {
    let app = TestApp::start().await;
    let (anna, ben) = (app.register("anna").await, app.register("ben").await);
    let (here, there) = (app.room(&anna, &[&ben]).await, app.room(&anna, &[]).await);
    post(&app, &anna, here, json!({ "client_id": CLIENT_ID, "message": "Hello" })).await;
    for (id, text) in [(here, "Goodbye"), (there, "Hello")] {
        let refused = post(&app, &anna, id, json!({ "client_id": CLIENT_ID, "message": text })).await;
        assert_eq!(problem(refused).await, (409, "client_id_reused".into()), "{text}");
    }
    let anothers = post(&app, &ben, here, json!({ "client_id": CLIENT_ID, "message": "Hello" })).await;
    assert_eq!(anothers.status(), 201);
    // Without one the server makes it, and the same text again is another message.
    for _ in 0..2 {
        let response = post(&app, &anna, here, json!({ "message": "Hello" })).await;
        assert_eq!(response.status(), 201);
        assert!(response.json::<Value>().await.unwrap()["client_id"].is_string());
    }
}

#[tokio::test]
async fn what_cannot_be_a_message_is_refused_by_field() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let (id, other) = (app.room(&anna, &[]).await, app.room(&anna, &[]).await);
    let elsewhere: Value = post(&app, &anna, other, json!({ "message": "Hello" })).await.json().await.unwrap();
    let longest = "é".repeat(limits::MESSAGE_BYTES / 2);
    for (body, status, code) in [
        (json!({ "message": " \n " }), 422, "invalid"),
        (json!({ "message": format!("{longest}!") }), 413, "too_large"),
        (json!({ "message": "Hello", "visibility": "note" }), 422, "invalid"),
        (json!({ "message": "Hello", "client_id": "1" }), 422, "invalid"),
        (json!({ "message": "Hello", "reply_to": "x" }), 422, "invalid"),
        (json!({ "message": "Hello", "reply_to": elsewhere["message_id"] }), 404, "not_found"),
    ] {
        let refused = problem(post(&app, &anna, id, body.clone()).await).await;
        assert_eq!(refused, (status, code.to_owned()), "{body:.100}");
    }
    assert_eq!(post(&app, &anna, id, json!({ "message": longest })).await.status(), 201);
    let empty: Value = post(&app, &anna, id, json!({ "message": "" })).await.json().await.unwrap();
    assert!(empty["details"]["message"].is_string(), "{empty}");
}

#[tokio::test]
async fn polling_reads_the_frames_that_a_socket_would_get() {
    let app = TestApp::start().await;
    let (anna, ben) = (app.register("anna").await, app.register("ben").await);
    let id = app.room(&anna, &[]).await;
    let mut socket = app.connect(&anna).await;
    socket.subscribe(id, Some(1)).await;
    let ack = socket.chat(id, "Hello \"world\" \u{1F426}").await;
    let edit = json!({ "conversation_id": id, "message_id": ack["message_id"], "message": "Hi" });
    let react = json!({ "conversation_id": id, "message_id": ack["message_id"], "emoji": "👍", "on": true });
    for (kind, payload) in [("edit", edit), ("react", react)] {
        let reference = socket.ask(kind, payload).await;
        assert_eq!(socket.answer(&reference).await["type"], "ack", "{kind}");
    }
    app.post(&anna, &path(id, "members"), json!({ "username": "ben" })).await;
    let live = [
        socket.next_of("message").await,
        socket.next_of("edited").await,
        socket.next_of("reaction").await,
        socket.next_of("member").await,
    ];
    let polled = read(&app, &ben, id, "events?after=1").await;
    assert_eq!(polled["head"], 5);
    assert_eq!(polled["events"], json!(live));
}

#[tokio::test]
async fn a_log_is_paged_without_a_hole() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let id = app.room(&anna, &[]).await;
    for at in 0..6 {
        post(&app, &anna, id, json!({ "message": format!("{at}") })).await;
    }
    let mut cursor = 0;
    let mut read_so_far = Vec::new();
    while cursor < 7 {
        let page = read(&app, &anna, id, &format!("events?after={cursor}&limit=3")).await;
        assert_eq!(page["head"], 7);
        read_so_far.extend(seqs(&page["events"]));
        cursor = *read_so_far.last().unwrap();
    }
    assert_eq!(read_so_far, [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(seqs(&read(&app, &anna, id, "events").await["events"]).len(), 7);
    assert_eq!(read(&app, &anna, id, "events?after=7").await, json!({ "events": [], "head": 7 }));
    assert_eq!(read(&app, &anna, id, "events?after=99").await, json!({ "events": [], "head": 7 }));
    for bad in
        ["events?limit=0", "events?after=-1", "events?limit=many", "events?after=9007199254740992", "messages?limit=0"]
    {
        assert_eq!(problem(app.get(&anna, &path(id, bad)).await).await, (422, "invalid".into()), "{bad}");
    }
}

#[tokio::test]
async fn a_page_of_the_log_has_at_most_500_events() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let id = app.room(&anna, &[]).await;
    let user = &anna.signed_in.user;
    let posts = (0..limits::EVENTS_PER_PAGE).map(|at| {
        let body = serde_json::from_value(json!({ "message": format!("{at}") })).unwrap();
        app.state.conversations.post(user, id, body)
    });
    for posted in futures_util::future::join_all(posts).await {
        posted.unwrap();
    }
    for query in ["events", "events?limit=100000"] {
        let page = read(&app, &anna, id, query).await;
        assert_eq!(seqs(&page["events"]), (1..=limits::EVENTS_PER_PAGE).collect::<Vec<_>>());
        assert_eq!(page["head"], limits::EVENTS_PER_PAGE + 1);
    }
    let messages = read(&app, &anna, id, "messages?limit=100000").await;
    assert_eq!(seqs(&messages["messages"]).len() as u64, limits::MESSAGES_PER_PAGE);
    let messages = read(&app, &anna, id, "messages").await;
    assert_eq!(seqs(&messages["messages"]).len() as u64, limits::MESSAGES_PER_PAGE_DEFAULT);
}

#[tokio::test]
async fn a_page_of_the_longest_messages_is_cut_short_and_goes_on() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let id = app.room(&anna, &[]).await;
    let longest = "x".repeat(limits::MESSAGE_BYTES);
    let count = limits::EVENTS_PAGE_BYTES / limits::MESSAGE_BYTES + 8;
    for _ in 0..count {
        assert_eq!(post(&app, &anna, id, json!({ "message": longest })).await.status(), 201);
    }
    let first = seqs(&read(&app, &anna, id, "events").await["events"]);
    assert!(first.len() > 1 && first.len() <= count, "{}", first.len());
    let rest = read(&app, &anna, id, &format!("events?after={}", first.len())).await;
    assert_eq!(seqs(&rest["events"]), (first.len() as u64 + 1..=count as u64 + 1).collect::<Vec<_>>());
}

#[tokio::test]
async fn messages_are_read_backwards_as_they_stand_now() {
    let app = TestApp::start().await;
    let (anna, ben) = (app.register("anna").await, app.register("ben").await);
    let id = app.room(&anna, &[&ben]).await;
    let mut ids = Vec::new();
    for text in ["one", "two", "three", "four"] {
        let ack: Value = post(&app, &anna, id, json!({ "message": text })).await.json().await.unwrap();
        ids.push(ack["message_id"].clone());
    }
    let mut socket = app.connect(&anna).await;
    let about = |at: usize| json!({ "conversation_id": id, "message_id": ids[at] });
    for (kind, at, extra) in [
        ("edit", 1, json!({ "message": "TWO" })),
        ("delete", 2, json!({})),
        ("react", 3, json!({ "emoji": "👍", "on": true })),
    ] {
        let mut payload = about(at);
        payload.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let reference = socket.ask(kind, payload).await;
        assert_eq!(socket.answer(&reference).await["type"], "ack", "{kind}");
    }
    let newest = read(&app, &ben, id, "messages?limit=3").await;
    assert_eq!((seqs(&newest["messages"]), &newest["more"]), (vec![4, 5, 6], &json!(true)));
    let [edited, deleted, liked] = newest["messages"].as_array().unwrap().as_slice() else { panic!("{newest}") };
    assert_eq!((&edited["type"], &edited["text"]), (&json!("message"), &json!("TWO")));
    assert!(edited["edited_at"].is_string());
    assert_eq!((&deleted["deleted"], &deleted["text"]), (&json!(true), &json!("")));
    assert_eq!(
        liked["reactions"],
        json!([{ "emoji": "👍", "by": [{ "id": anna.signed_in.user.id, "name": "anna" }] }])
    );
    let older = read(&app, &ben, id, "messages?before=4&limit=3").await;
    assert_eq!((seqs(&older["messages"]), &older["more"]), (vec![3], &json!(false)));
}

#[tokio::test]
async fn only_the_author_edits_and_moderators_delete() {
    let app = TestApp::start().await;
    let (root, anna, ben) = (app.register("root").await, app.register("anna").await, app.register("ben").await);
    let id = app.room(&anna, &[&root, &ben]).await;
    let ack: Value = post(&app, &anna, id, json!({ "message": "Hello" })).await.json().await.unwrap();
    let message = json!({ "conversation_id": id, "message_id": ack["message_id"], "message": "Changed" });
    for (account, kind, answer) in [
        (&ben, "edit", "forbidden"),
        (&root, "edit", "forbidden"),
        (&ben, "delete", "forbidden"),
        (&root, "delete", "ack"),
    ] {
        let mut socket = app.connect(account).await;
        let reference = socket.ask(kind, message.clone()).await;
        let frame = socket.answer(&reference).await;
        let said = if frame["type"] == "error" { &frame["code"] } else { &frame["type"] };
        assert_eq!(said, answer, "{} {kind}", account.username);
    }
}

#[tokio::test]
async fn without_a_run_there_is_nothing_to_cancel() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let id = app.room(&anna, &[]).await;
    let response = app.send(&anna, Method::POST, &path(id, "cancel"), None).await;
    assert_eq!(problem(response).await, (404, "no_run".into()));
}

#[tokio::test]
async fn who_writes_too_much_has_to_wait_over_any_transport() {
    let app = TestApp::start_with(|settings| settings.rate_limit = None).await;
    let (anna, ben) = (app.register("anna").await, app.register("ben").await);
    let id = app.room(&anna, &[&ben]).await;
    let burst = limits::WRITES_PER_USER.burst;
    for tried in 0.. {
        assert!(tried < burst * 20, "nobody was asked to wait");
        let response = post(&app, &anna, id, json!({ "message": "Hello" })).await;
        if response.status() == 429 {
            assert!(response.headers().contains_key("retry-after"));
            assert_eq!(problem(response).await, (429, "rate_limited".into()));
            assert!(tried + 1 >= burst, "asked to wait after {tried}");
            break;
        }
    }
    // Somebody else is not held up; what only reads never is.
    assert_eq!(post(&app, &ben, id, json!({ "message": "Hello" })).await.status(), 201);
    read(&app, &anna, id, "messages").await;
}
