mod dialog;
mod question;
mod resume;

use proptest::prelude::*;

use super::*;
use crate::{
    model::outbox::Outgoing,
    protocol::{
        DurableFrame, EphemeralFrame, Event, RunStatus,
        agent::{
            AgentRun, AgentStep, Approval, ApprovalResolved, ChartGenerated, Progress, RunResult, ToolCall, ToolResult,
        },
        dialog::{ControlChanged, ControlState, DialogStatus, Owner},
        http::{Conversation, ConversationDetail, Kind, LastMessage, MessageNow, Messages, Role},
        ids::{CallId, ChartId, UserId},
        server::{
            Deleted, Edited, Format, MemberChanged, Membership, Mode, Posted, PresenceStatus, Reaction, ReadUpTo,
            Stream, Subscribed, Token, UserTyping,
        },
    },
};

mod seen;
mod unanswered;

fn room() -> ConversationId {
    ConversationId::from_parts(1, 1)
}

fn user(n: u64) -> UserRef {
    UserRef { id: UserId::from_parts(n, 1), name: format!("user {n}") }
}

fn me() -> UserId {
    user(0).id
}

fn message_id(n: u64) -> MessageId {
    MessageId::from_parts(n, 2)
}

fn run_id(n: u64) -> RunId {
    RunId::from_parts(n, 3)
}

fn call_id(n: u64) -> CallId {
    CallId::from_parts(n, 4)
}

fn frame(seq: u64, event: Event) -> DurableFrame {
    DurableFrame { conversation_id: room(), seq: Seq(seq), timestamp: Timestamp(seq as i64 * 1_000), event }
}

fn message(n: u64, author: u64, text: &str) -> Message {
    Message {
        id: message_id(n),
        sender: Sender::User,
        author: user(author).into(),
        text: text.into(),
        format: Format::Markdown,
        client_id: Some(message_id(n + 1_000).into()),
        reply_to: None,
        run_id: None,
        visibility: Visibility::Public,
        partial: false,
    }
}

fn member(n: u64) -> Member {
    let UserRef { id, name } = user(n);
    let (up_to, status) = (Seq::ZERO, PresenceStatus::Offline);
    Member { id, name, username: format!("u{n}"), role: Role::Member, up_to, status }
}

fn row() -> Conversation {
    Conversation {
        id: room(),
        title: "Room".into(),
        kind: Kind::Room,
        head: Seq::ZERO,
        unread: 0,
        owner: Owner::Human { user: user(0) },
        status: DialogStatus::Open,
        agents: true,
        last_message: None,
        dialog: None,
    }
}

/// The projection that the server keeps beside the log, written down as plainly as can be.
fn project(events: &[DurableFrame]) -> Seed {
    let mut messages: Vec<MessageNow> = Vec::new();
    let mut members = vec![member(0), member(1), member(2)];
    let mut control = None;
    for now in events {
        let find = |messages: &mut Vec<MessageNow>, wanted: MessageId| {
            messages.iter().position(|one| matches!(&one.frame.event, Event::Message(m) if m.id == wanted))
        };
        match &now.event {
            Event::Message(_) => {
                let (edited_at, deleted, reactions) = (None, false, Vec::new());
                messages.push(MessageNow { frame: now.clone(), edited_at, deleted, reactions });
            }
            Event::Edited(edited) => {
                if let Some(index) = find(&mut messages, edited.message_id) {
                    let one = &mut messages[index];
                    if let Event::Message(message) = &mut one.frame.event
                        && !one.deleted
                    {
                        message.text.clone_from(&edited.text);
                        one.edited_at = Some(now.timestamp);
                    }
                }
            }
            Event::Deleted(deleted) => {
                if let Some(index) = find(&mut messages, deleted.message_id) {
                    let one = &mut messages[index];
                    if let Event::Message(message) = &mut one.frame.event {
                        message.text.clear();
                        one.deleted = true;
                    }
                }
            }
            Event::Reaction(Reaction { message_id, by, emoji, on }) => {
                if let Some(index) = find(&mut messages, *message_id) {
                    let reactions = &mut messages[index].reactions;
                    let mut flat: Vec<(String, UserRef)> = reactions
                        .iter()
                        .flat_map(|one| one.by.iter().map(|by| (one.emoji.clone(), by.clone())))
                        .collect();
                    let is_it = |one: &(String, UserRef)| one.0 == *emoji && one.1.id == by.id;
                    match on {
                        true if flat.iter().any(is_it) => {}
                        true => flat.push((emoji.clone(), by.clone())),
                        false => flat.retain(|one| !is_it(one)),
                    }
                    reactions.clear();
                    for (emoji, by) in flat {
                        match reactions.iter_mut().find(|one| one.emoji == emoji) {
                            Some(one) => one.by.push(by),
                            None => reactions.push(ReactionNow { emoji, by: vec![by] }),
                        }
                    }
                }
            }
            Event::Member(MemberChanged { user, change: Membership::Left }) => members.retain(|one| one.id != user.id),
            Event::Member(MemberChanged { user, change: Membership::Joined })
                if members.iter().all(|one| one.id != user.id) =>
            {
                members.push(Member { id: user.id, name: user.name.clone(), ..member(0) });
            }
            Event::Control(ControlChanged { state, .. })
                if control.as_ref().is_none_or(|known: &ControlState| known.epoch <= state.epoch) =>
            {
                control = Some(state.clone());
            }
            _ => {}
        }
    }
    Seed {
        detail: ConversationDetail { conversation: row(), members, control, visitor: None },
        messages: Messages { messages, more: false },
        timeline: events.to_vec(),
        head: Seq(events.len() as u64),
        log_epoch: None,
        read_up_to: Seq::ZERO,
    }
}

