//! What a component sees, and what it does not have to look at again.

use std::sync::atomic::{AtomicUsize, Ordering};

use leptos::prelude::*;
use reactive_stores::{AtIndex, Field};

use super::{env::Env, *};
use crate::{
    model::{
        EntryState, EntryStoreFields, Kept, Outgoing, RunStoreFields, Thread, ThreadStoreFields, conversation::Seed,
        outbox,
    },
    protocol::{
        AgentRun, AgentStep, CallId, Code, ConversationId, DurableFrame, EphemeralFrame, Event, Message, MessageId,
        Problem, RunId, RunStatus, Sender, Seq, ServerFrame, Timestamp, UserId, UserRef, Visibility,
        agent::{ToolCall, ToolResult},
        dialog::{self, DialogStatus},
        http::{Conversation, ConversationDetail, Kind, MessageNow, Messages},
        limits,
        server::{
            Ack, Connected, ConversationChanged, Deleted, Format, ListChange, Posted, Status, Token, TypingTimes,
            UserTyping,
        },
    },
};

mod desk;
mod notices;

fn room(n: u64) -> ConversationId {
    ConversationId::from_parts(n, 1)
}

fn user(n: u64) -> UserRef {
    UserRef { id: UserId::from_parts(n, 1), name: format!("user {n}") }
}

fn message(seq: u64, author: u64) -> DurableFrame {
    let event = Event::Message(Message {
        id: MessageId::from_parts(seq, 2),
        sender: Sender::User,
        author: user(author).into(),
        text: format!("message {seq}"),
        format: Format::Markdown,
        client_id: None,
        reply_to: None,
        run_id: None,
        visibility: Visibility::Public,
        partial: false,
    });
    DurableFrame { conversation_id: room(1), seq: Seq(seq), timestamp: Timestamp(0), event }
}

fn row(n: u64, head: u64) -> Conversation {
    Conversation {
        id: room(n),
        title: format!("Room {n}"),
        kind: Kind::Room,
        head: Seq(head),
        unread: 0,
        owner: dialog::Owner::Human { user: user(0) },
        status: DialogStatus::Open,
        agents: true,
        last_message: None,
        dialog: None,
    }
}

fn thread(messages: u64) -> Thread {
    let now = |seq| MessageNow { frame: message(seq, 1), edited_at: None, deleted: false, reactions: Vec::new() };
    Thread::seed(Seed {
        detail: ConversationDetail {
            conversation: row(1, messages),
            members: Vec::new(),
            control: None,
            visitor: None,
        },
        messages: Messages { messages: (1..=messages).map(now).collect(), more: false },
        timeline: Vec::new(),
        head: Seq(messages),
        log_epoch: None,
        read_up_to: Seq::ZERO,
    })
}

fn durable(frame: DurableFrame) -> ServerFrame {
    ServerFrame::Durable(frame)
}

fn token(offset: u64, delta: &str) -> ServerFrame {
    ServerFrame::Ephemeral(EphemeralFrame::Token(Token {
        conversation_id: room(1),
        run_id: RunId::from_parts(1, 3),
        message_id: MessageId::from_parts(99, 2),
        agent: user(9).name,
        offset,
        delta: delta.into(),
    }))
}

/// A page with two rows and a thread of three messages.
fn page() -> (Client, Field<Thread>) {
    let client = Client::new(Env { now: || Timestamp(1_000), random: || 7 });
    client.seed_me(user(0));
    client.seed_list(vec![row(1, 3), row(2, 0)]);
    let thread = client.seed_thread(thread(3));
    (client, thread)
}

/// How often something that looks at the store has to look again. A memo stands for the component: on the
/// server, where these tests run, effects do not.
struct Looks {
    memo: Memo<usize>,
    seen: AtomicUsize,
}

impl Looks {
    fn of(look: impl Fn() + Send + Sync + 'static) -> Self {
        let memo = Memo::new(move |before: Option<&usize>| {
            look();
            before.map_or(1, |before| before + 1)
        });
        Self { seen: AtomicUsize::new(memo.get_untracked()), memo }
    }

