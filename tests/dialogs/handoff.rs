//! From the AI to the queue, to a person, and back.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    TestApp,
    desk::{Visitor, at_dialog, control, operator},
    model::{ModelServer, endless, say},
    problem,
};

/// Up to the agents' answer, which is returned.
async fn answer(socket: &mut crate::support::Socket) -> Value {
    socket.next_where(|frame| frame["type"] == "message" && frame["sender"] == "agent").await
}

#[tokio::test]
async fn a_visitor_is_answered_at_once_and_gets_a_person_by_the_button() {
    let app = TestApp::start().await;
    let anna = operator(&app, "anna").await;
    let vera = Visitor::open(&app).await;
    let mut visitor = vera.connect(&app).await;
    let subscribed = visitor.next_of("subscribed").await;
    assert_eq!(subscribed["control"], json!({ "owner": { "kind": "ai" }, "status": "open", "epoch": 1 }));
    let mut lists = app.connect(&anna).await;
    visitor.chat(vera.dialog, "What is 17 * 23?").await;
    assert!(answer(&mut visitor).await["text"].as_str().unwrap().contains("391"));
    visitor.next_where(|frame| frame["type"] == "agent_run" && frame["status"] == "completed").await;

    let acked = control(&mut visitor, vera.dialog, "request_human", 1).await;
    assert_eq!(acked["type"], "ack", "{acked}");
    let event = visitor.next_of("control").await;
    assert_eq!((&event["owner"]["kind"], &event["epoch"], &event["seq"]), (&json!("queue"), &json!(2), &acked["seq"]));
    let row = lists
        .next_where(|frame| frame["type"] == "conversation" && frame["conversation"]["owner"]["kind"] == "queue")
        .await;
    let line = &row["conversation"];
    assert_eq!((&line["kind"], &line["id"]), (&json!("dialog"), &json!(vera.dialog)));
    assert!(line["dialog"]["waiting_since"].is_string() && line["unread"].as_u64() > Some(0), "{line}");

    // In the queue the AI is silent.
    visitor.chat(vera.dialog, "What is 2 + 2?").await;
    let (mut person, subscribed) = at_dialog(&app, &anna, vera.dialog).await;
    assert_eq!(subscribed["control"]["epoch"], 2);
    person.chat(vera.dialog, "Hello, I am **Anna**.").await;
    let taken = visitor.next_of("control").await;
    assert_eq!((&taken["owner"]["user"]["name"], &taken["epoch"]), (&json!("anna"), &json!(3)));
    let reply = visitor.next_where(|frame| frame["type"] == "message" && frame["sender"] == "operator").await;
    assert_eq!((&reply["author"]["name"], &reply["seq"]), (&json!("anna"), &json!(taken["seq"].as_u64().unwrap() + 1)));
    let rest = visitor.settled().await;
    let since = taken["seq"].as_u64();
    assert!(!rest.iter().any(|frame| frame["type"] == "agent_run" && frame["seq"].as_u64() > since), "{rest:?}");
    let queued =
        rest.iter().filter(|frame| frame["type"] == "agent_run" && frame["seq"].as_u64() > event["seq"].as_u64());
    assert_eq!(queued.count(), 0);

    assert_eq!(control(&mut person, vera.dialog, "return_to_ai", 3).await["type"], "ack");
    visitor.next_where(|frame| frame["type"] == "control" && frame["owner"]["kind"] == "ai").await;
    visitor.chat(vera.dialog, "What is 2 + 2?").await;
    assert!(answer(&mut visitor).await["text"].as_str().unwrap().contains('4'));
}

#[tokio::test]
async fn a_visitor_gets_a_person_in_words_and_the_farewell_comes_before_the_change() {
    let app = TestApp::start().await;
    for words in ["I want to talk to a human", "operator", "Can I speak to a real person?"] {
        let vera = Visitor::open(&app).await;
        let mut visitor = vera.connect(&app).await;
        visitor.next_of("subscribed").await;
        visitor.chat(vera.dialog, words).await;
        let mut kinds = Vec::new();
        let change = loop {
            let frame = visitor.next().await;
            let is_durable = frame["seq"].is_u64() && frame["type"] != "ack" && frame["type"] != "hidden";
            if frame["type"] == "control" {
                break frame;
            }
            if is_durable {
                kinds.push(frame["type"].as_str().unwrap().to_owned());
            }
        };
        assert_eq!(kinds[kinds.len() - 3..], ["message", "result", "agent_run"], "{words}");
        assert_eq!((&change["owner"]["kind"], &change["epoch"]), (&json!("queue"), &json!(2)));
        assert_eq!(change["by"]["name"], "Assistant");
    }
}