fn event() -> impl Strategy<Value = Event> {
    let small = || 1..6u64;
    let of = |f: fn(u64, u64, bool) -> Event| (1..6u64, 0..3u64, any::<bool>()).prop_map(move |(a, b, c)| f(a, b, c));
    prop_oneof![
        8 => (0..3u64, "[a-zé]{0,6}").prop_map(|(author, text)| Event::Message(message(0, author, &text))),
        2 => (small(), 0..3u64, "[a-z]{0,6}").prop_map(|(n, by, text)| Event::Edited(Edited {
            message_id: message_id(n), by: user(by), text,
        })),
        1 => of(|n, by, _| Event::Deleted(Deleted { message_id: message_id(n), by: user(by) })),
        3 => of(|n, by, on| Event::Reaction(Reaction { message_id: message_id(n), by: user(by), emoji: "👍".into(), on })),
        1 => of(|_, n, joins| Event::Member(MemberChanged {
            user: user(n + 1), change: if joins { Membership::Joined } else { Membership::Left },
        })),
        1 => of(|n, call, _| Event::Approval(Approval {
            run_id: run_id(n), call_id: call_id(call), agent: "assistant".into(), tool_name: "send".into(),
            arguments: serde_json::json!({}), expires_at: Timestamp(9),
        })),
        1 => of(|n, call, approved| Event::ApprovalResolved(ApprovalResolved {
            run_id: run_id(n), call_id: call_id(call), approved, by: Some(user(1)), arguments: None,
        })),
        1 => of(|epoch, by, _| Event::Control(ControlChanged {
            state: ControlState { owner: Owner::Human { user: user(by) }, status: DialogStatus::Open, epoch },
            by: user(by), reason: None,
        })),
        2 => (small(), prop::sample::select(vec![
            RunStatus::Initializing, RunStatus::Processing, RunStatus::Waiting, RunStatus::Completed, RunStatus::Cancelled,
            RunStatus::Failed, RunStatus::Interrupted,
        ])).prop_map(|(n, status)| Event::AgentRun(AgentRun::new(run_id(n), status))),
        2 => of(|n, turn, _| Event::AgentStep(
            AgentStep::new(run_id(n), "assistant", "🐦", turn as u32, "looks".into()),
        )),
        2 => of(|n, call, _| Event::ToolCall(ToolCall {
            run_id: run_id(n), call_id: call_id(call), agent: "assistant".into(), tool_name: "calculate".into(),
            arguments: serde_json::json!({"expression": "17*23"}), class: None,
        })),
        2 => of(|n, call, success| Event::ToolResult(ToolResult {
            run_id: run_id(n), call_id: call_id(call), agent: "assistant".into(), tool_name: "calculate".into(), success,
            result_preview: "391".into(), duration_ms: 3,
        })),
        1 => of(|n, turn, _| Event::Progress(Progress {
            run_id: run_id(n), current_turn: turn as u32, max_turns: 8, percentage: 12.5,
        })),
        1 => of(|n, chart, _| Event::ChartGenerated(ChartGenerated {
            run_id: run_id(n), chart_id: ChartId::from_parts(chart, 5), url: "/c".into(), title: "Chart".into(), symbol: None, table: None,
        })),
        1 => of(|n, m, _| Event::Result(RunResult {
            run_id: run_id(n), content: "391".into(), format: Format::Markdown, message_id: message_id(m),
        })),
        1 => Just(Event::Hidden),
    ]
}

