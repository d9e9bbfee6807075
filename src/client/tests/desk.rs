//! The operators' dialogs: their list, the open one, the race for it, and notes.

use super::*;
use crate::protocol::SiteId;

/// A dialog of visitor `n`, as its line tells.
fn line(n: u64, head: u64, epoch: u64) -> Conversation {
    let waiting_since = Some(Timestamp(5));
    let (site_id, visitor) = (SiteId("default".into()), user(n));
    let dialog = dialog::DialogLine { site_id, visitor, epoch, waiting_since, visitor_message: None };
    let owner = dialog::Owner::Queue { team: None };
    Conversation { kind: Kind::Dialog, owner, dialog: Some(dialog), title: user(n).name, ..row(n, head) }
}

fn told(line: Conversation) -> ServerFrame {
    let change = ListChange::Changed;
    ServerFrame::Ephemeral(EphemeralFrame::Conversation(ConversationChanged { conversation: line, change }))
}

#[test]
fn dialogs_stand_in_a_list_of_their_own_and_only_the_open_one_is_followed() {
    let _owner = owned();
    let (client, _) = page();
    let rooms = || client.state().read_untracked().conversations.iter().map(|row| row.id).collect::<Vec<_>>();
    let lines = || client.state().read_untracked().desk.tab(crate::model::Tab::Queue, user(0).id).len();
    client.replace_list(vec![row(1, 3), line(7, 4, 1), row(2, 0)]);
    assert_eq!((rooms(), lines()), (vec![room(1), room(2)], 1));
    client.apply(&told(line(8, 2, 1)));
    client.apply(&told(line(7, 3, 9)));
    assert_eq!((rooms(), lines()), (vec![room(1), room(2)], 2));
    assert_eq!(client.head_of(room(7)), Some(Seq(4)), "what is older does not count");

    assert!(client.follows(room(1)) && !client.follows(room(7)));
    let mut dialog = thread(4);
    dialog.id = room(7);
    client.seed_dialog(dialog);
    assert!(!client.follows(room(7)) && !client.followed_threads().contains(&room(7)), "not before it is shown");
    client.open_dialog(room(7));
    assert!(client.follows(room(7)) && client.followed_threads().contains(&room(7)));
    client.close_dialog(room(7));
    assert!(!client.follows(room(7)) && client.reopen_dialog(room(7)).is_some(), "going back shows it at once");
    assert!(client.reopen_dialog(room(1)).is_none(), "a room is no dialog");
}

#[test]
fn of_the_dialogs_that_were_left_the_newest_stay_in_memory() {
    let _owner = owned();
    let (client, _) = page();
    let many = limits::DIALOGS_LEFT as u64 + 1;
    for n in 10..10 + many {
        let mut dialog = thread(1);
        dialog.id = room(n);
        client.seed_dialog(dialog);
        client.open_dialog(room(n));
        client.close_dialog(room(n));
    }
    assert!(client.thread(room(10)).is_none() && client.thread(room(11)).is_some());
}

#[test]
fn the_loser_of_a_race_reads_who_was_faster_and_sees_how_the_dialog_stands() {
    let _owner = owned();
    let (client, _) = page();
    client.replace_list(vec![line(7, 4, 1)]);
    let mut dialog = thread(4);
    dialog.id = room(7);
    let shown = client.seed_dialog(dialog);
    let owner = dialog::Owner::Human { user: user(3) };
    let state = dialog::ControlState { owner, status: DialogStatus::Open, epoch: 2 };
    let refused = Problem::stale_epoch(&state).into_frame(Some(format!("control {}", room(7))));
    let control = Looks::of(move || shown.control().track());
    client.apply(&ServerFrame::Ephemeral(EphemeralFrame::Error(refused)));
    assert!(control.again());
    assert_eq!(shown.control().get_untracked(), Some(state.clone()));
    let desk = client.state().read_untracked().desk.clone();
    let now = desk.line(room(7)).unwrap();
    assert_eq!((&now.owner, now.dialog.as_ref().unwrap().epoch), (&state.owner, 2));
    assert_eq!(client.state().read_untracked().notices[0].text, "user 3 already took this.");
}

#[test]
fn a_note_stays_a_note_through_a_failure_and_a_retry() {
    let _owner = owned();
    let (client, thread) = page();
    let text = "x".repeat(limits::MESSAGE_BYTES + 1);
    client.send(room(1), Visibility::Note, &text, None);
    let entry = thread.entries().read_untracked()[3].clone();
    assert_eq!((entry.state, entry.visibility), (EntryState::Failed, Visibility::Note));
    client.retry(room(1), &entry.key);
    let kept = client.with(|inner| inner.outbox.messages().next().cloned());
    assert_eq!(kept.map(|message| message.visibility), Some(Visibility::Note));
    let json = serde_json::to_value(Outgoing { visibility: Visibility::Note, ..outgoing() }).unwrap();
    assert_eq!(json["visibility"], "note", "the shared queue and the worker have it, too");
}

fn outgoing() -> Outgoing {
    Outgoing {
        client_id: MessageId::from_parts(1, 9).into(),
        conversation: room(1),
        text: "a word".into(),
        reply_to: None,
        visibility: Visibility::Public,
        at: Timestamp(0),
    }
}
