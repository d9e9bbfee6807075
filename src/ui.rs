//! What is seen. Components read the client's store and call its actions; they know no socket, no storage
//! and no SQL. Every first render depends on the URL, the cookie and resources alone, so that server and
//! browser write the same HTML; what only a browser knows comes in an `Effect` after it.

pub mod app;
pub mod components;
pub mod format;
pub mod markdown;
pub mod pages;
pub mod part;
#[cfg(test)]
mod tests;
mod zone;

pub use zone::Zone;
