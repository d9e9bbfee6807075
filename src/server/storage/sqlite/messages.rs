//! Messages as they stand now, read by page.

use std::collections::HashMap;

use sqlx::{SqliteConnection, SqlitePool};

use crate::{
    protocol::{
        ConversationId, DurableFrame, Event, MessageId, Seq, Side, Timestamp, UserId, UserRef,
        http::{MessageNow, ReactionNow},
    },
    server::storage::{MessagePage, Result, sqlite::log},
};

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    seq: Seq,
    text: String,
    edited_at: Option<Timestamp>,
    deleted: bool,
    frame: String,
}

pub(super) async fn page(
    read: &SqlitePool,
    id: ConversationId,
    before: Option<Seq>,
    limit: u64,
    side: Side,
) -> Result<MessagePage> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut connection = read.acquire().await?;
    let mut rows: Vec<Row> = sqlx::query_as(
        "SELECT m.seq, m.text, m.edited_at, m.deleted, e.frame
         FROM events e CROSS JOIN messages m ON m.doc = e.doc
         WHERE e.conversation_id = ? AND e.seq < ? AND (? OR e.audience = 'public') ORDER BY e.seq DESC LIMIT ?",
    )
    .bind(id)
    .bind(before.unwrap_or(Seq(u64::MAX)))
    .bind(side == Side::House)
    .bind(i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX))
    .fetch_all(&mut *connection)
    .await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    rows.reverse();
    Ok(MessagePage { messages: with_reactions(&mut connection, id, rows).await?, more })
}

pub(super) async fn find(read: &SqlitePool, id: ConversationId, message: MessageId) -> Result<Option<MessageNow>> {
    let mut connection = read.acquire().await?;
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT m.seq, m.text, m.edited_at, m.deleted, e.frame
         FROM messages m JOIN events e ON e.doc = m.doc WHERE m.id = ? AND m.conversation_id = ?",
    )
    .bind(message)
    .bind(id)
    .fetch_all(&mut *connection)
    .await?;
    Ok(with_reactions(&mut connection, id, rows).await?.pop())
}

/// The rows in their order, each with what was done to it.
pub(super) async fn with_reactions(
    connection: &mut SqliteConnection,
    id: ConversationId,
    rows: Vec<Row>,
) -> Result<Vec<MessageNow>> {
    let Some((from, to)) = rows.iter().map(|row| row.seq).min().zip(rows.iter().map(|row| row.seq).max()) else {
        return Ok(Vec::new());
    };
    let mut reactions = reactions_between(connection, id, from, to).await?;
    rows.into_iter()
        .map(|row| {
            let reactions = reactions.remove(&row.seq).unwrap_or_default();
            row.into_message(reactions)
        })
        .collect()
}

impl Row {
    fn into_message(self, reactions: Vec<ReactionNow>) -> Result<MessageNow> {
        let mut frame: DurableFrame = log::parse(&self.frame)?;
        if let Event::Message(message) = &mut frame.event {
            message.text = self.text;
        }
        Ok(MessageNow { frame, edited_at: self.edited_at, deleted: self.deleted, reactions })
    }
}

/// By message; emojis and people each in the order in which they came.
async fn reactions_between(
    connection: &mut SqliteConnection,
    id: ConversationId,
    from: Seq,
    to: Seq,
) -> Result<HashMap<Seq, Vec<ReactionNow>>> {
    let rows: Vec<(Seq, String, UserId, String)> = sqlx::query_as(
        "SELECT message_seq, emoji, user_id, name FROM reactions
         WHERE conversation_id = ? AND message_seq BETWEEN ? AND ? ORDER BY seq",
    )
    .bind(id)
    .bind(from)
    .bind(to)
    .fetch_all(connection)
    .await?;
    let mut by_message: HashMap<Seq, Vec<ReactionNow>> = HashMap::new();
    for (message, emoji, id, name) in rows {
        let reactions = by_message.entry(message).or_default();
        let by = UserRef { id, name };
        match reactions.iter_mut().find(|reaction| reaction.emoji == emoji) {
            Some(reaction) => reaction.by.push(by),
            None => reactions.push(ReactionNow { emoji, by: vec![by] }),
        }
    }
    Ok(by_message)
}
