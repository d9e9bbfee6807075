//! What is written is what is read, for any frame, also by a reader that is older than the writer.

use magpie::protocol::{ClientEnvelope, DurableFrame, EphemeralFrame, ServerFrame};
use proptest::prelude::*;
use serde_json::Value;

#[path = "protocol/arbitrary.rs"]
mod arbitrary;

use arbitrary::{client_envelope, durable_frame, ephemeral_frame, with_unknown_fields};

/// What a later version would send: the same frame with fields that this one does not know.
fn from_later(text: &str) -> String {
    let frame: Value = serde_json::from_str(text).unwrap();
    with_unknown_fields(frame).to_string()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_client_frame_round_trips(envelope in client_envelope()) {
        let text = serde_json::to_string(&envelope).unwrap();
        prop_assert_eq!(ClientEnvelope::parse(&from_later(&text)), Ok(envelope.clone()));
        prop_assert_eq!(ClientEnvelope::parse(&text), Ok(envelope));
    }

    #[test]
    fn any_durable_frame_round_trips(frame in durable_frame()) {
        let text = serde_json::to_string(&frame).unwrap();
        prop_assert_eq!(&serde_json::from_str::<DurableFrame>(&text).unwrap(), &frame);
        prop_assert_eq!(&serde_json::from_str::<DurableFrame>(&from_later(&text)).unwrap(), &frame);
        let either: ServerFrame = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(either, ServerFrame::Durable(frame));
    }

    #[test]
    fn any_ephemeral_frame_round_trips(frame in ephemeral_frame()) {
        let text = serde_json::to_string(&frame).unwrap();
        prop_assert_eq!(&serde_json::from_str::<EphemeralFrame>(&text).unwrap(), &frame);
        prop_assert_eq!(&serde_json::from_str::<EphemeralFrame>(&from_later(&text)).unwrap(), &frame);
        let either: ServerFrame = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(either, ServerFrame::Ephemeral(frame));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>()) {
        let _ = ClientEnvelope::parse(&text);
        let _ = serde_json::from_str::<ServerFrame>(&text);
    }
}
