//! Runs: what they were told while they go on, what they used up, and the pictures they drew.

use sqlx::{SqliteConnection, SqlitePool};

use super::{batch::Batch, dialogs, log, writes};
use crate::{
    protocol::{AgentRun, ChartId, ConversationId, Event, MessageId, RunId, Timestamp, UserId},
    server::storage::{Appended, Result, RunRow, RunWrite, Spent},
};

/// The projection of an `agent_run` event.
pub(super) async fn project(
    tx: &mut SqliteConnection,
    conversation: ConversationId,
    run: &AgentRun,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO runs (id, conversation_id, status, is_over, question_id) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET status = excluded.status, is_over = excluded.is_over",
    )
    .bind(run.run_id)
    .bind(conversation)
    .bind(run.status.as_str())
    .bind(run.status.is_over())
    .bind(run.question)
    .execute(&mut *tx)
    .await?;
    if run.status.is_over() {
        sqlx::query("DELETE FROM run_journal WHERE run_id = ?").bind(run.run_id).execute(tx).await?;
    }
    Ok(())
}

/// A step of a run. Its events are checked as any that the server writes; nothing is recorded before all are.
pub(super) async fn step(batch: &mut Batch, id: ConversationId, at: Timestamp, write: RunWrite) -> Result<Appended> {
    let RunWrite { run_id, events, journal, from, spent, epoch } = write;
    if let Some(epoch) = epoch
        && !is_lone_end(&events)
    {
        dialogs::must_be_with_ai(batch.connection(), id, epoch).await?;
    }
    let mut seq = log::head(batch.connection(), id).await?;
    let changed = !events.is_empty();
    for (entry, n) in journal.iter().zip(from..) {
        let sql = "INSERT INTO run_journal (run_id, n, entry) VALUES (?, ?, ?)";
        let query = sqlx::query(sql).bind(run_id).bind(i64::try_from(n).unwrap_or(i64::MAX)).bind(entry);
        query.execute(batch.connection()).await?;
    }
    if let Some((user, spent)) = spent {
        spend(batch.connection(), user, at, spent).await?;
    }
    for event in events {
        if let Some((event, audience)) = writes::server(batch.connection(), id, event).await? {
            seq = batch.record(id, at, event, audience).await?;
        }
    }
    Ok(Appended { seq, posted: None, changed })
}

/// What a run may still say that was overtaken: that it is over.
fn is_lone_end(events: &[Event]) -> bool {
    matches!(events, [Event::AgentRun(run)] if run.status.is_over())
}

async fn spend(tx: &mut SqliteConnection, user: UserId, at: Timestamp, spent: Spent) -> Result<()> {
    sqlx::query(
        "INSERT INTO spending (user_id, day, turns, tokens, cost_micros, ms) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (user_id, day) DO UPDATE SET turns = turns + excluded.turns, tokens = tokens + excluded.tokens,
                cost_micros = cost_micros + excluded.cost_micros, ms = ms + excluded.ms",
    )
    .bind(user)
    .bind(at.days())
    .bind(whole(spent.turns))
    .bind(whole(spent.tokens))
    .bind(whole(spent.cost_micros))
    .bind(whole(spent.ms))
    .execute(tx)
    .await?;
    Ok(())
}

/// As the database holds it. Far above what can be spent.
fn whole(amount: u64) -> i64 {
    i64::try_from(amount).unwrap_or(i64::MAX).min(1 << 50)
}

pub(super) async fn spent(read: &SqlitePool, user: UserId, at: Timestamp) -> Result<Spent> {
    let sql = "SELECT turns, tokens, cost_micros, ms FROM spending WHERE user_id = ? AND day = ?";
    let row: Option<(i64, i64, i64, i64)> = sqlx::query_as(sql).bind(user).bind(at.days()).fetch_optional(read).await?;
    let amount = |value: i64| u64::try_from(value).unwrap_or_default();
    Ok(row.map_or_else(Spent::default, |(turns, tokens, cost, ms)| Spent {
        turns: amount(turns),
        tokens: amount(tokens),
        cost_micros: amount(cost),
        ms: amount(ms),
    }))
}

pub(super) async fn journal(read: &SqlitePool, run: RunId) -> Result<Vec<String>> {
    let rows = sqlx::query_scalar("SELECT entry FROM run_journal WHERE run_id = ? ORDER BY n").bind(run);
    Ok(rows.fetch_all(read).await?)
}

pub(super) async fn of_question(read: &SqlitePool, question: MessageId) -> Result<Option<RunId>> {
    let row = sqlx::query_scalar("SELECT id FROM runs WHERE question_id = ? ORDER BY id DESC LIMIT 1").bind(question);
    Ok(row.fetch_optional(read).await?)
}

pub(super) async fn find(read: &SqlitePool, run: RunId) -> Result<Option<RunRow>> {
    let row = sqlx::query_as("SELECT conversation_id, is_over, question_id FROM runs WHERE id = ?").bind(run);
    let row: Option<(ConversationId, bool, Option<MessageId>)> = row.fetch_optional(read).await?;
    Ok(row.map(|(conversation_id, is_over, question)| RunRow { conversation_id, is_over, question }))
}

pub(super) async fn unfinished(read: &SqlitePool) -> Result<Vec<(ConversationId, RunId)>> {
    let rows = sqlx::query_as("SELECT conversation_id, id FROM runs WHERE is_over = 0 ORDER BY id");
    Ok(rows.fetch_all(read).await?)
}

pub(super) async fn put_chart(write: &SqlitePool, conversation: ConversationId, id: ChartId, svg: &str) -> Result<()> {
    sqlx::query("INSERT INTO charts (id, conversation_id, svg) VALUES (?, ?, ?)")
        .bind(id)
        .bind(conversation)
        .bind(svg)
        .execute(write)
        .await?;
    Ok(())
}

pub(super) async fn chart(read: &SqlitePool, id: ChartId) -> Result<Option<(ConversationId, String)>> {
    let row = sqlx::query_as("SELECT conversation_id, svg FROM charts WHERE id = ?").bind(id);
    Ok(row.fetch_optional(read).await?)
}
