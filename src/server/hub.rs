//! Who is here and who listens: the hub tracks and hands on, it decides nothing and reads no storage.
//!
//! The bus brings it frames, each encoded once; it puts them into the [`lane`] of every connection
//! that stands in the conversation's [`room`].

use std::{
    cmp::Reverse,
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use parking_lot::Mutex;

use super::{
    bus::{BusMessage, Deliver, EncodedFrame, Whose},
    clock,
    storage::LoggedFrame,
};
use crate::protocol::{
    Audience, CloseCode, ConnectionId, ConversationId, EphemeralFrame, Event, Seq, SessionId, Timestamp, UserId,
    UserRef,
    http::Role,
    limits,
    server::{Membership, PresenceStatus, Status, UserTyping},
};

pub mod connection;
pub mod lane;
mod presence;
mod room;

pub use connection::{Connection, Origin};
use lane::Reading;
use presence::Presences;
use room::Room;

#[derive(Default)]
pub struct Hub {
    rooms: Mutex<HashMap<ConversationId, Arc<Mutex<Room>>>>,
    connections: Mutex<Connections>,
    presences: Mutex<Presences>,
    closes: AtomicU64,
}

#[derive(Default)]
struct Connections {
    by_id: HashMap<ConnectionId, Arc<Connection>>,
    by_user: HashMap<UserId, Vec<Arc<Connection>>>,
}

/// How deep the lanes are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lanes {
    pub count: usize,
    /// In all of them together.
    pub bytes: usize,
    pub fullest: usize,
}

/// Why a connection is not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full {
    /// [`limits::CONNECTIONS`]
    Server,
    /// [`limits::CONNECTIONS_PER_USER`]
    User,
}

/// Somebody's presence changed: the frame's content. Told by whoever knows the person's conversations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresenceChanged {
    pub user: UserRef,
    pub status: PresenceStatus,
}

/// What a connection leaves.
#[derive(Debug, Default)]
pub struct Left {
    pub subscriptions: Vec<ConversationId>,
    /// Where its person stopped typing by that, and who is to hear of it.
    pub stopped: Vec<(ConversationId, Audience)>,
}

/// Typing that ran out without a word.
#[derive(Debug, PartialEq, Eq)]
pub struct TypingEnded {
    pub typing: UserTyping,
    /// Where it was typed.
    pub connection: Option<ConnectionId>,
    /// Who is to hear of it.
    pub audience: Audience,
}

impl From<presence::Changed> for PresenceChanged {
    fn from(presence::Changed { user, status }: presence::Changed) -> Self {
        Self { user, status }
    }
}

impl Hub {
    // ── Connections ─────────────────────────────────────────────────────────────────────────────

    /// Takes a connection in; tells whether its person came online by it.
    pub fn connect(&self, connection: &Arc<Connection>) -> Result<Option<PresenceChanged>, Full> {
        let mut connections = self.connections.lock();
        if connections.by_id.len() >= limits::CONNECTIONS {
            return Err(Full::Server);
        }
        let of_user = connections.by_user.entry(connection.user.id).or_default();
        if of_user.len() >= limits::CONNECTIONS_PER_USER {
            return Err(Full::User);
        }
        let streams = of_user.iter().filter(|connection| connection.is_stream).count();
        if connection.is_stream && streams >= limits::AGUI_STREAMS_PER_USER {
            return Err(Full::User);
        }
        of_user.push(Arc::clone(connection));
        connections.by_id.insert(connection.id, Arc::clone(connection));
        drop(connections);
        Ok(self.presences.lock().opened(&connection.user, clock::now()).map(Into::into))
    }

    /// The operators and admins who are here, each once.
    pub fn operators(&self) -> Vec<UserId> {
        let connections = self.connections.lock();
        let is_operator = |all: &Vec<Arc<Connection>>| all.iter().any(|one| is_operator(one.role));
        connections.by_user.iter().filter(|(_, all)| is_operator(all)).map(|(id, _)| *id).collect()
    }

    /// The operators who look at this dialog, each once.
    pub fn lookers(&self, id: ConversationId) -> Vec<UserRef> {
        let Some(room) = self.known_room(id) else { return Vec::new() };
        let room = room.lock();
        let mut users: Vec<UserRef> = Vec::new();
        for connection in room.connections().filter(|connection| is_operator(connection.role)) {
            if users.len() < limits::SUBSCRIBED_PEOPLE && !users.contains(&connection.user) {
                users.push(connection.user.clone());
            }
        }
        users
    }

