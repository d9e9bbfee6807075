//! What a fold touched.

use super::EntryKey;
use crate::protocol::{RunId, Seq};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Title,
    /// Entries came, went or moved.
    Entries,
    /// Something of any entry.
    EveryEntry,
    /// Something of this entry.
    Entry(EntryKey),
    /// Only the text of this entry, which is being written.
    Text(EntryKey),
    /// Runs came or went.
    Runs,
    /// Something of this run other than its steps.
    Run(RunId),
    /// A step of this run came, or changed.
    Step(RunId, Seq),
    /// Something of any run, steps or other.
    EveryRun,
    Members,
    Typing,
    Presence,
    Reads,
    Cursor,
    /// Whether older messages exist.
    More,
    /// In whose hands the dialog is, and how it came there.
    Control,
    /// Where the reader stood when the thread was opened.
    OpenedAt,
    /// Something is missing: subscribe again from the cursor.
    Behind,
    /// A snapshot left out what lies before it: fetch older messages when there is room to show them.
    Jumped,
    /// The title and the members may be others: fetch the conversation.
    Stale,
}

impl Change {
    /// Where one thread takes the place of another.
    pub const EVERYTHING: [Self; 11] = [
        Self::Title,
        Self::Entries,
        Self::EveryEntry,
        Self::Runs,
        Self::EveryRun,
        Self::Members,
        Self::Presence,
        Self::Reads,
        Self::Cursor,
        Self::More,
        Self::Control,
    ];
}
