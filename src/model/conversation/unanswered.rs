//! Questions to the agents whose last run ended without an answer.

use super::Thread;
use crate::protocol::{MessageId, RunId, RunStatus};

/// Said under the question.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Unanswered {
    pub question: MessageId,
    /// The run that may be tried again.
    pub run: RunId,
    /// What became of it, in a sentence or two.
    pub told: String,
}

impl Thread {
    /// At most one for each question: of its newest run.
    pub fn unanswered(&self) -> Vec<Unanswered> {
        let is_newest =
            |index: usize, question| self.runs[index + 1..].iter().all(|run| run.question != Some(question));
        let runs = self.runs.iter().enumerate();
        let ended = runs.filter_map(|(index, run)| {
            let question = run.question.filter(|question| is_newest(index, *question))?;
            let told = match (run.status, run.message.as_deref()) {
                (RunStatus::Failed, Some(why)) => ["The answer failed: ", why].concat(),
                (RunStatus::Failed, None) => "The answer failed.".to_owned(),
                (RunStatus::Interrupted, _) => "The answer was interrupted by a restart of the server.".to_owned(),
                // What was written until then says so itself.
                (RunStatus::Cancelled, _) if !self.entries.iter().any(|entry| entry.run_id == Some(run.id)) => {
                    "Stopped before an answer began.".to_owned()
                }
                _ => return None,
            };
            Some(Unanswered { question, run: run.id, told })
        });
        ended.collect()
    }
}
