//! Server functions: what a first paint needs, and the forms that work without JavaScript. One file per
//! noun, each function thin: state from context, one call of a use case, a typed answer.
//!
//! A plain form is led on by a redirect: to where its answer is seen, or back with `?error=CODE`.

pub mod account;
pub mod admin;
pub mod conversation;
pub mod desk;
pub mod message;
pub mod settings;
pub mod sites;
pub mod webhook;

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
            // An answer that is none of ours comes from a proxy in the server's place.
            ServerFnErrorErr::Request(_) | ServerFnErrorErr::Deserialization(_) | ServerFnErrorErr::Response(_) => {
                Self { code: Code::Unavailable, detail: "The server cannot be reached. Try again in a moment.".into() }
            }
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) => {
                Self { code: Code::Invalid, detail: "Something in the form is missing.".into() }
            }
            _ => Self { code: Code::Internal, detail: "Something went wrong here.".into() },
        }
    }
}