/// A log: each message gets an id of its own, and what is done to a message comes after it.
fn log() -> impl Strategy<Value = Vec<DurableFrame>> {
    prop::collection::vec(event(), 0..40).prop_map(|events| {
        let mut messages = 0;
        let numbered = events.into_iter().enumerate().map(|(index, mut event)| {
            if let Event::Message(message) = &mut event {
                messages += 1;
                message.id = message_id(messages);
                message.client_id = Some(message_id(messages + 1_000).into());
            }
            let target = match &event {
                Event::Edited(Edited { message_id, .. })
                | Event::Deleted(Deleted { message_id, .. })
                | Event::Reaction(Reaction { message_id, .. }) => Some(*message_id),
                _ => None,
            };
            let is_known = target.is_none_or(|id| id <= message_id(messages));
            frame(index as u64 + 1, if is_known { event } else { Event::Hidden })
        });
        numbered.collect()
    })
}

fn fold(thread: &mut Thread, events: &[DurableFrame]) {
    for event in events {
        assert!(!thread.apply_event(event, me()).contains(&Change::Behind));
    }
}

/// What is only of the moment, or fetched, is left out of the comparison.
fn settled(mut thread: Thread) -> Thread {
    thread.opened_at = Seq::ZERO;
    thread.entries.iter_mut().for_each(|entry| entry.rewrites = 0);
    thread.reads.retain(|read| read.up_to > Seq::ZERO);
    thread.members.iter_mut().for_each(|member| *member = Member { id: member.id, ..self::member(0) });
    thread
}

proptest! {
    #[test]
    fn a_stale_state_and_the_events_since_make_the_fresh_state(events in log(), at in any::<prop::sample::Index>()) {
        let at = at.index(events.len() + 1);
        let mut stale = Thread::seed(project(&events[..at]));
        fold(&mut stale, &events[at..]);
        prop_assert_eq!(settled(stale), settled(Thread::seed(project(&events))));
    }

    #[test]
    fn events_seen_before_change_nothing(events in log(), again in any::<prop::sample::Index>()) {
        let mut thread = Thread::seed(project(&[]));
        fold(&mut thread, &events);
        let before = thread.clone();
        for event in &events[..again.index(events.len() + 1)] {
            prop_assert_eq!(thread.apply_event(event, me()), []);
        }
        prop_assert_eq!(thread, before);
    }

    /// The seed may know more than its head says: those events are folded once more.
    #[test]
    fn a_seed_read_while_events_came_ends_in_the_same_messages(events in log(), at in any::<prop::sample::Index>()) {
        let at = at.index(events.len() + 1);
        let mut seed = project(&events);
        seed.head = Seq(at as u64);
        seed.timeline.truncate(at);
        let mut thread = Thread::seed(seed);
        fold(&mut thread, &events[at..]);
        let fresh = Thread::seed(project(&events));
        let texts = |thread: &Thread| -> Vec<_> {
            thread.entries.iter().map(|one| (one.id, one.seq, one.text.clone(), one.edited, one.deleted)).collect()
        };
        prop_assert_eq!(texts(&thread), texts(&fresh));
        prop_assert_eq!(thread.runs, fresh.runs);
    }

    #[test]
    fn entries_are_always_in_the_order_of_the_log(events in log(), ends in any::<bool>()) {
        let mut thread = Thread::seed(project(&[]));
        thread.echo(&outgoing(77), user(0).into());
        fold(&mut thread, &events);
        if ends {
            thread.acked(&posted(77), Seq(events.len() as u64 + 1));
        }
        let seqs: Vec<_> = thread.entries.iter().map(|entry| entry.seq.unwrap_or(Seq(u64::MAX))).collect();
        prop_assert!(seqs.is_sorted());
    }

    #[test]
    fn whatever_a_stream_sends_the_text_stays_text(
        tokens in prop::collection::vec((0..12u64, "[aé🐦]{0,3}"), 0..30),
    ) {
        let mut thread = Thread::seed(project(&[]));
        for (offset, delta) in tokens {
            thread.apply_ephemeral(&token(1, offset, &delta), me());
        }
        prop_assert!(thread.entries.len() <= 1);
    }
}

