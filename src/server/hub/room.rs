//! Who listens to one conversation on this node, and how far each has come.
//!
//! A subscriber is either *live*: the next event goes straight to its lane; or *behind*: its own writer
//! reads the log until it has caught up. The step from behind to live happens under the room's lock, so
//! that no event falls between the two and none comes twice.

use std::sync::Arc;

use super::{
    connection::Connection,
    lane::{Pushed, Reading},
};
use crate::{
    protocol::{
        Audience, ConnectionId, ConversationId, Seq, Side, Timestamp, UserId, UserRef, limits, server::Lane as Kind,
    },
    server::{bus::EncodedFrame, payload::Payload, storage::LoggedFrame},
};

#[derive(Default)]
pub(super) struct Room {
    /// The newest event that this node was handed.
    head: Seq,
    subscribers: Vec<Subscriber>,
    typing: Vec<Typing>,
}

struct Subscriber {
    connection: Arc<Connection>,
    /// Which subscription of the connection it is.
    number: u64,
    /// The newest event in the lane or written.
    cursor: Seq,
    /// The log's end when access was last looked at.
    seen_head: Seq,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing goes to it before its `subscribed` frame.
    Joining,
    Behind,
    Live,
}

pub(super) struct Typing {
    pub user: UserRef,
    pub connection: Option<ConnectionId>,
    pub until: Timestamp,
    /// What `until` was when it was last told.
    told: Timestamp,
    /// Typing a note is for those who will see the note.
    pub audience: Audience,
}

impl Subscriber {
    fn fall_behind(&mut self, conversation: ConversationId) {
        self.stage = Stage::Behind;
        self.connection.lane.fall_behind(Reading { conversation, subscription: self.number });
    }
}

impl Room {
    pub(super) fn is_empty(&self) -> bool {
        self.subscribers.is_empty() && self.typing.is_empty()
    }

    pub(super) fn readers(&self) -> usize {
        self.admitted().count()
    }

    pub(super) fn connections(&self) -> impl Iterator<Item = &Arc<Connection>> {
        self.admitted().map(|subscriber| &subscriber.connection)
    }

    /// Who joins may turn out to have no right to be here.
    fn admitted(&self) -> impl Iterator<Item = &Subscriber> {
        self.subscribers.iter().filter(|subscriber| subscriber.stage != Stage::Joining)
    }

    /// The subscriber that this reading of the log is for; nobody where another subscription took its place.
    fn reader(&mut self, connection: ConnectionId, reading: Reading) -> Option<&mut Subscriber> {
        let is_it = |one: &&mut Subscriber| one.number == reading.subscription && one.stage == Stage::Behind;
        self.find(connection).filter(is_it)
    }

    fn find(&mut self, id: ConnectionId) -> Option<&mut Subscriber> {
        self.subscribers.iter_mut().find(|subscriber| subscriber.connection.id == id)
    }

    /// Registers a subscriber, or sends one that is there back to joining. Until [`Room::announce`] nothing
    /// goes to it.
    pub(super) fn join(&mut self, connection: &Arc<Connection>) {
        let number = connection.number_subscription();
        match self.find(connection.id) {
            Some(subscriber) => (subscriber.stage, subscriber.number) = (Stage::Joining, number),
            None => self.subscribers.push(Subscriber {
                connection: Arc::clone(connection),
                number,
                cursor: Seq::ZERO,
                seen_head: Seq::ZERO,
                stage: Stage::Joining,
            }),
        }
    }

    /// Queues the `subscribed` frame and lets frames follow it: events after `cursor` from the log, or live
    /// if `head`, read after joining, says that there are none.
    pub(super) fn announce(
        &mut self,
        conversation: ConversationId,
        id: ConnectionId,
        cursor: Seq,
        head: Seq,
        subscribed: Payload,
    ) -> bool {
        let known_head = self.head;
        let Some(subscriber) = self.find(id) else { return false };
        subscriber.cursor = cursor;
        subscriber.seen_head = head;
        subscriber.connection.lane.push(Kind::Durable, Some(conversation), subscribed);
        if head.max(known_head) <= cursor {
            subscriber.stage = Stage::Live;
        } else {
            subscriber.fall_behind(conversation);
        }
        true
    }

    /// Where a subscriber that is behind has come to.
    pub(super) fn cursor_behind(&mut self, id: ConnectionId, reading: Reading) -> Option<Seq> {
        self.reader(id, reading).map(|subscriber| subscriber.cursor)
    }

    /// The subscriber has written the log up to `cursor`, of which the log said that it ended at `head`.
    pub(super) fn caught_up(&mut self, id: ConnectionId, reading: Reading, cursor: Seq, head: Seq) {
        let known_head = self.head;
        let Some(subscriber) = self.reader(id, reading) else { return };
        subscriber.cursor = cursor;
        if head.max(known_head) <= cursor {
            subscriber.stage = Stage::Live;
        } else {
            subscriber.fall_behind(reading.conversation);
        }
    }

