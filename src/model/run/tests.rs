use super::*;
use crate::protocol::{AgentRun, ConversationId, UserId, UserRef};

fn run_id(n: u64) -> RunId {
    RunId::from_parts(n, 1)
}

fn call_id(n: u64) -> CallId {
    CallId::from_parts(n, 1)
}

fn fold(runs: &mut Vec<Run>, seq: u64, event: Event) {
    let conversation_id = ConversationId::from_parts(0, 1);
    Run::fold(runs, &DurableFrame { conversation_id, seq: Seq(seq), timestamp: Timestamp(seq as i64), event });
}

fn asks(call: u64) -> Event {
    Event::Approval(Approval {
        run_id: run_id(1),
        call_id: call_id(call),
        agent: "Writer".into(),
        tool_name: "send".into(),
        arguments: serde_json::json!({ "to": "Ben" }),
        expires_at: Timestamp(1_000),
    })
}

fn decides(call: u64, approved: bool, by: &str) -> Event {
    let by = Some(UserRef { id: UserId::from_parts(1, 1), name: by.into() });
    Event::ApprovalResolved(ApprovalResolved {
        run_id: run_id(1),
        call_id: call_id(call),
        approved,
        by,
        arguments: None,
    })
}

fn resolved(run: &Run, at: usize) -> Option<&ApprovalResolved> {
    match &run.steps[at].what {
        StepKind::Approval { resolved, .. } => resolved.as_ref(),
        other => panic!("no approval: {other:?}"),
    }
}

#[test]
fn of_two_who_decide_the_first_one_counts() {
    let mut runs = Vec::new();
    fold(&mut runs, 1, asks(1));
    fold(&mut runs, 2, asks(2));
    assert_eq!(runs[0].pending, [Seq(1), Seq(2)]);
    fold(&mut runs, 3, decides(1, true, "Anna"));
    fold(&mut runs, 4, decides(1, false, "Ben"));
    let first = resolved(&runs[0], 0).expect("a decision");
    assert_eq!((first.approved, first.by.as_ref().map(|by| by.name.as_str())), (true, Some("Anna")));
    assert_eq!((resolved(&runs[0], 1), &runs[0].pending[..]), (None, &[Seq(2)][..]));
}

#[test]
fn a_run_that_is_over_waits_for_nobody() {
    let mut runs = Vec::new();
    fold(&mut runs, 1, asks(1));
    fold(&mut runs, 2, Event::AgentRun(AgentRun::new(run_id(1), RunStatus::Interrupted)));
    assert_eq!(runs[0].pending, []);
}

#[test]
fn an_event_seen_twice_is_one_step() {
    let mut runs = Vec::new();
    for seq in [1, 2, 1, 2] {
        fold(&mut runs, seq, asks(seq));
    }
    assert_eq!((runs[0].steps.len(), runs[0].pending.len()), (2, 2));
}

#[test]
fn what_an_older_page_tells_of_a_run_stands_before_what_is_known_of_it() {
    let (mut older, mut newer) = (Vec::new(), Vec::new());
    for seq in 1..=4 {
        fold(&mut older, seq, asks(seq));
    }
    for seq in 4..=6 {
        fold(&mut newer, seq, asks(seq));
    }
    let mut run = newer.remove(0);
    run.succeed(older.remove(0));
    let seqs: Vec<_> = run.steps.iter().map(|step| step.seq.0).collect();
    assert_eq!((seqs, run.started_at), (vec![1, 2, 3, 4, 5, 6], Timestamp(1)));
}

fn speaks(turn: u32) -> Event {
    Event::AgentStep(AgentStep::new(run_id(1), "Writer", "✍", turn, "writes".into()))
}

#[test]
fn a_turn_stands_over_its_first_step_also_where_that_comes_later() {
    let (mut older, mut newer) = (Vec::new(), Vec::new());
    for (seq, turn) in [(1, 1), (2, 1), (3, 2)] {
        fold(&mut older, seq, speaks(turn));
    }
    for (seq, turn) in [(4, 2), (5, 3)] {
        fold(&mut newer, seq, speaks(turn));
    }
    let mut run = newer.remove(0);
    assert_eq!((run.steps[0].turn, run.is_cut), (Some(2), true));
    run.succeed(older.remove(0));
    let turns: Vec<_> = run.steps.iter().map(|step| step.turn).collect();
    assert_eq!((turns, run.turn), (vec![Some(1), None, Some(2), None, Some(3)], Some(3)));
}

#[test]
fn a_run_is_whole_where_its_beginning_was_seen() {
    let mut runs = Vec::new();
    fold(&mut runs, 1, Event::AgentRun(AgentRun::new(run_id(1), RunStatus::Initializing)));
    for seq in 2..=9 {
        fold(&mut runs, seq, speaks(1));
    }
    assert!(!runs[0].is_cut);
    let kept = runs[0].newest(3);
    assert_eq!((kept.steps.len(), kept.steps[0].seq, kept.is_cut), (3, Seq(7), true));
    assert_eq!(runs[0].newest(8), runs[0]);
}
