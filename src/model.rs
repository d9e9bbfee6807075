//! What a conversation IS: state folded from frames, pure, shared by server and browser.
//!
//! Each part is a plain struct with `handle(event, now) -> effects`. No clock, no randomness, no I/O, no
//! async in here: they are passed in.

pub mod canned;
pub mod conversation;
pub mod desk;
pub mod latency;
pub mod link;
pub mod outbox;
pub mod run;
pub mod typing;

pub use conversation::{Entry, EntryKey, EntryState, EntryStoreFields, Seed, Thread, ThreadStoreFields};
pub use desk::{Desk, Tab};
pub use link::{LinkState, status_text};
pub use outbox::{Kept, Outbox, Outgoing};
pub use run::{Run, RunStoreFields, Step, StepKind};
