//! One socket, as the hub knows it.

use std::{
    collections::HashSet,
    net::IpAddr,
    sync::atomic::{AtomicI64, AtomicU64, Ordering},
};

use parking_lot::Mutex;

use super::lane::{Lane, Pushed};
use crate::{
    protocol::{ConnectionId, ConversationId, EphemeralFrame, SessionId, Side, Timestamp, UserRef, http::Role},
    server::{bus::EncodedFrame, payload::Encoding},
};

pub struct Connection {
    pub id: ConnectionId,
    pub user: UserRef,
    pub session: SessionId,
    pub since: Timestamp,
    /// How its large frames go out.
    pub encoding: Encoding,
    /// Of its person, when it was opened.
    pub role: Role,
    /// Which frames of a dialog are for it.
    pub side: Side,
    pub lane: Lane,
    pub is_stream: bool,
    pub origin: Origin,
    /// Whether each `agent_run` is followed by a `status` that says the same.
    pub tells_runs: bool,
    /// When the newest token of its session runs out, in milliseconds since 1970.
    expires_at_ms: AtomicI64,
    /// The conversations in whose room this connection stands; `None` once it is gone: then it joins no more.
    pub(super) subscriptions: Mutex<Option<HashSet<ConversationId>>>,
    /// How often it subscribed to anything.
    subscribed: AtomicU64,
}

/// Where a connection comes from, and where it came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The client's, as the trusted proxies give it.
    pub address: Option<IpAddr>,
    /// As the route is written: `/ws`, `/ws/dialogs/{id}`, …
    pub endpoint: &'static str,
}

impl Connection {
    pub fn new(
        id: ConnectionId,
        user: UserRef,
        session: SessionId,
        since: Timestamp,
        expires_at: Timestamp,
        encoding: Encoding,
    ) -> Self {
        Self {
            id,
            user,
            session,
            since,
            encoding,
            role: Role::Member,
            side: Side::House,
            lane: Lane::default(),
            is_stream: false,
            origin: Origin::default(),
            tells_runs: false,
            expires_at_ms: AtomicI64::new(expires_at.as_ms()),
            subscriptions: Mutex::new(Some(HashSet::new())),
            subscribed: AtomicU64::default(),
        }
    }

    /// A stream over HTTP, which has a bound of its own.
    pub fn for_a_stream(mut self) -> Self {
        self.is_stream = true;
        self
    }

    /// A visitor's, an operator's, or anybody's.
    pub fn for_a(mut self, role: Role) -> Self {
        (self.role, self.side) = (role, Side::of(role));
        self
    }

    pub fn with_origin(mut self, origin: Origin) -> Self {
        self.origin = origin;
        self
    }

    /// For clients that wait for `status` frames.
    pub fn telling_runs(mut self, tells: bool) -> Self {
        self.tells_runs = tells;
        self
    }

    pub fn expires_at(&self) -> Timestamp {
        Timestamp::from_ms(self.expires_at_ms.load(Ordering::Relaxed))
    }

    /// The session's token was refreshed. A renewal that was overtaken by a later one changes nothing.
    pub(super) fn renew(&self, until: Timestamp) {
        self.expires_at_ms.fetch_max(until.as_ms(), Ordering::Relaxed);
    }

    /// Queues an answer for this connection alone.
    pub fn send(&self, frame: &EphemeralFrame) -> Pushed {
        let frame = EncodedFrame::of(frame);
        self.lane.push(frame.lane, None, frame.payload.clone())
    }

    /// A number for the next subscription: each has its own, so that what was begun for one is not taken for
    /// another of the same conversation.
    pub(super) fn number_subscription(&self) -> u64 {
        self.subscribed.fetch_add(1, Ordering::Relaxed)
    }

    /// Whether a frame that was taken from the lane when so much had been taken back may still go out: the
    /// reader may have lost access while an earlier frame waited for the socket.
    pub fn may_go(&self, of: Option<ConversationId>, recalls: u64) -> bool {
        self.lane.recalls() == recalls || of.is_none_or(|id| self.is_subscribed(id))
    }

    /// Whether this connection stands in the room of that conversation.
    pub fn is_subscribed(&self, id: ConversationId) -> bool {
        self.subscriptions.lock().as_ref().is_some_and(|all| all.contains(&id))
    }

    pub fn subscriptions(&self) -> usize {
        self.subscriptions.lock().as_ref().map_or(0, HashSet::len)
    }

    pub(super) fn left(&self, id: ConversationId) {
        if let Some(all) = self.subscriptions.lock().as_mut() {
            all.remove(&id);
        }
    }
}
