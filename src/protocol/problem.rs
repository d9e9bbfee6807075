//! The one error of the API: RFC 9457 over HTTP, an `error` frame over the socket.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{dialog::ControlState, server::ErrorFrame};

/// What is wrong, by field: sentences. With `stale_epoch`, the fields of the [`ControlState`] as it is now.
pub type Details = BTreeMap<String, Value>;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $word:literal, $status:literal, $title:literal;)*) => {
        /// A stable word for what went wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum Code {
            $($(#[$doc])* #[serde(rename = $word)] $name,)*
        }

        impl Code {
            /// The word on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// The HTTP status that goes with it.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// A short title, the same for every occurrence.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

codes! {
    BadFrame = "bad_frame", 400, "That is not a frame";
    UnknownType = "unknown_type", 400, "Unknown frame type";
    Invalid = "invalid", 422, "Something in the request is wrong";
    Unauthorized = "unauthorized", 401, "Sign in first";
    BadCredentials = "bad_credentials", 401, "Wrong username or password";
    Forbidden = "forbidden", 403, "Not allowed";
    /// Also what one may not see.
    NotFound = "not_found", 404, "Not found";
    UnknownUser = "unknown_user", 404, "No such user";
    NoRun = "no_run", 404, "No run is going on";
    UsernameTaken = "username_taken", 409, "That username is taken";
    ClientIdReused = "client_id_reused", 409, "That client_id belongs to another message";
    StaleEpoch = "stale_epoch", 409, "Somebody was faster";
    TooLarge = "too_large", 413, "Too large";
    WeakPassword = "weak_password", 422, "That password is too short";
    BadUsername = "bad_username", 422, "That username cannot be used";
    RegistrationClosed = "registration_closed", 403, "Registration is closed";
    RateLimited = "rate_limited", 429, "Too many requests";
    RunFailed = "run_failed", 500, "The run failed";
    Internal = "internal", 500, "Something went wrong here";
    Unavailable = "unavailable", 503, "Not available right now";
}

/// Everything that can go wrong for a caller, ready for either transport.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{}: {detail}", code.as_str())]
pub struct Problem {
    pub code: Code,
    /// One sentence for the person who reads it.
    pub detail: String,
    pub details: Details,
    pub retry_after_ms: Option<u64>,
}

impl Problem {
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), details: Details::new(), retry_after_ms: None }
    }

    /// One field is wrong: `details` names it as it is written, `detail` as people call it.
    pub fn invalid(field: &str, problem: impl Into<String>) -> Self {
        let problem = problem.into();
        let detail = format!("{}: {problem}", in_words(field));
        Self { details: Details::from([(field.to_owned(), problem.into())]), ..Self::new(Code::Invalid, detail) }
    }

    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "There is nothing here that you may see.")
    }

    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(Code::Forbidden, detail)
    }

    /// Somebody was faster: `now` is how the dialog stands.
    pub fn stale_epoch(now: &ControlState) -> Self {
        let details = match serde_json::to_value(now) {
            Ok(Value::Object(fields)) => fields.into_iter().collect(),
            _ => Details::new(),
        };
        Self { details, ..Self::new(Code::StaleEpoch, now.told()) }
    }

    pub fn rate_limited(retry_after_ms: u64) -> Self {
        Self {
            retry_after_ms: Some(retry_after_ms),
            ..Self::new(Code::RateLimited, "Too many requests. Wait a moment and try again.")
        }
    }

    /// Worth trying again, as it is.
    pub const fn is_recoverable(&self) -> bool {
        matches!(self.code, Code::RateLimited | Code::Unavailable | Code::Internal | Code::StaleEpoch | Code::RunFailed)
    }

    pub fn into_frame(self, reference: Option<String>) -> ErrorFrame {
        ErrorFrame {
            recoverable: self.is_recoverable(),
            code: self.code,
            message: self.detail,
            details: (!self.details.is_empty()).then_some(self.details),
            reference,
            retry_after_ms: self.retry_after_ms,
        }
    }

    pub fn into_body(self) -> ProblemBody {
        ProblemBody {
            kind: format!("https://magpie.chat/problems/{}", self.code.as_str()),
            title: self.code.title().to_owned(),
            status: self.code.status(),
            detail: self.detail,
            code: self.code,
            details: (!self.details.is_empty()).then_some(self.details),
            retry_after_ms: self.retry_after_ms,
        }
    }
}

/// `application/problem+json`, RFC 9457.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProblemBody {
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    pub detail: String,
    pub code: Code,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Details>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl From<ProblemBody> for Problem {
    fn from(body: ProblemBody) -> Self {
        Self {
            code: body.code,
            detail: body.detail,
            details: body.details.unwrap_or_default(),
            retry_after_ms: body.retry_after_ms,
        }
    }
}

/// `canned[1].shortcut` → `Canned reply 2, shortcut`.
fn in_words(field: &str) -> String {
    let part = |part: &str| {
        let (name, place) = part.split_once('[').unwrap_or((part, ""));
        let name = match name {
            "canned" if !place.is_empty() => "canned reply".to_owned(),
            "url" | "id" => name.to_uppercase(),
            _ => name.replace('_', " ").replace("api key", "API key").replace("base url", "base URL"),
        };
        match place.trim_end_matches(']').parse::<usize>() {
            Ok(place) => format!("{name} {}", place + 1),
            Err(_) => name,
        }
    };
    let words = field.split('.').map(part).collect::<Vec<_>>().join(", ");
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_reads_what_is_wrong_reads_words_and_a_client_the_field() {
        for (field, words) in [
            ("canned[1].shortcut", "Canned reply 2, shortcut: too long"),
            ("canned", "Canned: too long"),
            ("allowed_origins", "Allowed origins: too long"),
            ("url", "URL: too long"),
            ("base_url", "Base URL: too long"),
            ("api_key", "API key: too long"),
            ("", ": too long"),
        ] {
            let problem = Problem::invalid(field, "too long");
            assert_eq!((problem.detail.as_str(), &problem.details[field]), (words, &Value::from("too long")));
        }
    }
}
