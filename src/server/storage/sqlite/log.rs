//! The log itself: an event encoded once, at its place, and read back as the same bytes.

use std::sync::{Arc, OnceLock};

use futures_util::TryStreamExt;
use sqlx::{Row, SqliteConnection, SqlitePool, sqlite::SqliteRow};

use crate::{
    protocol::{Audience, ConversationId, DurableFrame, Event, Seq, Side, Timestamp, UserId, http::Kind},
    server::storage::{LoggedFrame, Page, Result, StorageError, StoredFrame, visitors_text},
};

/// As it stands in the column.
const fn word(audience: Audience) -> &'static str {
    match audience {
        Audience::Everyone => "public",
        Audience::Operators => "operators",
    }
}

/// What is not known to be for everyone is for operators.
pub(super) fn audience(word: &str) -> Audience {
    if word == "public" { Audience::Everyone } else { Audience::Operators }
}

/// The event with its place, and its one encoding.
///
/// # Panics
/// Never: the protocol's types have no map with keys that are not strings.
pub(super) fn encode(
    conversation_id: ConversationId,
    seq: Seq,
    timestamp: Timestamp,
    kind: Kind,
    event: Event,
    audience: Audience,
) -> LoggedFrame {
    let frame = DurableFrame { conversation_id, seq, timestamp, event };
    let payload = text_of(&frame).into();
    let event = frame.event;
    LoggedFrame { conversation_id, seq, timestamp, kind, event, audience, payload, for_visitors: OnceLock::new() }
}

fn text_of(frame: &DurableFrame) -> String {
    serde_json::to_string(frame).expect("a frame encodes")
}

/// Reads what this module wrote.
pub(super) fn parse<T: serde::de::DeserializeOwned>(json: &str) -> sqlx::Result<T> {
    serde_json::from_str(json).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// Who wrote it, where it is a message.
pub(super) fn author(event: &Event) -> Option<UserId> {
    match event {
        Event::Message(message) => Some(message.author.id),
        _ => None,
    }
}

/// Its `doc` is the connection's last rowid then.
pub(super) async fn insert(tx: &mut SqliteConnection, frame: &LoggedFrame) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO events (conversation_id, seq, kind, audience, author_id, frame) VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind(frame.conversation_id)
    .bind(frame.seq)
    .bind(frame.event.kind())
    .bind(word(frame.audience))
    .bind(author(&frame.event))
    .bind(&*frame.payload)
    .execute(tx)
    .await?;
    Ok(())
}

/// Takes the text out of an event that was written: the one change that the log knows.
pub(super) async fn blank(tx: &mut SqliteConnection, conversation: ConversationId, seq: Seq) -> sqlx::Result<()> {
    let text: String = sqlx::query_scalar("SELECT frame FROM events WHERE conversation_id = ? AND seq = ?")
        .bind(conversation)
        .bind(seq)
        .fetch_one(&mut *tx)
        .await?;
    let mut frame: DurableFrame = parse(&text)?;
    match &mut frame.event {
        Event::Message(message) => message.text.clear(),
        Event::Edited(edited) => edited.text.clear(),
        Event::Result(result) => result.content.clear(),
        _ => return Ok(()),
    }
    sqlx::query("UPDATE events SET frame = ?, author_id = NULL WHERE conversation_id = ? AND seq = ?")
        .bind(text_of(&frame))
        .bind(conversation)
        .bind(seq)
        .execute(tx)
        .await?;
    Ok(())
}

pub(super) async fn head(connection: &mut SqliteConnection, id: ConversationId) -> Result<Seq> {
    let head = sqlx::query_scalar("SELECT head FROM conversations WHERE id = ?").bind(id);
    head.fetch_optional(connection).await?.ok_or(StorageError::NotFound)
}

fn stored(row: &SqliteRow) -> sqlx::Result<StoredFrame> {
    Ok(StoredFrame { seq: row.try_get(0)?, text: row.try_get(1)? })
}

/// As this side reads it.
fn seen(row: &SqliteRow, side: Side) -> sqlx::Result<StoredFrame> {
    let stored = stored(row)?;
    if side == Side::House {
        return Ok(stored);
    }
    let frame: DurableFrame = parse(&stored.text)?;
    let audience = audience(row.try_get(2)?);
    let text = visitors_text(frame.conversation_id, frame.seq, frame.timestamp, &frame.event, audience);
    Ok(StoredFrame { text: text.unwrap_or(stored.text), ..stored })
}

pub(super) async fn page(
    read: &SqlitePool,
    id: ConversationId,
    after: Seq,
    limit: u64,
    max_bytes: usize,
    side: Side,
) -> Result<Page> {
    let mut connection = read.acquire().await?;
    let mut frames: Vec<StoredFrame> = Vec::new();
    let mut bytes = 0;
    {
        let sql = "SELECT seq, frame, audience FROM events WHERE conversation_id = ? AND seq > ? ORDER BY seq LIMIT ?";
        let query = sqlx::query(sql).bind(id).bind(after).bind(i64::try_from(limit).unwrap_or(i64::MAX));
        let mut rows = query.fetch(&mut *connection);
        while let Some(row) = rows.try_next().await? {
            let frame = seen(&row, side)?;
            bytes += frame.text.len();
            if !frames.is_empty() && bytes > max_bytes {
                break;
            }
            frames.push(frame);
        }
    }
    // After the frames, so that it is never behind them.
    let head = head(&mut connection, id).await?;
    Ok(Page { frames, head })
}

pub(super) async fn agent_events(
    read: &SqlitePool,
    id: ConversationId,
    from: Seq,
    limit: u64,
    side: Side,
) -> Result<Vec<StoredFrame>> {
    let rows = sqlx::query(
        "SELECT seq, frame, audience FROM events WHERE conversation_id = ? AND seq >= ? AND (? OR audience = 'public')
         AND kind IN ('agent_run', 'agent_step', 'tool_call', 'tool_result', 'approval', 'approval_resolved',
                      'progress', 'chart_generated', 'result', 'control')
         ORDER BY seq DESC LIMIT ?",
    )
    .bind(id)
    .bind(from)
    .bind(side.may_see(Audience::Operators))
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(read)
    .await?;
    rows.iter().rev().map(|row| Ok(seen(row, side)?)).collect()
}

/// Committed and on its way to whoever listens.
pub(super) type Logged = Vec<Arc<LoggedFrame>>;
