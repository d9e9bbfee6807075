//! What people did with the server, and the queue of webhooks: their bounds.

use super::{Backend, House, at};
use crate::{
    protocol::{admin::AuditAction, limits},
    server::storage::audit::NewAuditEntry,
};

fn entry(action: AuditAction, n: u64) -> NewAuditEntry {
    let subject = n.to_string();
    NewAuditEntry { at: at(1), action, by: None, subject, detail: String::new(), address: None }
}

pub async fn the_oldest_lines_of_the_audit_log_go(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let storage = &house.storage;
    storage.record(entry(AuditAction::Broadcast, 0)).await.unwrap();
    for n in 0..limits::AUDIT_FAILED_SIGN_INS + 3 {
        storage.record(entry(AuditAction::SignInFailed, n)).await.unwrap();
    }
    let kept = storage.audit(None, u64::MAX).await.unwrap();
    assert_eq!(kept.len() as u64, limits::AUDIT_FAILED_SIGN_INS + 1);
    let oldest: Vec<_> = kept.iter().rev().take(2).map(|entry| (entry.action, entry.subject.as_str())).collect();
    // Whoever tries passwords pushes nothing else out.
    assert_eq!(oldest, [(AuditAction::Broadcast, "0"), (AuditAction::SignInFailed, "3")]);
}
