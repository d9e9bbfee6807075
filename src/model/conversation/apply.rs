//! Folding the log: one durable event after the other.

use super::{Change, Entry, EntryState, Run, Thread};
use crate::model::run::Folded;
use crate::protocol::{
    DurableFrame, Event, Message, MessageId, RunId, Seq, Timestamp, UserId,
    dialog::ControlState,
    http::{Member, ReactionNow, Role},
    server::{Edited, MemberChanged, Membership, PresenceStatus, Reaction, UserRef},
};

impl Thread {
    /// Folds in the next event. One that was seen before changes nothing; one that leaves a hole is
    /// refused with [`Change::Behind`].
    pub fn apply_event(&mut self, frame: &DurableFrame, me: UserId) -> Vec<Change> {
        if frame.seq <= self.cursor {
            return Vec::new();
        }
        let mut changes = Vec::new();
        if frame.seq > self.cursor.next() {
            if !self.awaiting_snapshot {
                return vec![Change::Behind];
            }
            self.jump(&mut changes);
        }
        self.awaiting_snapshot = false;
        self.cursor = frame.seq;
        changes.push(Change::Cursor);
        self.fold(frame, me, &mut changes);
        changes
    }

    fn fold(&mut self, frame: &DurableFrame, me: UserId, changes: &mut Vec<Change>) {
        match &frame.event {
            Event::Message(message) => self.posted(frame.seq, frame.timestamp, message, me, changes),
            Event::Edited(edited) => self.change_entry(edited.message_id, |entry| entry.edit(edited), changes),
            Event::Deleted(deleted) => self.change_entry(deleted.message_id, Entry::delete, changes),
            Event::Reaction(reaction) => self.change_entry(reaction.message_id, |entry| entry.react(reaction), changes),
            Event::Member(member) => self.member(member, changes),
            Event::AgentRun(_)
            | Event::AgentStep(_)
            | Event::ToolCall(_)
            | Event::ToolResult(_)
            | Event::Approval(_)
            | Event::ApprovalResolved(_)
            | Event::Progress(_)
            | Event::ChartGenerated(_)
            | Event::Result(_) => self.run_event(frame, changes),
            Event::Control(changed) => {
                self.controlled(&changed.state, changes);
                self.hand(frame);
                changes.push(Change::Control);
            }
            Event::Hidden => {}
        }
    }

    /// What was here is not contiguous with what comes: it goes, and older pages are fetched when asked for.
    fn jump(&mut self, changes: &mut Vec<Change>) {
        self.entries.retain(|entry| entry.seq.is_none());
        self.runs.clear();
        self.hands.clear();
        self.more = true;
        changes.extend([Change::Entries, Change::Runs, Change::More, Change::Jumped, Change::Stale]);
    }

    fn posted(&mut self, seq: Seq, at: Timestamp, message: &Message, me: UserId, changes: &mut Vec<Change>) {
        let known = self.entry_by_id(message.id).or_else(|| self.echo_of(message, me));
        match known {
            Some(index) => {
                let entry = &mut self.entries[index];
                // A message that was seeded with what happened to it later keeps that.
                let is_settled = entry.seq.is_some() && (entry.edited || entry.deleted);
                if !is_settled {
                    let key = std::mem::take(&mut entry.key);
                    let reactions = std::mem::take(&mut entry.reactions);
                    let mut now = Entry { reactions, ..Entry::new(key, seq, at, message) };
                    now.succeed(entry);
                    *entry = now;
                }
                changes.push(Change::Entry(self.entries[index].key.clone()));
                self.settle(index);
            }
            None => {
                let place = self.place_of(seq);
                self.entries.insert(place, Entry::new(message.id.to_string(), seq, at, message));
                self.bound();
            }
        }
        changes.push(Change::Entries);
        if stop_typing(&mut self.typing, message.author.id) {
            changes.push(Change::Typing);
        }
    }

    /// The local echo of one's own message: client_ids are unique per author only.
    fn echo_of(&self, message: &Message, me: UserId) -> Option<usize> {
        let client_id = message.client_id.as_ref().filter(|_| message.author.id == me)?;
        self.entries.iter().rposition(|entry| entry.author.id == me && entry.client_id.as_ref() == Some(client_id))
    }

