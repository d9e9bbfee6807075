//! One step of a run in the store, found by its seq.

use leptos::prelude::*;
use reactive_stores::{AtIndex, Field};

use crate::{model::Step, protocol::Seq};

/// Whoever reads it is told when this step changes, not when another does or one comes: of ten thousand, an event
/// touches one.
#[derive(Clone, Copy)]
pub struct StepField {
    steps: Field<Vec<Step>>,
    seq: Seq,
}

impl StepField {
    pub fn new(steps: Field<Vec<Step>>, seq: Seq) -> Self {
        Self { steps, seq }
    }

    /// Looks at it. Nothing where it is gone.
    pub fn with<R>(self, look: impl FnOnce(&Step) -> R) -> Option<R> {
        let steps = self.steps.try_read_untracked()?;
        let index = steps.binary_search_by_key(&self.seq, |step| step.seq).ok()?;
        // Where older ones were put before it, all who read a run are told, and find its new place here.
        AtIndex::new(self.steps, index).track();
        Some(look(&steps[index]))
    }
}
