//! Which message an agent's answer answers. Runs wait for each other, so where several questions were asked in a row
//! an answer often stands below another question than its own.

use std::collections::HashMap;

use super::{Entry, Thread};
use crate::protocol::{MessageId, RunId};

/// What each run of a thread was asked.
pub struct Questions(HashMap<RunId, MessageId>);

impl Questions {
    pub fn of(thread: &Thread) -> Self {
        Self(thread.runs.iter().filter_map(|run| Some((run.id, run.question?))).collect())
    }

    /// The question that this answers, where that is not the message right above it.
    pub fn apart(&self, entry: &Entry, above: Option<&Entry>) -> Option<MessageId> {
        let asked = self.0.get(&entry.run_id?)?;
        above.is_some_and(|above| above.id != Some(*asked)).then_some(*asked)
    }
}