    fn change_entry(&mut self, id: MessageId, change: impl FnOnce(&mut Entry), changes: &mut Vec<Change>) {
        // One that is not in memory will be fetched as it is by then.
        let Some(index) = self.entry_by_id(id) else { return };
        let entry = &mut self.entries[index];
        change(entry);
        changes.push(Change::Entry(entry.key.clone()));
    }

    fn member(&mut self, MemberChanged { user, change }: &MemberChanged, changes: &mut Vec<Change>) {
        let known = self.members.iter().position(|member| member.id == user.id);
        match (change, known) {
            (Membership::Joined, None) => {
                self.members.push(newcomer(user));
                // The event names no username and no role.
                changes.push(Change::Stale);
            }
            (Membership::Left, Some(index)) => {
                self.members.remove(index);
                self.presence.retain(|one| one.user.id != user.id);
                self.reads.retain(|one| one.user.id != user.id);
                stop_typing(&mut self.typing, user.id);
                changes.extend([Change::Presence, Change::Reads, Change::Typing]);
            }
            _ => return,
        }
        changes.push(Change::Members);
    }

    /// An older state than the one that is known changes nothing: a subscription tells it as of its head.
    pub fn controlled(&mut self, state: &ControlState, changes: &mut Vec<Change>) {
        let is_news = self.control.as_ref().is_none_or(|known| known.epoch <= state.epoch && known != state);
        if is_news {
            self.control = Some(state.clone());
            changes.push(Change::Control);
        }
    }

    fn run_event(&mut self, frame: &DurableFrame, changes: &mut Vec<Change>) {
        let before = self.runs.len();
        let Some(Folded { run: id, is_over, step }) = Run::fold(&mut self.runs, frame) else { return };
        if self.runs.len() != before {
            self.bound();
            changes.push(Change::Runs);
        }
        changes.push(Change::Run(id));
        changes.extend(step.map(|seq| Change::Step(id, seq)));
        if is_over && self.drop_streams_of(id) {
            changes.push(Change::Entries);
        }
    }

    /// What a run wrote is a message by the time it ends: a stream that is left came to nothing.
    fn drop_streams_of(&mut self, run: RunId) -> bool {
        let before = self.entries.len();
        self.entries.retain(|entry| entry.state != EntryState::Streaming || entry.run_id != Some(run));
        self.entries.len() != before
    }
}

impl Entry {
    fn edit(&mut self, edited: &Edited) {
        if !self.deleted {
            self.set_text(&edited.text);
            self.edited = true;
        }
    }

    /// Nothing of a deleted message stays but its place.
    pub(super) fn delete(&mut self) {
        self.set_text("");
        self.reactions.clear();
        self.edited = false;
        self.deleted = true;
    }

    fn react(&mut self, Reaction { by, emoji, on, .. }: &Reaction) {
        let known = self.reactions.iter().position(|reaction| reaction.emoji == *emoji);
        match (known, on) {
            _ if self.deleted => {}
            (None, true) => self.reactions.push(ReactionNow { emoji: emoji.clone(), by: vec![by.clone()] }),
            (Some(index), true) if self.reactions[index].by.iter().all(|one| one.id != by.id) => {
                self.reactions[index].by.push(by.clone());
            }
            (Some(index), false) => {
                self.reactions[index].by.retain(|one| one.id != by.id);
                self.reactions.retain(|reaction| !reaction.by.is_empty());
            }
            _ => {}
        }
    }
}

fn newcomer(user: &UserRef) -> Member {
    Member {
        id: user.id,
        name: user.name.clone(),
        username: String::new(),
        role: Role::Member,
        up_to: Seq::ZERO,
        status: PresenceStatus::Offline,
    }
}

/// Whether that person was typing.
pub(super) fn stop_typing(typing: &mut Vec<UserRef>, user: UserId) -> bool {
    let before = typing.len();
    typing.retain(|one| one.id != user);
    typing.len() != before
}
