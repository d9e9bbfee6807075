//! Sign-ins. A revoked session is deleted: to whoever asks, it is as unknown as one that never was.

use sqlx::SqlitePool;

use crate::{
    protocol::{
        SessionId, Timestamp, UserId,
        http::{Role, User},
    },
    server::storage::{Result, Session},
};

/// Takes the place of those that ended: the table never grows beyond the sessions that live.
pub(super) async fn create(
    write: &SqlitePool,
    id: SessionId,
    user: UserId,
    at: Timestamp,
    expires_at: Timestamp,
) -> Result<()> {
    let mut tx = write.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query("DELETE FROM sessions WHERE expires_at <= ?").bind(at).execute(&mut *tx).await?;
    sqlx::query("INSERT INTO sessions (id, user_id, created_at, expires_at) VALUES (?, ?, ?, ?)")
        .bind(id)
        .bind(user)
        .bind(at)
        .bind(expires_at)
        .execute(&mut *tx)
        .await?;
    Ok(tx.commit().await?)
}

pub(super) async fn find(read: &SqlitePool, id: SessionId, now: Timestamp) -> Result<Option<Session>> {
    let row: Option<(Timestamp, UserId, String, String, Role)> = sqlx::query_as(
        "SELECT s.expires_at, u.id, u.username, u.display_name, u.role
         FROM sessions s JOIN users u ON u.id = s.user_id
         WHERE s.id = ? AND s.expires_at > ? AND NOT u.disabled",
    )
    .bind(id)
    .bind(now)
    .fetch_optional(read)
    .await?;
    Ok(row.map(|(expires_at, user_id, username, display_name, role)| Session {
        id,
        user: User { id: user_id, username, display_name, role, disabled: false },
        expires_at,
    }))
}

pub(super) async fn revoke(write: &SqlitePool, id: SessionId) -> Result<()> {
    sqlx::query("DELETE FROM sessions WHERE id = ?").bind(id).execute(write).await?;
    Ok(())
}

pub(super) async fn revoke_all_of(write: &SqlitePool, user: UserId) -> Result<()> {
    sqlx::query("DELETE FROM sessions WHERE user_id = ?").bind(user).execute(write).await?;
    Ok(())
}