fn outgoing(n: u64) -> Outgoing {
    Outgoing {
        client_id: message_id(n + 1_000).into(),
        conversation: room(),
        text: "hello".into(),
        reply_to: None,
        visibility: Visibility::Public,
        at: Timestamp(0),
    }
}

fn posted(n: u64) -> Posted {
    let client_id = message_id(n + 1_000).into();
    Posted { client_id, message_id: message_id(n), timestamp: Timestamp(5), duplicate: false }
}

fn token(n: u64, offset: u64, delta: &str) -> EphemeralFrame {
    EphemeralFrame::Token(Token {
        conversation_id: room(),
        run_id: run_id(1),
        message_id: message_id(n),
        agent: user(9).name,
        offset,
        delta: delta.into(),
    })
}

fn subscribed(mode: Mode, head: u64) -> Subscribed {
    Subscribed {
        conversation_id: room(),
        mode,
        head: Seq(head),
        log_epoch: None,
        typing: Vec::new(),
        presence: Vec::new(),
        reads: Vec::new(),
        streams: Vec::new(),
        control: None,
        reference: None,
    }
}

fn thread_with(messages: u64) -> Thread {
    let events: Vec<_> = (1..=messages).map(|n| frame(n, Event::Message(message(n, 1, "hi")))).collect();
    Thread::seed(project(&events))
}

#[test]
fn a_hole_in_the_log_is_refused_and_reported() {
    let mut thread = thread_with(2);
    let before = thread.clone();
    let beyond = frame(4, Event::Message(message(4, 1, "hi")));
    assert_eq!(thread.apply_event(&beyond, me()), [Change::Behind]);
    assert_eq!(thread, before);
}

#[test]
fn a_message_keeps_its_key_from_echo_to_log_whichever_comes_first() {
    for ack_first in [true, false] {
        let mut thread = thread_with(1);
        thread.echo(&outgoing(2), user(0).into());
        let key = thread.entries[1].key.clone();
        assert_eq!(thread.entries[1].state, EntryState::Sending);
        let event = frame(2, Event::Message(message(2, 0, "hello")));
        if ack_first {
            thread.acked(&posted(2), Seq(2));
            fold(&mut thread, &[event]);
        } else {
            fold(&mut thread, &[event]);
            thread.acked(&posted(2), Seq(2));
        }
        assert_eq!(thread.entries.len(), 2, "one message, once");
        let entry = &thread.entries[1];
        assert_eq!((entry.state, entry.seq, entry.id), (EntryState::Sent, Some(Seq(2)), Some(message_id(2))));
        assert_eq!(entry.key, key);
    }
}

#[test]
fn another_authors_client_id_is_not_mine() {
    let mut thread = thread_with(0);
    thread.echo(&outgoing(1), user(0).into());
    fold(&mut thread, &[frame(1, Event::Message(message(1, 2, "not mine")))]);
    assert_eq!(thread.entries.len(), 2);
    assert_eq!(thread.entries[1].state, EntryState::Sending);
}

#[test]
fn a_failed_message_can_be_retried_or_discarded_until_the_server_has_it() {
    let mut thread = thread_with(0);
    let client_id = outgoing(1).client_id;
    thread.echo(&outgoing(1), user(0).into());
    thread.failed(&client_id, "no".into());
    assert_eq!((thread.entries[0].state, thread.entries[0].failure.as_deref()), (EntryState::Failed, Some("no")));
    thread.retried(&client_id);
    assert_eq!((thread.entries[0].state, &thread.entries[0].failure), (EntryState::Sending, &None));
    thread.acked(&posted(1), Seq(1));
    assert_eq!(thread.failed(&client_id, "late".into()), []);
    assert_eq!(thread.discarded(&client_id), []);
    thread.echo(&outgoing(2), user(0).into());
    assert_eq!(thread.discarded(&outgoing(2).client_id), [Change::Entries]);
}

