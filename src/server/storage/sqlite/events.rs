//! From an event of the log to the projections of it: the only door for all but members' posts, which
//! [`super::posts`] writes many at a time.

use sqlx::SqliteConnection;

use super::{dialogs, log, runs};
use crate::{
    protocol::{
        ConversationId, Event, Message, MessageId, Seq, Timestamp,
        server::{Deleted, Edited, MemberChanged, Membership, Reaction},
    },
    server::storage::LoggedFrame,
};

pub(super) async fn project(tx: &mut SqliteConnection, frame: &LoggedFrame, at: Timestamp) -> sqlx::Result<()> {
    let (id, seq) = (frame.conversation_id, frame.seq);
    match &frame.event {
        Event::Message(message) => posted(tx, id, seq, at, message).await,
        Event::Edited(edit) => edited(tx, seq, at, edit).await,
        Event::Deleted(Deleted { message_id, .. }) => deleted(tx, id, *message_id).await,
        Event::Reaction(reaction) => reacted(tx, id, seq, reaction).await,
        Event::Member(change) => member(tx, id, seq, change).await,
        Event::AgentRun(run) => runs::project(tx, id, run).await,
        Event::Result(result) => repeated(tx, result.message_id, seq).await,
        Event::Control(change) => dialogs::project(tx, id, at, change).await,
        Event::AgentStep(_)
        | Event::ToolCall(_)
        | Event::ToolResult(_)
        | Event::Approval(_)
        | Event::ApprovalResolved(_)
        | Event::Progress(_)
        | Event::ChartGenerated(_)
        | Event::Hidden => Ok(()),
    }
}

/// Its event is what was written last.
async fn posted(
    tx: &mut SqliteConnection,
    conversation: ConversationId,
    seq: Seq,
    at: Timestamp,
    message: &Message,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO messages (doc, conversation_id, seq, id, author_id, text, posted_at)
         VALUES (last_insert_rowid(), ?, ?, ?, ?, ?, ?)",
    )
    .bind(conversation)
    .bind(seq)
    .bind(message.id)
    .bind(message.author.id)
    .bind(&message.text)
    .bind(at)
    .execute(tx)
    .await?;
    Ok(())
}

async fn edited(tx: &mut SqliteConnection, seq: Seq, at: Timestamp, edit: &Edited) -> sqlx::Result<()> {
    sqlx::query("UPDATE messages SET text = ?, edited_at = ? WHERE id = ?")
        .bind(&edit.text)
        .bind(at)
        .bind(edit.message_id)
        .execute(&mut *tx)
        .await?;
    repeated(tx, edit.message_id, seq).await
}

async fn repeated(tx: &mut SqliteConnection, message: MessageId, seq: Seq) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO repeats (message_id, seq) VALUES (?, ?)").bind(message).bind(seq).execute(tx).await?;
    Ok(())
}

async fn deleted(tx: &mut SqliteConnection, conversation: ConversationId, message: MessageId) -> sqlx::Result<()> {
    let place: Seq = sqlx::query_scalar("UPDATE messages SET text = '', deleted = 1 WHERE id = ? RETURNING seq")
        .bind(message)
        .fetch_one(&mut *tx)
        .await?;
    let repeats: Vec<Seq> = sqlx::query_scalar("DELETE FROM repeats WHERE message_id = ? RETURNING seq")
        .bind(message)
        .fetch_all(&mut *tx)
        .await?;
    for seq in repeats.into_iter().chain([place]) {
        log::blank(&mut *tx, conversation, seq).await?;
    }
    sqlx::query("DELETE FROM reactions WHERE conversation_id = ? AND message_seq = ?")
        .bind(conversation)
        .bind(place)
        .execute(tx)
        .await?;
    Ok(())
}

async fn reacted(
    tx: &mut SqliteConnection,
    conversation: ConversationId,
    seq: Seq,
    reaction: &Reaction,
) -> sqlx::Result<()> {
    let sql = if reaction.on {
        "INSERT OR IGNORE INTO reactions (conversation_id, message_seq, emoji, user_id, name, seq)
         SELECT ?1, m.seq, ?3, ?4, ?5, ?6 FROM messages m WHERE m.id = ?2"
    } else {
        "DELETE FROM reactions WHERE conversation_id = ?1 AND emoji = ?3 AND user_id = ?4
         AND message_seq = (SELECT m.seq FROM messages m WHERE m.id = ?2)"
    };
    let query = sqlx::query(sql).bind(conversation).bind(reaction.message_id).bind(&reaction.emoji);
    let query = query.bind(reaction.by.id);
    let query = if reaction.on { query.bind(&reaction.by.name).bind(seq) } else { query };
    query.execute(tx).await?;
    Ok(())
}

async fn member(
    tx: &mut SqliteConnection,
    conversation: ConversationId,
    seq: Seq,
    change: &MemberChanged,
) -> sqlx::Result<()> {
    match change.change {
        Membership::Joined => {
            sqlx::query("INSERT INTO members (conversation_id, user_id, joined_seq) VALUES (?, ?, ?)")
                .bind(conversation)
                .bind(change.user.id)
                .bind(seq)
                .execute(&mut *tx)
                .await?
        }
        Membership::Left => {
            sqlx::query("DELETE FROM members WHERE conversation_id = ? AND user_id = ?")
                .bind(conversation)
                .bind(change.user.id)
                .execute(&mut *tx)
                .await?
        }
    };
    // Kept as a number: it is asked for with every message.
    sqlx::query("UPDATE conversations SET member_count = member_count + ? WHERE id = ?")
        .bind(if change.change == Membership::Joined { 1i64 } else { -1 })
        .bind(conversation)
        .execute(tx)
        .await?;
    Ok(())
}
