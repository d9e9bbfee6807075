//! What a conversation IS: state folded from frames, pure, shared by server and browser.
//!
//! Each part is a plain struct with `handle(event, now) -> effects`. No clock, no randomness, no I/O, no
//! async in here: they are passed in.

pub mod conversation;
pub mod run;

pub use conversation::{Entry, EntryState, Thread};
pub use run::{Run, Step};
