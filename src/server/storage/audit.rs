//! What storage keeps of what people did with the server.

use async_trait::async_trait;

use super::Result;
use crate::protocol::{
    Timestamp, UserRef,
    admin::{AuditAction, AuditEntry},
};

/// A line to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAuditEntry {
    pub at: Timestamp,
    pub action: AuditAction,
    pub by: Option<UserRef>,
    pub subject: String,
    pub detail: String,
    pub address: Option<String>,
}

/// Beside what is recorded here, a person's change of a dialog's control is a line, written with its event.
#[async_trait]
pub trait AuditLog: Send + Sync + 'static {
    /// The oldest beyond [`crate::protocol::limits::AUDIT_ENTRIES`] go, and of the sign-ins that failed those beyond
    /// [`crate::protocol::limits::AUDIT_FAILED_SIGN_INS`].
    async fn record(&self, entry: NewAuditEntry) -> Result<()>;
    /// At most `limit`, the newest first: those before that id, or the newest of all.
    async fn audit(&self, before: Option<u64>, limit: u64) -> Result<Vec<AuditEntry>>;
}