    /// Whether it had to since the last time this was asked.
    fn again(&self) -> bool {
        let now = self.memo.get_untracked();
        self.seen.swap(now, Ordering::SeqCst) != now
    }
}

/// An owner as a component has one.
fn owned() -> Owner {
    let owner = Owner::new();
    owner.set();
    owner
}

#[test]
fn one_token_touches_one_text() {
    let _owner = owned();
    let (client, thread) = page();
    client.apply(&token(0, "Se"));
    let entries = thread.entries();
    let keys: Vec<_> = entries.read_untracked().iter().map(|entry| entry.key.clone()).collect();
    let text = |key: &String| entries.at_key(key.clone()).text();
    let (first, last) = (text(&keys[0]), text(&keys[3]));
    let list = Looks::of(move || _ = entries.into_iter().count());
    let state = {
        let state = entries.at_key(keys[3].clone()).state();
        Looks::of(move || state.track())
    };
    let title = Looks::of(move || thread.title().track());
    let rows = Looks::of(move || client.state().conversations().track());
    let first = Looks::of(move || first.track());
    let shown = last.clone();
    let last = Looks::of(move || last.track());
    client.apply(&token(2, "cond"));
    assert!(last.again());
    assert_eq!(shown.get_untracked(), "Second");
    for runs in [&list, &state, &title, &rows, &first] {
        assert!(!runs.again());
    }
}

#[test]
fn a_new_message_touches_the_list_but_no_other_message() {
    let _owner = owned();
    let (client, thread) = page();
    let entries = thread.entries();
    let key = entries.read_untracked()[0].key.clone();
    let list = Looks::of(move || _ = entries.into_iter().count());
    let text = entries.at_key(key).text();
    let text = Looks::of(move || text.track());
    let other_row = client.state().conversations().at_key(room(2));
    let other_row = Looks::of(move || other_row.track());
    let row = client.state().conversations().at_key(room(1));
    let seen = row;
    let row = Looks::of(move || row.track());
    client.apply(&durable(message(4, 1)));
    assert!(list.again());
    assert!(row.again());
    assert!(!text.again());
    assert!(!other_row.again());
    assert_eq!(seen.read_untracked().unread, 1);
    let last = entries.read_untracked().last().map(|entry| entry.key.clone()).unwrap();
    assert_eq!(entries.at_key(last).text().get_untracked(), "message 4", "the new key leads to the new item");
}

#[test]
fn ones_own_message_goes_from_sending_to_sent_in_its_place() {
    let _owner = owned();
    let (client, thread) = page();
    client.send(room(1), Visibility::Public, "  hello  ", None);
    client.send(room(1), Visibility::Public, "   ", None);
    let entries = thread.entries();
    let entry = entries.read_untracked()[3].clone();
    assert_eq!((entry.text.as_str(), entry.state), ("hello", EntryState::Sending));
    assert_eq!(client.state().waiting().get_untracked(), 1, "blank text is nothing");
    let state = entries.at_key(entry.key.clone()).state();
    let shown = state.clone();
    let runs = Looks::of(move || state.track());
    let posted = Posted {
        client_id: entry.client_id.unwrap(),
        message_id: MessageId::from_parts(4, 2),
        timestamp: Timestamp(5),
        duplicate: false,
    };
    let ack = Ack { reference: None, conversation_id: room(1), seq: Seq(4), posted: Some(posted) };
    client.apply(&ServerFrame::Ephemeral(EphemeralFrame::Ack(ack)));
    assert!(runs.again());
    assert_eq!(shown.get_untracked(), EntryState::Sent);
    assert_eq!(client.state().waiting().get_untracked(), 0);
    assert_eq!(entries.read_untracked()[3].key, entry.key);
}

