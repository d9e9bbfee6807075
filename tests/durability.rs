//! What was acknowledged survives the death of the server.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    time::Duration,
};

use magpie::protocol::{ConversationId, http::SignedIn};
use serde_json::{Value, json};

use crate::support::{PASSWORD, Process, Socket, process::command};

const KILLS: u64 = 20;
const SENDERS: usize = 6;

/// A message and what its ack said: seq and id.
type Acks = HashMap<String, (u64, String)>;

async fn sign_up(addr: SocketAddr) -> SignedIn {
    let body = json!({ "username": "anna", "password": PASSWORD });
    let url = format!("http://{addr}/api/v1/auth/register");
    reqwest::Client::new().post(url).json(&body).send().await.unwrap().json().await.unwrap()
}

async fn create_room(addr: SocketAddr, token: &str) -> ConversationId {
    let url = format!("http://{addr}/api/v1/conversations");
    let body = json!({ "title": "Room", "agents": false });
    let made = reqwest::Client::new().post(url).bearer_auth(token).json(&body).send().await.unwrap();
    made.json::<Value>().await.unwrap()["id"].as_str().unwrap().parse().unwrap()
}

async fn all_events(addr: SocketAddr, token: &str, room: ConversationId) -> Vec<Value> {
    let mut events: Vec<Value> = Vec::new();
    loop {
        let after = events.last().map_or(0, |event| event["seq"].as_u64().unwrap());
        let url = format!("http://{addr}/api/v1/conversations/{room}/events?after={after}&limit=500");
        let page = reqwest::Client::new().get(url).bearer_auth(token).send().await.unwrap();
        let page: Value = page.json().await.unwrap();
        let more = page["events"].as_array().unwrap();
        events.extend(more.iter().cloned());
        if page["head"] == json!(events.len()) || more.is_empty() {
            return events;
        }
    }
}

/// Sends one message after the other, as fast as they are acked, until the server is gone. Returns what was
/// acked, and the message that was not.
async fn send_until_the_end(addr: SocketAddr, token: String, room: ConversationId, name: String) -> (Acks, String) {
    let mut acks = Acks::new();
    let mut n = 0u64;
    let mut socket = match Socket::open(addr, &token).await {
        Ok(socket) => socket,
        Err(_) => return (acks, client_id(&name, n)),
    };
    loop {
        let id = client_id(&name, n);
        let payload = json!({ "conversation_id": room, "client_id": id, "message": id });
        match socket.try_ask("chat", payload).await {
            Some(ack) => {
                assert_eq!(ack["type"], "ack", "{ack}");
                acks.insert(id, (ack["seq"].as_u64().unwrap(), ack["message_id"].as_str().unwrap().to_owned()));
                n += 1;
            }
            None => return (acks, id),
        }
    }
}

/// A UUID that tells the sender and the number.
fn client_id(name: &str, n: u64) -> String {
    format!("{name}-0000-4000-8000-{n:012x}")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acked_message_survives_sigkill_once_and_in_one_order() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Process::start(data.path());
    let token = sign_up(server.addr).await.token;
    let room = create_room(server.addr, &token).await;
    let mut acks = Acks::new();
    for kill in 0..KILLS {
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                let name = format!("{kill:04x}{sender:04x}");
                tokio::spawn(send_until_the_end(server.addr, token.clone(), room, name))
            })
            .collect();
        // The moment is the random part: anywhere from the handshakes to hundreds of messages later.
        tokio::time::sleep(Duration::from_millis(rand::random_range(1..250))).await;
        server.kill();
        let mut unacked = Vec::new();
        for sender in senders {
            let (acked, pending) = sender.await.unwrap();
            acks.extend(acked);
            unacked.push(pending);
        }
        server = Process::start(data.path());
        // What got no ack is sent again under its client_id, as every client does.
        let mut socket = Socket::open(server.addr, &token).await.unwrap();
        for id in unacked {
            let payload = json!({ "conversation_id": room, "client_id": id, "message": id });
            let ack = socket.try_ask("chat", payload).await.expect("an answer");
            acks.insert(id, (ack["seq"].as_u64().unwrap(), ack["message_id"].as_str().unwrap().to_owned()));
        }
    }
    let events = all_events(server.addr, &token, room).await;
    for (at, event) in events.iter().enumerate() {
        assert_eq!(event["seq"], at as u64 + 1, "no hole, no repeat");
    }
    let mut stored: BTreeMap<&str, Vec<(u64, &str)>> = BTreeMap::new();
    for event in events.iter().filter(|event| event["type"] == "message") {
        let place = (event["seq"].as_u64().unwrap(), event["id"].as_str().unwrap());
        stored.entry(event["client_id"].as_str().unwrap()).or_default().push(place);
    }
    assert!(acks.len() > KILLS as usize, "only {} messages were acked", acks.len());
    for (id, (seq, message)) in &acks {
        assert_eq!(stored.get(id.as_str()), Some(&vec![(*seq, message.as_str())]), "{id}");
    }
    assert_eq!(stored.len(), acks.len(), "every stored message was acked in the end");
}

#[test]
fn a_second_start_on_the_same_data_is_refused_and_says_why() {
    let data = tempfile::tempdir().unwrap();
    let _first = Process::start(data.path());
    let second = command(data.path()).output().unwrap();
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(!second.status.success());
    assert!(said.contains("data dir") || said.contains(data.path().to_str().unwrap()), "{said}");
}

#[tokio::test]
async fn sigterm_drains_and_ends_well() {
    let data = tempfile::tempdir().unwrap();
    let server = Process::start(data.path());
    let token = sign_up(server.addr).await.token;
    let room = create_room(server.addr, &token).await;
    let mut socket = Socket::open(server.addr, &token).await.unwrap();
    assert_eq!(socket.chat(room, "before").await["type"], "ack");
    let ended = tokio::task::spawn_blocking(|| server.terminate());
    assert_eq!(socket.closed().await.map(|(code, _)| code), Some(4002));
    assert_eq!(ended.await.unwrap(), Some(0));
}
