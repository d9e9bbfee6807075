//! Folding what is of the moment: typing, presence, reads, streams, and the state at a subscription.

use super::{Change, Entry, EntryState, Thread, apply::stop_typing};
use crate::model::StepKind;
use crate::protocol::{
    Author, MessageId, RunId, Sender, Seq, Timestamp, UserId, UserRef, Visibility, limits,
    server::{EphemeralFrame, Mode, PresenceStatus, ReadPosition, Stream, Subscribed, Token, UserPresence},
};

impl Thread {
    /// Folds in a frame without a seq. One that concerns another conversation changes nothing.
    pub fn apply_ephemeral(&mut self, frame: &EphemeralFrame, me: UserId) -> Vec<Change> {
        match frame {
            EphemeralFrame::TypingStart(typing) if typing.conversation_id == self.id => {
                self.typing_start(&typing.user, me)
            }
            EphemeralFrame::TypingStop(typing) if typing.conversation_id == self.id => {
                let was = stop_typing(&mut self.typing, typing.user.id);
                was.then_some(Change::Typing).into_iter().collect()
            }
            EphemeralFrame::Presence(presence) => match presence.conversation_id {
                None => self.presence_of(&presence.user, presence.status),
                Some(id) if id == self.id => self.looks(&presence.user, presence.status),
                Some(_) => Vec::new(),
            },
            EphemeralFrame::Read(read) if read.conversation_id == self.id => self.read_by(&read.user, read.up_to),
            EphemeralFrame::Subscribed(subscribed) if subscribed.conversation_id == self.id => {
                self.subscribed(subscribed, me)
            }
            EphemeralFrame::Token(token) if token.conversation_id == self.id => self.token(token),
            _ => Vec::new(),
        }
    }

    fn typing_start(&mut self, user: &UserRef, me: UserId) -> Vec<Change> {
        if user.id == me || self.typing.iter().any(|one| one.id == user.id) {
            return Vec::new();
        }
        self.typing.push(user.clone());
        vec![Change::Typing]
    }

    fn presence_of(&mut self, user: &UserRef, status: PresenceStatus) -> Vec<Change> {
        let known = self.presence.iter().position(|one| one.user.id == user.id);
        match (known, status) {
            (Some(index), PresenceStatus::Offline) => {
                self.presence.remove(index);
            }
            (Some(index), _) => self.presence[index].status = status,
            (None, PresenceStatus::Offline) => return Vec::new(),
            (None, _) if self.members.iter().any(|member| member.id == user.id) => {
                self.presence.push(UserPresence { user: user.clone(), status });
            }
            (None, _) => return Vec::new(),
        }
        vec![Change::Presence]
    }

    /// An operator looks at this dialog, or does so no more: nobody of its members.
    fn looks(&mut self, user: &UserRef, status: PresenceStatus) -> Vec<Change> {
        let known = self.presence.iter().any(|one| one.user.id == user.id);
        if status != PresenceStatus::Offline && !known {
            self.presence.push(UserPresence { user: user.clone(), status });
            return vec![Change::Presence];
        }
        self.presence_of(user, status)
    }

    /// Left for another one: nobody tells any more who types or looks here.
    pub fn left(&mut self) -> Vec<Change> {
        self.presence.clear();
        let mut changes = self.disconnected();
        changes.push(Change::Presence);
        changes
    }

    /// That person has read up to there. Positions only grow.
    pub fn read_by(&mut self, user: &UserRef, up_to: Seq) -> Vec<Change> {
        match self.reads.iter_mut().find(|one| one.user.id == user.id) {
            Some(position) if position.up_to >= up_to => return Vec::new(),
            Some(position) => position.up_to = up_to,
            None => self.reads.push(ReadPosition { user: user.clone(), up_to }),
        }
        vec![Change::Reads]
    }

    /// Nobody tells any more who types.
    pub fn disconnected(&mut self) -> Vec<Change> {
        if self.typing.is_empty() {
            return Vec::new();
        }
        self.typing.clear();
        vec![Change::Typing]
    }

    fn subscribed(&mut self, frame: &Subscribed, me: UserId) -> Vec<Change> {
        if frame.mode == Mode::Denied {
            return Vec::new();
        }
        let mut changes = vec![Change::Typing, Change::Presence, Change::Reads, Change::Entries];
        if frame.log_epoch.is_some() && self.log_epoch.is_some() && frame.log_epoch != self.log_epoch {
            self.start_over(frame.head, &mut changes);
        }
        self.log_epoch = frame.log_epoch.or(self.log_epoch);
        self.awaiting_snapshot = frame.mode == Mode::Snapshot;
        self.typing = frame.typing.iter().filter(|one| one.id != me).cloned().collect();
        self.presence.clone_from(&frame.presence);
        self.presence.retain(|one| one.status != PresenceStatus::Offline);
        for ReadPosition { user, up_to } in &frame.reads {
            self.read_by(user, *up_to);
        }
        if let Some(control) = &frame.control {
            self.controlled(control, &mut changes);
        }
        self.streams(&frame.streams, frame.mode, &mut changes);
        changes
    }

