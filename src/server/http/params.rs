//! Parameters of path and query, each wrong one named.

use axum::{
    extract::{FromRequestParts, Path, Query},
    http::request::Parts,
};
use serde::Deserialize;

use crate::protocol::{ConversationId, Problem, RunId, Seq};

/// The `{id}` of a path. What is no id is nobody's: 404.
pub struct ConversationPath(pub ConversationId);

impl<S: Send + Sync> FromRequestParts<S> for ConversationPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        #[derive(Deserialize)]
        struct Params {
            id: ConversationId,
        }
        let params = Path::<Params>::from_request_parts(parts, state).await;
        params.map(|Path(params)| Self(params.id)).map_err(|_| Problem::not_found())
    }
}

/// The `{id}` and `{run_id}` of a path.
pub struct RunPath {
    pub id: ConversationId,
    pub run_id: RunId,
}

impl<S: Send + Sync> FromRequestParts<S> for RunPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        #[derive(Deserialize)]
        struct Params {
            id: ConversationId,
            run_id: RunId,
        }
        let params = Path::<Params>::from_request_parts(parts, state).await;
        params.map(|Path(Params { id, run_id })| Self { id, run_id }).map_err(|_| Problem::not_found())
    }
}

/// The `{username}` of a path.
pub struct UsernamePath(pub String);

impl<S: Send + Sync> FromRequestParts<S> for UsernamePath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        #[derive(Deserialize)]
        struct Params {
            username: String,
        }
        let params = Path::<Params>::from_request_parts(parts, state).await;
        params.map(|Path(params)| Self(params.username)).map_err(|_| Problem::not_found())
    }
}

/// Which part of a log: `?after=SEQ&before=SEQ&limit=N`, as far as the call takes them.
#[derive(Debug, Default)]
pub struct Window {
    pub after: Option<Seq>,
    pub before: Option<Seq>,
    pub limit: Option<u64>,
}

impl<S: Send + Sync> FromRequestParts<S> for Window {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        #[derive(Deserialize)]
        struct Params {
            after: Option<String>,
            before: Option<String>,
            limit: Option<String>,
        }
        let Query(params) = Query::<Params>::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::invalid("query", "each parameter once"))?;
        Ok(Self {
            after: number("after", params.after)?.map(Seq),
            before: number("before", params.before)?.map(Seq),
            limit: number("limit", params.limit)?,
        })
    }
}

fn number(name: &str, text: Option<String>) -> Result<Option<u64>, Problem> {
    // Beyond 2^53 a seq is none, and a database's integer overflows at 2^63.
    const END: u64 = 1 << 53;
    let parse = |text: String| text.parse().ok().filter(|number| *number < END);
    text.map(|text| parse(text).ok_or_else(|| Problem::invalid(name, "a whole number below 2^53"))).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_whole_and_not_too_large() {
        assert_eq!(number("limit", None).unwrap(), None);
        assert_eq!(number("limit", Some("7".into())).unwrap(), Some(7));
        for bad in ["", "-1", "1.5", "x", "9007199254740992", "99999999999999999999999"] {
            assert!(number("after", Some(bad.into())).unwrap_err().details.contains_key("after"), "{bad}");
        }
    }
}
