//! What an AG-UI client sends, as far as it is looked at.

use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::protocol::{ClientId, ConversationId, MessageId, Problem, RunId, Seq, UserId, limits};

/// `RunAgentInput`. The history that it repeats is not read: the conversation has its own. Tools of the client's
/// are not called: the agents have theirs.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunInput {
    pub thread_id: String,
    pub run_id: String,
    pub messages: Vec<InputMessage>,
}

#[derive(Debug, Deserialize)]
pub struct InputMessage {
    pub id: String,
    pub role: String,
    #[serde(default)]
    pub content: Value,
}

impl RunInput {
    /// The text of the last message, which is the user's.
    pub fn question(&self) -> Result<String, Problem> {
        let last = self.last()?;
        match &last.content {
            Value::String(text) => Ok(text.clone()),
            Value::Array(parts) => {
                let texts: Vec<&str> = parts.iter().filter_map(|part| part["text"].as_str()).collect();
                if texts.is_empty() {
                    return Err(Problem::invalid("messages", "the last message has no text, and only text is read"));
                }
                Ok(texts.join("\n"))
            }
            _ => Err(Problem::invalid("messages", "the last message's content is a text or a list of parts")),
        }
    }

    fn last(&self) -> Result<&InputMessage, Problem> {
        let last = self.messages.last().filter(|last| last.role == "user");
        last.ok_or_else(|| Problem::invalid("messages", "the last one is to be the user's"))
    }

    /// The same for the same message of the same person, so that sending it again asks nothing twice.
    pub fn client_id(&self, user: UserId) -> Result<ClientId, Problem> {
        let id = &self.last()?.id;
        Ok(id.parse().unwrap_or_else(|_| {
            MessageId::from_bytes(digest(&["message", &user.to_string(), &self.thread_id, id])).into()
        }))
    }

    /// The conversation that is made for this thread.
    pub fn conversation(&self, user: UserId) -> ConversationId {
        ConversationId::from_bytes(digest(&["thread", &user.to_string(), &self.thread_id]))
    }

    pub fn title(&self) -> String {
        let text = self.question().unwrap_or_default();
        let line: String =
            text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(limits::PREVIEW_CHARS.min(60)).collect();
        if line.is_empty() { "AG-UI".to_owned() } else { line }
    }
}

/// The last event that a client has: `RUN:SEQ:BYTES`, the bytes those of the answer that it was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastEvent {
    pub run: RunId,
    pub seq: Seq,
    pub bytes: usize,
}

impl LastEvent {
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut parts = headers.get("last-event-id")?.to_str().ok()?.split(':');
        let (run, seq, bytes) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self { run: run.parse().ok()?, seq: Seq(seq.parse().ok()?), bytes: bytes.parse().ok()? })
    }
}

/// Nobody can make another thread's id of this.
fn digest(parts: &[&str]) -> [u8; 16] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let mut id = [0; 16];
    id.copy_from_slice(&hash.finalize()[..16]);
    // A ULID's first character is 7 at most.
    id[0] &= 0x7f;
    id
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn input(thread: &str, content: Value) -> RunInput {
        let messages = json!([{ "id": "m1", "role": "user", "content": content }]);
        serde_json::from_value(json!({ "threadId": thread, "runId": "r", "messages": messages, "tools": [] }))
            .expect("an input")
    }

    #[test]
    fn a_thread_is_one_conversation_of_each_person() {
        let (anna, ben) = (UserId::of_agent("anna"), UserId::of_agent("ben"));
        let (one, other) = (input("t1", json!("hi")), input("t2", json!("hi")));
        assert_eq!(one.conversation(anna), input("t1", json!("bye")).conversation(anna));
        assert_ne!(one.conversation(anna), one.conversation(ben));
        assert_ne!(one.conversation(anna), other.conversation(anna));
        assert_eq!(one.client_id(anna).unwrap(), one.client_id(anna).unwrap());
        assert_ne!(one.client_id(anna).unwrap(), other.client_id(anna).unwrap());
    }

    #[test]
    fn text_is_read_from_a_string_and_from_parts() {
        assert_eq!(input("t", json!("hi")).question().unwrap(), "hi");
        let parts = json!([{ "type": "text", "text": "a" }, { "type": "image", "source": {} }, { "type": "text", "text": "b" }]);
        assert_eq!(input("t", parts).question().unwrap(), "a\nb");
        assert!(input("t", json!([{ "type": "image" }])).question().is_err());
        assert!(input("t", Value::Null).question().is_err());
    }

    #[test]
    fn the_last_message_is_to_be_the_users() {
        let mut input = input("t", json!("hi"));
        input.messages.push(InputMessage { id: "m2".into(), role: "assistant".into(), content: json!("yes?") });
        assert!(input.question().is_err());
        input.messages.clear();
        assert!(input.question().is_err());
    }
}