#[test]
fn a_message_too_long_fails_at_once_and_is_not_lost() {
    let _owner = owned();
    let (client, thread) = page();
    let text = "x".repeat(crate::protocol::limits::MESSAGE_BYTES + 1);
    client.send(room(1), Visibility::Public, &text, None);
    let entry = thread.entries().read_untracked()[3].clone();
    assert_eq!((entry.state, entry.text.len()), (EntryState::Failed, text.len()));
    assert!(entry.failure.is_some());
    client.retry(room(1), &entry.key);
    assert_eq!(thread.entries().read_untracked()[3].state, EntryState::Failed);
    client.discard(room(1), &entry.key);
    assert_eq!(thread.entries().read_untracked().len(), 3);
}

#[test]
fn an_event_of_a_run_touches_one_step_of_it_and_no_other() {
    let _owner = owned();
    let (client, thread) = page();
    let run_id = RunId::from_parts(1, 3);
    let event =
        |seq, event| durable(DurableFrame { conversation_id: room(1), seq: Seq(seq), timestamp: Timestamp(0), event });
    let status = |status| Event::AgentRun(AgentRun::new(run_id, status));
    client.apply(&event(4, status(RunStatus::Processing)));
    let run = thread.runs().at_key(run_id);
    let call = |seq, id| {
        let (agent, tool_name, arguments) = ("assistant".to_owned(), "add".to_owned(), serde_json::Value::Null);
        event(
            seq,
            Event::ToolCall(ToolCall {
                run_id,
                call_id: CallId::from_parts(id, 1),
                agent,
                tool_name,
                arguments,
                class: None,
            }),
        )
    };
    client.apply(&call(5, 1));
    let first = Looks::of(move || AtIndex::new(run.steps(), 0).track());
    let steps = Looks::of(move || run.steps().track());
    let state = Looks::of(move || run.status().track());
    let entries = Looks::of(move || thread.entries().track());
    let typing = Looks::of(move || thread.typing().track());
    let step = AgentStep::new(run_id, "assistant", "🐦", 1, "adds".into());
    client.apply(&event(6, Event::AgentStep(step)));
    assert_eq!(run.steps().read_untracked().last().map(|step| step.seq), Some(Seq(6)));
    assert_eq!((steps.again(), first.again(), entries.again()), (true, false, false));
    let result = ToolResult {
        run_id,
        call_id: CallId::from_parts(1, 1),
        agent: "assistant".into(),
        tool_name: "add".into(),
        success: true,
        result_preview: "2".into(),
        duration_ms: 1,
    };
    _ = state.again();
    client.apply(&event(7, Event::ToolResult(result)));
    assert_eq!((first.again(), entries.again()), (true, false));
    client.apply(&event(8, status(RunStatus::Completed)));
    assert_eq!((state.again(), first.again()), (true, false));
    _ = steps.again();
    let user = UserTyping { conversation_id: room(1), user: user(1) };
    client.apply(&ServerFrame::Ephemeral(EphemeralFrame::TypingStart(user)));
    assert_eq!((typing.again(), steps.again()), (true, false));
}

#[test]
fn rows_come_go_and_move_to_the_top() {
    let _owner = owned();
    let (client, _) = page();
    let ids = || client.state().read_untracked().conversations.iter().map(|row| row.id).collect::<Vec<_>>();
    let changed = |row, change| {
        let changed = ConversationChanged { conversation: row, change };
        client.apply(&ServerFrame::Ephemeral(EphemeralFrame::Conversation(changed)));
    };
    changed(row(3, 0), ListChange::Added);
    assert_eq!(ids(), [room(3), room(1), room(2)]);
    client.apply(&durable(message(4, 1)));
    assert_eq!(ids(), [room(1), room(3), room(2)]);
    changed(Conversation { title: "New title".into(), ..row(1, 4) }, ListChange::Changed);
    assert_eq!(client.thread(room(1)).unwrap().title().get_untracked(), "New title");
    changed(row(2, 0), ListChange::Removed);
    assert_eq!(ids(), [room(1), room(3)]);
    changed(row(1, 4), ListChange::Removed);
    assert!(client.is_removed(room(1)) && client.thread(room(1)).is_none(), "nothing of it is shown any more");
    changed(row(1, 4), ListChange::Added);
    assert!(!client.is_removed(room(1)));
}