#[tokio::test]
async fn a_model_hands_over_with_its_own_words() {
    let model = ModelServer::start().await;
    let arguments = r#"{"message":"One moment, Jo takes over.","reason":"refund"}"#;
    model.will([crate::support::model::calls(&[("c1", "ask_a_person", arguments)])]);
    let app = TestApp::start_with(|settings| model.configure(settings)).await;
    let vera = Visitor::open(&app).await;
    let mut visitor = vera.connect(&app).await;
    visitor.next_of("subscribed").await;
    visitor.chat(vera.dialog, "@analyst refund me").await;
    assert_eq!(answer(&mut visitor).await["text"], "One moment, Jo takes over.");
    let change = visitor.next_of("control").await;
    assert_eq!((&change["owner"]["kind"], &change["reason"]), (&json!("queue"), &json!("refund")));
    let asked = model.requests();
    assert!(asked[0].body["messages"][0]["content"].as_str().unwrap().contains("visitor of a website"));
}

#[tokio::test]
async fn a_takeover_stops_the_answer_and_keeps_what_was_written() {
    let model = ModelServer::start().await;
    model.always([say("Well, "), endless("and so on ")]);
    let app = TestApp::start_with(|settings| model.configure(settings)).await;
    let anna = operator(&app, "anna").await;
    let vera = Visitor::open(&app).await;
    let mut visitor = vera.connect(&app).await;
    visitor.next_of("subscribed").await;
    let (mut person, _) = at_dialog(&app, &anna, vera.dialog).await;
    visitor.chat(vera.dialog, "@analyst Tell me everything").await;
    visitor.next_of("token").await;

    let begun = Instant::now();
    let acked = control(&mut person, vera.dialog, "take", 1).await;
    assert_eq!(acked["type"], "ack", "{acked}");
    let took = model.closed(0).await.saturating_duration_since(begun);
    println!("from the takeover to the model's closed connection: {took:?}");
    assert!(took < Duration::from_secs(10), "{took:?}");
    for socket in [&mut visitor, &mut person] {
        let partial = socket.next_where(|frame| frame["type"] == "message" && frame["sender"] == "agent").await;
        assert_eq!(partial["partial"], true);
        assert!(partial["text"].as_str().unwrap().starts_with("Well, and so on"));
        let change = socket.next_of("control").await;
        assert!(partial["seq"].as_u64() < change["seq"].as_u64(), "what was written stands before the change");
        let after = socket.settled().await;
        let of_the_ai = |frame: &&Value| {
            let kind = frame["type"].as_str().unwrap();
            let is_later = frame["seq"].as_u64() > change["seq"].as_u64();
            (kind == "token") || (is_later && !["ack", "typing_stop", "hidden"].contains(&kind))
        };
        // A token may still be in the skipped ones of before the change.
        let late: Vec<_> = after.iter().filter(of_the_ai).filter(|frame| frame["seq"].is_u64()).collect();
        assert!(late.is_empty(), "{late:?}");
    }
}

#[tokio::test]
async fn who_comes_too_late_reads_who_was_faster() {
    let app = TestApp::start().await;
    let (anna, ben) = (operator(&app, "anna").await, operator(&app, "ben").await);
    let vera = Visitor::open(&app).await;
    let (mut first, _) = at_dialog(&app, &anna, vera.dialog).await;
    let (mut second, subscribed) = at_dialog(&app, &ben, vera.dialog).await;
    assert_eq!(subscribed["presence"][0]["user"]["name"], "anna", "who else looks");
    let looks = first.next_where(|frame| frame["type"] == "presence" && frame["conversation_id"].is_string()).await;
    assert_eq!((&looks["user"]["name"], &looks["status"]), (&json!("ben"), &json!("online")));
    control(&mut first, vera.dialog, "take", 1).await;
    let late = control(&mut second, vera.dialog, "take", 1).await;
    assert_eq!((&late["type"], &late["code"]), (&json!("error"), &json!("stale_epoch")));
    assert_eq!(late["message"], "anna already took this.");
    assert_eq!((&late["details"]["epoch"], &late["details"]["status"]), (&json!(2), &json!("open")));
    assert_eq!(late["details"]["owner"]["user"]["name"], "anna");
    let reference = second.ask("chat", json!({ "conversation_id": vera.dialog, "message": "me too" })).await;
    assert_eq!(second.answer(&reference).await["code"], "forbidden");
    let note = json!({ "conversation_id": vera.dialog, "message": "I know them", "visibility": "note" });
    let reference = second.ask("chat", note).await;
    assert_eq!(second.answer(&reference).await["type"], "ack", "a note is anybody's of the house");
    let frame = json!({ "conversation_id": vera.dialog, "action": "transfer", "epoch": 2, "to": "ben" });
    let reference = first.ask("control", frame).await;
    assert_eq!(first.answer(&reference).await["type"], "ack");
    assert_eq!(second.chat(vera.dialog, "Now it is me.").await["type"], "ack");
}

