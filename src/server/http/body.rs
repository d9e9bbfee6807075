//! A JSON body, and what is wrong with one that is not what was asked for.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request, rejection::BytesRejection},
    http::{HeaderMap, StatusCode, header},
};
use serde::de::DeserializeOwned;

use super::problem::Failure;
use crate::protocol::{Code, Problem, limits};

/// The body, read as `T`. Declared as JSON: a form on a foreign page cannot send that without asking first.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        if !is_json(request.headers()) {
            let problem = Problem::new(Code::Invalid, "Send the body as application/json.");
            return Err(Failure { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, problem });
        }
        let bytes = Bytes::from_request(request, state).await.map_err(unread)?;
        parse(&bytes).map(Self)
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let declared = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mime = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    mime == "application/json" || (mime.starts_with("application/") && mime.ends_with("+json"))
}

fn unread(rejection: BytesRejection) -> Failure {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        let detail = format!("A body has at most {} bytes.", limits::HTTP_BODY_BYTES);
        return Problem::new(Code::TooLarge, detail).into();
    }
    let problem = Problem::new(Code::Invalid, "The body could not be read to its end.");
    Failure { status: StatusCode::BAD_REQUEST, problem }
}

/// 400 for what is no JSON, 422 for JSON that says something else than was asked.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let parsed = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let is_json = error.inner().is_data();
        let problem = if is_json { wrong_field(&error) } else { no_json(error.inner()) };
        Failure { status: if is_json { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::BAD_REQUEST }, problem }
    })?;
    json.end().map_err(|error| Failure { status: StatusCode::BAD_REQUEST, problem: no_json(&error) })?;
    Ok(parsed)
}

fn no_json(error: &serde_json::Error) -> Problem {
    Problem::new(Code::Invalid, format!("The body is not JSON: {error}."))
}

fn wrong_field(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let said = error.inner().to_string();
    // Where in the text it is helps nobody who has the field's name.
    let said = said.split(" at line ").next().unwrap_or_default();
    let path = Some(error.path().to_string()).filter(|path| path != ".");
    // A missing field is reported at its parent: name the field itself.
    match (path, said.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`'))) {
        (None, Some(field)) => Problem::invalid(field, "missing"),
        (Some(parent), Some(field)) => Problem::invalid(&format!("{parent}.{field}"), "missing"),
        (Some(field), None) => Problem::invalid(&field, said),
        (None, None) => Problem::invalid("body", said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::http::PostMessage;

    #[test]
    fn what_is_no_json_is_400_and_what_is_wrong_in_it_422_by_field() {
        for (body, status, field) in [
            ("", 400, None),
            ("{", 400, None),
            (r#"{"message":"hi"} and more"#, 400, None),
            ("[]", 422, Some("body")),
            ("{}", 422, Some("message")),
            (r#"{"message":7}"#, 422, Some("message")),
            (r#"{"message":"hi","client_id":"1"}"#, 422, Some("client_id")),
            (r#"{"message":"hi","visibility":"secret"}"#, 422, Some("visibility")),
        ] {
            let failure = parse::<PostMessage>(body.as_bytes()).unwrap_err();
            assert_eq!(failure.status.as_u16(), status, "{body}");
            assert_eq!(failure.problem.code, Code::Invalid, "{body}");
            assert_eq!(failure.problem.details.keys().next().map(String::as_str), field, "{body}: {failure:?}");
        }
    }

    #[test]
    fn an_unknown_field_is_ignored() {
        assert_eq!(parse::<PostMessage>(br#"{"message":"hi","later":1}"#).unwrap().message, "hi");
    }
}
