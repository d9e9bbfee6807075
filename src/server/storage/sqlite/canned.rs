//! Answers that operators give often.

use sqlx::SqlitePool;

use crate::{protocol::desk::Canned, server::storage::Result};

pub(super) async fn all(read: &SqlitePool) -> Result<Vec<Canned>> {
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT shortcut, text FROM canned ORDER BY place").fetch_all(read).await?;
    Ok(rows.into_iter().map(|(shortcut, text)| Canned { shortcut, text }).collect())
}

/// These and no others, in this order; all of them or none.
pub(super) async fn put(write: &SqlitePool, canned: &[Canned]) -> Result<()> {
    let mut transaction = write.begin().await?;
    sqlx::query("DELETE FROM canned").execute(&mut *transaction).await?;
    for (place, Canned { shortcut, text }) in (0i64..).zip(canned) {
        let query = sqlx::query("INSERT INTO canned (place, shortcut, text) VALUES (?, ?, ?)");
        query.bind(place).bind(shortcut).bind(text).execute(&mut *transaction).await?;
    }
    Ok(transaction.commit().await?)
}