#[test]
fn a_stream_grows_is_truncated_and_becomes_its_message() {
    let mut thread = thread_with(0);
    assert_eq!(thread.apply_ephemeral(&token(1, 0, "Zwölf"), me()), [Change::Entries]);
    let key = thread.entries[0].key.clone();
    assert_eq!(thread.entries[0].state, EntryState::Streaming);
    assert_eq!(thread.apply_ephemeral(&token(1, 6, " and"), me()), [Change::Text(key.clone())]);
    assert_eq!((thread.entries[0].text.as_str(), thread.entries[0].rewrites), ("Zwölf and", 0));
    thread.apply_ephemeral(&token(1, 3, "ei"), me());
    assert_eq!(thread.entries[0].text, "Zwei", "cut back to a whole character, then appended");
    assert_eq!(thread.entries[0].rewrites, 1, "whoever shows it looks at all of it again");
    assert_eq!(thread.apply_ephemeral(&token(1, 99, "x"), me()), [Change::Behind]);
    assert_eq!(thread.apply_ephemeral(&token(2, 4, "x"), me()), [Change::Behind], "its beginning is missing");
    fold(&mut thread, &[frame(1, Event::Message(Message { run_id: Some(run_id(1)), ..message(1, 9, "Zwei.") }))]);
    assert_eq!((thread.entries.len(), thread.entries[0].key.clone()), (1, key));
    assert_eq!((thread.entries[0].text.as_str(), thread.entries[0].state), ("Zwei.", EntryState::Sent));
    assert_eq!(thread.entries[0].rewrites, 1, "its end is new, and no more");
    assert_eq!(thread.apply_ephemeral(&token(1, 5, "x"), me()), [Change::Behind], "after its message");
    assert_eq!(thread.entries[0].text, "Zwei.");
}

#[test]
fn a_stream_that_came_to_nothing_goes_with_its_run() {
    let mut thread = thread_with(0);
    thread.apply_ephemeral(&token(1, 0, "Hm"), me());
    let status = RunStatus::Cancelled;
    let over = Event::AgentRun(AgentRun::new(run_id(1), status));
    fold(&mut thread, &[frame(1, over)]);
    assert_eq!(thread.entries, []);
    assert_eq!(thread.apply_ephemeral(&token(1, 0, "late"), me()), []);
}

#[test]
fn a_subscription_resets_what_is_of_the_moment() {
    let mut thread = thread_with(1);
    let typing = |n| EphemeralFrame::TypingStart(UserTyping { conversation_id: room(), user: user(n) });
    assert_eq!(thread.apply_ephemeral(&typing(1), me()), [Change::Typing]);
    assert_eq!(thread.apply_ephemeral(&typing(0), me()), [], "one's own other tab");
    thread.apply_ephemeral(&token(5, 0, "gone"), me());
    let stream = Stream { run_id: run_id(2), message_id: message_id(6), agent: user(9).name, text: "so far".into() };
    let mut now = subscribed(Mode::Current, 1);
    now.typing = vec![user(2), user(0)];
    now.streams = vec![stream];
    now.reads = vec![ReadPosition { user: user(2), up_to: Seq(1) }];
    now.presence = vec![UserPresence { user: user(2), status: PresenceStatus::Online }];
    thread.apply_ephemeral(&EphemeralFrame::Subscribed(now), me());
    assert_eq!(thread.typing, [user(2)]);
    assert_eq!(thread.presence.len(), 1);
    let texts: Vec<_> = thread.entries.iter().map(|entry| entry.text.as_str()).collect();
    assert_eq!(texts, ["hi", "so far"]);
    fold(&mut thread, &[frame(2, Event::Message(message(2, 2, "done")))]);
    assert_eq!(thread.typing, [], "whoever has sent does not type any more");
}

#[test]
fn a_stream_that_ended_while_away_keeps_its_place_until_the_replay_tells() {
    let mut thread = thread_with(0);
    thread.apply_ephemeral(&token(1, 0, "half"), me());
    thread.apply_ephemeral(&EphemeralFrame::Subscribed(subscribed(Mode::Replay, 1)), me());
    assert_eq!(thread.entries.len(), 1);
    fold(&mut thread, &[frame(1, Event::Message(message(1, 9, "half and whole")))]);
    assert_eq!(thread.entries.len(), 1);
    assert_eq!(thread.entries[0].text, "half and whole");
}

