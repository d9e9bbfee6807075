//! `docs/schema/*.json` is what the Rust types say. After a change that is meant, write it anew:
//! `UPDATE_SCHEMA=1 cargo test --features ssr protocol_schema`.

use std::{fs, path::Path};

use magpie::protocol::{ClientEnvelope, ClientFrame, ServerFrame, problem::ProblemBody};
use schemars::{JsonSchema, schema_for};

#[expect(clippy::disallowed_methods, reason = "a switch of the test, no setting of the server")]
fn is_update() -> bool {
    std::env::var_os("UPDATE_SCHEMA").is_some()
}

fn schema<T: JsonSchema>() -> String {
    serde_json::to_string_pretty(&schema_for!(T)).unwrap() + "\n"
}

fn hold(file: &str, now: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema").join(file);
    if is_update() {
        fs::write(path, now).unwrap();
        return;
    }
    let kept = fs::read_to_string(path).unwrap();
    assert!(
        kept == now,
        "docs/schema/{file} is not what the types say. Is the wire meant to change? \
         Then run UPDATE_SCHEMA=1 cargo test --features ssr protocol_schema"
    );
}

#[test]
fn the_schema_of_what_clients_send_is_kept() {
    hold("client-frame.json", &schema::<ClientEnvelope>());
}

#[test]
fn the_schema_of_what_the_server_sends_is_kept() {
    hold("server-frame.json", &schema::<ServerFrame>());
}

#[test]
fn the_schema_of_a_problem_is_kept() {
    hold("problem.json", &schema::<ProblemBody>());
}

#[test]
fn the_schema_names_every_client_frame() {
    let schema = schema::<ClientEnvelope>();
    for kind in ClientFrame::TYPES {
        assert!(schema.contains(&format!("\"const\": \"{kind}\"")), "{kind}");
    }
}
