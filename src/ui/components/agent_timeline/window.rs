//! Which steps of a run are on the page: however many there are, a few hundred of them. Pure.

use std::ops::Range;

use crate::{
    model::Step,
    protocol::{Seq, limits},
};

/// The newest, going along with what comes, or others, which stay where they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// `None`: it ends with the newest.
    first: Option<Seq>,
    count: usize,
}

impl Default for Window {
    fn default() -> Self {
        Self { first: None, count: limits::STEPS_SHOWN }
    }
}

impl Window {
    fn of(steps: &[Step], shown: Range<usize>) -> Self {
        let count = shown.len().max(limits::STEPS_SHOWN);
        let first = steps.get(shown.start).filter(|_| shown.end < steps.len());
        Self { first: first.map(|step| step.seq), count }
    }

    pub fn range(self, steps: &[Step]) -> Range<usize> {
        let start = match self.first {
            Some(first) => steps.partition_point(|step| step.seq < first),
            None => steps.len().saturating_sub(self.count),
        };
        start..(start + self.count).min(steps.len())
    }

    /// With more before it. What becomes too many goes at its end.
    pub fn earlier(self, steps: &[Step]) -> Self {
        let Range { start, end } = self.range(steps);
        let start = start.saturating_sub(limits::STEPS_SHOWN);
        Self::of(steps, start..end.min(start + limits::STEPS_IN_VIEW))
    }

    /// With more behind it. What becomes too many goes at its beginning.
    pub fn later(self, steps: &[Step]) -> Self {
        let Range { start, end } = self.range(steps);
        let end = (end + limits::STEPS_SHOWN).min(steps.len());
        Self::of(steps, start.max(end.saturating_sub(limits::STEPS_IN_VIEW))..end)
    }

    /// With this step in it.
    pub fn around(self, steps: &[Step], index: usize) -> Self {
        if self.range(steps).contains(&index) {
            return self;
        }
        if steps.len() - index <= limits::STEPS_IN_VIEW {
            return Self::of(steps, index..steps.len());
        }
        let start = index.saturating_sub(limits::STEPS_SHOWN / 2);
        Self::of(steps, start..start + limits::STEPS_SHOWN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::StepKind, protocol::Timestamp};

    fn steps(count: u64) -> Vec<Step> {
        let what = || StepKind::Chart { url: String::new(), title: String::new(), table: None };
        (1..=count).map(|seq| Step { seq: Seq(seq), at: Timestamp(0), turn: None, what: what() }).collect()
    }

    #[test]
    fn the_newest_go_along_with_what_comes() {
        let window = Window::default();
        assert_eq!(window.range(&steps(0)), 0..0);
        assert_eq!(window.range(&steps(30)), 0..30);
        assert_eq!(window.range(&steps(1_000)), 900..1_000);
        let wider = window.earlier(&steps(1_000));
        assert_eq!((wider.range(&steps(1_000)), wider.range(&steps(1_010))), (800..1_000, 810..1_010));
    }

    #[test]
    fn one_walks_from_end_to_end_and_never_sees_more_than_a_few_hundred() {
        let steps = steps(1_050);
        let mut window = Window::default();
        let mut seen = 0;
        while window.range(&steps).start > 0 {
            let before = window.range(&steps);
            window = window.earlier(&steps);
            let now = window.range(&steps);
            assert!(now.start < before.start && now.end >= before.start, "{before:?} {now:?}");
            assert!(now.len() <= limits::STEPS_IN_VIEW);
            seen += 1;
        }
        assert_eq!(seen, 10);
        while window.range(&steps).end < steps.len() {
            let before = window.range(&steps);
            window = window.later(&steps);
            let now = window.range(&steps);
            assert!(now.end > before.end && now.start <= before.end, "{before:?} {now:?}");
            assert!(now.len() <= limits::STEPS_IN_VIEW);
        }
        assert_eq!(window.first, None);
    }

    #[test]
    fn what_is_named_is_shown() {
        let all = steps(10_000);
        for index in [0, 1, 60, 5_000, 9_699, 9_700, 9_950, 9_999] {
            let window = Window::default().around(&all, index);
            assert!(window.range(&all).contains(&index), "{index}");
            assert!(window.range(&all).len() <= limits::STEPS_IN_VIEW);
        }
        // What is put before it moves nothing away.
        let window = Window::default().around(&all[4_000..], 100);
        assert_eq!(all[window.range(&all)][50].seq, Seq(4_101));
    }
}
