//! What protocol.md promises of a socket that behaves.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message, frame::coding::CloseCode};

use crate::support::TestApp;

fn seqs(frames: &[Value]) -> Vec<u64> {
    frames.iter().filter_map(|frame| frame["seq"].as_u64().filter(|_| frame["type"] != "ack")).collect()
}

#[tokio::test]
async fn the_first_frame_says_who_and_how() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let header = format!("Bearer {}", anna.token);
    let mut socket = crate::support::Socket::handshake(app.addr, "/ws", &[("authorization", &header)]).await.unwrap();
    let first = socket.next().await;
    assert_eq!(first["status"], "connected");
    assert_eq!(first["protocol"], "magpie.v1");
    assert_eq!(first["user"]["id"], json!(anna.signed_in.user.id));
    assert_eq!(first["heartbeat_ms"], 25_000);
    for field in ["resend_ms", "stop_ms", "expire_ms"] {
        assert!(first["typing"][field].as_u64().is_some(), "{first}");
    }
    assert_eq!(first["connection_id"].as_str().map(str::len), Some(26));
}

#[tokio::test]
async fn a_message_is_acked_and_reaches_everyone_in_the_room_in_one_order() {
    let app = TestApp::start().await;
    let (anna, ben) = (app.member("anna").await, app.member("ben").await);
    let room = app.room(&anna, &[&ben]).await;
    let (mut annas, mut bens, mut phone) = (app.connect(&anna).await, app.connect(&ben).await, app.connect(&ben).await);
    for socket in [&mut annas, &mut bens, &mut phone] {
        let subscribed = socket.subscribe(room, None).await;
        assert_eq!((subscribed["mode"].as_str(), subscribed["head"].as_u64()), (Some("snapshot"), Some(2)));
    }
    for n in 0..20 {
        let (socket, text) = if n % 2 == 0 { (&mut annas, format!("a{n}")) } else { (&mut bens, format!("b{n}")) };
        let ack = socket.chat(room, &text).await;
        assert_eq!(ack["type"], "ack", "{ack}");
        assert_eq!(ack["duplicate"], false);
        assert_eq!(ack["seq"], 3 + n);
    }
    let mut orders = Vec::new();
    for socket in [&mut annas, &mut bens, &mut phone] {
        let frames = socket.settled().await;
        assert_eq!(seqs(&frames), (1..=22).collect::<Vec<_>>());
        orders.push(frames.iter().filter(|f| f["type"] == "message").map(|f| f["id"].to_string()).collect::<Vec<_>>());
    }
    assert_eq!(orders[0], orders[1]);
    assert_eq!(orders[0], orders[2]);
}

#[tokio::test]
async fn the_same_client_id_twice_makes_one_message_and_another_text_under_it_is_refused() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let (room, other) = (app.room(&anna, &[]).await, app.room(&anna, &[]).await);
    let mut socket = app.connect(&anna).await;
    let client_id = "2f1c6a0e-6b1d-4c7e-9f55-0a6d3c1b2e4f";
    let frame = |room, text| json!({ "conversation_id": room, "client_id": client_id, "message": text });
    let first = socket.ask("chat", frame(room, "hello")).await;
    let first = socket.answer(&first).await;
    let again = socket.ask("chat", frame(room, "  hello ")).await;
    let again = socket.answer(&again).await;
    assert_eq!(again["duplicate"], true, "{again}");
    for field in ["seq", "message_id", "timestamp", "client_id", "conversation_id"] {
        assert_eq!(first[field], again[field]);
    }
    for (room, text) in [(room, "other"), (other, "hello")] {
        let refused = socket.ask("chat", frame(room, text)).await;
        assert_eq!(socket.answer(&refused).await["code"], "client_id_reused");
    }
}

#[tokio::test]
async fn what_was_missed_is_replayed_and_nothing_else() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let room = app.room(&anna, &[]).await;
    let mut writer = app.connect(&anna).await;
    for n in 0..300 {
        writer.chat(room, &format!("{n}")).await;
    }
    let mut reader = app.connect(&anna).await;
    let subscribed = reader.subscribe(room, Some(51)).await;
    assert_eq!((subscribed["mode"].as_str(), subscribed["head"].as_u64()), (Some("replay"), Some(301)));
    for wanted in 52..=301 {
        assert_eq!(reader.next().await["seq"], wanted);
    }
    writer.chat(room, "live").await;
    assert_eq!(reader.next().await["seq"], 302);

    let current = reader.subscribe(room, Some(302)).await;
    assert_eq!(current["mode"], "current");
    let snapshot = reader.subscribe(room, None).await;
    assert_eq!(snapshot["mode"], "snapshot");
    for wanted in 203..=302 {
        assert_eq!(reader.next().await["seq"], wanted);
    }
    let other_log =
        json!({ "conversations": [{ "id": room, "after": 302, "log_epoch": "01JD3WQ8ZC3E5V9G7M2K4N6P8R" }] });
    let reference = reader.ask("subscribe", other_log).await;
    assert_eq!(reader.answer(&reference).await["mode"], "snapshot");
}