    /// How many times the hub was asked to close connections: where it is the same before a token is looked at
    /// and after its connection is taken in, none of them was meant for it.
    pub fn closes(&self) -> u64 {
        self.closes.load(Ordering::SeqCst)
    }

    /// Lets a connection go.
    pub fn disconnect(&self, connection: &Connection) -> Left {
        let subscriptions = connection.subscriptions.lock().take().unwrap_or_default();
        if self.forget(connection) {
            self.presences.lock().closed(connection.user.id, clock::now());
        }
        let mut stopped = Vec::new();
        for &id in &subscriptions {
            self.leave(id, |room| {
                room.leave(connection.id);
                if let Some(audience) = room.stop_typing(connection.user.id, Some(connection.id)) {
                    stopped.push((id, audience));
                }
            });
        }
        Left { subscriptions: subscriptions.into_iter().collect(), stopped }
    }

    /// Whether it was taken in at all.
    fn forget(&self, connection: &Connection) -> bool {
        let mut connections = self.connections.lock();
        if connections.by_id.remove(&connection.id).is_none() {
            return false;
        }
        if let Some(of_user) = connections.by_user.get_mut(&connection.user.id) {
            of_user.retain(|other| other.id != connection.id);
            if of_user.is_empty() {
                connections.by_user.remove(&connection.user.id);
            }
        }
        true
    }

    pub fn connections(&self) -> usize {
        self.connections.lock().by_id.len()
    }

    /// Those that lag most first, then the newest, at most `limit`; and how many there are.
    pub fn list(&self, limit: usize) -> (Vec<Arc<Connection>>, usize) {
        let mut all: Vec<_> = self.all().into_iter().map(|connection| (connection.lane.bytes(), connection)).collect();
        let total = all.len();
        all.sort_by_key(|(bytes, connection)| (Reverse(*bytes), Reverse(connection.since), connection.id));
        all.truncate(limit);
        (all.into_iter().map(|(_, connection)| connection).collect(), total)
    }

    pub fn connection(&self, id: ConnectionId) -> Option<Arc<Connection>> {
        self.connections.lock().by_id.get(&id).cloned()
    }

    /// What waits in all lanes now.
    pub fn lanes(&self) -> Lanes {
        let depths = self.all().into_iter().map(|connection| connection.lane.bytes());
        depths.fold(Lanes::default(), |lanes, bytes| Lanes {
            count: lanes.count + 1,
            bytes: lanes.bytes + bytes,
            fullest: lanes.fullest.max(bytes),
        })
    }

    fn all(&self) -> Vec<Arc<Connection>> {
        self.connections.lock().by_id.values().cloned().collect()
    }

    fn of_user(&self, user: UserId) -> Vec<Arc<Connection>> {
        self.connections.lock().by_user.get(&user).cloned().unwrap_or_default()
    }

    /// The sockets of this session live longer now, and their clients are told.
    fn renew(&self, user: UserId, session: SessionId, expires_at: Timestamp) {
        let renewed = EncodedFrame::of(&EphemeralFrame::Status(Status {
            status: "renewed".into(),
            message: "The session goes on.".into(),
            timestamp: clock::now(),
            run_id: None,
            expires_at: Some(expires_at),
            connected: None,
        }));
        let mut connections = self.of_user(user);
        connections.retain(|connection| connection.session == session);
        for connection in &connections {
            connection.renew(expires_at);
        }
        deliver_to(connections, &renewed);
    }

    fn of_session(&self, session: SessionId) -> Vec<Arc<Connection>> {
        let connections = self.connections.lock();
        connections.by_id.values().filter(|connection| connection.session == session).cloned().collect()
    }

    /// Asks everyone to come back, spread over [`limits::DRAIN_SPREAD_MS`]: the reason tells each its delay.
    pub fn drain(&self) {
        let all = self.all();
        let count = all.len().max(1) as u64;
        for (at, connection) in (0..).zip(&all) {
            let delay_ms = limits::BACKOFF_BASE_MS + at * limits::DRAIN_SPREAD_MS / count;
            connection.lane.close(CloseCode::Draining, delay_ms.to_string());
        }
    }

