//! Who holds a dialog with a visitor: the AI, the queue, or a person.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    http::LastMessage,
    ids::{ConversationId, Seq, SiteId, UserId},
    server::UserRef,
    time::Timestamp,
};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Owner {
    Ai,
    Queue {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        team: Option<String>,
    },
    Human {
        user: UserRef,
    },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DialogStatus {
    #[default]
    Open,
    Snoozed,
    Resolved,
}

/// Who may write now. `epoch` grows by one at each change of owner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ControlState {
    pub owner: Owner,
    pub status: DialogStatus,
    pub epoch: u64,
}

impl ControlState {
    /// One sentence for whoever came too late.
    pub fn told(&self) -> String {
        match &self.owner {
            Owner::Human { user } => format!("{} already took this.", user.name),
            Owner::Queue { .. } => "This is waiting in the queue now.".into(),
            Owner::Ai => "This is with the AI now.".into(),
        }
    }

    /// Whether the agents may write under this epoch.
    pub fn is_with_ai(&self, epoch: u64) -> bool {
        self.owner == Owner::Ai && self.status == DialogStatus::Open && self.epoch == epoch
    }
}

impl Owner {
    /// Whether it is this person.
    pub fn is(&self, id: UserId) -> bool {
        matches!(self, Self::Human { user } if user.id == id)
    }
}

/// A change of [`ControlState`], as the log tells it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ControlChanged {
    #[serde(flatten)]
    pub state: ControlState,
    pub by: UserRef,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ControlAction {
    Take,
    Release,
    ReturnToAi,
    Transfer,
    Resolve,
    Reopen,
    Snooze,
    RequestHuman,
}

impl ControlAction {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Take => "take",
            Self::Release => "release",
            Self::ReturnToAi => "return_to_ai",
            Self::Transfer => "transfer",
            Self::Resolve => "resolve",
            Self::Reopen => "reopen",
            Self::Snooze => "snooze",
            Self::RequestHuman => "request_human",
        }
    }
}

/// What a list line tells of a dialog beyond what any conversation has. For operators only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DialogLine {
    pub site_id: SiteId,
    pub visitor: UserRef,
    pub epoch: u64,
    /// Since when it is in the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<Timestamp>,
    /// The visitor's own newest message: the newest of all is often an agent's farewell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visitor_message: Option<Box<LastMessage>>,
}

/// What is known of a visitor, with their dialog: for operators only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VisitorDetails {
    pub id: UserId,
    pub name: String,
    pub site_id: SiteId,
    pub site_name: String,
    pub first_seen: Timestamp,
    /// What the host page says of the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The host's own id for the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Whether the site's secret vouches for `external_id`.
    #[serde(default)]
    pub verified: bool,
    /// The address of the page where the widget was opened last, and of the one before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referrer: Option<String>,
    /// The browser's own words for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// The visitor's other dialogs that have a message, the newest first.
    #[serde(default)]
    pub past: Vec<PastDialog>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PastDialog {
    pub id: ConversationId,
    pub status: DialogStatus,
    pub head: Seq,
    /// The time of its newest event.
    pub last_at: Timestamp,
}
