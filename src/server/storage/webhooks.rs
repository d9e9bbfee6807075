//! What storage keeps for webhooks: themselves, how far the log was looked through for them, and a durable queue.

use async_trait::async_trait;

use super::Result;
use crate::protocol::{
    ConversationId, DeliveryId, Seq, SiteId, Timestamp, WebhookId,
    webhook::{Delivery, DeliveryStatus, Webhook, WebhookEvent},
};

/// A webhook and its sealed secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookRow {
    pub webhook: Webhook,
    pub secret: Vec<u8>,
}

/// What became of looking at the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pumped {
    /// Deliveries that were made.
    pub made: u64,
    /// Whether there is more of the log to be looked at.
    pub more: bool,
}

/// A delivery whose turn it is, with all that is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    pub id: DeliveryId,
    pub webhook_id: WebhookId,
    pub url: String,
    /// Sealed.
    pub secret: Vec<u8>,
    pub conversation_id: ConversationId,
    pub seq: Seq,
    pub site_id: SiteId,
    pub event: WebhookEvent,
    pub tries: u32,
    pub queued_at: Timestamp,
    /// The event, as the log has it now.
    pub frame: String,
}

/// What came of one try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    pub at: Timestamp,
    pub status: DeliveryStatus,
    /// Of one that stays pending.
    pub next_at: Timestamp,
    pub answer_status: Option<u16>,
    pub answer: Option<String>,
}

#[async_trait]
pub trait WebhookQueue: Send + Sync + 'static {
    /// In the order in which they were made.
    async fn webhooks(&self) -> Result<Vec<WebhookRow>>;
    async fn webhook(&self, id: WebhookId) -> Result<Option<WebhookRow>>;
    /// Makes it, or changes what an admin may change; the secret stays as it was first. It is told of what happens
    /// from when it is made or enabled on.
    async fn put_webhook(&self, row: WebhookRow) -> Result<()>;
    /// With its deliveries; `false`: there is none.
    async fn delete_webhook(&self, id: WebhookId) -> Result<bool>;

    /// Looks at the next events of the log, at most [`crate::protocol::limits::PUMP_EVENTS`], in the order of their
    /// commits, and makes the deliveries that follow: both or nothing.
    async fn pump_deliveries(&self, at: Timestamp) -> Result<Pumped>;
    /// Of each (webhook, dialog) the first that is pending, where its time has come; of one webhook at most so many.
    async fn due_deliveries(&self, now: Timestamp, per_webhook: usize) -> Result<Vec<Due>>;
    /// When the next one's time comes, after that.
    async fn next_delivery(&self, now: Timestamp) -> Result<Option<Timestamp>>;
    /// One try more.
    async fn settle_delivery(&self, id: DeliveryId, settled: Settled) -> Result<()>;

    /// Of one webhook, the newest first: those before that place, or the newest of all.
    async fn deliveries(&self, webhook: WebhookId, before: Option<u64>, limit: u64) -> Result<Vec<Delivery>>;
    /// Puts it into the queue again, at its place; its webhook. `None`: no such delivery.
    async fn resend_delivery(&self, id: DeliveryId, at: Timestamp) -> Result<Option<WebhookId>>;
    /// Throws away what was settled before that, and the oldest beyond
    /// [`crate::protocol::limits::DELIVERIES_KEPT`]; returns how many.
    async fn sweep_deliveries(&self, before: Timestamp) -> Result<u64>;
}
