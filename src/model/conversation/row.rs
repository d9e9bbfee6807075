//! A line of the list, kept live by the same events.

use super::Thread;
use crate::protocol::{
    DurableFrame, Event, Message, Sender, Seq, UserId,
    dialog::Owner,
    http::{Conversation, LastMessage},
    limits,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowChange {
    Nothing,
    Changed,
    /// A new message: the row goes to the top of the list.
    Newest,
    /// Events are missing: what it counts has to be fetched.
    Gap,
}

/// Folds one event into its conversation's row. What was seen before changes nothing.
pub fn apply_to_row(row: &mut Conversation, frame: &DurableFrame, me: UserId) -> RowChange {
    if frame.conversation_id != row.id || frame.seq <= row.head {
        return RowChange::Nothing;
    }
    let is_gap = frame.seq > row.head.next();
    row.head = frame.seq;
    let change = match &frame.event {
        Event::Message(message) => {
            row.unread += u64::from(message.author.id != me);
            row.last_message = Some(preview(frame, message));
            if let (Some(dialog), Sender::Visitor) = (&mut row.dialog, message.sender) {
                dialog.visitor_message = Some(Box::new(preview(frame, message)));
            }
            RowChange::Newest
        }
        Event::Edited(edited) => rewrite(row, edited.message_id, &edited.text),
        Event::Deleted(deleted) => {
            let change = rewrite(row, deleted.message_id, "");
            // It may have been among the unread ones, which only the server can tell.
            if row.unread > 0 { RowChange::Gap } else { change }
        }
        Event::Control(control) => {
            row.owner = control.state.owner.clone();
            row.status = control.state.status;
            if let Some(dialog) = &mut row.dialog {
                let waits = matches!(control.state.owner, Owner::Queue { .. });
                dialog.epoch = control.state.epoch;
                dialog.waiting_since = waits.then(|| dialog.waiting_since.unwrap_or(frame.timestamp));
            }
            RowChange::Changed
        }
        // The head is in the row, too, but nothing shows it.
        _ => RowChange::Nothing,
    };
    if is_gap { RowChange::Gap } else { change }
}

/// The reader has read up to there: what is still unread is counted in the thread, where it is at hand and knows what
/// the row knows.
pub fn read_row(row: &mut Conversation, up_to: Seq, thread: Option<&Thread>, me: UserId) -> RowChange {
    let newest = row.last_message.as_ref().map_or(row.head, |message| message.seq);
    let unread = if up_to >= newest {
        0
    } else if let Some(thread) = thread.filter(|thread| thread.reaches_back_to(up_to) && thread.cursor >= newest) {
        let is_unread = |seq: Option<Seq>| seq.is_some_and(|seq| seq > up_to);
        thread.entries.iter().filter(|entry| is_unread(entry.seq) && !entry.deleted && entry.author.id != me).count()
            as u64
    } else {
        row.unread.min(row.head.0.saturating_sub(up_to.0))
    };
    if unread >= row.unread {
        return RowChange::Nothing;
    }
    row.unread = unread;
    RowChange::Changed
}

impl Thread {
    /// Whether every message after `seq` is in memory.
    fn reaches_back_to(&self, seq: Seq) -> bool {
        !self.more || self.first_seq().is_some_and(|first| first <= seq.next())
    }
}

fn rewrite(row: &mut Conversation, id: crate::protocol::MessageId, text: &str) -> RowChange {
    let visitors = row.dialog.as_mut().and_then(|dialog| dialog.visitor_message.as_deref_mut());
    let mut change = RowChange::Nothing;
    for message in [row.last_message.as_mut(), visitors].into_iter().flatten().filter(|message| message.id == id) {
        message.text = cut(text);
        change = RowChange::Changed;
    }
    change
}

fn preview(frame: &DurableFrame, message: &Message) -> LastMessage {
    LastMessage {
        id: message.id,
        seq: frame.seq,
        author: message.author.clone(),
        text: cut(&message.text),
        timestamp: frame.timestamp,
    }
}

fn cut(text: &str) -> String {
    text.chars().take(limits::PREVIEW_CHARS).collect()
}
