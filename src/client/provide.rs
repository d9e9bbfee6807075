//! The client in Leptos's context.

use leptos::prelude::{provide_context, use_context};

use super::{Client, env::Env};

/// Puts a fresh client into the context of the current owner: once, in the root component, on both sides.
pub fn provide_client() -> Client {
    let client = Client::new(Env::browser());
    provide_context(client);
    client
}

/// The client of this page, or of this request.
pub fn use_client() -> Client {
    // Outside of the root component there is nothing to talk to: an empty client shows as much.
    use_context().unwrap_or_else(provide_client)
}
