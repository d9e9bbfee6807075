//! The HTTP API, one file per noun.

mod admin;
mod auth;
mod conversations;
mod messages;
mod operators;
mod overseer;
mod settings;
mod timings;