    /// The log has another life: nothing that was folded counts any more but what is still to be sent.
    fn start_over(&mut self, head: Seq, changes: &mut Vec<Change>) {
        self.entries.retain(|entry| entry.seq.is_none());
        self.runs.clear();
        self.cursor = Seq::ZERO;
        self.control = None;
        self.hands.clear();
        self.more = false;
        self.reads.clear();
        self.control = None;
        self.opened_at = self.opened_at.min(head);
        changes.extend([Change::Runs, Change::More, Change::Cursor, Change::Stale]);
    }

    fn streams(&mut self, streams: &[Stream], mode: Mode, changes: &mut Vec<Change>) {
        let goes_on = |entry: &Entry| streams.iter().any(|stream| entry.id == Some(stream.message_id));
        // A stream that ended while we were away is in the replay that follows, as a message or as its
        // run's end; without a replay nothing would tell.
        self.entries.retain(|entry| entry.state != EntryState::Streaming || mode == Mode::Replay || goes_on(entry));
        for Stream { run_id, message_id, agent, text } in streams {
            match self.entry_by_id(*message_id) {
                None => self.begin_stream(*message_id, *run_id, agent, text),
                Some(index) if self.entries[index].state == EntryState::Streaming => {
                    self.entries[index].set_text(text);
                    changes.push(Change::Text(self.entries[index].key.clone()));
                }
                Some(_) => {}
            }
        }
    }

    fn begin_stream(&mut self, id: MessageId, run_id: RunId, agent: &str, text: &str) {
        let entry = Entry {
            key: id.to_string(),
            id: Some(id),
            client_id: None,
            seq: None,
            sender: Sender::Agent,
            author: Author::agent(agent, self.emoji_of(run_id, agent)),
            text: text.to_owned(),
            rewrites: 0,
            at: self.moment_of(run_id),
            state: EntryState::Streaming,
            failure: None,
            edited: false,
            deleted: false,
            partial: false,
            reactions: Vec::new(),
            reply_to: None,
            run_id: Some(run_id),
            visibility: Visibility::Public,
        };
        self.entries.push(entry);
        self.bound();
    }

    /// A token tells the agent's name alone; its steps tell the rest.
    fn emoji_of(&self, run: RunId, name: &str) -> Option<String> {
        let run = self.runs.iter().rfind(|one| one.id == run)?;
        run.steps.iter().rev().find_map(|step| match &step.what {
            StepKind::Agent { agent, emoji, .. } | StepKind::Topic { agent, emoji, .. } if agent == name => {
                Some(emoji.clone())
            }
            _ => None,
        })
    }

    /// A stream tells no time: its run's start, or that of the newest message.
    fn moment_of(&self, run: RunId) -> Timestamp {
        let of_run = self.runs.iter().rfind(|one| one.id == run).map(|run| run.started_at);
        of_run.or_else(|| self.entries.last().map(|entry| entry.at)).unwrap_or_default()
    }

    fn token(&mut self, token: &Token) -> Vec<Change> {
        let Some(index) = self.entry_by_id(token.message_id) else { return self.first_token(token) };
        let entry = &mut self.entries[index];
        let offset = usize::try_from(token.offset).unwrap_or(usize::MAX);
        if entry.state != EntryState::Streaming || offset > entry.text.len() {
            return vec![Change::Behind];
        }
        if offset + token.delta.len() > limits::ANSWER_BYTES {
            return Vec::new();
        }
        if offset < entry.text.len() {
            entry.text.truncate(entry.text.floor_char_boundary(offset));
            entry.rewrites += 1;
        }
        entry.text.push_str(&token.delta);
        vec![Change::Text(entry.key.clone())]
    }

    fn first_token(&mut self, token: &Token) -> Vec<Change> {
        let is_over = |run: &super::Run| run.id == token.run_id && run.status.is_over();
        if token.offset != 0 {
            return vec![Change::Behind];
        }
        if self.runs.iter().any(is_over) {
            return Vec::new();
        }
        self.begin_stream(token.message_id, token.run_id, &token.agent, &token.delta);
        vec![Change::Entries]
    }
}
