//! The operators' side: the lines of all dialogs, the few that are open, and into whose hands one goes.
//!
//! Whoever is subscribed to a dialog is seen to look at it, so only what is open on the screen is subscribed to. All
//! others are known by their lines, which the server tells.

use leptos::prelude::*;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Client, StateStoreFields, desktop, http};
use crate::{
    model::{
        Desk, LinkState, Thread,
        conversation::RowChange,
        desk::{alert, visitor_name},
    },
    protocol::{
        ClientFrame, Code, ConversationId, Problem, Seq,
        client::{Control, Unsubscribe},
        desk::{Canned, Operator},
        dialog::{ControlAction, ControlState},
        http::{Conversation, PostControl, Role},
        limits,
    },
};

/// What the answer to a `control` frame is recognised by.
const CONTROL: &str = "control ";

/// The dialog that an answer to a `control` frame is about.
pub(super) fn controlled(reference: &str) -> Option<ConversationId> {
    reference.strip_prefix(CONTROL)?.parse().ok()
}

impl Client {
    /// The dialogs and the replies as the server rendered them. Called while rendering, on both sides.
    pub fn seed_desk(self, lines: Vec<Conversation>, canned: Vec<Canned>) {
        self.replace_desk(lines);
        self.canned_are(canned);
    }

    /// A dialog as the server rendered it, for an operator.
    pub fn seed_dialog(self, thread: Thread) -> reactive_stores::Field<Thread> {
        self.with(|inner| inner.dialogs.insert(thread.id));
        self.seed_thread(thread)
    }

    /// A dialog that was opened before, to be shown again at once.
    pub fn reopen_dialog(self, id: ConversationId) -> Option<reactive_stores::Field<Thread>> {
        self.reopen(id).filter(|_| self.with(|inner| inner.dialogs.contains(&id)))
    }

    /// Shows this dialog live, until it is closed. In an `Effect` of what shows it.
    pub fn open_dialog(self, id: ConversationId) {
        let was_left = self.with(|inner| {
            inner.dialogs.insert(id);
            inner.looking.insert(id);
            let place = inner.left.iter().position(|left| *left == id);
            place.and_then(|place| inner.left.remove(place)).is_some()
        });
        self.resubscribe(id);
        if was_left {
            // Who the visitor is may be known by now.
            self.refetch(id);
        }
    }

    /// It is not looked at any more.
    pub fn close_dialog(self, id: ConversationId) {
        self.stopped_typing(id);
        let dropped = self.with(|inner| {
            inner.looking.remove(&id);
            inner.asked.remove(&id);
            inner.left.push_back(id);
            (inner.left.len() > limits::DIALOGS_LEFT).then(|| inner.left.pop_front()).flatten()
        });
        self.tell(ClientFrame::Unsubscribe(Unsubscribe { conversations: vec![id] }));
        self.change_thread(id, Thread::left);
        if let Some(dropped) = dropped {
            self.with(|inner| {
                inner.threads.remove(&dropped);
                inner.epochs.remove(&dropped);
                inner.behind.remove(&dropped);
            });
        }
    }

    /// Does something with a dialog, from how it stands here. The loser of a race is told who was faster.
    pub fn control(self, conversation_id: ConversationId, action: ControlAction, to: Option<String>) {
        let Some(epoch) = self.epoch_of(conversation_id) else { return };
        if !self.with(|inner| inner.link.state() == LinkState::Polling) {
            let frame = ClientFrame::Control(Control { conversation_id, action, epoch, to });
            self.act_as(frame, [CONTROL, &conversation_id.to_string()].concat());
            return;
        }
        leptos::task::spawn_local(async move {
            if let Err(failure) = http::control(conversation_id, &PostControl { action, epoch, to }).await {
                self.not_controlled(conversation_id, failure.into());
            }
        });
    }

    fn epoch_of(self, id: ConversationId) -> Option<u64> {
        let thread = self.thread_store(id);
        let of_thread = thread.and_then(|thread| Some(thread.read_untracked().control.as_ref()?.epoch));
        let state = self.state.read_untracked();
        let of_line = state.desk.line(id).and_then(|line| Some(line.dialog.as_ref()?.epoch));
        of_thread.max(of_line)
    }

    /// It was refused; where somebody was faster, the answer says how the dialog stands.
    pub(super) fn not_controlled(self, id: ConversationId, problem: Problem) {
        if problem.code == Code::StaleEpoch
            && let Some(state) = standing(&problem)
        {
            self.change_thread(id, |thread| {
                let mut changes = Vec::new();
                thread.controlled(&state, &mut changes);
                changes
            });
            self.change_line(id, |line| {
                line.owner = state.owner.clone();
                line.status = state.status;
                if let Some(dialog) = &mut line.dialog {
                    dialog.epoch = state.epoch;
                }
                RowChange::Changed
            });
        }
        self.problem(problem);
    }

