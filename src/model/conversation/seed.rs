//! A conversation as the server renders it first, and the older pages that are fetched later.

use super::{Change, Entry, Run, Thread};
use crate::model::run::run_of;
use crate::protocol::{
    ConversationId, DurableFrame, Event, LogEpoch, RunId, Seq, UserId,
    http::{ConversationDetail, Member, MessageNow, Messages},
    limits,
    server::{PresenceStatus, ReadPosition, UserPresence, UserRef},
};

/// What the server knows of a conversation when it renders it first.
#[derive(Clone, Debug, PartialEq)]
pub struct Seed {
    pub detail: ConversationDetail,
    pub messages: Messages,
    /// The agents' events that the timeline shows, ascending; other events among them are ignored.
    pub timeline: Vec<DurableFrame>,
    /// An event up to which `messages` and `timeline` know everything: read it BEFORE them. What they
    /// know beyond it does no harm, it is folded once more.
    pub head: Seq,
    pub log_epoch: Option<LogEpoch>,
    /// How far the reader has read.
    pub read_up_to: Seq,
}

impl Thread {
    /// A conversation as of `seed.head`.
    pub fn seed(seed: Seed) -> Self {
        let ConversationDetail { conversation, members, control, visitor } = seed.detail;
        let mut thread = Self {
            id: conversation.id,
            title: conversation.title,
            entries: seed.messages.messages.iter().filter_map(entry_of).collect(),
            runs: Vec::new(),
            typing: Vec::new(),
            presence: members.iter().filter_map(presence_of).collect(),
            reads: members.iter().map(|member| ReadPosition { user: user_of(member), up_to: member.up_to }).collect(),
            members,
            cursor: seed.head,
            log_epoch: seed.log_epoch,
            control,
            hands: Vec::new(),
            visitor,
            more: seed.messages.more,
            opened_at: seed.read_up_to,
            awaiting_snapshot: false,
        };
        for frame in &seed.timeline {
            Run::fold(&mut thread.runs, frame);
            thread.hand(frame);
        }
        thread.bound();
        thread
    }

    /// One of which nothing is known yet: the log is folded from its beginning.
    pub fn blank(id: ConversationId, title: String) -> Self {
        Self {
            id,
            title,
            entries: Vec::new(),
            runs: Vec::new(),
            members: Vec::new(),
            typing: Vec::new(),
            presence: Vec::new(),
            reads: Vec::new(),
            cursor: Seq::ZERO,
            log_epoch: None,
            control: None,
            hands: Vec::new(),
            visitor: None,
            more: false,
            opened_at: Seq::ZERO,
            awaiting_snapshot: false,
        }
    }

    /// Opened once more, with what the server rendered by now. Where that is no fresher than what is here,
    /// only the reader's position counts; else it replaces all but what is still to be sent.
    pub fn reseed(&mut self, seed: Self) -> Vec<Change> {
        let mut changes = Vec::new();
        if seed.opened_at > self.opened_at {
            self.opened_at = seed.opened_at;
            changes.push(Change::OpenedAt);
        }
        let is_same_log = seed.log_epoch.is_none() || self.log_epoch.is_none() || seed.log_epoch == self.log_epoch;
        if is_same_log && seed.cursor <= self.cursor {
            return changes;
        }
        let unsent = self.entries.extract_if(.., |entry| entry.seq.is_none() && entry.id.is_none());
        let unsent: Vec<_> = unsent.filter(|entry| !seed.has_client_id(entry)).collect();
        let opened_at = self.opened_at;
        let before = std::mem::replace(self, Self { opened_at, ..seed });
        for entry in &mut self.entries {
            if let Some(before) = before.entries.iter().find(|before| before.key == entry.key) {
                entry.succeed(before);
            }
        }
        self.entries.extend(unsent);
        changes.extend(Change::EVERYTHING);
        changes
    }

    /// Shown once more from memory: the `New` line stands after what `me` has read since.
    pub fn reopened(&mut self, me: UserId) -> Vec<Change> {
        let mine = self.reads.iter().find(|read| read.user.id == me).map(|read| read.up_to);
        if mine.is_none_or(|up_to| up_to <= self.opened_at) {
            return Vec::new();
        }
        self.opened_at = mine.unwrap_or(self.opened_at);
        vec![Change::OpenedAt]
    }

    fn has_client_id(&self, echo: &Entry) -> bool {
        self.entries.iter().any(|entry| entry.client_id == echo.client_id && entry.author.id == echo.author.id)
    }

