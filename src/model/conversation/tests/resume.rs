//! However a reader comes back, it ends where somebody ends who opens the conversation now: over a replay, over
//! pages that overlap, over a snapshot and the pages before it; for every type of event.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{strategy::ValueTree, test_runner::TestRunner};
use serde_json::{Value, json};

use super::*;

/// What somebody has who opens the conversation now.
fn fresh(events: &[DurableFrame]) -> Thread {
    Thread::seed(project(events))
}

/// Folds a frame, and fetches the conversation where the fold says that it must be.
fn take(thread: &mut Thread, event: &DurableFrame, events: &[DurableFrame]) -> Vec<Change> {
    let changes = thread.apply_event(event, me());
    if changes.contains(&Change::Stale) {
        thread.refresh(project(&events[..event.seq.0 as usize]).detail);
    }
    changes
}

fn members(thread: &Thread) -> BTreeSet<UserId> {
    thread.members.iter().map(|member| member.id).collect()
}

/// Everything that is shown of the messages; people's reactions in any order.
fn shown(thread: &Thread) -> Vec<Value> {
    let of = |entry: &Entry| {
        let reactions: BTreeMap<_, _> = entry.reactions.iter().map(|one| (&one.emoji, people(&one.by))).collect();
        json!({
            "id": entry.id, "seq": entry.seq, "text": entry.text, "edited": entry.edited, "deleted": entry.deleted,
            "reactions": reactions,
        })
    };
    thread.entries.iter().map(of).collect()
}

fn people(by: &[UserRef]) -> Vec<UserId> {
    let mut ids: Vec<_> = by.iter().map(|one| one.id).collect();
    ids.sort();
    ids
}

/// A page of messages as the server has them now, before that seq.
fn page_before(events: &[DurableFrame], before: Option<Seq>, limit: usize) -> Messages {
    let mut messages = project(events).messages.messages;
    messages.retain(|message| before.is_none_or(|before| message.frame.seq < before));
    let more = messages.len() > limit;
    messages.drain(..messages.len().saturating_sub(limit));
    Messages { messages, more }
}

#[test]
fn every_type_of_event_is_among_those_that_are_tried() {
    let mut runner = TestRunner::deterministic();
    let kinds: BTreeSet<_> = (0..2_000).map(|_| event().new_tree(&mut runner).unwrap().current().kind()).collect();
    let all = [
        "agent_run",
        "agent_step",
        "approval",
        "approval_resolved",
        "chart_generated",
        "control",
        "deleted",
        "edited",
        "hidden",
        "member",
        "message",
        "progress",
        "reaction",
        "result",
        "tool_call",
        "tool_result",
    ];
    assert_eq!(kinds, BTreeSet::from(all));
}

proptest! {
    /// Pages may overlap each other and what was live, and come twice: none of it is seen twice.
    #[test]
    fn pages_that_overlap_make_the_fresh_state(
        events in log(),
        windows in prop::collection::vec((any::<prop::sample::Index>(), 1..12usize), 0..12),
    ) {
        let mut thread = fresh(&[]);
        for (from, length) in windows {
            let from = from.index(events.len() + 1);
            for event in &events[from..(from + length).min(events.len())] {
                let is_hole = event.seq > thread.cursor.next();
                let changes = take(&mut thread, event, &events);
                prop_assert_eq!(changes.contains(&Change::Behind), is_hole);
            }
        }
        for event in &events {
            take(&mut thread, event, &events);
        }
        let fresh = fresh(&events);
        prop_assert_eq!(shown(&thread), shown(&fresh));
        prop_assert_eq!(members(&thread), members(&fresh));
        prop_assert_eq!(thread.runs, fresh.runs);
        prop_assert_eq!(thread.cursor, fresh.cursor);
    }

    /// A snapshot, then pages back to what lies before it, which may be as of any moment since and may overlap.
    #[test]
    fn a_snapshot_and_the_pages_before_it_make_the_fresh_state(
        events in log(),
        stale in any::<prop::sample::Index>(),
        first in any::<prop::sample::Index>(),
        moment in any::<prop::sample::Index>(),
        (limit, overlap) in (1..6usize, 0..3u64),
    ) {
        prop_assume!(!events.is_empty());
        let (stale, head) = (stale.index(events.len()), events.len() as u64);
        let first = stale + first.index(events.len() - stale);
        let mut thread = fresh(&events[..stale]);
        thread.apply_ephemeral(&EphemeralFrame::Subscribed(subscribed(Mode::Snapshot, head)), me());
        // The pages are asked for while the snapshot still comes: they may know more than the thread does.
        let moment = first + 1 + moment.index(events.len() - first);
        for event in &events[first..moment] {
            prop_assert!(!take(&mut thread, event, &events).contains(&Change::Behind));
        }
        while thread.more {
            let before = thread.first_seq().map(|seq| Seq(seq.0 + overlap));
            let page = page_before(&events, before, limit + overlap as usize);
            thread.prepend(&page);
        }
        for event in &events[moment..] {
            prop_assert!(!take(&mut thread, event, &events).contains(&Change::Behind));
        }
        let fresh = fresh(&events);
        prop_assert_eq!(shown(&thread), shown(&fresh));
        prop_assert_eq!(members(&thread), members(&fresh));
        prop_assert_eq!(thread.cursor, fresh.cursor);
    }
}