#[tokio::test]
async fn a_visitor_who_returns_finds_their_person_or_the_ai() {
    let app = TestApp::start().await;
    let anna = operator(&app, "anna").await;
    let vera = Visitor::open(&app).await;
    let mut visitor = vera.connect(&app).await;
    visitor.next_of("subscribed").await;
    let (mut person, _) = at_dialog(&app, &anna, vera.dialog).await;
    control(&mut person, vera.dialog, "take", 1).await;
    control(&mut person, vera.dialog, "resolve", 2).await;
    let resolved = visitor.next_where(|frame| frame["status"] == "resolved").await;
    assert_eq!((&resolved["epoch"], &resolved["owner"]["kind"]), (&json!(2), &json!("human")), "the same hands");
    visitor.chat(vera.dialog, "One more thing").await;
    let back = visitor
        .next_where(|frame| {
            frame["type"] == "control" && frame["status"] == "open" && frame["seq"].as_u64() > resolved["seq"].as_u64()
        })
        .await;
    assert_eq!((&back["owner"]["user"]["name"], &back["epoch"]), (&json!("anna"), &json!(2)));
    control(&mut person, vera.dialog, "snooze", 2).await;
    visitor.next_where(|frame| frame["status"] == "snoozed").await;
    visitor.chat(vera.dialog, "Are you there?").await;
    let details: Value = app.get(&anna, &format!("/api/v1/conversations/{}", vera.dialog)).await.json().await.unwrap();
    assert_eq!(details["control"]["status"], "open");
    assert_eq!(details["visitor"]["site_name"], "This server");
}

#[tokio::test]
async fn nobody_but_the_two_sides_sees_a_dialog_and_only_operators_move_it() {
    let app = TestApp::start().await;
    let mia = app.member("mia").await;
    let (vera, other) = (Visitor::open(&app).await, Visitor::open(&app).await);
    let mut visitor = vera.connect(&app).await;
    visitor.next_of("subscribed").await;
    for action in ["take", "release", "return_to_ai", "resolve", "reopen", "snooze"] {
        assert_eq!(control(&mut visitor, vera.dialog, action, 1).await["code"], "forbidden", "{action}");
    }
    let note = json!({ "conversation_id": vera.dialog, "message": "psst", "visibility": "note" });
    let reference = visitor.ask("chat", note).await;
    assert_eq!(visitor.answer(&reference).await["code"], "forbidden");
    assert_eq!(control(&mut visitor, other.dialog, "request_human", 1).await["code"], "not_found");
    let path = format!("/api/v1/conversations/{}", vera.dialog);
    assert_eq!(problem(app.get(&mia, &path).await).await.0, 404);
    let as_visitor = |token: &str, method, path: &str| app.request(method, path).bearer_auth(token);
    let response = as_visitor(&other.token, Method::GET, &path).send().await.unwrap();
    assert_eq!(problem(response).await.0, 404);
    for (method, path, body) in [
        (Method::POST, "/api/v1/conversations".to_owned(), json!({ "title": "Mine" })),
        (Method::POST, format!("{path}/members"), json!({ "username": "mia" })),
        (Method::GET, "/api/v1/users".into(), json!({})),
        (Method::GET, "/api/v1/sites".into(), json!({})),
        (Method::GET, "/api/v1/knowledge/handbook.md".into(), json!({})),
        (Method::GET, "/api/v1/operators".into(), json!({})),
        (Method::GET, "/api/v1/canned".into(), json!({})),
        (Method::GET, "/api/v1/audit".into(), json!({})),
        (Method::GET, "/api/v1/webhooks".into(), json!({})),
        (Method::GET, "/api/v1/ws/connections".into(), json!({})),
        (Method::POST, "/api/v1/ws/broadcast".into(), json!({ "message": "hi" })),
        (
            Method::POST,
            "/agui/agents".into(),
            json!({ "threadId": "t", "runId": "r", "messages": [{ "id": "1", "role": "user", "content": "hi" }] }),
        ),
    ] {
        let response = as_visitor(&vera.token, method, &path).json(&body).send().await.unwrap();
        assert_eq!(response.status(), 403, "{path}");
    }
    let listed = as_visitor(&vera.token, Method::GET, "/api/v1/conversations").send().await.unwrap();
    let listed: Value = listed.json().await.unwrap();
    assert_eq!(listed["conversations"].as_array().unwrap().len(), 1);
    assert_eq!(listed["conversations"][0]["id"], json!(vera.dialog));
}

