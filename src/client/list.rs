//! The list of conversations: its rows are kept live by the same frames.

use leptos::prelude::*;

use super::{Client, StateStoreFields, http, notify};
use crate::{
    model::conversation::{Change, RowChange, read_row},
    protocol::{
        ConversationId, Seq,
        http::Conversation,
        server::{ConversationChanged, ListChange},
    },
};

impl Client {
    /// Changes one row and tells of it.
    pub(super) fn change_row(self, id: ConversationId, change: impl FnOnce(&mut Conversation) -> RowChange) {
        let change = {
            let mut state = self.state.write_untracked();
            let rows = &mut state.conversations;
            let Some(index) = rows.iter().position(|row| row.id == id) else {
                drop(state);
                return self.change_line(id, change);
            };
            let change = change(&mut rows[index]);
            if change == RowChange::Newest {
                rows[..=index].rotate_right(1);
            }
            change
        };
        match change {
            RowChange::Nothing => return,
            RowChange::Changed | RowChange::Newest => {}
            RowChange::Gap => self.refetch_list(),
        }
        self.list_was_seen();
        notify::list(&self.state.conversations());
        self.state.conversations().at_key(id).notify();
    }

    /// The reader has read up to there, here or in another tab.
    pub(super) fn row_was_read(self, id: ConversationId, up_to: Seq) {
        let thread = self.thread_store(id);
        let thread = thread.as_ref().map(|store| store.read_untracked());
        let me = self.my_id();
        self.change_row(id, |row| read_row(row, up_to, thread.as_deref(), me));
    }

    pub(super) fn count_what_was_read(self, row: &mut Conversation) {
        let (thread, me) = (self.thread_store(row.id), self.my_id());
        let thread = thread.as_ref().map(|store| store.read_untracked());
        let mine = thread.as_ref().and_then(|thread| thread.reads.iter().find(|read| read.user.id == me));
        if let Some(up_to) = mine.map(|read| read.up_to) {
            read_row(row, up_to, thread.as_deref(), me);
        }
    }

    /// A frame about one's own list.
    pub(super) fn list_changed(self, ConversationChanged { conversation, change }: &ConversationChanged) {
        let id = conversation.id;
        match change {
            ListChange::Removed => self.remove_row(id),
            _ if conversation.dialog.is_some() => self.line_was_told(conversation),
            ListChange::Added | ListChange::Changed => {
                if *self.state.removed().read_untracked() == Some(id) {
                    self.state.removed().set(None);
                }
                let is_known = self.state.read_untracked().conversations.iter().any(|row| row.id == id);
                if is_known {
                    // What it counts comes with the events of the log.
                    let counts = |ours: &Conversation| merge(ours, conversation, |_, _| false);
                    self.change_row(id, |row| change_if_other(row, counts));
                } else {
                    self.merge_list(vec![conversation.clone()]);
                }
                self.change_thread(id, |thread| {
                    thread.title.clone_from(&conversation.title);
                    vec![Change::Title]
                });
            }
        }
    }

    pub(super) fn remove_row(self, id: ConversationId) {
        self.with(|inner| {
            inner.threads.remove(&id);
            inner.epochs.remove(&id);
            inner.untold_reads.remove(&id);
        });
        self.state.write_untracked().conversations.retain(|row| row.id != id);
        notify::list(&self.state.conversations());
        self.remove_line(id);
        self.state.removed().set(Some(id));
        self.forget_seen(id);
        self.list_was_seen();
        self.tell_unsent();
    }

    /// Takes in rows of which ours may be fresher. Unknown ones go to the top, in their order.
    pub(super) fn merge_list(self, mut rows: Vec<Conversation>) {
        rows.retain(|row| row.dialog.is_none());
        let mut ours = self.state.read_untracked().conversations.clone();
        let mut new = Vec::new();
        for row in rows {
            match ours.iter_mut().find(|one| one.id == row.id) {
                Some(one) => *one = merge(one, &row, |ours, told| told > ours),
                None => new.push(row),
            }
        }
        let added: Vec<_> = new.iter().map(|row| row.id).collect();
        new.append(&mut ours);
        self.set_list(new);
        // Where the connection was faster than the list, its resumption knew nothing of these.
        for id in added {
            self.resubscribe(id);
        }
    }

