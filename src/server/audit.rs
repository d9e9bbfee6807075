//! The recorder: one line for each thing that an admin will ask about in a month. A line that cannot be written
//! stops nothing; that it could not is logged.

use std::{net::IpAddr, sync::Arc};

use super::{
    clock,
    storage::{Storage, audit::NewAuditEntry},
};
use crate::protocol::{
    UserRef,
    admin::{AuditAction, AuditPage},
    http::User,
    limits,
};

#[derive(Clone)]
pub struct Recorder(Arc<dyn Storage>);

impl Recorder {
    pub fn new(storage: Arc<dyn Storage>) -> Self {
        Self(storage)
    }

    /// Somebody did something to `subject`; `detail` in words, never with a secret in it.
    pub async fn did(&self, by: &User, action: AuditAction, subject: &str, detail: &str) {
        self.record(Some(by.as_ref()), action, subject, detail, None).await;
    }

    pub async fn signed_in(&self, user: &User, from: IpAddr) {
        self.record(Some(user.as_ref()), AuditAction::SignedIn, &user.username, "", Some(from)).await;
    }

    /// With the name that was tried, where anybody could be called so: a password that was typed in the wrong place
    /// mostly could not.
    pub async fn sign_in_failed(&self, username: &str, from: IpAddr) {
        let is_name = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        let is_possible = limits::USERNAME_CHARS.contains(&username.chars().count()) && username.chars().all(is_name);
        let subject = if is_possible { username } else { "" };
        self.record(None, AuditAction::SignInFailed, subject, "", Some(from)).await;
    }

    async fn record(
        &self,
        by: Option<UserRef>,
        action: AuditAction,
        subject: &str,
        detail: &str,
        from: Option<IpAddr>,
    ) {
        let detail = detail.chars().take(limits::AUDIT_DETAIL_CHARS).collect();
        let address = from.map(|address| address.to_string());
        let entry = NewAuditEntry { at: clock::now(), action, by, subject: subject.to_owned(), detail, address };
        if let Err(error) = self.0.record(entry).await {
            tracing::error!(%error, action = action.as_str(), "a line of the audit log could not be written");
        }
    }

    /// The newest first.
    pub(super) async fn page(
        &self,
        before: Option<u64>,
        limit: Option<u64>,
    ) -> Result<AuditPage, super::storage::StorageError> {
        let limit = limit.unwrap_or(limits::AUDIT_PER_PAGE_DEFAULT).clamp(1, limits::AUDIT_PER_PAGE);
        // One more than is told, to see whether there is one.
        let mut entries = self.0.audit(before, limit + 1).await?;
        let more = entries.len() as u64 > limit;
        entries.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(AuditPage { entries, more })
    }
}

#[cfg(test)]
mod tests;