#[test]
fn a_snapshot_drops_what_is_no_longer_contiguous() {
    let mut thread = thread_with(3);
    thread.echo(&outgoing(500), user(0).into());
    thread.apply_ephemeral(&EphemeralFrame::Subscribed(subscribed(Mode::Snapshot, 300)), me());
    let changes = thread.apply_event(&frame(201, Event::Message(message(201, 1, "far"))), me());
    assert!(changes.contains(&Change::Jumped));
    let seqs: Vec<_> = thread.entries.iter().map(|entry| entry.seq).collect();
    assert_eq!(seqs, [Some(Seq(201)), None], "what is still to be sent stays");
    assert!(thread.more);
    assert_eq!(thread.apply_event(&frame(203, Event::Hidden), me()), [Change::Behind]);
    let page = project(&(1..=200).map(|n| frame(n, Event::Message(message(n, 1, "old")))).collect::<Vec<_>>());
    thread.prepend(&page.messages);
    assert_eq!((thread.entries.len(), thread.more), (202, false));
}

#[test]
fn another_life_of_the_log_starts_over_from_the_snapshot() {
    let mut thread = thread_with(9);
    thread.log_epoch = Some(LogEpoch::from_parts(1, 0));
    let log_epoch = Some(LogEpoch::from_parts(2, 0));
    let now = Subscribed { log_epoch, ..subscribed(Mode::Snapshot, 2) };
    thread.apply_ephemeral(&EphemeralFrame::Subscribed(now), me());
    fold(&mut thread, &[frame(1, Event::Message(message(1, 1, "new"))), frame(2, Event::Hidden)]);
    assert_eq!((thread.entries.len(), thread.cursor, thread.log_epoch), (1, Seq(2), log_epoch));
}

#[test]
fn memory_is_bounded_and_says_that_there_is_more() {
    let many = limits::MESSAGES_IN_MEMORY as u64 + 5;
    let mut thread = thread_with(0);
    for n in 1..=many {
        fold(&mut thread, &[frame(n, Event::Message(message(n, 1, "hi")))]);
    }
    assert_eq!((thread.entries.len(), thread.more), (limits::MESSAGES_IN_MEMORY, true));
    assert_eq!(thread.entries.last().and_then(|entry| entry.seq), Some(Seq(many)));
    for n in 0..limits::RUNS_IN_MEMORY as u64 + 3 {
        let run = AgentRun::new(run_id(n), RunStatus::Completed);
        fold(&mut thread, &[frame(many + n + 1, Event::AgentRun(run))]);
    }
    assert_eq!(thread.runs.len(), limits::RUNS_IN_MEMORY);
}

#[test]
fn earlier_steps_of_a_run_are_fetched_with_what_became_of_them() {
    let run_id = run_id(1);
    let agent = || "Solo".to_owned();
    let event = |seq: u64| match seq {
        1 => Event::AgentRun(AgentRun::new(run_id, RunStatus::Initializing)),
        seq if seq % 2 == 0 => Event::ToolCall(ToolCall {
            run_id,
            call_id: CallId::from_parts(seq, 1),
            agent: agent(),
            tool_name: "add".into(),
            arguments: serde_json::Value::Null,
            class: None,
        }),
        seq => Event::ToolResult(ToolResult {
            run_id,
            call_id: CallId::from_parts(seq - 1, 1),
            agent: agent(),
            tool_name: "add".into(),
            success: true,
            result_preview: "2".into(),
            duration_ms: 1,
        }),
    };
    let log: Vec<_> = (1..=100).map(|seq| frame(seq, event(seq))).collect();
    // From the result of a call that is not known on.
    let timeline = log[60..].to_vec();
    let mut thread = Thread::seed(Seed { timeline, ..project(&log) });
    assert_eq!((thread.cut_before(Seq(40)), thread.cut_before(Seq(70))), (Some(run_id), None));
    thread.prepend_steps(run_id, &log[30..80], false);
    assert_eq!(thread.cut_before(Seq(20)), Some(run_id));
    thread.prepend_steps(run_id, &log[..50], true);
    assert_eq!(thread.cut_before(Seq(1)), None);
    let mut whole = Thread::seed(project(&log));
    assert_eq!(thread.runs[0].steps, whole.runs[0].steps);
    assert_eq!(thread.runs[0].started_at, whole.runs[0].started_at);
    // One that began where nothing was told of its beginning has none.
    whole.runs[0].is_cut = true;
    whole.prepend_steps(run_id, &[], true);
    assert!(!whole.runs[0].is_cut);
}