    /// Puts a page of older messages before what is here. What is here already stays as it is, and what
    /// exceeds [`limits::MESSAGES_IN_MEMORY`] is left out.
    pub fn prepend(&mut self, page: &Messages) -> Vec<Change> {
        let first = self.first_seq().unwrap_or(Seq(u64::MAX));
        let is_new = |entry: &Entry| entry.seq < Some(first) && entry.id.and_then(|id| self.entry_by_id(id)).is_none();
        let mut older: Vec<_> = page.messages.iter().filter_map(entry_of).filter(is_new).collect();
        let room = limits::MESSAGES_IN_MEMORY.saturating_sub(self.entries.len());
        let surplus = older.len().saturating_sub(room);
        older.drain(..surplus);
        self.entries.splice(..0, older);
        self.more = page.more || surplus > 0;
        vec![Change::Entries, Change::More]
    }

    /// Puts the runs before what is here that an older part of the log tells of.
    pub fn prepend_runs(&mut self, events: &[DurableFrame]) -> Vec<Change> {
        let mut older = Vec::new();
        for frame in events {
            Run::fold(&mut older, frame);
        }
        // One that reaches into what is here is the first that is here.
        for run in &mut self.runs {
            if let Some(index) = older.iter().position(|before| before.id == run.id) {
                run.succeed(older.remove(index));
            }
        }
        let room = limits::RUNS_IN_MEMORY.saturating_sub(self.runs.len());
        let surplus = older.len().saturating_sub(room);
        self.runs.splice(..0, older.drain(surplus..));
        let mut changes = vec![Change::Runs, Change::EveryRun];
        self.hands_of(events, &mut changes);
        changes
    }

    /// The run that is not known from its beginning and whose earlier steps this event may be among.
    pub fn cut_before(&self, seq: Seq) -> Option<RunId> {
        let is_after = |run: &&Run| run.steps.first().is_none_or(|first| first.seq > seq);
        self.runs.iter().find(is_after).filter(|run| run.is_cut).map(|run| run.id)
    }

    /// Puts steps before what is known of a run that an older part of the log tells of. What of it lies behind
    /// the first that is known tells what became of those before it. `is_all`: nothing is older.
    pub fn prepend_steps(&mut self, id: RunId, events: &[DurableFrame], is_all: bool) -> Vec<Change> {
        let Some(run) = self.runs.iter_mut().find(|run| run.id == id) else { return Vec::new() };
        let mut older = Vec::new();
        for frame in events.iter().filter(|frame| run_of(&frame.event) == Some(id)) {
            Run::fold(&mut older, frame);
        }
        if let Some(before) = older.pop() {
            run.succeed(before);
        }
        run.is_cut &= !is_all;
        vec![Change::EveryRun]
    }

    /// As many messages are kept as may be.
    pub fn is_full(&self) -> bool {
        self.entries.len() >= limits::MESSAGES_IN_MEMORY
    }

    /// Older messages are not to be had here.
    pub fn no_more(&mut self) -> Vec<Change> {
        self.more = false;
        vec![Change::More]
    }

    /// The title and the people as just fetched.
    pub fn refresh(&mut self, detail: ConversationDetail) -> Vec<Change> {
        let mut changes = Vec::new();
        if self.title != detail.conversation.title {
            self.title = detail.conversation.title;
            changes.push(Change::Title);
        }
        if self.visitor != detail.visitor {
            self.visitor = detail.visitor;
            changes.push(Change::Members);
        }
        if let Some(control) = &detail.control {
            self.controlled(control, &mut changes);
        }
        if self.members != detail.members {
            // Who was added while they were here is told of by nothing else.
            self.presence = detail.members.iter().filter_map(presence_of).collect();
            self.members = detail.members;
            changes.extend([Change::Members, Change::Presence]);
        }
        changes
    }
}

/// How far somebody has read of whom only the number of unread messages is known: up to before the first of those.
pub fn read_before(messages: &Messages, unread: u64, me: UserId) -> Seq {
    let of_others = |now: &&MessageNow| matches!(&now.frame.event, Event::Message(message) if message.author.id != me);
    let newest = messages.messages.iter().rev();
    let first_unread = newest.filter(of_others).take(usize::try_from(unread).unwrap_or(usize::MAX)).last();
    match first_unread {
        Some(now) => Seq(now.frame.seq.0.saturating_sub(1)),
        None => messages.messages.last().map_or(Seq::ZERO, |now| now.frame.seq),
    }
}

fn user_of(member: &Member) -> UserRef {
    UserRef { id: member.id, name: member.name.clone() }
}

fn presence_of(member: &Member) -> Option<UserPresence> {
    let here = member.status != PresenceStatus::Offline;
    here.then(|| UserPresence { user: user_of(member), status: member.status })
}

/// Nothing where the frame is no message.
fn entry_of(now: &MessageNow) -> Option<Entry> {
    let Event::Message(message) = &now.frame.event else { return None };
    let mut entry = Entry::new(message.id.to_string(), now.frame.seq, now.frame.timestamp, message);
    if now.deleted {
        entry.delete();
    } else {
        entry.edited = now.edited_at.is_some();
        entry.reactions.clone_from(&now.reactions);
    }
    Some(entry)
}
