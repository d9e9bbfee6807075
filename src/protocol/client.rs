//! Frames from a client: `{"type", "payload", "ref"?}`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    dialog::ControlAction,
    ids::{CallId, ClientId, ConversationId, LogEpoch, MessageId, RunId, Seq},
    limits,
    problem::{Code, Details},
    server::Visibility,
};

/// One frame and the client's name for it, which comes back in the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClientEnvelope {
    #[serde(flatten)]
    pub frame: ClientFrame,
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "payload", rename_all = "snake_case")]
pub enum ClientFrame {
    Subscribe(Subscribe),
    Unsubscribe(Unsubscribe),
    Chat(Chat),
    Cancel(Cancel),
    TypingStart(Typing),
    TypingStop(Typing),
    Read(Read),
    Edit(Edit),
    Delete(Delete),
    React(React),
    Control(Control),
    Approve(Approve),
    Ping(Ping),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Subscribe {
    pub conversations: Vec<Cursor>,
}

/// Where a client stands in one conversation. Without `after` it wants a snapshot of the newest events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cursor {
    pub id: ConversationId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Seq>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_epoch: Option<LogEpoch>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Unsubscribe {
    pub conversations: Vec<ConversationId>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Chat {
    /// Left out where the endpoint itself names the conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<ConversationId>,
    /// Without it the server makes one, and a retry is not recognised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// Markdown, 1 to [`limits::MESSAGE_BYTES`] bytes after trimming.
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility: Option<Visibility>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cancel {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversation_id: Option<ConversationId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Typing {
    pub conversation_id: ConversationId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility: Option<Visibility>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Read {
    pub conversation_id: ConversationId,
    pub seq: Seq,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Edit {
    pub conversation_id: ConversationId,
    pub message_id: MessageId,
    pub message: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Delete {
    pub conversation_id: ConversationId,
    pub message_id: MessageId,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct React {
    pub conversation_id: ConversationId,
    pub message_id: MessageId,
    /// 1 to [`limits::EMOJI_BYTES`] bytes.
    pub emoji: String,
    pub on: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Control {
    pub conversation_id: ConversationId,
    pub action: ControlAction,
    pub epoch: u64,
    /// The username that a `transfer` goes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Approve {
    pub conversation_id: ConversationId,
    pub run_id: RunId,
    pub call_id: CallId,
    pub approved: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Value>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ping {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<Value>,
}

/// Why a client's text is no frame.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FrameError {
    #[error("not a frame: {0}")]
    Bad(String),
    #[error("unknown frame type {kind:?}")]
    UnknownType { kind: String, reference: Option<String> },
    #[error("{}", problems(details))]
    Invalid { details: Details, reference: Option<String> },
}

impl FrameError {
    pub fn code(&self) -> Code {
        match self {
            Self::Bad(_) => Code::BadFrame,
            Self::UnknownType { .. } => Code::UnknownType,
            Self::Invalid { .. } => Code::Invalid,
        }
    }
}

impl FrameError {
    /// The client's name for the frame, where it was still read.
    pub fn into_reference(self) -> Option<String> {
        match self {
            Self::Bad(_) => None,
            Self::UnknownType { reference, .. } | Self::Invalid { reference, .. } => reference,
        }
    }
}

fn problems(details: &Details) -> String {
    let each: Vec<_> =
        details.iter().map(|(field, problem)| format!("{field}: {}", problem.as_str().unwrap_or_default())).collect();
    each.join("; ")
}

impl ClientFrame {
    /// Every `type` a client may send.
    pub const TYPES: [&str; 13] = [
        "subscribe",
        "unsubscribe",
        "chat",
        "cancel",
        "typing_start",
        "typing_stop",
        "read",
        "edit",
        "delete",
        "react",
        "control",
        "approve",
        "ping",
    ];
}

impl ClientEnvelope {
    /// Reads one text frame, telling apart what is no frame at all, what is of a type that this version
    /// does not know, and what is known but wrong in some field.
    pub fn parse(text: &str) -> Result<Self, FrameError> {
        let raw: Value = serde_json::from_str(text).map_err(|error| FrameError::Bad(error.to_string()))?;
        let Value::Object(raw) = raw else {
            return Err(FrameError::Bad("a frame is a JSON object".into()));
        };
        Self::from_object(raw)
    }

    /// The same, and an object that is nothing but a chat's payload, with a `message` and no `type`.
    pub fn parse_bare(text: &str) -> Result<Self, FrameError> {
        match serde_json::from_str(text) {
            Ok(Value::Object(mut raw)) if !raw.contains_key("type") && raw.contains_key("message") => {
                let reference = raw.remove("ref");
                let mut frame =
                    Map::from_iter([("type".to_owned(), "chat".into()), ("payload".to_owned(), raw.into())]);
                frame.extend(reference.map(|reference| ("ref".to_owned(), reference)));
                Self::from_object(frame)
            }
            _ => Self::parse(text),
        }
    }

    fn from_object(mut raw: Map<String, Value>) -> Result<Self, FrameError> {
        let reference = match raw.remove("ref") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) if text.len() <= limits::REF_BYTES => Some(text),
            Some(_) => {
                let problem = format!("a string of at most {} bytes", limits::REF_BYTES);
                return Err(invalid("ref", problem, None));
            }
        };
        let kind = match raw.remove("type") {
            Some(Value::String(kind)) => kind,
            _ => return Err(FrameError::Bad("a frame has a `type`, a string".into())),
        };
        let payload = match raw.remove("payload") {
            None | Some(Value::Null) => Value::Object(Map::new()),
            Some(payload @ Value::Object(_)) => payload,
            Some(_) if ClientFrame::TYPES.contains(&kind.as_str()) => {
                return Err(invalid("payload", "an object".into(), reference));
            }
            Some(_) => return Err(unknown(&kind, reference)),
        };
        match ClientFrame::read(&kind, payload) {
            Some(Ok(frame)) => Ok(Self { frame, reference }),
            Some(Err(error)) => {
                let (field, problem) = locate(&error);
                Err(invalid(&field, problem, reference))
            }
            None => Err(unknown(&kind, reference)),
        }
    }
}

type FieldError = serde_path_to_error::Error<serde_json::Error>;

impl ClientFrame {
    /// The payload of this type; `None` if there is no such type. Each payload is read by itself: within the
    /// tagged enum serde buffers it, and forgets which field was wrong.
    fn read(kind: &str, payload: Value) -> Option<Result<Self, FieldError>> {
        use serde_path_to_error::deserialize as read;
        Some(match kind {
            "subscribe" => read(payload).map(Self::Subscribe),
            "unsubscribe" => read(payload).map(Self::Unsubscribe),
            "chat" => read(payload).map(Self::Chat),
            "cancel" => read(payload).map(Self::Cancel),
            "typing_start" => read(payload).map(Self::TypingStart),
            "typing_stop" => read(payload).map(Self::TypingStop),
            "read" => read(payload).map(Self::Read),
            "edit" => read(payload).map(Self::Edit),
            "delete" => read(payload).map(Self::Delete),
            "react" => read(payload).map(Self::React),
            "control" => read(payload).map(Self::Control),
            "approve" => read(payload).map(Self::Approve),
            "ping" => read(payload).map(Self::Ping),
            _ => return None,
        })
    }
}

fn unknown(kind: &str, reference: Option<String>) -> FrameError {
    FrameError::UnknownType { kind: quoted(kind), reference }
}

/// No more of a client's own words than help to find them: the answer to a frame is not to be larger than it.
fn quoted(text: &str) -> String {
    match text.char_indices().nth(limits::PROBLEM_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn invalid(field: &str, problem: String, reference: Option<String>) -> FrameError {
    let details = Details::from([(field.to_owned(), quoted(&problem).into())]);
    FrameError::Invalid { details, reference }
}

/// The field that a deserialisation error is about, and what is wrong there.
fn locate(error: &FieldError) -> (String, String) {
    let problem = error.inner().to_string();
    let path = error.path().to_string();
    // serde reports a missing field at its parent: name the field itself.
    let missing = problem.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
    match (path.as_str(), missing) {
        ("" | ".", Some(field)) => (field.to_owned(), "missing".to_owned()),
        (parent, Some(field)) => (format!("{parent}.{field}"), "missing".to_owned()),
        ("" | ".", None) => ("payload".to_owned(), problem),
        (field, None) => (field.to_owned(), problem),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_frame_is_bad() {
        for text in ["", "{", "[]", "\"chat\"", "{}", r#"{"type":7}"#] {
            assert!(matches!(ClientEnvelope::parse(text), Err(FrameError::Bad(_))), "{text}");
        }
    }

    #[test]
    fn an_unknown_type_keeps_its_ref() {
        let parsed = ClientEnvelope::parse(r#"{"type":"dance","payload":{},"ref":"7"}"#);
        assert_eq!(parsed, Err(FrameError::UnknownType { kind: "dance".into(), reference: Some("7".into()) }));
    }

    #[test]
    fn a_wrong_field_is_named() {
        for (payload, field) in [
            (r#"{"message":"hi","conversation_id":"x"}"#, "conversation_id"),
            (r#"{}"#, "message"),
            (r#"{"message":7}"#, "message"),
            (r#"{"message":"hi","client_id":"1"}"#, "client_id"),
        ] {
            let text = format!(r#"{{"type":"chat","payload":{payload}}}"#);
            let Err(FrameError::Invalid { details, .. }) = ClientEnvelope::parse(&text) else { panic!("{payload}") };
            assert_eq!(details.keys().collect::<Vec<_>>(), [field], "{payload}");
        }
        let nested = ClientEnvelope::parse(r#"{"type":"subscribe","payload":{"conversations":[{"after":1}]}}"#);
        let Err(FrameError::Invalid { details, .. }) = nested else { panic!("{nested:?}") };
        assert_eq!(details.keys().collect::<Vec<_>>(), ["conversations[0].id"]);
    }

    #[test]
    fn a_refusal_quotes_no_more_than_a_few_words_of_what_it_refuses() {
        let long = "é".repeat(limits::CLIENT_FRAME_BYTES / 4);
        for text in [
            format!(r#"{{"type":"{long}"}}"#),
            format!(r#"{{"type":"subscribe","payload":{{"conversations":"{long}"}}}}"#),
            format!(r#"{{"type":"react","payload":{{"on":"{long}"}}}}"#),
        ] {
            let error = ClientEnvelope::parse(&text).unwrap_err();
            assert!(error.to_string().chars().count() < 2 * limits::PROBLEM_CHARS, "{error:.300}");
            if let FrameError::Invalid { details, .. } = error {
                assert!(
                    details
                        .values()
                        .all(|problem| problem.as_str().unwrap().chars().count() <= limits::PROBLEM_CHARS + 1)
                );
            }
        }
    }

    #[test]
    fn unknown_fields_and_an_absent_payload_are_tolerated() {
        let ping = ClientEnvelope::parse(r#"{"type":"ping","later":true}"#).unwrap();
        assert_eq!(ping.frame, ClientFrame::Ping(Ping::default()));
        let ping = ClientEnvelope::parse(r#"{"type":"ping","payload":{"nonce":"n","x":1}}"#).unwrap();
        assert_eq!(ping.frame, ClientFrame::Ping(Ping { nonce: Some("n".into()) }));
    }
}
