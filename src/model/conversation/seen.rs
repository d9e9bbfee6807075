//! A conversation as a browser keeps it, to be shown before there is a network.

use serde::Deserialize;
use serde_json::Value;

use super::{EntryState, Thread};
use crate::protocol::{limits, read::Read};

impl Thread {
    /// What is worth keeping: the newest of what the log has, within [`limits::SEEN_MESSAGES`],
    /// [`limits::SEEN_BYTES`] and [`limits::SEEN_STEPS`]. What is still to be sent is the outbox's, and who types now is news.
    pub fn to_keep(&self) -> Self {
        let mut room = limits::SEEN_BYTES;
        let is_settled = |entry: &&super::Entry| entry.state == EntryState::Sent && entry.seq.is_some();
        let fits = |entry: &&super::Entry| {
            let left = room.checked_sub(entry.text.len());
            room = left.unwrap_or_default();
            left.is_some()
        };
        let newest = self.entries.iter().rev().filter(is_settled).take(limits::SEEN_MESSAGES).take_while(fits);
        let mut entries: Vec<_> = newest.cloned().collect();
        entries.reverse();
        let runs = self.runs.len().saturating_sub(limits::SEEN_RUNS);
        Self {
            id: self.id,
            title: self.title.clone(),
            more: self.more || self.entries.iter().filter(is_settled).count() > entries.len(),
            entries,
            runs: self.runs[runs..].iter().map(|run| run.newest(limits::SEEN_STEPS)).collect(),
            members: self.members.clone(),
            typing: Vec::new(),
            presence: Vec::new(),
            reads: self.reads.clone(),
            cursor: self.cursor,
            log_epoch: self.log_epoch,
            opened_at: self.opened_at,
            control: None,
            hands: Vec::new(),
            visitor: None,
            awaiting_snapshot: false,
        }
    }
}

impl Read for Thread {
    fn read(value: &Value) -> Result<Self, serde_json::Error> {
        Self::deserialize(value)
    }
}
