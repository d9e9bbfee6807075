//! What the nodes tell each other. One node speaks to itself, in order, through [`in_process`].

use std::sync::Arc;

use async_trait::async_trait;

use super::{payload::Payload, storage::LoggedFrame};
use crate::protocol::{
    Audience, CloseCode, ConnectionId, ConversationId, EphemeralFrame, SessionId, Side, Timestamp, UserId, server::Lane,
};

pub mod in_process;

/// A frame of the moment, encoded once for everyone who reads it.
#[derive(Debug, Clone)]
pub struct EncodedFrame {
    pub lane: Lane,
    pub payload: Payload,
    audience: Audience,
    /// Where a visitor reads something else in its place.
    for_visitors: Option<Payload>,
}

impl EncodedFrame {
    /// For both sides of a dialog.
    pub fn of(frame: &EphemeralFrame) -> Arc<Self> {
        Self::within(frame, Audience::Everyone)
    }

    pub fn within(frame: &EphemeralFrame, audience: Audience) -> Arc<Self> {
        let for_visitors = frame.seen_by(Side::Visitor).as_ref().map(encode);
        Arc::new(Self { lane: frame.lane(), payload: encode(frame), audience, for_visitors })
    }

    /// As this side reads it; `None`: it is not for this side.
    pub fn seen_by(&self, side: Side) -> Option<&Payload> {
        match (side, &self.for_visitors) {
            _ if !side.may_see(self.audience) => None,
            (Side::Visitor, Some(other)) => Some(other),
            _ => Some(&self.payload),
        }
    }
}

/// # Panics
/// Never: the protocol's types have no map with keys that are not strings.
fn encode(frame: &EphemeralFrame) -> Payload {
    serde_json::to_string(frame).expect("a frame encodes").into()
}

#[derive(Debug, Clone)]
pub enum BusMessage {
    /// An event of the log: per conversation in order of seq.
    Durable(Arc<LoggedFrame>),
    /// To everyone subscribed to this conversation but the connection that caused it.
    Conversation { id: ConversationId, frame: Arc<EncodedFrame>, except: Option<ConnectionId> },
    /// To everyone subscribed to any of these conversations, once each.
    Conversations { ids: Vec<ConversationId>, frame: Arc<EncodedFrame> },
    /// To every connection of one person.
    User { id: UserId, frame: Arc<EncodedFrame> },
    /// To every connection.
    Everyone(Arc<EncodedFrame>),
    /// This session's token was refreshed: its sockets live until then.
    Renewed { user: UserId, session: SessionId, expires_at: Timestamp },
    /// Close these connections.
    Close { whose: Whose, code: CloseCode },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    Session(SessionId),
    User(UserId),
    Connection(ConnectionId),
}

/// Takes what the bus brings. Called in order, never from two tasks at once.
pub trait Deliver: Send + Sync + 'static {
    /// Looks at an event before it takes its place in the queue: a removal ends its person's subscriptions
    /// at once, whatever still waits to be delivered.
    fn foresee(&self, frame: &LoggedFrame);
    fn deliver(&self, message: BusMessage);
}

#[async_trait]
pub trait Bus: Send + Sync + 'static {
    /// Returns once the message is on its way. A durable one waits for a place; one of the moment is dropped
    /// when the bus is full.
    async fn publish(&self, message: BusMessage);
    /// `in_process` or `connected`; an error says what is wrong.
    async fn health(&self) -> Result<&'static str, String>;
}
