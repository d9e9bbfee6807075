//! What a fold touched.

use super::EntryKey;
use crate::protocol::RunId;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Title,
    /// Entries came, went or moved.
    Entries,
    /// Something of this entry.
    Entry(EntryKey),
    /// Only the text of this entry, which is being written.
    Text(EntryKey),
    /// Runs came or went.
    Runs,
    Run(RunId),
    Members,
    Typing,
    Presence,
    Reads,
    Cursor,
    /// Whether older messages exist.
    More,
    /// Something is missing: subscribe again from the cursor.
    Behind,
    /// A snapshot left out what lies before it: fetch older messages when there is room to show them.
    Jumped,
    /// The title and the members may be others: fetch the conversation.
    Stale,
}
