//! Webhooks, against a real receiver: signed, in order for each dialog, tried until they are taken, and none lost
//! when the server is killed.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::SocketAddr,
    time::Duration,
};

use magpie::protocol::{http::SignedIn, limits};
use rand::Rng;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    Account, PASSWORD, Process, TestApp,
    process::command,
    receiver::{Receiver, Reply},
};

/// A visitor's dialog, in which no agent answers.
struct Dialog {
    id: String,
    visitor: Account,
}

async fn house(receiver: &Receiver) -> (TestApp, Account) {
    let hosts = receiver.host();
    let app = TestApp::start_with(|settings| settings.webhook_hosts = Some(hosts)).await;
    let root = app.register("root").await;
    let silent = app.send(&root, Method::PATCH, "/api/v1/sites/default", Some(json!({ "agents": false }))).await;
    assert_eq!(silent.status(), 200);
    (app, root)
}

async fn dialog(app: &TestApp) -> Dialog {
    let opened = app.request(Method::POST, "/api/v1/widget/sessions").json(&json!({ "site_id": "default" }));
    let opened: Value = opened.send().await.unwrap().json().await.unwrap();
    let user =
        json!({ "id": opened["visitor_id"], "username": "visitor", "display_name": "Visitor", "role": "visitor" });
    let signed_in = json!({ "token": opened["token"], "expires_at": opened["expires_at"], "user": user });
    let signed_in: SignedIn = serde_json::from_value(signed_in).unwrap();
    Dialog { id: opened["dialog_id"].as_str().unwrap().into(), visitor: Account::of("visitor", signed_in) }
}

async fn say(app: &TestApp, by: &Account, dialog: &str, body: Value) -> u64 {
    let posted = app.post(by, &format!("/api/v1/conversations/{dialog}/messages"), body).await;
    assert_eq!(posted.status(), 201);
    posted.json::<Value>().await.unwrap()["seq"].as_u64().unwrap()
}

async fn make(app: &TestApp, root: &Account, body: Value) -> Value {
    let made = app.post(root, "/api/v1/webhooks", body).await;
    assert_eq!(made.status(), 201);
    made.json().await.unwrap()
}

async fn deliveries(app: &TestApp, root: &Account, webhook: &Value) -> Vec<Value> {
    let path = format!("/api/v1/webhooks/{}/deliveries", webhook["id"].as_str().unwrap());
    let page: Value = app.get(root, &path).await.json().await.unwrap();
    page["deliveries"].as_array().unwrap().clone()
}

