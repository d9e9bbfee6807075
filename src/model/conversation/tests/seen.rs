//! What a browser keeps of a conversation.

use super::*;
use crate::protocol::{limits, read::parse};

fn again(kept: &Thread) -> Thread {
    parse(&serde_json::to_string(kept).unwrap()).unwrap()
}

#[test]
fn what_is_kept_is_read_again_as_it_was() {
    let run = AgentRun::new(run_id(1), RunStatus::Completed);
    let events = [frame(1, Event::Message(message(1, 1, "hi"))), frame(2, Event::AgentRun(run))];
    let mut thread = Thread::seed(project(&events[..1]));
    fold(&mut thread, &events[1..]);
    let kept = thread.to_keep();
    assert_eq!((kept.entries.len(), kept.runs.len(), kept.cursor), (1, 1, Seq(2)));
    assert_eq!(again(&kept), kept);
}

#[test]
fn what_is_kept_and_the_events_since_make_the_fresh_state() {
    let events: Vec<_> = (1..=9).map(|n| frame(n, Event::Message(message(n, 1, "hi")))).collect();
    let mut thread = again(&Thread::seed(project(&events[..4])).to_keep());
    fold(&mut thread, &events[4..]);
    assert_eq!(thread.entries, Thread::seed(project(&events)).entries);
}

#[test]
fn what_is_still_to_be_sent_or_being_written_is_not_kept() {
    let mut thread = thread_with(2);
    thread.echo(&outgoing(7), user(0).into());
    thread.apply_ephemeral(&token(8, 0, "Se"), me());
    thread.apply_ephemeral(&EphemeralFrame::TypingStart(UserTyping { conversation_id: room(), user: user(3) }), me());
    let kept = thread.to_keep();
    assert_eq!(kept.entries, thread_with(2).entries);
    assert!(kept.typing.is_empty() && kept.presence.is_empty());
    assert!(!kept.more, "nothing older was left out");
}

#[test]
fn of_many_messages_the_newest_are_kept() {
    let thread = thread_with(limits::SEEN_MESSAGES as u64 + 5);
    let kept = thread.to_keep();
    assert_eq!((kept.entries.len(), kept.entries[0].seq), (limits::SEEN_MESSAGES, Some(Seq(6))));
    assert!(kept.more);
}

#[test]
fn of_long_messages_as_many_are_kept_as_have_room() {
    let long = "x".repeat(limits::MESSAGE_BYTES);
    let events: Vec<_> = (1..=60).map(|n| frame(n, Event::Message(message(n, 1, &long)))).collect();
    let kept = Thread::seed(project(&events)).to_keep();
    assert_eq!(kept.entries.len(), limits::SEEN_BYTES / limits::MESSAGE_BYTES);
    assert!(kept.more);
}

#[test]
fn of_many_runs_the_newest_are_kept() {
    let run = |n| AgentRun::new(run_id(n), RunStatus::Completed);
    let mut thread = thread_with(0);
    for n in 1..=limits::SEEN_RUNS as u64 + 3 {
        thread.apply_event(&frame(n, Event::AgentRun(run(n))), me());
    }
    let kept = thread.to_keep();
    assert_eq!((kept.runs.len(), kept.runs[0].id), (limits::SEEN_RUNS, run_id(4)));
}

#[test]
fn of_many_steps_the_newest_are_kept() {
    let step = |n| AgentStep::new(run_id(1), "Solo", "🐦", 1, format!("step {n}"));
    let mut thread = thread_with(0);
    for n in 1..=limits::SEEN_STEPS as u64 + 5 {
        thread.apply_event(&frame(n, Event::AgentStep(step(n))), me());
    }
    let kept = thread.to_keep();
    assert_eq!((kept.runs[0].steps.len(), kept.runs[0].steps[0].seq), (limits::SEEN_STEPS, Seq(6)));
}