#[test]
fn opened_again_a_thread_keeps_what_is_fresher_and_what_is_to_be_sent() {
    let mut thread = thread_with(3);
    let stale = Thread { opened_at: Seq(2), ..thread_with(2) };
    assert_eq!(thread.reseed(stale), [Change::OpenedAt]);
    assert_eq!((thread.entries.len(), thread.opened_at), (3, Seq(2)));
    thread.echo(&outgoing(50), user(0).into());
    assert!(thread.reseed(thread_with(5)).contains(&Change::Entries));
    assert_eq!((thread.entries.len(), thread.cursor, thread.opened_at), (6, Seq(5), Seq(2)));
}

#[test]
fn reads_only_grow() {
    let mut thread = thread_with(3);
    let read = |up_to| EphemeralFrame::Read(ReadUpTo { conversation_id: room(), user: user(1), up_to: Seq(up_to) });
    assert_eq!(thread.apply_ephemeral(&read(2), me()), [Change::Reads]);
    assert_eq!(thread.apply_ephemeral(&read(1), me()), []);
}

#[test]
fn who_joins_is_shown_at_once_and_asked_after() {
    let mut thread = thread_with(0);
    let joined = Event::Member(MemberChanged { user: user(7), change: Membership::Joined });
    let changes = thread.apply_event(&frame(1, joined), me());
    assert!(changes.contains(&Change::Members) && changes.contains(&Change::Stale));
    assert_eq!(thread.members.len(), 4);
    let here = Member { status: PresenceStatus::Online, ..member(7) };
    let detail =
        ConversationDetail { conversation: row(), members: vec![member(0), here], control: None, visitor: None };
    assert!(thread.refresh(detail.clone()).contains(&Change::Presence), "who was here when added is online at once");
    assert_eq!(thread.presence.iter().map(|one| one.user.id).collect::<Vec<_>>(), [user(7).id]);
    assert_eq!(thread.refresh(detail), []);
}

#[test]
fn a_row_counts_what_others_wrote_and_shows_the_newest() {
    let mut row = row();
    assert_eq!(apply_to_row(&mut row, &frame(1, Event::Message(message(1, 1, "one"))), me()), RowChange::Newest);
    assert_eq!(apply_to_row(&mut row, &frame(1, Event::Message(message(1, 1, "one"))), me()), RowChange::Nothing);
    apply_to_row(&mut row, &frame(2, Event::Message(message(2, 0, "mine"))), me());
    apply_to_row(&mut row, &frame(3, Event::Message(message(3, 1, &"ü".repeat(999)))), me());
    assert_eq!((row.unread, row.head), (2, Seq(3)));
    let LastMessage { id, text, .. } = row.last_message.clone().unwrap();
    assert_eq!((id, text.chars().count()), (message_id(3), limits::PREVIEW_CHARS));
    let deleted = Deleted { message_id: message_id(3), by: user(1) };
    assert_eq!(apply_to_row(&mut row, &frame(4, Event::Deleted(deleted)), me()), RowChange::Gap);
    assert_eq!(row.last_message.as_ref().unwrap().text, "");
    let thread = thread_with(3);
    assert_eq!(read_row(&mut row, Seq(2), Some(&thread), me()), RowChange::Changed);
    assert_eq!(row.unread, 1);
    row.unread = 2;
    read_row(&mut row, Seq(1), Some(&Thread::blank(room(), String::new())), me());
    assert_eq!(row.unread, 2, "a thread that is still to be folded has nothing to count");
    read_row(&mut row, Seq(3), None, me());
    assert_eq!(row.unread, 0);
    let mut thread = thread;
    row.unread = 3;
    thread.entries[2].delete();
    assert_eq!(read_row(&mut row, Seq(1), Some(&thread), me()), RowChange::Changed);
    assert_eq!(row.unread, 1, "what is deleted is not to be read");
    assert_eq!(apply_to_row(&mut row, &frame(9, Event::Hidden), me()), RowChange::Gap);
}
