//! Visitors who opened a widget and wrote nothing: rows that nobody will ever read.

use sqlx::{SqliteConnection, SqlitePool};

use crate::{
    protocol::{ConversationId, Timestamp, UserId},
    server::storage::Result,
};

/// Of dialogs begun before ?1, those with their founding alone whose visitor has no newer session. The newest event of
/// the log stays, whosever it is: its place would be given again, and whoever has read up to there would pass over it.
macro_rules! silent {
    ($tail:literal) => {
        concat!(
            "SELECT c.id, d.visitor_id FROM conversations c INDEXED BY conversations_silent
             JOIN dialogs d ON d.conversation_id = c.id
             WHERE c.kind = 'dialog' AND c.head <= 1 AND c.last_at < ?1
             AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.user_id = d.visitor_id AND s.created_at >= ?1)
             AND c.id <> (SELECT conversation_id FROM events ORDER BY doc DESC LIMIT 1) ",
            $tail
        )
    };
}

pub(super) async fn dialogs(
    read: &SqlitePool,
    before: Timestamp,
    after: Option<ConversationId>,
    most: u64,
) -> Result<Vec<(ConversationId, UserId)>> {
    let found = sqlx::query_as(silent!("AND (?2 IS NULL OR c.id > ?2) ORDER BY c.id LIMIT ?3"));
    Ok(found.bind(before).bind(after).bind(i64::try_from(most).unwrap_or(i64::MAX)).fetch_all(read).await?)
}

pub(super) async fn forget(write: &SqlitePool, dialogs: &[ConversationId], before: Timestamp) -> Result<u64> {
    let mut forgotten = 0;
    let mut tx = write.begin_with("BEGIN IMMEDIATE").await?;
    for dialog in dialogs {
        let still = sqlx::query_as(silent!("AND c.id = ?2")).bind(before).bind(dialog).fetch_optional(&mut *tx).await?;
        let Some((_, visitor)) = still.map(|row: (ConversationId, UserId)| row) else { continue };
        forget_dialog(&mut tx, *dialog).await?;
        forget_visitor(&mut tx, visitor).await?;
        forgotten += 1;
    }
    tx.commit().await?;
    Ok(forgotten)
}

/// What refers to it first.
async fn forget_dialog(tx: &mut SqliteConnection, dialog: ConversationId) -> sqlx::Result<()> {
    for sql in [
        "DELETE FROM operator_reads WHERE conversation_id = ?",
        "DELETE FROM members WHERE conversation_id = ?",
        "DELETE FROM dialogs WHERE conversation_id = ?",
        "DELETE FROM events WHERE conversation_id = ?",
        "DELETE FROM conversations WHERE id = ?",
    ] {
        sqlx::query(sql).bind(dialog).execute(&mut *tx).await?;
    }
    Ok(())
}

/// Unless they have another dialog.
async fn forget_visitor(tx: &mut SqliteConnection, visitor: UserId) -> sqlx::Result<()> {
    let has_more = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM dialogs WHERE visitor_id = ?)").bind(visitor);
    if has_more.fetch_one(&mut *tx).await? {
        return Ok(());
    }
    for sql in [
        "DELETE FROM visitor_tokens WHERE visitor_id = ?",
        "DELETE FROM visitors WHERE id = ?",
        "DELETE FROM sessions WHERE user_id = ?",
        "DELETE FROM users WHERE id = ?",
    ] {
        sqlx::query(sql).bind(visitor).execute(&mut *tx).await?;
    }
    Ok(())
}
