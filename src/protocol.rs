//! What crosses the wire, as types: the one truth for server, browser, schema and documentation.
//!
//! Nothing of ours is imported here, nothing does I/O. A field that is not known is ignored, so an
//! older client reads a newer server; `docs/protocol.md` tells the meaning of each frame.

pub mod admin;
pub mod agent;
pub mod audience;
pub mod client;
pub mod close;
pub mod desk;
pub mod dialog;
pub mod http;
pub mod ids;
pub mod limits;
pub mod problem;
pub mod read;
pub mod server;
pub mod settings;
pub mod sheet;
pub mod site;
pub mod time;
pub mod webhook;

pub use agent::{AgentRun, AgentStep, RunStatus};
pub use audience::{Audience, Side};
pub use client::{ClientEnvelope, ClientFrame, FrameError};
pub use close::CloseCode;
pub use ids::{
    CallId, ChartId, ClientId, ConnectionId, ConversationId, DeliveryId, LogEpoch, MessageId, RunId, Seq, SessionId,
    SiteId, UserId, WebhookId,
};
pub use problem::{Code, Problem};
pub use server::{Author, DurableFrame, EphemeralFrame, Event, Message, Sender, ServerFrame, UserRef, Visibility};
pub use time::Timestamp;

/// The subprotocol that a client offers and the server answers, and the name in the first `status` frame.
pub const VERSION: &str = "magpie.v1";
