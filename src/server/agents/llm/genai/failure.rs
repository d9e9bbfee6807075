//! What went wrong, told apart: what may pass, what will not, and in which words a person hears of it. A key
//! never stands in them, whoever put it there.

use std::{sync::Arc, time::Duration};

use genai::Error;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use serde_json::Value;

use super::super::LlmError;
use crate::{
    protocol::limits,
    server::{clock, config::RemoteModel},
};

#[derive(Clone)]
pub(super) struct Failures(Arc<Inner>);

struct Inner {
    /// `http://127.0.0.1:11434`
    origin: String,
    key: Option<String>,
}

impl Failures {
    pub fn of(remote: &RemoteModel) -> Self {
        let key = remote.api_key.as_ref().map(|key| String::from_utf8_lossy(key.expose()).into_owned());
        Self(Arc::new(Inner { origin: remote.base_url.origin().ascii_serialization(), key }))
    }

    fn key(&self) -> Option<&str> {
        self.0.key.as_deref()
    }

    /// A text of the provider's: without the key, in one line, not too long.
    pub fn clean(&self, text: &str) -> String {
        let redacted = match self.key() {
            Some(key) => text.replace(key, "[key]"),
            None => text.to_owned(),
        };
        let line = redacted.split_whitespace().collect::<Vec<_>>().join(" ");
        match line.char_indices().nth(limits::MODEL_ERROR_CHARS) {
            Some((end, _)) => format!("{}…", &line[..end]),
            None => line,
        }
    }

    pub fn of_error(&self, error: &Error) -> LlmError {
        match error {
            Error::HttpError { status, body, headers, .. } => self.of_status(status.as_u16(), headers, body),
            Error::WebStream { error, .. } => {
                if let Some(inner) = error.downcast_ref::<Error>() {
                    self.of_error(inner)
                } else if let Some(transport) = error.downcast_ref::<reqwest::Error>() {
                    self.of_transport(transport)
                } else {
                    LlmError::Malformed(self.clean(&error.to_string()))
                }
            }
            Error::StreamParse { serde_error, .. } => LlmError::Malformed(self.clean(&serde_error.to_string())),
            Error::ChatResponse { body, .. } => self.of_event(body),
            Error::JsonValueExt(_) | Error::SerdeJson(_) | Error::InvalidJsonResponseElement { .. } => {
                LlmError::Malformed("a field is missing or of another kind".into())
            }
            other => LlmError::Refused(self.clean(&other.to_string())),
        }
    }

    pub fn of_transport(&self, error: &reqwest::Error) -> LlmError {
        if error.is_body() || error.is_decode() {
            return LlmError::Cut;
        }
        if error.is_builder() {
            return LlmError::Refused("the address or the key has signs that HTTP does not allow".into());
        }
        // The innermost says it in the fewest words: "Connection refused".
        let mut cause: &dyn std::error::Error = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        let why = if error.is_timeout() { "no connection in time".to_owned() } else { cause.to_string() };
        LlmError::Unreachable(self.clean(&format!("{}: {why}", self.0.origin)))
    }

    /// An error that came in the middle of a stream, as the provider writes it.
    fn of_event(&self, body: &Value) -> LlmError {
        let inner = body.get("error").filter(|inner| !inner.is_null()).unwrap_or(body);
        let word = |name: &str| inner.get(name).and_then(Value::as_str).unwrap_or_default().to_lowercase();
        let code = inner.get("code").and_then(Value::as_u64).or_else(|| word("code").parse().ok());
        let status = match (code, word("type") + " " + &word("code") + " " + &word("status")) {
            (Some(code @ 400..=599), _) => u16::try_from(code).unwrap_or(500),
            (_, words) if words.contains("rate_limit") || words.contains("resource_exhausted") => 429,
            (_, words) if words.contains("overloaded") => 529,
            (_, words) if words.contains("auth") || words.contains("permission") => 401,
            (_, words) if words.contains("invalid") || words.contains("context") => 400,
            _ => 500,
        };
        self.of_status(status, &HeaderMap::new(), &body.to_string())
    }

    pub fn of_status(&self, status: u16, headers: &HeaderMap, body: &str) -> LlmError {
        let said = self.clean(&said(body));
        let words = format!("{said} {}", body.get(..4_096).unwrap_or(body)).to_lowercase();
        let has = |any: &[&str]| any.iter().any(|word| words.contains(word));
        let with = |what: &str| match said.is_empty() {
            true => format!("{what} (HTTP {status})"),
            false => format!("{what} (HTTP {status}: {said})"),
        };
        let is_too_long = has(&[
            "context_length",
            "context length",
            "context_window",
            "context window",
            "context size",
            "exceed_context",
            "prompt is too long",
            "maximum context",
            "too many tokens",
        ]);
        if matches!(status, 400 | 413 | 422 | 500) && is_too_long {
            return LlmError::Refused(with(
                "the conversation is too long for this model. Ask in a new conversation, or choose a model with a \
                 larger context.",
            ));
        }
        match status {
            300..=399 => LlmError::Refused(with("its address leads elsewhere. Set the address it leads to.")),
            401 | 403 => LlmError::Refused(with("it does not take the API key. An admin can set another in Settings.")),
            402 => LlmError::Refused(with("the account has nothing left to pay with.")),
            404 => LlmError::Refused(with(
                "there is no such model or address. The base URL of an OpenAI-compatible server ends in /v1.",
            )),
            429 if has(&["insufficient_quota", "billing"]) => {
                LlmError::Refused(with("the account's quota is used up."))
            }
            400 | 422 if has(&["content_filter", "content management policy", "content policy"]) => {
                LlmError::Refused(with("the provider's content filter refused the question. Ask in other words."))
            }
            429 => LlmError::RateLimited { retry_after: retry_after(headers) },
            408 | 409 | 425 | 500.. => match retry_after(headers) {
                Some(wait) => LlmError::RateLimited { retry_after: Some(wait) },
                None => LlmError::Failed(with("").trim().to_owned()),
            },
            _ => LlmError::Refused(with("it does not take what was asked.")),
        }
    }
}

/// The words of an error body, wherever the provider puts them.
fn said(body: &str) -> String {
    let Ok(value) = serde_json::from_str::<Value>(body) else {
        let is_page = body.trim_start().starts_with('<');
        return if is_page { String::new() } else { body.to_owned() };
    };
    let value = value.get(0).unwrap_or(&value);
    let places = ["/error/message", "/error", "/message", "/detail", "/msg"];
    let found = places.iter().find_map(|place| value.pointer(place).and_then(Value::as_str));
    found.map_or_else(|| value.to_string(), str::to_owned)
}

/// `Retry-After` in seconds or as a date, which is compared with the server's own; `retry-after-ms` is finer.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let number = |name: &str| text(name).and_then(|value| value.parse::<f64>().ok()).filter(|wait| *wait >= 0.0);
    if let Some(wait) = number("retry-after-ms").map(|ms| ms / 1_000.0).or_else(|| number(RETRY_AFTER.as_str())) {
        return Duration::try_from_secs_f64(wait).ok();
    }
    let date = |name: &str| text(name).and_then(|value| httpdate::parse_http_date(value).ok());
    let until = date(RETRY_AFTER.as_str())?;
    let now_ms = clock::now().as_ms().unsigned_abs();
    let now = date(DATE.as_str()).unwrap_or(std::time::UNIX_EPOCH + Duration::from_millis(now_ms));
    Some(until.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests;
