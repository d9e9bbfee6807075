//! Server functions: what a first paint needs, and the forms that work without JavaScript. One file per
//! noun, each function thin: state from context, one call of a use case, a typed answer.
//!
//! A plain form is led on by a redirect: to where its answer is seen, or back with `?error=CODE`.

pub mod account;
pub mod conversation;
pub mod message;

use leptos::server_fn::{
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};
use serde::{Deserialize, Serialize};

use crate::protocol::{Code, Problem};

/// A problem as a server function returns it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{detail}")]
pub struct ApiError {
    pub code: Code,
    /// One sentence for the person who reads it.
    pub detail: String,
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        Self { code: problem.code, detail: problem.detail }
    }
}

impl FromServerFnError for ApiError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Request(_) => {
                Self { code: Code::Unavailable, detail: "The server cannot be reached. Try again in a moment.".into() }
            }
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) | ServerFnErrorErr::Deserialization(_) => {
                Self { code: Code::Invalid, detail: "Something in the form is missing.".into() }
            }
            _ => Self { code: Code::Internal, detail: "Something went wrong here.".into() },
        }
    }
}

/// A path of this site to be led to after a form: anything else would send people away from it.
pub fn local_path(next: &str) -> &str {
    let is_local = next.starts_with('/')
        && !next.starts_with("//")
        && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        && !next.starts_with("/login")
        && !next.starts_with("/fn");
    if is_local { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_leads_to_paths_of_this_site_alone() {
        for (next, led) in [
            ("/c/01J", "/c/01J"),
            ("/settings?a=1", "/settings?a=1"),
            ("", "/"),
            ("https://evil.example", "/"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("/a\r\nSet-Cookie: x", "/"),
            ("/login?next=/login", "/"),
            ("javascript:alert(1)", "/"),
        ] {
            assert_eq!(local_path(next), led, "{next:?}");
        }
    }
}
