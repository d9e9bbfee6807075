//! Webhooks: where the server tells of what happens in dialogs, and what became of telling it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    ids::{ConversationId, DeliveryId, Seq, SiteId, WebhookId},
    time::Timestamp,
};

/// What a webhook may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WebhookEvent {
    /// A public message: the visitor's, an agent's, an operator's.
    Message,
    /// A dialog changed hands or status.
    Control,
    /// An operator's note, which no visitor reads.
    Note,
}

impl WebhookEvent {
    pub const ALL: [Self; 3] = [Self::Message, Self::Control, Self::Note];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Control => "control",
            Self::Note => "note",
        }
    }
}

/// `GET /webhooks`. Its secret is told once, when it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Webhook {
    pub id: WebhookId,
    /// https; http only where the operator listed the host with its port.
    pub url: String,
    /// Each once, at least one.
    pub events: Vec<WebhookEvent>,
    /// Of this site's dialogs alone; absent: of all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<SiteId>,
    /// What waits is kept while it is not; what happens meanwhile is not told.
    pub enabled: bool,
    pub created_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookList {
    pub webhooks: Vec<Webhook>,
}

/// `POST /webhooks` (which needs `url`) and `PATCH /webhooks/{id}`: what is left out stays, or is the default
/// (`message` and `control`, every site, enabled).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookForm {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<WebhookEvent>>,
    /// Empty: every site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// The answer to `POST /webhooks`: the only time that the secret is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookMade {
    #[serde(flatten)]
    pub webhook: Webhook,
    /// Its bytes are the key of the signature.
    pub secret: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// To be sent, for the first time or again.
    Pending,
    /// Answered with 2xx.
    Delivered,
    /// Given up; it can be sent again by hand.
    Failed,
}

impl DeliveryStatus {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

/// One event on its way to one webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Delivery {
    /// `Magpie-Delivery`: the same over every try, and when it is sent again by hand.
    pub id: DeliveryId,
    /// Grows in the order of the events; the cursor of `?before=`.
    pub place: u64,
    pub webhook_id: WebhookId,
    pub dialog_id: ConversationId,
    pub seq: Seq,
    pub event: WebhookEvent,
    pub status: DeliveryStatus,
    /// How often it was sent since it was last put into the queue.
    pub tries: u32,
    pub created_at: Timestamp,
    /// Of one that is pending: not before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
    /// Of the last try: the HTTP status,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_status: Option<u16>,
    /// what was wrong, or the beginning of the answer, at most
    /// [`super::limits::DELIVERY_ANSWER_BYTES`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

/// `GET /webhooks/{id}/deliveries?before=PLACE&limit=N`, the newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeliveryPage {
    pub deliveries: Vec<Delivery>,
    pub more: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_what_serde_writes() {
        for event in WebhookEvent::ALL {
            assert_eq!(serde_json::to_value(event).unwrap(), event.as_str());
        }
        for status in [DeliveryStatus::Pending, DeliveryStatus::Delivered, DeliveryStatus::Failed] {
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
    }
}