    /// Whom a dialog can be given to, and who of them is here.
    pub async fn operators(self) -> Result<Vec<Operator>, Problem> {
        Ok(http::operators().await?)
    }

    /// Replaces the replies that all operators share.
    pub async fn save_canned(self, canned: Vec<Canned>) -> Result<(), Problem> {
        let kept = http::put_canned(canned).await?;
        self.canned_are(kept);
        Ok(())
    }

    fn canned_are(self, canned: Vec<Canned>) {
        if *self.state.canned().read_untracked() != canned {
            self.state.canned().set(canned);
        }
    }

    // ── Lines ───────────────────────────────────────────────────────────────────────────────────

    /// All of them as just fetched.
    pub(super) fn replace_desk(self, mut lines: Vec<Conversation>) {
        for line in &mut lines {
            self.count_what_was_read(line);
        }
        let is_same = lines.is_empty() && self.state.read_untracked().desk == Desk::default();
        if is_same {
            return;
        }
        let before = self.state.read_untracked().desk.clone();
        let changed = self.state.write_untracked().desk.replace(lines);
        if before == self.state.read_untracked().desk {
            return;
        }
        self.state.desk().notify();
        if before.is_known() {
            changed.into_iter().for_each(|id| self.tell_of(id, before.line(id)));
        }
    }

    /// A line as the server tells it anew.
    pub(super) fn line_was_told(self, told: &Conversation) {
        let mut told = told.clone();
        self.count_what_was_read(&mut told);
        let before = self.state.read_untracked().desk.line(told.id).cloned();
        let is_news = self.state.write_untracked().desk.tell(&told);
        if !is_news {
            return;
        }
        self.state.desk().notify();
        self.tell_of(told.id, before.as_ref());
        let is_renamed = before.is_some_and(|before| visitor_name(&before) != visitor_name(&told));
        if is_renamed && self.with(|inner| inner.looking.contains(&told.id)) {
            self.refetch(told.id);
        }
    }

    /// Changes one line by what an event of an open dialog says. A gap is nothing: the server tells the line, too.
    pub(super) fn change_line(self, id: ConversationId, change: impl FnOnce(&mut Conversation) -> RowChange) {
        let before = self.state.read_untracked().desk.line(id).cloned();
        let is_changed = {
            let mut state = self.state.write_untracked();
            state.desk.line_mut(id).is_some_and(|line| change(line) != RowChange::Nothing)
        };
        if is_changed {
            self.state.desk().notify();
            self.tell_of(id, before.as_ref());
        }
    }

    pub(super) fn remove_line(self, id: ConversationId) {
        let is_gone = self.state.write_untracked().desk.remove(id);
        if is_gone {
            self.state.desk().notify();
        }
    }

    /// What the reader looks away from, and what they asked to be told of, is told on the desktop.
    fn tell_of(self, id: ConversationId, before: Option<&Conversation>) {
        if !self.with(|inner| inner.is_started) {
            return;
        }
        let (me, is_open) = (self.my_id(), self.with(|inner| inner.looking.contains(&id)));
        let state = self.state.read_untracked();
        let Some(line) = state.desk.line(id) else { return };
        if let Some(alert) = alert(before, line, me) {
            desktop::tell(alert, line, is_open);
        }
    }

    // ── What is followed ────────────────────────────────────────────────────────────────────────

    /// Whether it is to be subscribed to: an operator's dialog only while it is open.
    pub(super) fn follows(self, id: ConversationId) -> bool {
        let is_listed = self.state.read_untracked().desk.line(id).is_some();
        self.with(|inner| inner.looking.contains(&id) || !(is_listed || inner.dialogs.contains(&id)))
    }

    pub(super) fn followed_threads(self) -> Vec<ConversationId> {
        let mut threads = self.with(|inner| inner.threads.keys().copied().collect::<Vec<_>>());
        threads.retain(|id| self.follows(*id));
        threads
    }

    /// The newest event that a list tells of.
    pub(super) fn head_of(self, id: ConversationId) -> Option<Seq> {
        let state = self.state.read_untracked();
        let row = state.conversations.iter().find(|row| row.id == id).or_else(|| state.desk.line(id));
        row.map(|row| row.head)
    }

    /// Whether what was written there is still an operator's to send.
    pub(super) fn may_be_a_dialog(self, desk: &Desk, id: ConversationId) -> bool {
        let is_operator = self.user().is_some_and(|me| matches!(me.role, Role::Operator | Role::Admin));
        desk.line(id).is_some() || (is_operator && !desk.is_known())
    }
}

/// How a dialog stands, as a refusal tells it.
fn standing(problem: &Problem) -> Option<ControlState> {
    let fields: Map<String, Value> = problem.details.clone().into_iter().collect();
    ControlState::deserialize(&Value::Object(fields)).ok()
}