#[tokio::test]
async fn a_replay_is_whole_while_messages_go_on() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let room = app.room(&anna, &[]).await;
    let mut writer = app.connect(&anna).await;
    for n in 0..100 {
        writer.chat(room, &format!("{n}")).await;
    }
    let writing = tokio::spawn(async move {
        for n in 0..200 {
            writer.chat(room, &format!("live {n}")).await;
        }
    });
    for after in [0, 10, 90] {
        let mut reader = app.connect(&anna).await;
        reader.subscribe(room, Some(after)).await;
        for wanted in after + 1..=301 {
            assert_eq!(reader.next().await["seq"], wanted);
        }
    }
    writing.await.unwrap();
}

#[tokio::test]
async fn edits_deletions_and_reactions_are_events_and_what_changes_nothing_is_none() {
    let app = TestApp::start().await;
    let (anna, ben) = (app.member("anna").await, app.member("ben").await);
    let room = app.room(&anna, &[&ben]).await;
    let (mut annas, mut bens) = (app.connect(&anna).await, app.connect(&ben).await);
    bens.subscribe(room, Some(2)).await;
    let message = annas.chat(room, "tpyo").await["message_id"].clone();
    bens.next_of("message").await;

    let of = |more: Value| {
        let mut payload = json!({ "conversation_id": room, "message_id": message });
        payload.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        payload
    };
    let forbidden = bens.ask("edit", of(json!({ "message": "mine" }))).await;
    assert_eq!(bens.answer(&forbidden).await["code"], "forbidden");

    for (expected_seq, changed) in [(4, true), (4, false)] {
        let edit = annas.ask("edit", of(json!({ "message": "typo" }))).await;
        assert_eq!(annas.answer(&edit).await["seq"], expected_seq);
        if changed {
            let edited = bens.next_of("edited").await;
            assert_eq!((edited["text"].as_str(), edited["seq"].as_u64()), (Some("typo"), Some(4)));
        }
    }
    for (on, seq) in [(true, 5), (true, 5), (false, 6)] {
        let react = bens.ask("react", of(json!({ "emoji": "👍", "on": on }))).await;
        assert_eq!(bens.answer(&react).await["seq"], seq);
    }
    let delete = annas.ask("delete", of(json!({}))).await;
    assert_eq!(annas.answer(&delete).await["seq"], 7);
    assert_eq!(bens.next_of("deleted").await["message_id"], message);
    assert_eq!(bens.settled().await.iter().filter(|f| f["type"] == "reaction").count(), 2);

    // The text is gone from the log, too.
    let mut late = app.connect(&ben).await;
    late.subscribe(room, Some(0)).await;
    let frames = late.settled().await;
    let rest = late.settled().await;
    for frame in frames.iter().chain(&rest) {
        assert!(!frame.to_string().contains("typo") && !frame.to_string().contains("tpyo"), "{frame}");
    }
}

#[tokio::test]
async fn typing_is_seen_by_the_others_and_ends_with_the_socket() {
    let app = TestApp::start().await;
    let (anna, ben) = (app.member("anna").await, app.member("ben").await);
    let room = app.room(&anna, &[&ben]).await;
    let (mut annas, mut bens) = (app.connect(&anna).await, app.connect(&ben).await);
    annas.subscribe(room, Some(2)).await;
    bens.subscribe(room, Some(2)).await;
    annas.send("typing_start", json!({ "conversation_id": room })).await;
    assert_eq!(bens.next_of("typing_start").await["user"]["name"], "anna");
    let mut late = app.connect(&ben).await;
    assert_eq!(late.subscribe(room, Some(2)).await["typing"][0]["name"], "anna");
    annas.send("typing_stop", json!({ "conversation_id": room })).await;
    bens.next_of("typing_stop").await;
    annas.send("typing_start", json!({ "conversation_id": room })).await;
    bens.next_of("typing_start").await;
    let own = annas.settled().await;
    assert!(!own.iter().any(|frame| frame["type"] == "typing_start"), "{own:?}");
    drop(annas);
    bens.next_of("typing_stop").await;
}