    /// Ends those that a drain has not ended yet: they keep the code and the delay that they were told.
    pub fn cut_all(&self) {
        self.all().iter().for_each(|connection| connection.lane.cut(CloseCode::Draining));
    }

    // ── Subscriptions ───────────────────────────────────────────────────────────────────────────

    /// Stands a connection in a room. Nothing goes to it before [`Hub::announce`]; what happens in between
    /// is in the log. `false`: it stands in [`limits::SUBSCRIPTIONS_PER_CONNECTION`] rooms already, or is gone.
    pub fn join(&self, connection: &Arc<Connection>, id: ConversationId) -> bool {
        let room = self.room(id);
        let mut room = room.lock();
        let mut subscriptions = connection.subscriptions.lock();
        let Some(subscriptions) = subscriptions.as_mut() else { return false };
        if !subscriptions.contains(&id) && subscriptions.len() >= limits::SUBSCRIPTIONS_PER_CONNECTION {
            return false;
        }
        subscriptions.insert(id);
        room.join(connection);
        true
    }

    /// Sends the `subscribed` frame that `frame` makes of who is typing, and lets the rest follow: the log
    /// after `cursor`, or live frames if `head`, which was read after joining, is no further. `false`: the
    /// connection was expelled meanwhile.
    pub fn announce(
        &self,
        connection: &Connection,
        id: ConversationId,
        cursor: Seq,
        head: Seq,
        frame: impl FnOnce(Vec<UserRef>) -> EphemeralFrame,
    ) -> bool {
        let Some(room) = self.known_room(id) else { return false };
        let mut room = room.lock();
        let subscribed = EncodedFrame::of(&frame(room.typing(connection.side)));
        room.announce(id, connection.id, cursor, head, subscribed.payload.clone())
    }

    /// Where a connection that reads the log has come to; `None` if it is live, gone from the room, or
    /// subscribed to it once more since.
    pub fn cursor_behind(&self, connection: &Connection, reading: Reading) -> Option<Seq> {
        self.known_room(reading.conversation)?.lock().cursor_behind(connection.id, reading)
    }

    /// A connection has written the log up to `cursor`; the log ended at `head`.
    pub fn caught_up(&self, connection: &Connection, reading: Reading, cursor: Seq, head: Seq) {
        if let Some(room) = self.known_room(reading.conversation) {
            room.lock().caught_up(connection.id, reading, cursor, head);
        }
    }

    /// Ends the subscription that this reading of the log is for, and no later one.
    pub fn give_up(&self, connection: &Connection, reading: Reading) {
        let id = reading.conversation;
        self.leave(id, |room| {
            if room.give_up(connection.id, reading) {
                connection.left(id);
                connection.lane.forget(id);
            }
        });
    }

    pub fn unsubscribe(&self, connection: &Connection, id: ConversationId) {
        // In one step: an event that came between would stand alone in the lane, behind a hole.
        self.leave(id, |room| {
            room.leave(connection.id);
            connection.left(id);
            connection.lane.forget(id);
        });
    }

    fn room(&self, id: ConversationId) -> Arc<Mutex<Room>> {
        Arc::clone(self.rooms.lock().entry(id).or_default())
    }

    fn known_room(&self, id: ConversationId) -> Option<Arc<Mutex<Room>>> {
        self.rooms.lock().get(&id).cloned()
    }

    /// Changes a room and forgets it if nobody is left in it.
    fn leave(&self, id: ConversationId, change: impl FnOnce(&mut Room)) {
        let mut rooms = self.rooms.lock();
        let Some(room) = rooms.get(&id) else { return };
        let is_empty = {
            let mut room = room.lock();
            change(&mut room);
            room.is_empty()
        };
        // Whoever holds the room beside the map is about to join it.
        if is_empty && rooms.get(&id).is_some_and(|room| Arc::strong_count(room) == 1) {
            rooms.remove(&id);
        }
    }

    // ── Typing ──────────────────────────────────────────────────────────────────────────────────

    /// Notes that somebody types, until [`limits::TYPING_EXPIRE_MS`] from now; `false` if it is not to be told.
    pub fn start_typing(
        &self,
        id: ConversationId,
        user: &UserRef,
        connection: Option<ConnectionId>,
        audience: Audience,
    ) -> bool {
        let until = Timestamp::from_ms(clock::now().as_ms() + limits::TYPING_EXPIRE_MS as i64);
        self.room(id).lock().start_typing(user, connection, until, audience)
    }