#[test]
fn a_fetched_list_corrects_the_counts_and_keeps_what_was_just_read() {
    let _owner = owned();
    let (client, _) = page();
    client.apply(&durable(message(4, 1)));
    let unread = || client.state().read_untracked().conversations[0].unread;
    client.replace_list(vec![Conversation { unread: 7, ..row(1, 3) }, row(2, 0)]);
    assert_eq!(unread(), 1, "an older answer does not count");
    client.replace_list(vec![Conversation { unread: 5, ..row(1, 4) }, row(2, 0)]);
    assert_eq!(unread(), 5);
    client.read(room(1), Seq(4));
    client.replace_list(vec![Conversation { unread: 5, ..row(1, 4) }, row(2, 0)]);
    assert_eq!(unread(), 0, "the server does not know yet that it was read");
    client.replace_list(vec![row(2, 0)]);
    assert_eq!(client.state().read_untracked().conversations.len(), 1, "what is not in it is not ours");
}

#[test]
fn seeding_again_changes_nothing_and_never_goes_back() {
    let _owner = owned();
    let (client, shown) = page();
    client.apply(&durable(message(4, 1)));
    let list = Looks::of(move || client.state().conversations().track());
    let entries = Looks::of(move || shown.entries().track());
    client.seed_me(user(0));
    client.seed_list(vec![row(1, 3), row(2, 0)]);
    client.seed_thread(thread(3));
    assert_eq!((list.again(), entries.again()), (false, false));
    assert_eq!(shown.entries().read_untracked().len(), 4);
    client.seed_thread(thread(6));
    assert!(entries.again());
    assert_eq!(shown.entries().read_untracked().len(), 6);
}

#[test]
fn reading_lowers_the_count_of_the_row() {
    let _owner = owned();
    let (client, thread) = page();
    client.apply(&durable(message(4, 1)));
    client.apply(&durable(message(5, 1)));
    let unread = || client.state().read_untracked().conversations[0].unread;
    assert_eq!(unread(), 2);
    client.read(room(1), Seq(4));
    assert_eq!(unread(), 1);
    client.read(room(1), Seq(3));
    assert_eq!(unread(), 1, "going back is nothing");
    client.read(room(1), thread.cursor().get_untracked());
    assert_eq!(unread(), 0);
}

#[test]
fn a_connection_under_another_account_sends_nothing_of_the_one_before() {
    let _owner = owned();
    let (client, _) = page();
    client.send(room(1), Visibility::Public, "mine alone", None);
    let greet = |user| {
        let times = TypingTimes { resend_ms: 1, stop_ms: 1, expire_ms: 1 };
        let id = crate::protocol::ConnectionId::from_parts(1, 1);
        let connected = Connected { connection_id: id, user, protocol: "1".into(), heartbeat_ms: 1, typing: times };
        let (status, message) = ("connected".into(), String::new());
        let status = Status {
            status,
            message,
            timestamp: Timestamp(1),
            run_id: None,
            expires_at: None,
            connected: Some(connected),
        };
        client.apply(&ServerFrame::Ephemeral(EphemeralFrame::Status(status)));
    };
    greet(user(0));
    assert_eq!(client.state().waiting().get_untracked(), 1);
    greet(user(5));
    assert_eq!(client.state().waiting().get_untracked(), 0);
    assert!(client.thread(room(1)).is_none() && client.state().me().get_untracked().is_none());
}

#[test]
fn a_thread_shown_again_has_its_new_line_where_reading_stopped() {
    let _owner = owned();
    let (client, thread) = page();
    client.apply(&durable(message(4, 1)));
    client.read(room(1), Seq(4));
    client.apply(&durable(message(5, 1)));
    assert!(client.reopen(room(1)).is_some() && client.reopen(room(9)).is_none());
    assert_eq!(thread.opened_at().get_untracked(), Seq(4));
}

