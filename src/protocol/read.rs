//! Reads the types that are tagged or flattened on the wire, from one JSON value.
//!
//! serde's own way would buffer each of them in a shape of its own and compile every payload once more for
//! it: in the browser, where each visitor downloads the code, that was a fifth of everything. Here each
//! payload is compiled once, for `&Value`. A frame in the wrong shape is an error, as with serde.

use serde::{
    Deserialize,
    de::{DeserializeOwned, Error as _},
};
use serde_json::{Error, Value};

use super::{
    dialog::{ControlChanged, Owner},
    http::{ConversationDetail, MessageNow},
    server::{Ack, DurableFrame, EphemeralFrame, Event, ServerFrame, Status},
};

/// What can be read from a value that was parsed already.
pub trait Read: Sized {
    fn read(value: &Value) -> Result<Self, Error>;
}

/// Parses a text by way of a value: the one path that the browser has for it.
pub fn parse<T: Read>(text: &str) -> Result<T, Error> {
    T::read(&serde_json::from_str(text)?)
}

/// A field; one that is absent reads as `null`.
pub fn field<T: DeserializeOwned>(value: &Value, name: &str) -> Result<T, Error> {
    T::deserialize(value.get(name).unwrap_or(&Value::Null))
}

/// A field that has a default where it is absent or `null`.
fn field_or_default<T: DeserializeOwned + Default>(value: &Value, name: &str) -> Result<T, Error> {
    Ok(field::<Option<T>>(value, name)?.unwrap_or_default())
}

fn kind(value: &Value) -> Result<&str, Error> {
    value.get("type").and_then(Value::as_str).ok_or_else(|| Error::custom("missing field `type`"))
}

fn unknown(kind: &str) -> Error {
    Error::custom(format_args!("unknown type `{kind}`"))
}

/// Lets serde read the type wherever it stands in another.
#[macro_export]
macro_rules! deserialize_by_reading {
    ($($name:ty),* $(,)?) => {$(
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = serde_json::Value::deserialize(deserializer)?;
                <$name as $crate::protocol::read::Read>::read(&value).map_err(serde::de::Error::custom)
            }
        }
    )*};
}

deserialize_by_reading!(
    ServerFrame,
    DurableFrame,
    Event,
    EphemeralFrame,
    Status,
    Ack,
    ControlChanged,
    Owner,
    MessageNow,
    ConversationDetail,
);

impl Read for ServerFrame {
    fn read(value: &Value) -> Result<Self, Error> {
        // Every event has a place in its log; of the rest, an ack alone names one.
        if value.get("seq").is_some() && kind(value)? != "ack" {
            DurableFrame::read(value).map(Self::Durable)
        } else {
            EphemeralFrame::read(value).map(Self::Ephemeral)
        }
    }
}

impl Read for DurableFrame {
    fn read(value: &Value) -> Result<Self, Error> {
        Ok(Self {
            event: Event::read(value)?,
            conversation_id: field(value, "conversation_id")?,
            seq: field(value, "seq")?,
            timestamp: field_or_default(value, "timestamp")?,
        })
    }
}

impl Read for Event {
    fn read(value: &Value) -> Result<Self, Error> {
        Ok(match kind(value)? {
            "message" => Self::Message(Deserialize::deserialize(value)?),
            "edited" => Self::Edited(Deserialize::deserialize(value)?),
            "deleted" => Self::Deleted(Deserialize::deserialize(value)?),
            "reaction" => Self::Reaction(Deserialize::deserialize(value)?),
            "member" => Self::Member(Deserialize::deserialize(value)?),
            "agent_run" => Self::AgentRun(Deserialize::deserialize(value)?),
            "agent_step" => Self::AgentStep(Deserialize::deserialize(value)?),
            "tool_call" => Self::ToolCall(Deserialize::deserialize(value)?),
            "tool_result" => Self::ToolResult(Deserialize::deserialize(value)?),
            "approval" => Self::Approval(Deserialize::deserialize(value)?),
            "approval_resolved" => Self::ApprovalResolved(Deserialize::deserialize(value)?),
            "progress" => Self::Progress(Deserialize::deserialize(value)?),
            "chart_generated" => Self::ChartGenerated(Deserialize::deserialize(value)?),
            "result" => Self::Result(Deserialize::deserialize(value)?),
            "control" => Self::Control(ControlChanged::read(value)?),
            "hidden" => Self::Hidden,
            other => return Err(unknown(other)),
        })
    }
}

impl Read for EphemeralFrame {
    fn read(value: &Value) -> Result<Self, Error> {
        Ok(match kind(value)? {
            "status" => Self::Status(Status::read(value)?),
            "subscribed" => Self::Subscribed(Deserialize::deserialize(value)?),
            "ack" => Self::Ack(Ack::read(value)?),
            "typing_start" => Self::TypingStart(Deserialize::deserialize(value)?),
            "typing_stop" => Self::TypingStop(Deserialize::deserialize(value)?),
            "presence" => Self::Presence(Deserialize::deserialize(value)?),
            "read" => Self::Read(Deserialize::deserialize(value)?),
            "conversation" => Self::Conversation(Deserialize::deserialize(value)?),
            "token" => Self::Token(Deserialize::deserialize(value)?),
            "broadcast" => Self::Broadcast(Deserialize::deserialize(value)?),
            "pong" => Self::Pong(Deserialize::deserialize(value)?),
            "error" => Self::Error(Deserialize::deserialize(value)?),
            other => return Err(unknown(other)),
        })
    }
}

impl Read for Status {
    fn read(value: &Value) -> Result<Self, Error> {
        Ok(Self {
            status: field(value, "status")?,
            message: field(value, "message")?,
            timestamp: field(value, "timestamp")?,
            run_id: field(value, "run_id")?,
            expires_at: field(value, "expires_at")?,
            connected: value.get("connection_id").map(|_| Deserialize::deserialize(value)).transpose()?,
        })
    }
}

impl Read for Ack {
    fn read(value: &Value) -> Result<Self, Error> {
        Ok(Self {
            reference: field(value, "ref")?,
            conversation_id: field(value, "conversation_id")?,
            seq: field(value, "seq")?,
            posted: value.get("client_id").map(|_| Deserialize::deserialize(value)).transpose()?,
        })
    }
}

impl Read for ControlChanged {
    fn read(value: &Value) -> Result<Self, Error> {
        let state = Deserialize::deserialize(value)?;
        Ok(Self { state, by: field(value, "by")?, reason: field(value, "reason")? })
    }
}

impl Read for Owner {
    fn read(value: &Value) -> Result<Self, Error> {
        match value.get("kind").and_then(Value::as_str).unwrap_or_default() {
            "ai" => Ok(Self::Ai),
            "queue" => Ok(Self::Queue { team: field(value, "team")? }),
            "human" => Ok(Self::Human { user: field(value, "user")? }),
            other => Err(unknown(other)),
        }
    }
}

impl Read for MessageNow {
    fn read(value: &Value) -> Result<Self, Error> {
        Ok(Self {
            frame: DurableFrame::read(value)?,
            edited_at: field(value, "edited_at")?,
            deleted: field_or_default(value, "deleted")?,
            reactions: field_or_default(value, "reactions")?,
        })
    }
}

impl Read for ConversationDetail {
    fn read(value: &Value) -> Result<Self, Error> {
        let conversation = Deserialize::deserialize(value)?;
        Ok(Self {
            conversation,
            members: field(value, "members")?,
            control: field(value, "control")?,
            visitor: field(value, "visitor")?,
        })
    }
}
