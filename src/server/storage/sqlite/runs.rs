//! Runs that have not ended, and the pictures they drew.

use sqlx::{SqliteConnection, SqlitePool};

use crate::{
    protocol::{AgentRun, ChartId, ConversationId, RunId},
    server::storage::Result,
};

/// The projection of an `agent_run` event.
pub(super) async fn project(
    tx: &mut SqliteConnection,
    conversation: ConversationId,
    run: &AgentRun,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO runs (id, conversation_id, status, is_over) VALUES (?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET status = excluded.status, is_over = excluded.is_over",
    )
    .bind(run.run_id)
    .bind(conversation)
    .bind(run.status.as_str())
    .bind(run.status.is_over())
    .execute(tx)
    .await?;
    Ok(())
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
