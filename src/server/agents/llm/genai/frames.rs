//! What an OpenAI-like stream says beside its text, read from its raw frames: tool calls, whose index the crate
//! drops, and why the answer ended, which it tells only where `[DONE]` comes, too.
//!
//! Servers differ: calls arrive in pieces, several in one frame, with their id in the first piece or in each,
//! with an index from one, or all with the index nought.

use genai::chat::{ChatFrameSink, FrameCtx, RawFrameRef};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::ModelCall;
use crate::protocol::limits;

#[derive(Default)]
pub(super) struct Frames(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    calls: Vec<PartialCall>,
    bytes: usize,
    stop: Option<String>,
    refusal: String,
}

struct PartialCall {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
}

/// What was seen when the answer is over.
pub(super) struct Whole {
    pub calls: Vec<ModelCall>,
    /// The provider's word for why it ended; `None` where it did not say.
    pub stop: Option<String>,
    /// What the model says instead of an answer.
    pub refusal: Option<String>,
}

#[derive(Deserialize)]
struct Frame {
    choices: Option<Vec<Choice>>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Option<Piece>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Piece {
    tool_calls: Option<Vec<CallPiece>>,
    refusal: Option<String>,
}

#[derive(Deserialize)]
struct CallPiece {
    index: Option<u64>,
    id: Option<String>,
    function: Option<FunctionPiece>,
}

#[derive(Deserialize)]
struct FunctionPiece {
    name: Option<String>,
    arguments: Option<Value>,
}

impl ChatFrameSink for Frames {
    fn on_frame(&self, _: &FrameCtx, frame: RawFrameRef<'_>) {
        self.read(frame.data);
    }
}

impl Frames {
    /// What cannot be read, the crate reports.
    fn read(&self, data: &str) {
        let Ok(frame) = serde_json::from_str::<Frame>(data) else { return };
        let Some(choice) = frame.choices.unwrap_or_default().into_iter().next() else { return };
        let mut seen = self.0.lock();
        if let Some(piece) = choice.delta {
            seen.refusal.extend(piece.refusal.iter().filter(|text| !text.is_empty()).map(String::as_str));
            seen.bytes += piece.refusal.map_or(0, |text| text.len());
            piece.tool_calls.into_iter().flatten().for_each(|call| seen.add(call));
        }
        seen.stop = choice.finish_reason.filter(|reason| !reason.is_empty()).or(seen.stop.take());
    }

    /// More calls, or longer ones, than anybody would carry out.
    pub fn is_too_much(&self) -> bool {
        let seen = self.0.lock();
        seen.bytes > limits::MODEL_CALLS_BYTES || seen.calls.len() > limits::MODEL_CALLS
    }

    /// Whether the server said that the answer is over.
    pub fn has_ended(&self) -> bool {
        self.0.lock().stop.is_some()
    }

