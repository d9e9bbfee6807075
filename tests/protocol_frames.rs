//! One example of each frame, by the names of `docs/protocol.md`: what any client may rely on. Each is read
//! and written again without losing, adding or renaming a field.

use std::collections::BTreeSet;

use magpie::protocol::{ClientEnvelope, ClientFrame, DurableFrame, ServerFrame};
use serde_json::Value;

const CLIENT: &str = include_str!("protocol/client_frames.jsonl");
const SERVER: &str = include_str!("protocol/server_frames.jsonl");

/// Every `type` of a server frame, as the contract lists them.
const SERVER_TYPES: [&str; 28] = [
    "ack",
    "agent_run",
    "agent_step",
    "approval",
    "approval_resolved",
    "broadcast",
    "chart_generated",
    "control",
    "conversation",
    "deleted",
    "edited",
    "error",
    "hidden",
    "member",
    "message",
    "pong",
    "presence",
    "progress",
    "reaction",
    "read",
    "result",
    "status",
    "subscribed",
    "token",
    "tool_call",
    "tool_result",
    "typing_start",
    "typing_stop",
];

fn examples(lines: &str) -> Vec<Value> {
    lines.lines().filter(|line| !line.is_empty()).map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn kinds(examples: &[Value]) -> BTreeSet<&str> {
    examples.iter().map(|example| example["type"].as_str().unwrap()).collect()
}

#[test]
fn each_client_frame_has_the_fields_of_the_contract() {
    let examples = examples(CLIENT);
    for example in &examples {
        let frame = ClientEnvelope::parse(&example.to_string()).unwrap_or_else(|error| panic!("{example}: {error}"));
        assert_eq!(&serde_json::to_value(&frame).unwrap(), example);
    }
    assert_eq!(kinds(&examples), BTreeSet::from(ClientFrame::TYPES));
}

#[test]
fn each_server_frame_has_the_fields_of_the_contract() {
    let examples = examples(SERVER);
    for example in &examples {
        let frame: ServerFrame =
            serde_json::from_value(example.clone()).unwrap_or_else(|error| panic!("{example}: {error}"));
        assert_eq!(&serde_json::to_value(&frame).unwrap(), example);
    }
    assert_eq!(kinds(&examples), BTreeSet::from(SERVER_TYPES));
}

#[test]
fn an_event_of_the_log_is_durable_and_nothing_else_is() {
    for example in examples(SERVER) {
        let has_seq = example.get("seq").is_some() && example["type"] != "ack";
        let durable = serde_json::from_value::<DurableFrame>(example.clone());
        assert_eq!(durable.is_ok(), has_seq, "{example}");
        if let Ok(frame) = durable {
            assert_eq!(frame.event.kind(), example["type"]);
        }
    }
}
