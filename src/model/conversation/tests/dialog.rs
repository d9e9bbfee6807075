//! What a thread has of a dialog: whose it is, how it came there, who looks.

use super::*;
use crate::{
    model::conversation::read_before,
    protocol::server::{Presence, UserPresence},
};

fn control(seq: u64, owner: u64, epoch: u64, status: DialogStatus) -> DurableFrame {
    let state = ControlState { owner: Owner::Human { user: user(owner) }, status, epoch };
    frame(seq, Event::Control(ControlChanged { state, by: user(owner), reason: None }))
}

fn epoch(thread: &Thread) -> Option<u64> {
    thread.control.as_ref().map(|control| control.epoch)
}

#[test]
fn whose_a_dialog_is_never_goes_back_to_an_epoch_before() {
    let mut thread = thread_with(0);
    fold(&mut thread, &[control(1, 1, 4, DialogStatus::Open)]);
    let told = ControlState { owner: Owner::Ai, status: DialogStatus::Open, epoch: 6 };
    let frame = Subscribed { control: Some(told.clone()), ..subscribed(Mode::Replay, 3) };
    let changes = thread.apply_ephemeral(&EphemeralFrame::Subscribed(frame), me());
    assert!(changes.contains(&Change::Control));
    fold(&mut thread, &[control(2, 2, 5, DialogStatus::Open)]);
    assert_eq!(thread.control, Some(told), "the replay tells what was before");
    fold(&mut thread, &[control(3, 2, 6, DialogStatus::Resolved)]);
    assert_eq!(thread.control.as_ref().map(|control| control.status), Some(DialogStatus::Resolved));
    assert_eq!(thread.hands.iter().map(|hand| hand.seq.0).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn another_life_of_the_log_knows_nothing_of_whose_it_was() {
    let mut thread = thread_with(0);
    let life = |n| Some(crate::protocol::LogEpoch::from_parts(n, 0));
    thread.log_epoch = life(1);
    fold(&mut thread, &[control(1, 1, 4, DialogStatus::Open)]);
    let frame = Subscribed { log_epoch: life(2), ..subscribed(Mode::Snapshot, 0) };
    thread.apply_ephemeral(&EphemeralFrame::Subscribed(frame), me());
    assert_eq!((epoch(&thread), thread.hands.len()), (None, 0));
}

#[test]
fn who_looks_at_this_dialog_is_told_though_they_are_no_members() {
    let mut thread = thread_with(0);
    let looks = |thread: &mut Thread, conversation_id, status| {
        let presence = Presence { user: user(9), status, conversation_id };
        thread.apply_ephemeral(&EphemeralFrame::Presence(presence), me())
    };
    assert_eq!(looks(&mut thread, None, PresenceStatus::Online), [], "somewhere");
    let other = ConversationId::from_parts(2, 2);
    assert_eq!(looks(&mut thread, Some(other), PresenceStatus::Online), [], "at another one");
    assert_eq!(looks(&mut thread, Some(room()), PresenceStatus::Online), [Change::Presence]);
    let online = UserPresence { user: user(9), status: PresenceStatus::Online };
    assert!(thread.presence.contains(&online));
    assert_eq!(looks(&mut thread, Some(other), PresenceStatus::Offline), [], "left another one");
    assert_eq!(looks(&mut thread, Some(room()), PresenceStatus::Offline), [Change::Presence]);
    assert!(!thread.presence.iter().any(|one| one.user.id == user(9).id));
    looks(&mut thread, Some(room()), PresenceStatus::Online);
    thread.left();
    assert!(thread.presence.is_empty() && thread.typing.is_empty());
}

#[test]
fn how_far_somebody_has_read_is_told_by_how_many_are_unread() {
    let events: Vec<_> = (1..=4).map(|n| frame(n, Event::Message(message(n, n % 2, "x")))).collect();
    let Seed { messages, .. } = project(&events);
    let read = |unread| read_before(&messages, unread, me()).0;
    // Of user 1 are 1 and 3; of the reader 2 and 4.
    assert_eq!([read(0), read(1), read(2), read(9)], [4, 2, 0, 0]);
    assert_eq!(read_before(&project(&[]).messages, 0, me()), Seq::ZERO);
}

#[test]
fn a_line_is_kept_by_the_changes_of_hands() {
    let mut row = Conversation {
        dialog: Some(crate::protocol::dialog::DialogLine {
            site_id: crate::protocol::SiteId("default".into()),
            visitor: user(9),
            epoch: 1,
            waiting_since: Some(Timestamp(3)),
            visitor_message: None,
        }),
        ..row()
    };
    let head = row.head.0;
    apply_to_row(&mut row, &control(head + 1, 1, 2, DialogStatus::Open), me());
    let dialog = row.dialog.clone().unwrap();
    assert_eq!((row.owner.is(user(1).id), dialog.epoch, dialog.waiting_since), (true, 2, None));
    let state = ControlState { owner: Owner::Queue { team: None }, status: DialogStatus::Open, epoch: 3 };
    let queued = ControlChanged { state, by: user(1), reason: None };
    let at = DurableFrame { timestamp: Timestamp(77), ..frame(head + 2, Event::Control(queued)) };
    apply_to_row(&mut row, &at, me());
    assert_eq!(row.dialog.unwrap().waiting_since, Some(Timestamp(77)));
}

#[test]
fn a_line_keeps_what_the_visitor_said_last() {
    let line = crate::protocol::dialog::DialogLine {
        site_id: crate::protocol::SiteId("default".into()),
        visitor: user(9),
        epoch: 1,
        waiting_since: None,
        visitor_message: None,
    };
    let mut row = Conversation { dialog: Some(line), ..row() };
    let head = row.head.0;
    let says = |n, sender, text: &str| Event::Message(Message { sender, ..message(n, 9, text) });
    let of = |row: &Conversation| {
        let asked = row.dialog.as_ref().and_then(|dialog| dialog.visitor_message.clone());
        (asked.map(|asked| asked.text), row.last_message.as_ref().unwrap().text.clone())
    };
    let events = [says(1, Sender::Visitor, "Where is it?"), says(2, Sender::Agent, "I ask a person.")];
    for (at, event) in events.into_iter().enumerate() {
        apply_to_row(&mut row, &frame(head + 1 + at as u64, event), me());
    }
    assert_eq!(of(&row), (Some("Where is it?".into()), "I ask a person.".into()));
    let Event::Message(asked) = says(1, Sender::Visitor, "") else { unreachable!() };
    let edited = Event::Edited(Edited { message_id: asked.id, by: user(9), text: "Where is my parcel?".into() });
    apply_to_row(&mut row, &frame(head + 3, edited), me());
    assert_eq!(of(&row), (Some("Where is my parcel?".into()), "I ask a person.".into()));
}

#[test]
fn of_the_changes_of_hands_the_newest_are_kept() {
    let mut thread = thread_with(0);
    let many = limits::HANDS_IN_MEMORY as u64 + 1;
    let events: Vec<_> = (1..=many).map(|n| control(n, 1, n, DialogStatus::Open)).collect();
    fold(&mut thread, &events);
    assert_eq!((thread.hands.len(), thread.hands[0].seq), (limits::HANDS_IN_MEMORY, Seq(2)));
}
