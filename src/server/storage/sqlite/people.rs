//! Accounts.

use sqlx::SqlitePool;

use crate::{
    protocol::{
        SessionId, UserId,
        http::{Role, User},
    },
    server::storage::{NewUser, Result, StorageError},
};

type UserRow = (UserId, String, String, Role, bool);

fn user((id, username, display_name, role, disabled): UserRow) -> User {
    User { id, username, display_name, role, disabled }
}

/// Upper and lower case are one, beyond ASCII too, which SQLite's own NOCASE does not know.
fn key(username: &str) -> String {
    username.to_lowercase()
}

/// One statement, so that of two first accounts at once only one becomes the admin.
pub(super) async fn create(write: &SqlitePool, new: NewUser) -> Result<User> {
    let inserted: std::result::Result<UserRow, sqlx::Error> = sqlx::query_as(
        "INSERT INTO users (id, username, username_key, display_name, password_hash, created_at, role)
         VALUES (?, ?, ?, ?, ?, ?, CASE WHEN EXISTS (SELECT 1 FROM users WHERE role <> 'visitor') THEN 'member' ELSE 'admin' END)
         RETURNING id, username, display_name, role, disabled",
    )
    .bind(new.id)
    .bind(&new.username)
    .bind(key(&new.username))
    .bind(&new.display_name)
    .bind(&new.password_hash)
    .bind(new.at)
    .fetch_one(write)
    .await;
    match inserted {
        Ok(row) => Ok(user(row)),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Err(StorageError::UsernameTaken),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn by_name(read: &SqlitePool, username: &str) -> Result<Option<User>> {
    let row = sqlx::query_as(
        "SELECT id, username, display_name, role, disabled FROM users WHERE username_key = ? AND role <> 'visitor'",
    )
    .bind(key(username))
    .fetch_optional(read)
    .await?;
    Ok(row.map(user))
}

pub(super) async fn credentials(read: &SqlitePool, username: &str) -> Result<Option<(User, String)>> {
    let row: Option<(UserId, String, String, Role, bool, String)> = sqlx::query_as(
        "SELECT id, username, display_name, role, disabled, password_hash FROM users
         WHERE username_key = ? AND role <> 'visitor'",
    )
    .bind(key(username))
    .fetch_optional(read)
    .await?;
    Ok(row.map(|(id, username, display_name, role, disabled, hash)| {
        (User { id, username, display_name, role, disabled }, hash)
    }))
}

pub(super) async fn all(read: &SqlitePool) -> Result<Vec<User>> {
    let rows = sqlx::query_as(
        "SELECT id, username, display_name, role, disabled FROM users WHERE role <> 'visitor' ORDER BY username_key",
    )
    .fetch_all(read)
    .await?;
    Ok(rows.into_iter().map(user).collect())
}

pub(super) async fn patch(
    write: &SqlitePool,
    username: &str,
    role: Option<Role>,
    disabled: Option<bool>,
) -> Result<Option<User>> {
    let row = sqlx::query_as(
        "UPDATE users SET role = coalesce(?, role), disabled = coalesce(?, disabled)
         WHERE username_key = ? AND role <> 'visitor'
         RETURNING id, username, display_name, role, disabled",
    )
    .bind(role)
    .bind(disabled)
    .bind(key(username))
    .fetch_optional(write)
    .await?;
    Ok(row.map(user))
}

pub(super) async fn set_password(
    write: &SqlitePool,
    user: UserId,
    hash: String,
    keep: Option<SessionId>,
) -> Result<()> {
    let mut tx = write.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query("UPDATE users SET password_hash = ? WHERE id = ?").bind(hash).bind(user).execute(&mut *tx).await?;
    sqlx::query("DELETE FROM sessions WHERE user_id = ? AND id IS NOT ?")
        .bind(user)
        .bind(keep)
        .execute(&mut *tx)
        .await?;
    Ok(tx.commit().await?)
}
