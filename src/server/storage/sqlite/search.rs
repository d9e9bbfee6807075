//! Messages found by their words.
//!
//! The index follows the messages: it is no part of the commit that somebody waits for. The committer brings it
//! up to date when it has nothing else to do, or enough to index at once; and before a search, so that a search
//! finds all that was there when it was asked.

use sqlx::{SqliteConnection, SqlitePool};

use super::messages;
use crate::{
    protocol::{ConversationId, Seq, Side, http::MessageNow},
    server::storage::{Appended, Result},
};

/// All messages that the index does not have yet. Nothing of the log changes.
pub(super) async fn index(tx: &mut SqliteConnection) -> Result<Appended> {
    let behind: bool = sqlx::query_scalar("SELECT (SELECT coalesce(max(doc), 0) FROM messages) > up_to FROM indexed")
        .fetch_one(&mut *tx)
        .await?;
    if behind {
        sqlx::query(
            "INSERT INTO search (rowid, conversation, text)
             SELECT doc, hex(conversation_id), text FROM messages WHERE doc > (SELECT up_to FROM indexed);
             UPDATE indexed SET up_to = (SELECT max(doc) FROM messages)",
        )
        .execute(tx)
        .await?;
    }
    Ok(Appended { seq: Seq::ZERO, posted: None, changed: behind })
}

pub(super) async fn find(
    read: &SqlitePool,
    id: ConversationId,
    query: &str,
    limit: u64,
    side: Side,
) -> Result<Vec<MessageNow>> {
    let Some(pattern) = pattern(id, query) else { return Ok(Vec::new()) };
    let mut connection = read.acquire().await?;
    let rows: Vec<messages::Row> = sqlx::query_as(
        "SELECT m.seq, m.text, m.edited_at, m.deleted, e.frame
         FROM search s JOIN messages m ON m.doc = s.rowid
         JOIN events e ON e.doc = m.doc
         WHERE s.search MATCH ? AND m.deleted = 0 AND (? OR e.audience = 'public')
         ORDER BY s.rowid DESC LIMIT ?",
    )
    .bind(pattern)
    .bind(side == Side::House)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(&mut *connection)
    .await?;
    messages::with_reactions(&mut connection, id, rows).await
}

/// Each word in quotes, so that whatever a person types is text and no operator of the index's language.
/// `None`: nothing to look for.
fn pattern(id: ConversationId, query: &str) -> Option<String> {
    let words: Vec<_> = query
        .split_whitespace()
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .map(|word| format!("\"{}\"", word.replace('"', "\"\"").replace('\0', "")))
        .collect();
    let conversation: String = id.to_bytes().iter().map(|byte| format!("{byte:02X}")).collect();
    (!words.is_empty()).then(|| format!("conversation : \"{conversation}\" AND text : ({})", words.join(" ")))
}