    pub fn take(&self) -> Whole {
        let Seen { calls, stop, refusal, .. } = std::mem::take(&mut *self.0.lock());
        let calls = calls.into_iter().enumerate().map(|(at, call)| ModelCall {
            id: if call.id.is_empty() { format!("call_{at}") } else { call.id },
            tool_name: call.name,
            arguments: arguments(Value::String(call.arguments)),
        });
        Whole { calls: calls.collect(), stop, refusal: Some(refusal).filter(|text| !text.trim().is_empty()) }
    }
}

impl Seen {
    fn add(&mut self, piece: CallPiece) {
        let CallPiece { index, id, function } = piece;
        let id = id.unwrap_or_default();
        let (name, arguments) = function.map_or((None, None), |function| (function.name, function.arguments));
        let name = name.unwrap_or_default();
        let arguments = match arguments {
            Some(Value::String(text)) => text,
            None | Some(Value::Null) => String::new(),
            Some(whole) => whole.to_string(),
        };
        self.bytes += id.len() + name.len() + arguments.len();
        // The newest first: where all have the same index, the last one is being written.
        let begun = self.calls.iter_mut().rev().find(|call| match index {
            Some(_) => call.index == index,
            None => true,
        });
        let goes_on = |call: &PartialCall| (id.is_empty() && name.is_empty()) || (!id.is_empty() && id == call.id);
        match begun.filter(|call| goes_on(call)) {
            Some(call) => call.arguments.push_str(&arguments),
            None => self.calls.push(PartialCall { index, id, name, arguments }),
        }
    }
}

/// What the model wrote, as JSON where it is some. No arguments at all are none.
pub(super) fn arguments(written: Value) -> Value {
    match written {
        Value::Null => json!({}),
        Value::String(text) if text.trim().is_empty() => json!({}),
        Value::String(text) => match serde_json::from_str::<Value>(&text) {
            // Some write a text that holds the object.
            Ok(Value::String(inner)) => serde_json::from_str(&inner).unwrap_or(Value::String(inner)),
            Ok(Value::Null) => json!({}),
            Ok(value) => value,
            Err(_) => Value::String(text),
        },
        whole => whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(frames: &[Value]) -> Vec<(String, String, Value)> {
        let seen = Frames::default();
        for calls in frames {
            seen.read(&json!({ "choices": [{ "delta": { "tool_calls": calls } }] }).to_string());
        }
        seen.take().calls.into_iter().map(|call| (call.id, call.tool_name, call.arguments)).collect()
    }

    fn piece(index: Value, id: Value, name: Value, arguments: Value) -> Value {
        json!({ "index": index, "id": id, "type": "function", "function": { "name": name, "arguments": arguments } })
    }

    fn call(id: &str, name: &str, arguments: Value) -> (String, String, Value) {
        (id.into(), name.into(), arguments)
    }

    #[test]
    fn calls_are_put_together_however_they_are_cut() {
        let none = Value::Null;
        let in_pieces = [
            json!([piece(json!(0), json!("a"), json!("add"), json!(""))]),
            json!([piece(json!(0), none.clone(), none.clone(), json!("{\"x\":"))]),
            json!([
                piece(json!(1), json!("b"), json!("mul"), json!("{\"y\"")),
                piece(json!(0), none.clone(), none.clone(), json!("1}")),
            ]),
            json!([piece(json!(1), none.clone(), none.clone(), json!(":2}"))]),
        ];
        let both = [call("a", "add", json!({ "x": 1 })), call("b", "mul", json!({ "y": 2 }))];
        assert_eq!(calls(&in_pieces), both);

        let all_nought = [json!([
            piece(json!(0), json!("a"), json!("add"), json!("{\"x\":1}")),
            piece(json!(0), json!("b"), json!("mul"), json!("{\"y\":2}")),
        ])];
        assert_eq!(calls(&all_nought), both);

        let id_in_each = [
            json!([piece(json!(1), json!("a"), json!("add"), json!("{\"x\""))]),
            json!([piece(json!(1), json!("a"), json!("add"), json!(":1}"))]),
        ];
        assert_eq!(calls(&id_in_each), both[..1]);

        let whole = [json!([{ "function": { "name": "add", "arguments": { "x": 1 } } }])];
        assert_eq!(calls(&whole), [call("call_0", "add", json!({ "x": 1 }))]);
    }

    #[test]
    fn what_is_no_json_is_kept_as_it_was_written() {
        for (written, read) in [
            (json!(""), json!({})),
            (json!("null"), json!({})),
            (json!("{\"a\":"), json!("{\"a\":")),
            (json!("\"{\\\"a\\\":1}\""), json!({ "a": 1 })),
            (json!({ "a": 1 }), json!({ "a": 1 })),
        ] {
            assert_eq!(arguments(written), read);
        }
    }

    #[test]
    fn a_flood_of_calls_is_noticed() {
        let seen = Frames::default();
        let long = "x".repeat(limits::MODEL_CALLS_BYTES);
        seen.read(&json!({ "choices": [{ "delta": { "tool_calls": [piece(json!(0), json!("a"), json!("f"), json!(long))] } }] }).to_string());
        assert!(seen.is_too_much());

        let seen = Frames::default();
        for at in 0..=limits::MODEL_CALLS {
            let call = piece(json!(u32::MAX), json!(format!("c{at}")), json!("f"), json!(""));
            seen.read(&json!({ "choices": [{ "delta": { "tool_calls": [call] } }] }).to_string());
        }
        assert!(seen.is_too_much());
    }
}
