//! Whatever comes over the wire is read or refused, and never more: no panic, no frame that changes when it is
//! written and read again, no answer larger than what was asked with.
//!
//! Here with random bytes for a moment; longer, and led by what they reach: `cargo bolero test --features ssr
//! protocol_fuzz::any_client_text_is_a_frame_that_stays_the_same_or_a_short_refusal` (`cargo install cargo-bolero`).

use std::time::Duration;

use bolero::check;
use magpie::protocol::{ClientEnvelope, ServerFrame, limits};

#[path = "protocol/mangle.rs"]
mod mangle;

const CLIENT: &str = include_str!("protocol/client_frames.jsonl");
const SERVER: &str = include_str!("protocol/server_frames.jsonl");
const MOMENT: Duration = Duration::from_secs(3);

/// Each byte of a text takes at most six when it is written as JSON, and a frame has a few of its own.
fn is_bounded(said: &str, asked: &str) -> bool {
    said.len() <= asked.len() * 6 + 256
}

#[test]
fn any_client_text_is_a_frame_that_stays_the_same_or_a_short_refusal() {
    let examples: Vec<_> = CLIENT.lines().collect();
    check!().with_test_time(MOMENT).for_each(|bytes: &[u8]| {
        let text = mangle::mangle(&examples, bytes);
        match ClientEnvelope::parse(&text) {
            Ok(envelope) => {
                let written = serde_json::to_string(&envelope).unwrap();
                assert!(is_bounded(&written, &text), "{text} became {written}");
                assert_eq!(ClientEnvelope::parse(&written).as_ref(), Ok(&envelope), "{text}");
                assert!(envelope.reference.is_none_or(|reference| reference.len() <= limits::REF_BYTES));
            }
            Err(error) => {
                let said = error.to_string();
                assert!(said.chars().count() <= 12 * limits::PROBLEM_CHARS, "{} bytes of {said:.200}", said.len());
            }
        }
    });
}

#[test]
fn any_server_text_is_a_frame_that_stays_the_same_or_none() {
    let examples: Vec<_> = SERVER.lines().collect();
    check!().with_test_time(MOMENT).for_each(|bytes: &[u8]| {
        let text = mangle::mangle(&examples, bytes);
        if let Ok(frame) = serde_json::from_str::<ServerFrame>(&text) {
            let written = serde_json::to_string(&frame).unwrap();
            assert!(is_bounded(&written, &text), "{text} became {written}");
            assert_eq!(serde_json::from_str::<ServerFrame>(&written).unwrap(), frame, "{text}");
        }
    });
}