#[test]
fn an_event_of_an_unknown_type_still_moves_the_cursor() {
    let id = room(1);
    let text = format!(
        r#"{{"type":"poll_opened","conversation_id":"{id}","seq":7,"timestamp":"2026-11-20T08:00:00.000Z","question":"?"}}"#
    );
    let Some(ServerFrame::Durable(frame)) = apply::parse(&text) else { panic!("no place in the log") };
    assert_eq!((frame.seq, frame.event), (Seq(7), Event::Hidden));
    assert_eq!(apply::parse(r#"{"type":"dance"}"#), None);
    assert_eq!(apply::parse("{"), None);
}

#[test]
fn a_message_refused_where_one_is_no_longer_is_told_with_its_text_until_it_is_dismissed() {
    let _owner = owned();
    let (client, thread) = page();
    client.send(room(1), Visibility::Public, "my last words", None);
    let client_id = thread.entries().read_untracked()[3].client_id.clone().unwrap();
    let removed = ConversationChanged { conversation: row(1, 3), change: ListChange::Removed };
    client.apply(&ServerFrame::Ephemeral(EphemeralFrame::Conversation(removed)));
    client.outbox(outbox::Event::Refused(client_id, Problem::not_found()));
    for n in 0..=limits::NOTICES {
        client.problem(Problem::new(Code::NotFound, format!("{n} is not there.")));
    }
    let unsent = || {
        let state = client.state().read_untracked();
        let texts = state.notices.iter().filter(|notice| matches!(notice.what, NoticeKind::Unsent(_)));
        texts.map(|notice| (notice.id, notice.text.clone())).collect::<Vec<_>>()
    };
    assert_eq!(client.state().read_untracked().notices.len(), limits::NOTICES + 1);
    let told = unsent();
    assert!(told.len() == 1 && told[0].1.contains("my last words"), "{told:?}");
    client.dismiss(told[0].0);
    client.problem(Problem::not_found());
    assert_eq!(unsent(), []);
    client.tell_unsent();
    assert_eq!(unsent(), [], "it is not in the outbox any more");
}

#[test]
fn an_edit_of_what_was_deleted_meanwhile_keeps_its_text() {
    let _owner = owned();
    let (client, thread) = page();
    let message_id = thread.entries().read_untracked()[0].id.unwrap();
    let event = Event::Deleted(Deleted { message_id, by: user(1) });
    client.apply(&durable(DurableFrame { conversation_id: room(1), seq: Seq(4), timestamp: Timestamp(0), event }));
    assert!(!client.edit(room(1), message_id, "better words"));
    assert_eq!(client.state().read_untracked().notices[0].text, "This message was deleted meanwhile.");
}

#[test]
fn what_waits_shows_in_a_conversation_that_is_opened_later() {
    let _owner = owned();
    let (client, _) = page();
    let kept = |n, failure| Kept {
        place: n,
        message: Outgoing {
            client_id: MessageId::from_parts(n, 9).into(),
            conversation: room(2),
            text: format!("kept {n}"),
            reply_to: None,
            visibility: Visibility::Public,
            at: Timestamp(0),
        },
        failure,
    };
    client.outbox(outbox::Event::Merge(vec![kept(1, None), kept(2, Some("Refused.".to_owned()))]));
    let mut other = thread(0);
    other.id = room(2);
    let shown = client.seed_thread(other);
    let entries = shown.entries();
    let entries = entries.read_untracked();
    let states: Vec<_> = entries.iter().map(|entry| (entry.text.as_str(), entry.state)).collect();
    assert_eq!(states, [("kept 1", EntryState::Sending), ("kept 2", EntryState::Failed)]);
    assert_eq!(entries[1].failure.as_deref(), Some("Refused."));
    assert_eq!(client.state().waiting().get_untracked(), 1);
}