    /// Who is to hear that this person, who typed, now does not.
    pub fn stop_typing(&self, id: ConversationId, user: UserId, connection: Option<ConnectionId>) -> Option<Audience> {
        let mut stopped = None;
        self.leave(id, |room| stopped = room.stop_typing(user, connection));
        stopped
    }

    /// Those whose typing ran out, by conversation. Rooms that everyone has left are forgotten on the way.
    pub fn expire_typing(&self, now: Timestamp) -> Vec<TypingEnded> {
        let mut expired = Vec::new();
        self.rooms.lock().retain(|id, room| {
            let is_shared = Arc::strong_count(room) > 1;
            let mut room = room.lock();
            for room::Typing { user, connection, audience, .. } in room.expire_typing(now) {
                expired.push(TypingEnded { typing: UserTyping { conversation_id: *id, user }, connection, audience });
            }
            is_shared || !room.is_empty()
        });
        expired
    }

    // ── Presence ────────────────────────────────────────────────────────────────────────────────

    pub fn presence(&self, user: UserId) -> PresenceStatus {
        self.presences.lock().status(user)
    }

    /// A frame other than a ping came from this person.
    pub fn active(&self, user: UserId) -> Option<PresenceChanged> {
        self.presences.lock().active(user, clock::now()).map(Into::into)
    }

    /// Those who went away or offline without a word.
    pub fn sweep_presence(&self, now: Timestamp) -> Vec<PresenceChanged> {
        self.presences.lock().sweep(now).into_iter().map(Into::into).collect()
    }

    // ── Delivery ────────────────────────────────────────────────────────────────────────────────

    fn deliver_event(&self, frame: &LoggedFrame) {
        if let Some(room) = self.known_room(frame.conversation_id) {
            room.lock().deliver_event(frame);
        }
    }

    /// Each connection in any of these rooms once; rooms with many readers are left out.
    fn deliver_to_rooms(&self, ids: &[ConversationId], frame: &EncodedFrame) {
        let mut reached: HashMap<ConnectionId, Arc<Connection>> = HashMap::new();
        for room in ids.iter().filter_map(|id| self.known_room(*id)) {
            let room = room.lock();
            if room.readers() <= limits::PRESENCE_READERS {
                reached.extend(room.connections().map(|connection| (connection.id, Arc::clone(connection))));
            }
        }
        deliver_to(reached.into_values(), frame);
    }
}

const fn is_operator(role: Role) -> bool {
    matches!(role, Role::Operator | Role::Admin)
}

fn deliver_to(connections: impl IntoIterator<Item = Arc<Connection>>, frame: &EncodedFrame) {
    for connection in connections {
        if let Some(payload) = frame.seen_by(connection.side) {
            connection.lane.push(frame.lane, None, payload.clone());
        }
    }
}

impl Deliver for Hub {
    fn foresee(&self, frame: &LoggedFrame) {
        if let Event::Member(member) = &frame.event
            && member.change == Membership::Left
            && let Some(room) = self.known_room(frame.conversation_id)
        {
            room.lock().expel(frame.conversation_id, member.user.id, frame.seq);
        }
    }

    fn deliver(&self, message: BusMessage) {
        match message {
            BusMessage::Durable(frame) => self.deliver_event(&frame),
            BusMessage::Conversation { id, frame, except } => {
                if let Some(room) = self.known_room(id) {
                    room.lock().deliver_moment(id, &frame, except);
                }
            }
            BusMessage::Conversations { ids, frame } => self.deliver_to_rooms(&ids, &frame),
            BusMessage::User { id, frame } => deliver_to(self.of_user(id), &frame),
            BusMessage::Everyone(frame) => deliver_to(self.all(), &frame),
            BusMessage::Renewed { user, session, expires_at } => self.renew(user, session, expires_at),
            BusMessage::Close { whose, code } => {
                // Before it looks who is here: whoever comes later sees the count.
                self.closes.fetch_add(1, Ordering::SeqCst);
                let connections = match whose {
                    Whose::Session(session) => self.of_session(session),
                    Whose::User(user) => self.of_user(user),
                    Whose::Connection(id) => self.connections.lock().by_id.get(&id).cloned().into_iter().collect(),
                };
                for connection in connections {
                    connection.lane.cut(code);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