    /// Ends the subscription that this reading of the log is for; whether it was still there.
    pub(super) fn give_up(&mut self, id: ConnectionId, reading: Reading) -> bool {
        let is_there = self.reader(id, reading).is_some();
        if is_there {
            self.leave(id);
        }
        is_there
    }

    pub(super) fn leave(&mut self, id: ConnectionId) {
        if let Some(at) = self.subscribers.iter().position(|subscriber| subscriber.connection.id == id) {
            self.subscribers.swap_remove(at);
        }
    }

    /// Removes all connections of a person who left by this event, with what waits for them. Who subscribed
    /// after it was added again, and stays.
    pub(super) fn expel(&mut self, conversation: ConversationId, user: UserId, left: Seq) {
        self.typing.retain(|typing| typing.user.id != user);
        self.subscribers.retain(|subscriber| {
            let stays = subscriber.connection.user.id != user || subscriber.seen_head >= left;
            if !stays {
                // In this order: who sees that something was taken back finds that it is subscribed no more.
                subscriber.connection.left(conversation);
                subscriber.connection.lane.forget(conversation);
            }
            stays
        });
    }

    pub(super) fn deliver_event(&mut self, frame: &LoggedFrame) {
        self.head = self.head.max(frame.seq);
        for subscriber in &mut self.subscribers {
            if subscriber.stage != Stage::Live || frame.seq <= subscriber.cursor {
                continue;
            }
            if frame.seq > subscriber.cursor.next() {
                // An event went missing on the way here: the log has it.
                subscriber.fall_behind(frame.conversation_id);
                continue;
            }
            let (of, side) = (Some(frame.conversation_id), subscriber.connection.side);
            match subscriber.connection.lane.push(Kind::Durable, of, frame.seen_by(side).clone()) {
                Pushed::Behind => subscriber.fall_behind(frame.conversation_id),
                _ => subscriber.cursor = frame.seq,
            }
        }
    }

    pub(super) fn deliver_moment(&self, id: ConversationId, frame: &EncodedFrame, except: Option<ConnectionId>) {
        for subscriber in &self.subscribers {
            let connection = &subscriber.connection;
            let is_meant = subscriber.stage != Stage::Joining && Some(connection.id) != except;
            if let Some(payload) = frame.seen_by(connection.side).filter(|_| is_meant) {
                connection.lane.push(frame.lane, Some(id), payload.clone());
            }
        }
    }

    /// Those of whom this side may know.
    pub(super) fn typing(&self, side: Side) -> Vec<UserRef> {
        let mut users: Vec<UserRef> = Vec::new();
        for typing in self.typing.iter().take(limits::SUBSCRIBED_PEOPLE) {
            if side.may_see(typing.audience) && !users.contains(&typing.user) {
                users.push(typing.user.clone());
            }
        }
        users
    }

    /// Notes that somebody types; `false` when so many do that one more is not counted.
    pub(super) fn start_typing(
        &mut self,
        user: &UserRef,
        connection: Option<ConnectionId>,
        until: Timestamp,
        audience: Audience,
    ) -> bool {
        let is_it = |t: &&mut Typing| t.user.id == user.id && t.connection == connection && t.audience == audience;
        if let Some(typing) = self.typing.iter_mut().find(is_it) {
            typing.until = until;
            let is_due = until.as_ms() - typing.told.as_ms() >= limits::TYPING_REPEAT_MS;
            if is_due {
                typing.told = until;
            }
            return is_due;
        }
        if self.typing.len() >= limits::TYPING_PER_CONVERSATION {
            return false;
        }
        self.typing.push(Typing { user: user.clone(), connection, until, told: until, audience });
        true
    }

    /// Who is to hear that this person, who typed here, now does so in no connection.
    pub(super) fn stop_typing(&mut self, user: UserId, connection: Option<ConnectionId>) -> Option<Audience> {
        let is_it = |typing: &mut Typing| typing.user.id == user && typing.connection == connection;
        let stopped: Vec<_> = self.typing.extract_if(.., is_it).collect();
        if self.typing.iter().any(|typing| typing.user.id == user) {
            return None;
        }
        let all = stopped.iter().map(|typing| typing.audience);
        all.reduce(|a, b| if a == Audience::Everyone { a } else { b })
    }

    /// Those whose typing ran out without a word.
    pub(super) fn expire_typing(&mut self, now: Timestamp) -> Vec<Typing> {
        let mut expired: Vec<_> = self.typing.extract_if(.., |typing| typing.until <= now).collect();
        expired.retain(|gone| !self.typing.iter().any(|typing| typing.user.id == gone.user.id));
        expired
    }
}
