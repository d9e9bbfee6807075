//! A thousand changes of hands at random moments.

use std::time::Duration;

use futures_util::future::join_all;
use magpie::protocol::ConversationId;
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use crate::support::{
    Socket, TestApp,
    desk::{Visitor, at_dialog, control, operator},
    model::{ModelServer, endless, say},
};

/// Dialogs side by side, and rounds in each.
const DIALOGS: u64 = 8;
const ROUNDS: u64 = 125;

/// What an agent says, and is silent about once the dialog is not the AI's.
fn is_the_agents(frame: &Value) -> bool {
    match frame["type"].as_str().unwrap_or_default() {
        "message" => frame["sender"] == "agent",
        "agent_run" => frame["status"] == "initializing" || frame["status"] == "processing",
        kind => {
            ["token", "agent_step", "tool_call", "tool_result", "progress", "result", "chart_generated"].contains(&kind)
        }
    }
}

/// Reads on and holds every frame against who had the dialog when it came.
struct Watch {
    socket: Socket,
    owner: Value,
    epoch: u64,
    seen: u64,
}

impl Watch {
    fn new(socket: Socket) -> Self {
        Self { socket, owner: json!({ "kind": "ai" }), epoch: 1, seen: 0 }
    }

    async fn next(&mut self) -> Value {
        let frame = self.socket.next().await;
        if frame["type"] == "control" {
            self.owner = frame["owner"].clone();
            self.epoch = frame["epoch"].as_u64().unwrap();
        } else if is_the_agents(&frame) {
            assert_eq!(self.owner["kind"], "ai", "under epoch {}: {frame}", self.epoch);
            self.seen += 1;
        }
        frame
    }

    async fn until(&mut self, epoch: u64) {
        while self.epoch < epoch {
            self.next().await;
        }
    }

    async fn answer(&mut self, reference: &str) -> Value {
        loop {
            let frame = self.next().await;
            if frame["ref"] == reference {
                return frame;
            }
        }
    }

    async fn control(&mut self, id: ConversationId, action: &str, epoch: u64) -> Value {
        let frame = json!({ "conversation_id": id, "action": action, "epoch": epoch });
        let reference = self.socket.ask("control", frame).await;
        self.answer(&reference).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_takeover_no_word_of_the_ai_follows() {
    let model = ModelServer::start().await;
    model.always([say("Well, "), endless("and so on ")]);
    let app = TestApp::start_with(|settings| model.configure(settings)).await;
    let anna = operator(&app, "anna").await;
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let seen = join_all((0..DIALOGS).map(async |n| {
        let mut random = StdRng::seed_from_u64(seed.wrapping_add(n));
        let vera = Visitor::open(&app).await;
        let id = vera.dialog;
        let (mut visitor, mut person) =
            (Watch::new(vera.connect(&app).await), Watch::new(at_dialog(&app, &anna, id).await.0));
        let mut epoch = 1;
        for round in 0..ROUNDS {
            let question = json!({ "conversation_id": id, "message": format!("@analyst {round}") });
            visitor.socket.send("chat", question).await;
            // A random moment of the answer, or before it.
            tokio::time::sleep(Duration::from_micros(random.random_range(0..60_000))).await;
            if random.random_bool(0.5) {
                // A second question waits behind the first.
                let another = json!({ "conversation_id": id, "message": format!("@analyst {round} again") });
                visitor.socket.send("chat", another).await;
            }
            let acked = person.control(id, "take", epoch).await;
            assert_eq!(acked["type"], "ack", "round {round}: {acked}");
            epoch += 1;
            visitor.until(epoch).await;
            person.until(epoch).await;
            // Whatever was on its way has come by now, before the dialog is the AI's again.
            tokio::time::sleep(Duration::from_micros(random.random_range(0..5_000))).await;
            for watch in [&mut visitor, &mut person] {
                for frame in watch.socket.settled().await {
                    assert!(!is_the_agents(&frame), "after epoch {epoch}: {frame}");
                }
            }
            assert_eq!(person.control(id, "return_to_ai", epoch).await["type"], "ack");
            epoch += 1;
            visitor.until(epoch).await;
        }
        visitor.seen + person.seen
    }))
    .await;
    assert!(seen.iter().sum::<u64>() > ROUNDS, "the AI had something to say: {seen:?}");
    let runs = app.state.storage.unfinished_runs().await.unwrap();
    assert_eq!(runs, [], "nothing stays in the middle");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_operators_at_once_one_wins_each_time() {
    let app = TestApp::start().await;
    let (anna, ben) = (operator(&app, "anna").await, operator(&app, "ben").await);
    let wins = join_all((0..DIALOGS).map(async |n| {
        let vera = Visitor::open(&app).await;
        let mut wins = [0u64; 2];
        let (mut one, mut two) =
            (at_dialog(&app, &anna, vera.dialog).await.0, at_dialog(&app, &ben, vera.dialog).await.0);
        let mut epoch = 1;
        for round in 0..ROUNDS {
            let (first, second) = if (round + n) % 2 == 0 { (&mut one, &mut two) } else { (&mut two, &mut one) };
            let (a, b) =
                tokio::join!(control(first, vera.dialog, "take", epoch), control(second, vera.dialog, "take", epoch));
            let (winner, lost, names) = match (a["type"].as_str(), b["type"].as_str()) {
                (Some("ack"), Some("error")) => (first, b, (round + n) % 2),
                (Some("error"), Some("ack")) => (second, a, 1 - (round + n) % 2),
                _ => panic!("round {round}: {a} {b}"),
            };
            assert_eq!(lost["code"], "stale_epoch", "{lost}");
            let name = ["anna", "ben"][usize::try_from(names).unwrap()];
            assert_eq!(lost["details"]["owner"]["user"]["name"], name);
            assert_eq!(lost["message"], format!("{name} already took this."));
            wins[usize::try_from(names).unwrap()] += 1;
            assert_eq!(control(winner, vera.dialog, "release", epoch + 1).await["type"], "ack");
            epoch += 2;
        }
        wins
    }))
    .await;
    let [anna, ben] = wins.iter().fold([0, 0], |sum, wins| [sum[0] + wins[0], sum[1] + wins[1]]);
    println!("anna won {anna} times, ben {ben} times");
    assert_eq!(anna + ben, DIALOGS * ROUNDS);
}
