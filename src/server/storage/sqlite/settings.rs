//! What admins set: a value by its name, whatever it holds.

use sqlx::SqlitePool;

use crate::{
    protocol::Timestamp,
    server::storage::{Result, SettingChange},
};

pub(super) async fn all(read: &SqlitePool) -> Result<Vec<(String, Vec<u8>)>> {
    Ok(sqlx::query_as("SELECT name, value FROM settings ORDER BY name").fetch_all(read).await?)
}

/// All of them or none.
pub(super) async fn change(write: &SqlitePool, changes: &[SettingChange], at: Timestamp) -> Result<()> {
    let mut transaction = write.begin().await?;
    for SettingChange { name, value } in changes {
        let query = match value {
            Some(value) => sqlx::query("INSERT OR REPLACE INTO settings (name, value, changed_at) VALUES (?, ?, ?)")
                .bind(name)
                .bind(value)
                .bind(at),
            None => sqlx::query("DELETE FROM settings WHERE name = ?").bind(name),
        };
        query.execute(&mut *transaction).await?;
    }
    Ok(transaction.commit().await?)
}