    /// Takes in the whole list: what is not in it is not ours any more.
    pub(super) fn replace_list(self, rows: Vec<Conversation>) {
        // What operators see of others' dialogs is a list of its own.
        let (lines, mut rows): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.dialog.is_some());
        self.replace_desk(lines);
        let mut ours = self.state.read_untracked().conversations.clone();
        for row in &mut rows {
            if let Some(index) = ours.iter().position(|one| one.id == row.id) {
                // At the same head the server's count is right, except for what we just read.
                *row = merge(&ours.swap_remove(index), row, |ours, told| told >= ours);
                self.count_what_was_read(row);
            }
        }
        self.set_list(rows);
    }

    fn set_list(self, rows: Vec<Conversation>) {
        let before = std::mem::replace(&mut self.state.write_untracked().conversations, rows);
        let changed: Vec<_> = {
            let state = self.state.read_untracked();
            if state.conversations == before {
                return;
            }
            let is_known = |row: &&Conversation| before.iter().any(|one| one.id == row.id && one != *row);
            state.conversations.iter().filter(is_known).map(|row| row.id).collect()
        };
        self.list_was_seen();
        notify::list(&self.state.conversations());
        for id in changed {
            self.state.conversations().at_key(id).notify();
        }
    }

    /// Fetches the list anew, once at a time.
    pub(super) fn refetch_list(self) {
        let may_start = self.with(|inner| {
            let is_free = inner.is_started && !inner.is_fetching_list;
            inner.is_fetching_list |= is_free;
            is_free
        });
        if may_start {
            leptos::task::spawn_local(async move {
                // What fails here is fetched at the next connection.
                let _ = self.fetch_list().await;
                self.with(|inner| inner.is_fetching_list = false);
            });
        }
    }

    pub(super) async fn fetch_list(self) -> Result<(), http::Failure> {
        let rows = http::conversations().await?;
        let known: Vec<_> = self.state.read_untracked().conversations.iter().map(|row| row.id).collect();
        let new: Vec<_> = rows.iter().filter(|row| row.dialog.is_none()).map(|row| row.id).collect();
        let new: Vec<_> = new.into_iter().filter(|id| !known.contains(id)).collect();
        self.replace_list(rows);
        self.tell_unsent();
        for id in new {
            self.resubscribe(id);
        }
        Ok(())
    }

    /// A snapshot may hold few messages or none: fetches the page before it.
    pub(super) fn fill_up(self, id: ConversationId) {
        if self.with(|inner| inner.is_started) {
            leptos::task::spawn_local(async move {
                // Scrolling up asks again.
                let _ = self.load_older(id).await;
            });
        }
    }

    /// Fetches the title and the people of one conversation anew.
    pub(super) fn refetch(self, id: ConversationId) {
        if self.with(|inner| inner.is_started) {
            leptos::task::spawn_local(async move {
                if let Ok(detail) = http::conversation(id).await {
                    self.change_thread(id, |thread| thread.refresh(detail));
                }
            });
        }
    }
}

/// What is in the log, from whichever counts by its head; the rest is not, so the newly told is right.
fn merge(ours: &Conversation, told: &Conversation, told_counts: fn(Seq, Seq) -> bool) -> Conversation {
    let counts = if told_counts(ours.head, told.head) { told } else { ours };
    Conversation { head: counts.head, unread: counts.unread, last_message: counts.last_message.clone(), ..told.clone() }
}

fn change_if_other(row: &mut Conversation, change: impl FnOnce(&Conversation) -> Conversation) -> RowChange {
    let now = change(row);
    if *row == now {
        return RowChange::Nothing;
    }
    *row = now;
    RowChange::Changed
}