#[tokio::test]
async fn reading_is_told_and_kept() {
    let app = TestApp::start().await;
    let (anna, ben) = (app.member("anna").await, app.member("ben").await);
    let room = app.room(&anna, &[&ben]).await;
    let (mut annas, mut bens) = (app.connect(&anna).await, app.connect(&ben).await);
    annas.subscribe(room, Some(2)).await;
    annas.chat(room, "read me").await;
    bens.send("read", json!({ "conversation_id": room, "seq": 3 })).await;
    let read = annas.next_where(|f| f["type"] == "read" && f["user"]["name"] == "ben").await;
    assert_eq!(read["up_to"], 3);
    let again = app.connect(&anna).await.subscribe(room, Some(3)).await;
    let bens_position = again["reads"].as_array().unwrap().iter().find(|read| read["user"]["name"] == "ben").cloned();
    assert_eq!(bens_position.unwrap()["up_to"], 3);
}

#[tokio::test]
async fn presence_is_told_to_those_who_share_a_conversation() {
    let app = TestApp::start().await;
    let (anna, ben) = (app.member("anna").await, app.member("ben").await);
    let room = app.room(&anna, &[&ben]).await;
    let mut annas = app.connect(&anna).await;
    annas.subscribe(room, Some(2)).await;
    let _bens = app.connect(&ben).await;
    let presence = annas.next_where(|f| f["type"] == "presence" && f["user"]["name"] == "ben").await;
    assert_eq!(presence["status"], "online");
    let subscribed = annas.subscribe(room, Some(2)).await;
    assert_eq!(subscribed["presence"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn who_is_removed_hears_of_it_and_then_nothing_more() {
    let app = TestApp::start().await;
    let (anna, ben) = (app.member("anna").await, app.member("ben").await);
    let room = app.room(&anna, &[&ben]).await;
    let (mut annas, mut bens) = (app.connect(&anna).await, app.connect(&ben).await);
    annas.subscribe(room, Some(2)).await;
    bens.subscribe(room, Some(2)).await;
    let path = format!("/api/v1/conversations/{room}/members/ben");
    assert_eq!(app.send(&anna, reqwest::Method::DELETE, &path, None).await.status(), 204);
    annas.chat(room, "without ben").await;
    annas.next_where(|f| f["type"] == "member" && f["change"] == "left").await;
    let removed = bens.next_of("conversation").await;
    assert_eq!((removed["change"].as_str(), removed["conversation"]["id"].clone()), (Some("removed"), json!(room)));
    let rest = bens.settled().await;
    assert_eq!(seqs(&rest), [0u64; 0], "{rest:?}");
    assert_eq!(bens.subscribe(room, Some(2)).await["mode"], "denied");
    let refused = bens.ask("chat", json!({ "conversation_id": room, "message": "let me in" })).await;
    assert_eq!(bens.answer(&refused).await["code"], "not_found");
}

#[tokio::test]
async fn who_is_added_hears_of_it() {
    let app = TestApp::start().await;
    let (anna, ben) = (app.member("anna").await, app.member("ben").await);
    let room = app.room(&anna, &[]).await;
    let mut bens = app.connect(&ben).await;
    let path = format!("/api/v1/conversations/{room}/members");
    assert_eq!(app.post(&anna, &path, json!({ "username": "ben" })).await.status(), 204);
    let added = bens.next_of("conversation").await;
    assert_eq!((added["change"].as_str(), added["conversation"]["title"].as_str()), (Some("added"), Some("Room")));
}

#[tokio::test]
async fn a_ping_is_answered_with_its_nonce() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let mut socket = app.connect(&anna).await;
    for nonce in [json!("n"), json!(7), json!({ "a": [1] })] {
        socket.send("ping", json!({ "nonce": nonce })).await;
        assert_eq!(socket.next_of("pong").await["nonce"], nonce);
    }
}

#[tokio::test]
async fn a_stopping_server_asks_to_come_back_after_a_delay() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let mut socket = app.connect(&anna).await;
    app.begin_to_stop();
    let (code, reason) = socket.closed().await.unwrap();
    assert_eq!(code, 4002);
    assert!(reason.parse::<u64>().is_ok_and(|ms| ms <= 5_000), "{reason}");
    drop(socket);
    app.stop().await;
}

#[tokio::test]
async fn who_closes_a_socket_is_answered_with_a_close() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let mut socket = app.connect(&anna).await;
    let close = CloseFrame { code: CloseCode::Normal, reason: "done".into() };
    socket.send_raw(Message::Close(Some(close))).await;
    assert_eq!(socket.closed().await.map(|(code, _)| code), Some(1000));
}