#[tokio::test]
async fn typing_goes_both_ways_but_that_of_a_note_does_not() {
    let app = TestApp::start().await;
    let anna = operator(&app, "anna").await;
    let ben = operator(&app, "ben").await;
    let vera = Visitor::open(&app).await;
    let mut visitor = vera.connect(&app).await;
    visitor.next_of("subscribed").await;
    let (mut first, _) = at_dialog(&app, &anna, vera.dialog).await;
    let (mut second, _) = at_dialog(&app, &ben, vera.dialog).await;
    visitor.send("typing_start", json!({ "conversation_id": vera.dialog })).await;
    assert!(first.next_of("typing_start").await["user"]["name"].as_str().unwrap().starts_with("Visitor"));
    first.send("typing_start", json!({ "conversation_id": vera.dialog, "visibility": "note" })).await;
    assert_eq!(
        second.next_where(|f| f["type"] == "typing_start" && f["user"]["name"] == "anna").await["type"],
        "typing_start"
    );
    first.send("typing_stop", json!({ "conversation_id": vera.dialog })).await;
    second.next_where(|f| f["type"] == "typing_stop" && f["user"]["name"] == "anna").await;
    second.send("typing_start", json!({ "conversation_id": vera.dialog })).await;
    let seen = visitor.next_of("typing_start").await;
    assert_eq!(seen["user"]["name"], "ben", "the first that a visitor hears of");
    let rest = visitor.settled().await;
    assert!(!rest.iter().any(|frame| frame["user"]["name"] == "anna"), "{rest:?}");
    let reference = visitor.ask("typing_start", json!({ "conversation_id": vera.dialog, "visibility": "note" })).await;
    assert_eq!(visitor.answer(&reference).await["code"], "forbidden");
}

#[tokio::test]
async fn what_waits_goes_to_the_least_busy_who_is_online_where_the_site_assigns() {
    let app = TestApp::start().await;
    let (anna, ben) = (operator(&app, "anna").await, operator(&app, "ben").await);
    let root = app.login("root").await;
    let assigns = Some(json!({ "auto_assign": true }));
    assert_eq!(app.send(&root, Method::PATCH, "/api/v1/sites/default", assigns).await.status(), 200);
    let (_anna_here, mut ben_here) = (app.connect(&anna).await, app.connect(&ben).await);
    let mut holders = Vec::new();
    for _ in 0..4 {
        let vera = Visitor::open(&app).await;
        let mut visitor = vera.connect(&app).await;
        visitor.next_of("subscribed").await;
        control(&mut visitor, vera.dialog, "request_human", 1).await;
        let queued = visitor.next_of("control").await;
        assert_eq!((&queued["owner"]["kind"], &queued["epoch"]), (&json!("queue"), &json!(2)));
        let assigned = visitor.next_of("control").await;
        assert_eq!((&assigned["by"]["name"], &assigned["epoch"]), (&json!("Magpie"), &json!(3)));
        holders.push(assigned["owner"]["user"]["name"].as_str().unwrap().to_owned());
    }
    holders.sort();
    assert_eq!(holders, ["anna", "anna", "ben", "ben"]);
    ben_here.next_of("conversation").await;
}

#[tokio::test]
async fn a_reply_that_is_repeated_is_known_in_whosever_hands_the_dialog_is_by_then() {
    let model = ModelServer::start().await;
    model.always([say("Well, "), endless("and so on ")]);
    let app = TestApp::start_with(|settings| model.configure(settings)).await;
    let (anna, ben) = (operator(&app, "anna").await, operator(&app, "ben").await);
    let vera = Visitor::open(&app).await;
    let path = format!("/api/v1/conversations/{}/messages", vera.dialog);
    let reply = json!({ "client_id": "01JD3WQ8ZC3E5V9G7M2K4N6P8R", "message": "Hello!" });
    let repeat = async || {
        let response = app.post(&anna, &path, reply.clone()).await;
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    };
    let (status, first) = repeat().await;
    assert_eq!((status, &first["duplicate"]), (201, &json!(false)));
    let (mut other, _) = at_dialog(&app, &ben, vera.dialog).await;
    control(&mut other, vera.dialog, "take", 2).await;
    let (status, again) = repeat().await;
    assert_eq!((status, &again["duplicate"], &again["seq"]), (200, &json!(true), &first["seq"]), "a colleague has it");

    control(&mut other, vera.dialog, "return_to_ai", 3).await;
    let mut visitor = vera.connect(&app).await;
    visitor.next_of("subscribed").await;
    visitor.chat(vera.dialog, "@analyst Tell me everything").await;
    visitor.next_of("token").await;
    visitor.settled().await;
    assert_eq!(repeat().await.0, 200, "the AI has it");
    visitor.next_of("token").await;
    let standing = app.state.storage.dialog(vera.dialog).await.unwrap().unwrap().control;
    assert!(standing.is_with_ai(4), "{standing:?}");
    assert_eq!(app.state.storage.unfinished_runs().await.unwrap().len(), 1, "and goes on with its answer");
}
