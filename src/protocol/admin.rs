//! What an admin sees of a server at work: its connections, and what was done with it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{http::Role, ids::ConnectionId, server::UserRef, time::Timestamp};

/// One open socket, or a stream over HTTP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConnectionLine {
    pub id: ConnectionId,
    pub user: UserRef,
    /// Of its person, when it was opened.
    pub role: Role,
    pub since: Timestamp,
    /// The client's, as the trusted proxies give it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Which of the server's addresses it came to: `/ws`, `/ws/stream`, …
    pub endpoint: String,
    /// Conversations that it listens to.
    pub subscriptions: u64,
    /// Bytes that wait for its reader: how far it lags behind.
    pub waiting_bytes: u64,
}

/// `GET /ws/connections`: at most [`super::limits::CONNECTIONS_LISTED`], those with the most waiting first, then the
/// newest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConnectionList {
    pub connections: Vec<ConnectionLine>,
    /// All there are.
    pub total: u64,
}

/// What somebody did with the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditAction {
    SignedIn,
    /// A wrong name or password; `subject` is the name that was tried, if anybody could be called so.
    SignInFailed,
    AccountCreated,
    RoleChanged,
    /// Their own, or an admin set a new one for somebody.
    PasswordChanged,
    AccountDisabled,
    AccountEnabled,
    /// A person changed who holds a dialog, or its status.
    Control,
    SettingsChanged,
    SiteCreated,
    SiteChanged,
    WebhookCreated,
    WebhookChanged,
    WebhookDeleted,
    /// A delivery was sent once more.
    DeliveryResent,
    Broadcast,
    Disconnected,
}

impl AuditAction {
    pub const ALL: [Self; 17] = [
        Self::SignedIn,
        Self::SignInFailed,
        Self::AccountCreated,
        Self::RoleChanged,
        Self::PasswordChanged,
        Self::AccountDisabled,
        Self::AccountEnabled,
        Self::Control,
        Self::SettingsChanged,
        Self::SiteCreated,
        Self::SiteChanged,
        Self::WebhookCreated,
        Self::WebhookChanged,
        Self::WebhookDeleted,
        Self::DeliveryResent,
        Self::Broadcast,
        Self::Disconnected,
    ];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignedIn => "signed_in",
            Self::SignInFailed => "sign_in_failed",
            Self::AccountCreated => "account_created",
            Self::RoleChanged => "role_changed",
            Self::PasswordChanged => "password_changed",
            Self::AccountDisabled => "account_disabled",
            Self::AccountEnabled => "account_enabled",
            Self::Control => "control",
            Self::SettingsChanged => "settings_changed",
            Self::SiteCreated => "site_created",
            Self::SiteChanged => "site_changed",
            Self::WebhookCreated => "webhook_created",
            Self::WebhookChanged => "webhook_changed",
            Self::WebhookDeleted => "webhook_deleted",
            Self::DeliveryResent => "delivery_resent",
            Self::Broadcast => "broadcast",
            Self::Disconnected => "disconnected",
        }
    }
}

/// One line of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditEntry {
    /// Grows by time; the cursor of `GET /audit?before=ID`.
    pub id: u64,
    pub timestamp: Timestamp,
    pub action: AuditAction,
    /// Nobody: a sign-in that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<UserRef>,
    /// What it was done to: a username, a dialog's id, a site's, a webhook's, a setting's name.
    pub subject: String,
    /// In words; never a secret, at most [`super::limits::AUDIT_DETAIL_CHARS`].
    pub detail: String,
    /// Where it came from, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
}

/// `GET /audit?before=ID&limit=N`, the newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditPage {
    pub entries: Vec<AuditEntry>,
    /// Whether older ones are kept.
    pub more: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actions_word_is_what_serde_writes() {
        for action in AuditAction::ALL {
            assert_eq!(serde_json::to_value(action).unwrap(), action.as_str());
        }
    }
}
