//! [`AuditLog`]: what people did, the newest of it.

use async_trait::async_trait;
use sqlx::{SqliteConnection, SqlitePool};

use super::SqliteStorage;
use crate::{
    protocol::{
        ConversationId, Timestamp, UserId, UserRef,
        admin::{AuditAction, AuditEntry},
        dialog::{ControlChanged, Owner},
        limits,
    },
    server::storage::{
        Result,
        audit::{AuditLog, NewAuditEntry},
    },
};

#[async_trait]
impl AuditLog for SqliteStorage {
    async fn record(&self, entry: NewAuditEntry) -> Result<()> {
        let mut tx = self.write.begin_with("BEGIN IMMEDIATE").await?;
        insert(&mut tx, entry).await?;
        Ok(tx.commit().await?)
    }

    async fn audit(&self, before: Option<u64>, limit: u64) -> Result<Vec<AuditEntry>> {
        page(&self.read, before, limit).await
    }
}

async fn insert(tx: &mut SqliteConnection, entry: NewAuditEntry) -> sqlx::Result<()> {
    let (by_id, by_name) = entry.by.map(|by| (by.id, by.name)).unzip();
    sqlx::query(
        "INSERT INTO audit (at, action, by_id, by_name, subject, detail, address) VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(entry.at)
    .bind(entry.action)
    .bind(by_id)
    .bind(by_name)
    .bind(entry.subject)
    .bind(entry.detail)
    .bind(entry.address)
    .execute(&mut *tx)
    .await?;
    trim(tx, entry.action).await
}

/// One line came: one goes where there are too many.
async fn trim(tx: &mut SqliteConnection, action: AuditAction) -> sqlx::Result<()> {
    let (sql, kept) = match action {
        AuditAction::SignInFailed => (
            "DELETE FROM audit WHERE action = 'sign_in_failed' AND id <=
             (SELECT id FROM audit WHERE action = 'sign_in_failed' ORDER BY id DESC LIMIT 1 OFFSET ?)",
            limits::AUDIT_FAILED_SIGN_INS,
        ),
        _ => (
            "DELETE FROM audit WHERE action <> 'sign_in_failed' AND id <=
             (SELECT id FROM audit WHERE action <> 'sign_in_failed' ORDER BY id DESC LIMIT 1 OFFSET ?)",
            limits::AUDIT_ENTRIES,
        ),
    };
    sqlx::query(sql).bind(number(kept)).execute(tx).await?;
    Ok(())
}

/// A dialog changed hands: told where an operator or an admin did it.
pub(super) async fn control(
    tx: &mut SqliteConnection,
    id: ConversationId,
    at: Timestamp,
    change: &ControlChanged,
) -> sqlx::Result<()> {
    let is_of_the_house =
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM users WHERE id = ? AND role IN ('operator', 'admin'))");
    if !is_of_the_house.bind(change.by.id).fetch_one(&mut *tx).await? {
        return Ok(());
    }
    let owner = match &change.state.owner {
        Owner::Ai => "the AI",
        Owner::Queue { .. } => "the queue",
        Owner::Human { user } => user.name.as_str(),
    };
    let did = change.reason.as_deref().unwrap_or("changed").trim_end_matches('.');
    let detail = format!("{did}: with {owner}, {}", super::columns::status_word(change.state.status));
    let entry = NewAuditEntry {
        at,
        action: AuditAction::Control,
        by: Some(change.by.clone()),
        subject: id.to_string(),
        detail,
        address: None,
    };
    insert(tx, entry).await
}

type Row = (u64, Timestamp, AuditAction, Option<UserId>, Option<String>, String, String, Option<String>);

async fn page(read: &SqlitePool, before: Option<u64>, limit: u64) -> Result<Vec<AuditEntry>> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, at, action, by_id, by_name, subject, detail, address FROM audit
         WHERE id < ? ORDER BY id DESC LIMIT ?",
    )
    .bind(before.map_or(i64::MAX, number))
    .bind(number(limit))
    .fetch_all(read)
    .await?;
    let entry = |(id, timestamp, action, by, name, subject, detail, address): Row| {
        let by = by.zip(name).map(|(id, name)| UserRef { id, name });
        AuditEntry { id, timestamp, action, by, subject, detail, address }
    };
    Ok(rows.into_iter().map(entry).collect())
}

fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::storage::conformance::at;

    #[tokio::test]
    async fn so_many_lines_are_kept_and_the_oldest_go_for_one_that_comes() {
        let place = tempfile::tempdir().unwrap();
        let (sink, _) = tokio::sync::mpsc::channel::<std::sync::Arc<crate::server::storage::LoggedFrame>>(1);
        let storage = SqliteStorage::open(&place.path().join("magpie.db"), std::sync::Arc::new(sink)).await.unwrap();
        sqlx::query(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?)
             INSERT INTO audit (at, action, subject, detail) SELECT ?, ?, n, '' FROM n",
        )
        .bind(number(limits::AUDIT_ENTRIES))
        .bind(at(1))
        .bind(AuditAction::Broadcast)
        .execute(&storage.write)
        .await
        .unwrap();
        for (n, action) in
            [AuditAction::SignInFailed, AuditAction::Broadcast, AuditAction::SiteChanged].iter().enumerate()
        {
            let (subject, detail) = (format!("new {n}"), String::new());
            let entry = NewAuditEntry { at: at(2), action: *action, by: None, subject, detail, address: None };
            storage.record(entry).await.unwrap();
        }
        let kept = storage.audit(None, u64::MAX).await.unwrap();
        // A sign-in that failed counts apart.
        assert_eq!(kept.len() as u64, limits::AUDIT_ENTRIES + 1);
        let ends = (kept[0].subject.as_str(), kept[kept.len() - 1].subject.as_str());
        assert_eq!(ends, ("new 2", "3"), "the first two are gone");
    }
}
