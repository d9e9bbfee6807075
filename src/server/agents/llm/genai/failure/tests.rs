use reqwest::{Url, header::HeaderValue};
use serde_json::json;

use super::*;
use crate::server::config::{Secret, model::Provider};

const KEY: &str = "sk-very-secret";

fn failures() -> Failures {
    Failures::of(&RemoteModel {
        provider: Provider::OpenAi,
        base_url: Url::parse("http://127.0.0.1:8080/v1/").unwrap(),
        api_key: Some(Secret::new(KEY.as_bytes())),
        model: "m".into(),
    })
}

fn status(status: u16, body: &str) -> LlmError {
    failures().of_status(status, &HeaderMap::new(), body)
}

fn headers(named: &[(&'static str, &'static str)]) -> HeaderMap {
    named.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value))).collect()
}

#[test]
fn a_key_that_the_provider_repeats_is_not_repeated_again() {
    let body = json!({ "error": { "message": format!("Incorrect API key provided: {KEY}.") } }).to_string();
    for code in [400, 401, 404, 418, 500, 503] {
        let error = status(code, &body);
        assert!(!format!("{error} {error:?}").contains(KEY), "{error}");
        assert!(error.to_string().contains("[key]"), "{error}");
    }
    let error = failures().of_error(&Error::Internal(format!("key {KEY}")));
    assert!(!error.to_string().contains(KEY), "{error}");
}

#[test]
fn what_no_second_try_mends_is_refused_with_what_to_do() {
    let context = r#"{"error":{"code":"context_length_exceeded","message":"Too long."}}"#;
    let filter = r#"{"error":{"code":"content_filter","message":"Filtered."}}"#;
    let quota = r#"{"error":{"code":"insufficient_quota","message":"You exceeded your current quota."}}"#;
    for (code, body, says) in [
        (400, "{}", "does not take what was asked"),
        (400, context, "too long for this model"),
        (500, "exceed_context_size_error", "too long for this model"),
        (400, filter, "in other words"),
        (401, "{}", "in Settings"),
        (403, "{}", "in Settings"),
        (404, r#"{"error":"model 'x' not found"}"#, "model 'x' not found"),
        (302, "", "leads elsewhere"),
        (429, quota, "quota is used up"),
    ] {
        let error = status(code, body);
        assert!(matches!(error, LlmError::Refused(_)) && error.to_string().contains(says), "{code}: {error}");
    }
}

#[test]
fn what_may_pass_is_no_refusal() {
    for code in [408, 409, 425, 500, 502, 503, 504, 529] {
        assert!(matches!(status(code, "<html>busy</html>"), LlmError::Failed(_)), "{code}");
    }
    assert_eq!(status(429, "{}"), LlmError::RateLimited { retry_after: None });
    assert!(matches!(failures().of_status(503, &headers(&[("retry-after", "2")]), ""), LlmError::RateLimited { .. }));
}

#[test]
fn an_error_in_the_middle_of_a_stream_is_told_apart_by_its_words() {
    let of = |body: Value| failures().of_event(&body);
    assert_eq!(of(json!({ "type": "rate_limit_exceeded" })), LlmError::RateLimited { retry_after: None });
    assert!(matches!(of(json!({ "error": { "type": "overloaded_error" } })), LlmError::Failed(_)));
    assert!(matches!(of(json!({ "code": 503, "message": "busy" })), LlmError::Failed(_)));
    assert!(matches!(of(json!({ "type": "invalid_request_error" })), LlmError::Refused(_)));
    assert!(matches!(of(json!("oops")), LlmError::Failed(_)));
    assert!(matches!(of(Value::Null), LlmError::Failed(_)));
}

#[test]
fn retry_after_is_read_in_seconds_and_as_a_date() {
    let wait = |named: &[_]| retry_after(&headers(named)).map(|wait| wait.as_millis());
    assert_eq!(wait(&[("retry-after", "2")]), Some(2_000));
    assert_eq!(wait(&[("retry-after", "0.25")]), Some(250));
    assert_eq!(wait(&[("retry-after", "9"), ("retry-after-ms", "40")]), Some(40));
    let (date, later) = ("Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:50:07 GMT");
    assert_eq!(wait(&[("date", date), ("retry-after", later)]), Some(30_000));
    assert_eq!(wait(&[("date", later), ("retry-after", date)]), Some(0));
    assert_eq!(wait(&[("retry-after", date)]), Some(0), "past by our own clock");
    for bad in ["", "-1", "soon", "1e400", "NaN"] {
        assert_eq!(retry_after(&headers(&[])), None);
        let mut named = HeaderMap::new();
        named.insert(RETRY_AFTER, HeaderValue::from_static(bad));
        assert_eq!(retry_after(&named), None, "{bad}");
    }
}

#[test]
fn an_error_is_a_line_however_long_the_body() {
    let error = status(500, &"long\n".repeat(100_000));
    assert!(error.to_string().chars().count() < limits::MODEL_ERROR_CHARS + 100, "{error}");
    assert!(!error.to_string().contains('\n'));
}
