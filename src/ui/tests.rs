//! What the server writes for a conversation, found as tests and screen readers find it.

use leptos::prelude::*;
use leptos_meta::provide_meta_context;
use leptos_router::{components::Router, location::RequestUrl};
use serde_json::json;

use crate::{
    client::provide_client,
    model::{Seed, Thread},
    protocol::{ConversationId, DurableFrame, LogEpoch, Seq, http::User},
    ui::components::thread::ThreadView,
};

const ID: &str = "01JD3WQ8ZC3E5V9G7M2K4N6P8R";
const ANNA: &str = "01JD3WQ8ZC3E5V9G7M2K4N6P8S";
const BEN: &str = "01JD3WQ8ZC3E5V9G7M2K4N6P8T";

fn message_id(seq: u64) -> String {
    ConversationId::from_parts(seq, 7).to_string()
}

fn message(seq: u64, author: &str, name: &str, text: &str) -> serde_json::Value {
    json!({
        "type": "message", "conversation_id": ID, "seq": seq, "timestamp": format!("2026-11-20T07:39:{seq:02}.000Z"),
        "id": message_id(seq), "sender": "user", "author": { "id": author, "name": name },
        "text": text, "format": "markdown", "visibility": "public",
    })
}

fn seed() -> Seed {
    let member = |id, name: &str| json!({ "id": id, "name": name, "username": name, "role": "member", "up_to": 0, "status": "online" });
    let detail = json!({
        "id": ID, "title": "Kitchen table", "kind": "room", "head": 12, "unread": 1, "status": "open", "agents": true,
        "owner": { "kind": "human", "user": { "id": ANNA, "name": "Anna" } },
        "members": [member(ANNA, "Anna"), member(BEN, "Ben")],
    });
    let messages = json!({
        "messages": [
            message(3, ANNA, "Anna", "What is **17 * 23**?"),
            message(4, ANNA, "Anna", "<script>alert(1)</script>"),
            message(12, BEN, "Ben", "391"),
        ],
        "more": false,
    });
    let run = "01JD3WQ8ZC3E5V9G7M2K4N6P90";
    let call = json!({ "run_id": run, "call_id": run, "agent": "assistant", "tool_name": "calculate" });
    let event = |seq: u64, kind: &str, more: serde_json::Value| {
        let mut event = call.clone();
        let fields = event.as_object_mut().expect("an object");
        fields.extend(
            json!({ "type": kind, "conversation_id": ID, "seq": seq, "timestamp": "2026-11-20T07:39:20.000Z" })
                .as_object()
                .expect("an object")
                .clone(),
        );
        fields.extend(more.as_object().expect("an object").clone());
        serde_json::from_value::<DurableFrame>(event).expect("a frame")
    };
    let timeline = vec![
        event(5, "agent_run", json!({ "status": "initializing" })),
        event(6, "agent_run", json!({ "status": "processing" })),
        event(7, "tool_call", json!({ "arguments": { "expression": "17 * 23" } })),
        event(8, "tool_result", json!({ "success": true, "result_preview": "391", "duration_ms": 12 })),
        event(9, "progress", json!({ "current_turn": 1, "max_turns": 2, "percentage": 50.0 })),
        event(10, "chart_generated", json!({ "chart_id": run, "url": "/charts/1", "title": "Squares" })),
    ];
    Seed {
        detail: serde_json::from_value(detail).expect("a conversation"),
        messages: serde_json::from_value(messages).expect("messages"),
        timeline,
        head: Seq(12),
        log_epoch: Some(LogEpoch::from_parts(0, 0)),
        read_up_to: Seq(11),
    }
}

fn page() -> String {
    let me = json!({ "id": ANNA, "username": "anna", "display_name": "Anna", "role": "member" });
    let me: User = serde_json::from_value(me).expect("a user");
    let owner = Owner::new();
    owner.with(|| {
        provide_context(RequestUrl::new(&format!("/c/{ID}")));
        provide_meta_context();
        let client = provide_client();
        client.seed_me(me.as_ref());
        let thread = client.seed_thread(Thread::seed(seed()));
        let id = ID.parse().expect("an id");
        view! {
            <Router>
                <ThreadView id thread me />
            </Router>
        }
        .to_html()
    })
}

/// The opening tags that have all these parts.
fn tags_with(html: &str, parts: &[&str]) -> usize {
    html.split('<').filter(|tag| parts.iter().all(|part| tag.split('>').next().unwrap_or(tag).contains(part))).count()
}

#[tokio::test]
async fn the_first_paint_has_every_name_that_tests_and_screen_readers_look_for() {
    let html = page();
    let id = message_id(12);
    for parts in [
        &[r#"role="log""#, r#"aria-label="Messages""#][..],
        &["article", r#"aria-label="Anna, 07:39""#, r#"data-seq="3""#, r#"data-state="sent""#],
        &["article", r#"aria-label="Ben, 07:39""#, &format!(r#"data-message-id="{id}""#)],
        &[r#"role="separator""#, r#"aria-label="New""#],
        &[r#"role="status""#, r#"aria-label="Typing""#],
        &[r#"role="status""#, r#"aria-label="Connection""#],
        &["section", r#"aria-label="Agent timeline""#],
        &[r#"role="group""#, r#"aria-label="Run, processing""#],
        &["progress ", r#"aria-label="Progress""#, r#"value="50""#],
        &["img ", r#"alt="Squares""#, r#"src="/charts/1""#],
        &["form", r#"action="/fn/send_message""#, r#"method="post""#],
    ] {
        assert!(tags_with(&html, parts) > 0, "{parts:?} is not in {html}");
    }
    for text in [">Send<", ">Stop<", ">Add member<", ">calculate<", ">Kitchen table<"] {
        assert!(html.contains(text), "{text} is not in {html}");
    }
}

#[tokio::test]
async fn the_first_paint_shows_text_and_runs_none_of_it() {
    let html = page();
    assert!(html.contains("What is <strong>17 * 23</strong>?"));
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert_eq!(tags_with(&html, &["article"]), 2 * 3, "three, each opened and closed");
}

#[tokio::test]
async fn messages_of_one_author_stand_under_one_name_and_the_new_line_where_reading_stopped() {
    let html = page();
    assert_eq!(html.matches("message-head").count(), 2);
    let (line, last) = (html.find(r#"aria-label="New""#), html.find(r#"data-seq="12""#));
    let before = html.find(r#"data-seq="4""#);
    assert!(before < line && line < last, "{before:?} {line:?} {last:?}");
}
