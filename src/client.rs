//! The browser's side of the conversation: one store, one socket, one way in.
//!
//! Every frame goes through [`Client::apply`]: the fold is `model`'s, and the store notifies exactly the
//! fields that changed. Nothing here knows a component. All of it compiles on the server too, where a
//! request has a store of its own, seeded for the first paint; only [`Client::start`], called from an
//! `Effect`, reaches for the browser.

mod actions;
mod apply;
mod credential;
mod desk;
pub mod desktop;
mod driver;
mod env;
mod http;
mod inbox;
mod launcher;
mod list;
mod network;
mod notify;
mod outbox;
mod persist;
mod polling;
mod provide;
mod seen;
mod socket;
mod sound;
mod store;
#[cfg(test)]
mod tests;
mod timings;

pub use launcher::{Launcher, Visit};
pub use persist::nobody_is_signed_in;
pub use provide::{provide_client, use_client};
pub use seen::Home;
pub use store::{Client, Notice, NoticeKind, State, StateStoreFields};
pub use timings::ConnectionReport;