/// The newest delivery, once it stands so.
async fn newest_is(app: &TestApp, root: &Account, webhook: &Value, status: &str) -> Value {
    let look = async {
        loop {
            let newest = deliveries(app, root, webhook).await.into_iter().next();
            if let Some(newest) = newest.filter(|newest| newest["status"] == status) {
                return newest;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), look).await.unwrap_or_else(|_| panic!("never {status}"))
}

#[tokio::test]
async fn a_message_is_told_signed_and_once() {
    let receiver = Receiver::start().await;
    let (app, root) = house(&receiver).await;
    let early = dialog(&app).await;
    say(&app, &early.visitor, &early.id, json!({ "message": "Before anybody asked" })).await;
    let webhook = make(&app, &root, json!({ "url": receiver.url() })).await;
    let secret = webhook["secret"].as_str().unwrap();

    let seq = say(&app, &early.visitor, &early.id, json!({ "message": "Hello" })).await;
    let got = receiver.after(1).await.remove(0);
    assert!(got.is_signed_with(secret) && !got.is_signed_with("another"), "{got:?}");
    assert_eq!(got.event, "message");
    assert_eq!((&got.body["event"]["text"], &got.body["event"]["seq"]), (&json!("Hello"), &json!(seq)));
    assert_eq!(got.body["id"], got.delivery.as_str());
    assert_eq!((&got.body["dialog_id"], &got.body["site_id"]), (&json!(early.id), &json!("default")));
    let newest = newest_is(&app, &root, &webhook, "delivered").await;
    assert_eq!((&newest["answer_status"], &newest["answer"]), (&json!(200), &json!("ok")));
    assert_eq!(receiver.got().len(), 1, "nothing from before it was made, nothing twice");
    // The secret is told once.
    let listed: Value = app.get(&root, "/api/v1/webhooks").await.json().await.unwrap();
    assert!(!listed.to_string().contains(secret));
}

#[tokio::test]
async fn notes_and_rooms_are_told_to_nobody_who_did_not_ask() {
    let receiver = Receiver::start().await;
    let (app, root) = house(&receiver).await;
    let dialog = dialog(&app).await;
    make(&app, &root, json!({ "url": receiver.url() })).await;
    let room = app.room(&root, &[]).await.to_string();
    say(&app, &root, &room, json!({ "message": "In a room" })).await;
    say(&app, &dialog.visitor, &dialog.id, json!({ "message": "one" })).await;
    say(&app, &root, &dialog.id, json!({ "message": "secret", "visibility": "note" })).await;
    // Takes the dialog: a control event before it.
    say(&app, &root, &dialog.id, json!({ "message": "two" })).await;
    let told = |got: &[crate::support::receiver::Got]| -> Vec<(String, Value)> {
        got.iter().map(|got| (got.event.clone(), got.body["event"]["text"].clone())).collect()
    };
    let expected =
        [("message".to_owned(), json!("one")), ("control".into(), Value::Null), ("message".into(), json!("two"))];
    assert_eq!(told(&receiver.after(3).await), expected);

    let notes = make(&app, &root, json!({ "url": receiver.url(), "events": ["note"], "site": "default" })).await;
    say(&app, &root, &dialog.id, json!({ "message": "asked for", "visibility": "note" })).await;
    let got = receiver.after(4).await;
    assert_eq!(told(&got)[3], ("note".to_owned(), json!("asked for")));
    assert_eq!(got[3].body["webhook_id"], notes["id"]);
    assert!(receiver.got().iter().all(|got| !got.raw.contains("secret") && !got.raw.contains("In a room")));
}

#[tokio::test]
async fn what_is_not_taken_comes_again_and_holds_its_dialog_up_alone() {
    let receiver = Receiver::start().await;
    let (app, root) = house(&receiver).await;
    let (slow, quick) = (dialog(&app).await, dialog(&app).await);
    let held = slow.id.clone();
    let (tries, once) = (std::sync::atomic::AtomicUsize::new(0), std::sync::atomic::Ordering::SeqCst);
    // An error, then silence until the patience ends, then it is taken.
    receiver.answers(move |got| match got.body["dialog_id"] == held.as_str() {
        true => match tries.fetch_add(1, once) {
            0 => Reply::Status(500, "not now"),
            1 => Reply::Hang,
            _ => Reply::Status(204, ""),
        },
        false => Reply::Status(200, "ok"),
    });
    let webhook = make(&app, &root, json!({ "url": receiver.url() })).await;
    let first = say(&app, &slow.visitor, &slow.id, json!({ "message": "first" })).await;
    let second = say(&app, &slow.visitor, &slow.id, json!({ "message": "second" })).await;
    say(&app, &quick.visitor, &quick.id, json!({ "message": "elsewhere" })).await;
    let of = |got: &[crate::support::receiver::Got], dialog: &str| -> Vec<(u64, String)> {
        let seq = |got: &crate::support::receiver::Got| got.body["event"]["seq"].as_u64().unwrap();
        let of = got.iter().filter(|got| got.body["dialog_id"] == dialog);
        of.map(|got| (seq(got), got.delivery.clone())).collect()
    };
    let got = receiver.until(|got| of(got, &slow.id).len() >= 4).await;
    let seqs: Vec<u64> = of(&got, &slow.id).iter().map(|(seq, _)| *seq).collect();
    assert_eq!(seqs, [first, first, first, second], "the second waits for the first");
    let ids: BTreeSet<String> = of(&got, &slow.id).into_iter().map(|(_, id)| id).collect();
    assert_eq!(ids.len(), 2, "one id over all tries");
    let elsewhere = got.iter().position(|got| got.body["dialog_id"] == quick.id.as_str()).unwrap();
    assert!(elsewhere < 3, "the other dialog did not wait");
    assert!(got.iter().all(|got| got.is_signed_with(webhook["secret"].as_str().unwrap())));
}

#[tokio::test]
async fn a_delivery_is_sent_again_by_hand_under_its_id() {
    let receiver = Receiver::start().await;
    let (app, root) = house(&receiver).await;
    let dialog = dialog(&app).await;
    let webhook = make(&app, &root, json!({ "url": receiver.url() })).await;
    say(&app, &dialog.visitor, &dialog.id, json!({ "message": "Hello" })).await;
    let newest = newest_is(&app, &root, &webhook, "delivered").await;
    let path = format!("/api/v1/webhooks/deliveries/{}/resend", newest["id"].as_str().unwrap());
    assert_eq!(app.post(&root, &path, json!({})).await.status(), 202);
    let got = receiver.after(2).await;
    assert_eq!((&got[0].delivery, &got[0].raw), (&got[1].delivery, &got[1].raw));
    let unknown = "/api/v1/webhooks/deliveries/01J00000000000000000000000/resend";
    assert_eq!(app.post(&root, unknown, json!({})).await.status(), 404);
}

#[tokio::test]
async fn a_deleted_text_is_not_told_any_more() {
    let receiver = Receiver::start().await;
    let (app, root) = house(&receiver).await;
    let dialog = dialog(&app).await;
    let webhook = make(&app, &root, json!({ "url": receiver.url() })).await;
    say(&app, &dialog.visitor, &dialog.id, json!({ "message": "my card is 4111" })).await;
    let newest = newest_is(&app, &root, &webhook, "delivered").await;
    let messages: Value =
        app.get(&root, &format!("/api/v1/conversations/{}/messages", dialog.id)).await.json().await.unwrap();
    let mut socket = app.connect(&root).await;
    let payload = json!({ "conversation_id": dialog.id, "message_id": messages["messages"][0]["id"] });
    let reference = socket.ask("delete", payload).await;
    assert_eq!(socket.answer(&reference).await["type"], "ack");
    let path = format!("/api/v1/webhooks/deliveries/{}/resend", newest["id"].as_str().unwrap());
    app.post(&root, &path, json!({})).await;
    let got = receiver.after(2).await;
    assert_eq!(got[1].body["event"]["text"], "");
}

#[tokio::test]
async fn a_disabled_webhook_is_told_nothing_of_that_time() {
    let receiver = Receiver::start().await;
    let (app, root) = house(&receiver).await;
    let dialog = dialog(&app).await;
    let webhook = make(&app, &root, json!({ "url": receiver.url() })).await;
    let path = format!("/api/v1/webhooks/{}", webhook["id"].as_str().unwrap());
    let turn = async |enabled: bool| {
        let turned = app.send(&root, Method::PATCH, &path, Some(json!({ "enabled": enabled }))).await;
        assert_eq!(turned.json::<Value>().await.unwrap()["enabled"], enabled);
    };
    turn(false).await;
    say(&app, &dialog.visitor, &dialog.id, json!({ "message": "while it was off" })).await;
    turn(true).await;
    say(&app, &dialog.visitor, &dialog.id, json!({ "message": "on again" })).await;
    assert_eq!(receiver.after(1).await[0].body["event"]["text"], "on again");
    assert_eq!(app.send(&root, Method::DELETE, &path, None).await.status(), 204);
    assert_eq!(app.send(&root, Method::DELETE, &path, None).await.status(), 404);
}

#[tokio::test]
async fn webhooks_are_for_admins_bounded_and_lead_to_no_private_address() {
    let receiver = Receiver::start().await;
    let (app, root) = house(&receiver).await;
    let anna = app.register("anna").await;
    let refused = app.post(&anna, "/api/v1/webhooks", json!({ "url": receiver.url() })).await;
    assert_eq!(refused.status(), 403);
    assert_eq!(app.get(&anna, "/api/v1/webhooks").await.status(), 403);
    for (body, field) in [
        (json!({}), "url"),
        (json!({ "url": "http://example.com/" }), "url"),
        (json!({ "url": "https://10.0.0.1/" }), "url"),
        (json!({ "url": "https://169.254.169.254/" }), "url"),
        (json!({ "url": receiver.url(), "events": [] }), "events"),
        (json!({ "url": receiver.url(), "site": "nowhere" }), "site"),
    ] {
        let refused = app.post(&root, "/api/v1/webhooks", body.clone()).await;
        assert_eq!(refused.status(), 422, "{body}");
        let problem: Value = refused.json().await.unwrap();
        assert!(problem["details"].get(field).is_some(), "{body}: {problem}");
    }
    for _ in 0..limits::WEBHOOKS {
        make(&app, &root, json!({ "url": receiver.url() })).await;
    }
    let full = app.post(&root, "/api/v1/webhooks", json!({ "url": receiver.url() })).await;
    assert_eq!(full.status(), 422);
}

async fn call(addr: SocketAddr, token: &str, path: &str, body: Value) -> Option<Value> {
    let request = reqwest::Client::new().post(format!("http://{addr}/api/v1{path}")).bearer_auth(token).json(&body);
    request.send().await.ok()?.json().await.ok()
}

/// Dialogs side by side, messages in each, and how often the server is killed.
const DIALOGS: usize = 5;
const MESSAGES: usize = 30;
const KILLS: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_delivery_is_lost_and_none_out_of_order_over_kills() {
    let receiver = Receiver::start().await;
    // One in eight is refused.
    receiver.answers(|_| match rand::rng().random_range(0..8) {
        0 => Reply::Status(503, "busy"),
        _ => Reply::Status(200, "ok"),
    });
    let data = tempfile::tempdir().unwrap();
    let start = || {
        let mut command = command(data.path());
        command.env("MAGPIE_WEBHOOK_HOSTS", receiver.host());
        Process::spawn(command)
    };
    let mut server = start();
    let root = call(server.addr, "", "/auth/register", json!({ "username": "root", "password": PASSWORD })).await;
    let root = root.unwrap()["token"].as_str().unwrap().to_owned();
    let made = call(server.addr, &root, "/sites", json!({ "name": "Quiet", "agents": false })).await.unwrap();
    let webhook = call(server.addr, &root, "/webhooks", json!({ "url": receiver.url() })).await.unwrap();
    let mut dialogs = Vec::new();
    for _ in 0..DIALOGS {
        let opened = call(server.addr, "", "/widget/sessions", json!({ "site_id": made["id"] })).await.unwrap();
        let text = |name: &str| opened[name].as_str().unwrap().to_owned();
        dialogs.push((text("dialog_id"), text("token")));
    }
    let mut acked: HashMap<String, Vec<u64>> = HashMap::new();
    let kills: BTreeSet<usize> = (1..=KILLS).map(|kill| kill * DIALOGS * MESSAGES / (KILLS + 1)).collect();
    for n in 0..DIALOGS * MESSAGES {
        let (dialog, token) = &dialogs[n % DIALOGS];
        let message = json!({ "message": format!("message {n}") });
        let ack = call(server.addr, token, &format!("/conversations/{dialog}/messages"), message).await.unwrap();
        acked.entry(dialog.clone()).or_default().push(ack["seq"].as_u64().unwrap());
        if kills.contains(&n) {
            server.kill();
            server = start();
        }
    }
    let seqs = |got: &[crate::support::receiver::Got]| {
        let mut taken: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for got in got.iter().filter(|got| got.is_taken && got.event == "message") {
            let dialog = got.body["dialog_id"].as_str().unwrap().to_owned();
            taken.entry(dialog).or_default().push(got.body["event"]["seq"].as_u64().unwrap());
        }
        taken
    };
    let got = receiver
        .until(|got| {
            let taken = seqs(got);
            acked.iter().all(|(dialog, acked)| {
                let taken: BTreeSet<_> = taken.get(dialog).into_iter().flatten().collect();
                acked.iter().all(|seq| taken.contains(seq))
            })
        })
        .await;
    for (dialog, taken) in seqs(&got) {
        assert!(taken.is_sorted(), "{dialog}: {taken:?}");
    }
    let secret = webhook["secret"].as_str().unwrap();
    assert!(got.iter().all(|got| got.is_signed_with(secret)));
    // A repetition is known by its id.
    let mut by_place: HashMap<(String, u64), BTreeSet<String>> = HashMap::new();
    for got in &got {
        let place = (got.body["dialog_id"].to_string(), got.body["event"]["seq"].as_u64().unwrap());
        by_place.entry(place).or_default().insert(got.delivery.clone());
    }
    assert!(by_place.values().all(|ids| ids.len() == 1));
    let repeated = got.iter().filter(|got| got.is_taken).count() - by_place.len();
    eprintln!("{} requests, {} events, {repeated} taken twice, {KILLS} kills", got.len(), by_place.len());
}
