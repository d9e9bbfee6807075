//! A client's copy of one conversation: the events it applied, in the order in which it did.

use std::collections::BTreeMap;

use super::house::Logged;

#[derive(Clone, Default)]
pub struct Copy {
    pub log: Vec<Logged>,
    pub cursor: u64,
    /// Came after a gap that is being paged.
    ahead: BTreeMap<u64, String>,
    /// A fault of the client, planted to see it caught: what was seen before is applied again.
    pub forgets_what_it_saw: bool,
}

impl Copy {
    /// Applies an event, or keeps it until what lies before it is here. One that was seen changes nothing.
    pub fn take(&mut self, seq: u64, text: String) {
        if seq <= self.cursor {
            if self.forgets_what_it_saw {
                self.log.push((seq, text));
            }
            return;
        }
        self.ahead.insert(seq, text);
        while let Some(text) = self.ahead.remove(&(self.cursor + 1)) {
            self.cursor += 1;
            self.log.push((self.cursor, text));
        }
    }

    /// Events are missing after the cursor.
    pub fn has_gap(&self) -> bool {
        !self.ahead.is_empty()
    }

    /// The connection that brought what lies ahead is gone: the next one brings it again.
    pub fn forget_ahead(&mut self) {
        self.ahead.clear();
    }

    /// A fault of the client, planted to see it caught: what lies between is taken for seen.
    pub fn jump_to(&mut self, seq: u64) {
        self.cursor = self.cursor.max(seq);
    }
}
