//! The queue of deliveries: filled from the log, emptied by whoever sends.

use std::collections::HashMap;

use sqlx::{Row as _, SqliteConnection, SqlitePool, sqlite::SqliteRow};

use crate::{
    fresh_id,
    protocol::{
        ConversationId, DeliveryId, Seq, SiteId, Timestamp, WebhookId,
        limits::{DELIVERIES_KEPT, DELIVERIES_PENDING, PUMP_EVENTS},
        webhook::{Delivery, DeliveryStatus, WebhookEvent},
    },
    server::storage::{
        Result,
        webhooks::{Due, Pumped, Settled},
    },
};

fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Where the log was looked through to, where it ends, and whether anybody listens.
const STANDING: &str = "SELECT (SELECT doc FROM webhook_cursor), (SELECT coalesce(max(doc), 0) FROM events),
                               EXISTS (SELECT 1 FROM webhooks WHERE enabled)";

pub(super) async fn pump(read: &SqlitePool, write: &SqlitePool, at: Timestamp) -> Result<Pumped> {
    let (cursor, end, is_heard): (i64, i64, bool) = sqlx::query_as(STANDING).fetch_one(read).await?;
    if cursor >= end || !is_heard {
        return Ok(Pumped::default());
    }
    let mut tx = write.begin_with("BEGIN IMMEDIATE").await?;
    let (cursor, end, _): (i64, i64, bool) = sqlx::query_as(STANDING).fetch_one(&mut *tx).await?;
    let up_to = end.min(cursor.saturating_add(number(PUMP_EVENTS)));
    let found: Vec<Told> = sqlx::query_as(
        "WITH told AS (
            SELECT doc, conversation_id, seq,
                   CASE WHEN kind = 'control' THEN 'control' WHEN audience = 'public' THEN 'message' ELSE 'note' END
                       AS event
            FROM events WHERE doc > ? AND doc <= ? AND kind IN ('message', 'control'))
         SELECT w.id, t.conversation_id, t.seq, t.event
         FROM told t JOIN dialogs d ON d.conversation_id = t.conversation_id
         JOIN webhooks w ON w.enabled AND w.since < t.doc AND (w.site_id IS NULL OR w.site_id = d.site_id)
              AND instr(w.events, ',' || t.event || ',') > 0
         ORDER BY t.doc, w.id",
    )
    .bind(cursor)
    .bind(up_to)
    .fetch_all(&mut *tx)
    .await?;
    let made = found.len() as u64;
    let mut waiting = if found.is_empty() { HashMap::new() } else { pending(&mut tx).await? };
    for (webhook, conversation, seq, event) in found {
        let waiting = waiting.entry(webhook).or_default();
        let is_full = *waiting >= number(DELIVERIES_PENDING);
        *waiting += i64::from(!is_full);
        insert(&mut tx, (webhook, conversation, seq, event), is_full, at).await?;
    }
    sqlx::query("UPDATE webhook_cursor SET doc = ?").bind(up_to).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(Pumped { made, more: up_to < end })
}

/// How many wait for each webhook. Counted once a transaction: for one that takes nothing they are thousands.
async fn pending(tx: &mut SqliteConnection) -> sqlx::Result<HashMap<WebhookId, i64>> {
    let sql = "SELECT webhook_id, count(*) FROM deliveries WHERE status = 'pending' GROUP BY webhook_id";
    let counts: Vec<(WebhookId, i64)> = sqlx::query_as(sql).fetch_all(tx).await?;
    Ok(counts.into_iter().collect())
}

/// An event that one webhook asked for.
type Told = (WebhookId, ConversationId, Seq, WebhookEvent);

async fn insert(
    tx: &mut SqliteConnection,
    (webhook, conversation, seq, event): Told,
    is_full: bool,
    at: Timestamp,
) -> sqlx::Result<()> {
    let (status, settled, answer) = match is_full {
        false => (DeliveryStatus::Pending, None, None),
        true => (DeliveryStatus::Failed, Some(at), Some("Too many were waiting already.")),
    };
    sqlx::query(
        "INSERT INTO deliveries (id, webhook_id, conversation_id, seq, event, status, created_at, queued_at, next_at,
                                 settled_at, answer)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?7, ?8, ?9)",
    )
    .bind(fresh_id!(DeliveryId))
    .bind(webhook)
    .bind(conversation)
    .bind(seq)
    .bind(event)
    .bind(status)
    .bind(at)
    .bind(settled)
    .bind(answer)
    .execute(tx)
    .await?;
    Ok(())
}

/// What the two questions below begin with: the first delivery of each lane that waits.
macro_rules! of_heads {
    ($rest:literal) => {
        concat!(
            "WITH heads AS (
                SELECT min(place) AS place FROM deliveries WHERE status = 'pending'
                GROUP BY webhook_id, conversation_id)
             ",
            $rest
        )
    };
}

pub(super) async fn due(read: &SqlitePool, now: Timestamp, per_webhook: usize) -> Result<Vec<Due>> {
    let rows = sqlx::query(of_heads!(
        ", turns AS (
            SELECT d.place, row_number() OVER (PARTITION BY d.webhook_id ORDER BY d.next_at, d.place) AS turn
            FROM heads h JOIN deliveries d ON d.place = h.place JOIN webhooks w ON w.id = d.webhook_id
            WHERE w.enabled AND d.next_at <= ?)
         SELECT d.id, d.webhook_id, w.url, w.secret, d.conversation_id, d.seq, g.site_id, d.event, d.tries,
                d.queued_at, e.frame
         FROM turns t JOIN deliveries d ON d.place = t.place JOIN webhooks w ON w.id = d.webhook_id
         JOIN events e ON e.conversation_id = d.conversation_id AND e.seq = d.seq
         JOIN dialogs g ON g.conversation_id = d.conversation_id
         WHERE t.turn <= ? ORDER BY d.next_at, d.place"
    ))
    .bind(now)
    .bind(number(per_webhook as u64))
    .fetch_all(read)
    .await?;
    Ok(rows.iter().map(due_of).collect::<sqlx::Result<_>>()?)
}

fn due_of(row: &SqliteRow) -> sqlx::Result<Due> {
    Ok(Due {
        id: row.try_get("id")?,
        webhook_id: row.try_get("webhook_id")?,
        url: row.try_get("url")?,
        secret: row.try_get("secret")?,
        conversation_id: row.try_get("conversation_id")?,
        seq: row.try_get("seq")?,
        site_id: SiteId(row.try_get("site_id")?),
        event: row.try_get("event")?,
        tries: row.try_get("tries")?,
        queued_at: row.try_get("queued_at")?,
        frame: row.try_get("frame")?,
    })
}

pub(super) async fn next(read: &SqlitePool, now: Timestamp) -> Result<Option<Timestamp>> {
    let next = sqlx::query_scalar(of_heads!(
        "SELECT min(d.next_at) FROM heads h JOIN deliveries d ON d.place = h.place
         JOIN webhooks w ON w.id = d.webhook_id WHERE w.enabled AND d.next_at > ?"
    ));
    Ok(next.bind(now).fetch_one(read).await?)
}

pub(super) async fn settle(write: &SqlitePool, id: DeliveryId, settled: Settled) -> Result<()> {
    let Settled { at, status, next_at, answer_status, answer } = settled;
    sqlx::query(
        "UPDATE deliveries SET status = ?, tries = tries + 1, next_at = ?, settled_at = ?, answer_status = ?,
                answer = ?
         WHERE id = ?",
    )
    .bind(status)
    .bind(next_at)
    .bind((status != DeliveryStatus::Pending).then_some(at))
    .bind(answer_status)
    .bind(answer)
    .bind(id)
    .execute(write)
    .await?;
    Ok(())
}

pub(super) async fn page(
    read: &SqlitePool,
    webhook: WebhookId,
    before: Option<u64>,
    limit: u64,
) -> Result<Vec<Delivery>> {
    let rows = sqlx::query(
        "SELECT id, place, webhook_id, conversation_id, seq, event, status, tries, created_at, next_at, answer_status,
                answer
         FROM deliveries WHERE webhook_id = ? AND place < ? ORDER BY place DESC LIMIT ?",
    )
    .bind(webhook)
    .bind(before.map_or(i64::MAX, number))
    .bind(number(limit))
    .fetch_all(read)
    .await?;
    Ok(rows.iter().map(delivery).collect::<sqlx::Result<_>>()?)
}

fn delivery(row: &SqliteRow) -> sqlx::Result<Delivery> {
    let status = row.try_get("status")?;
    let next_at = row.try_get("next_at")?;
    Ok(Delivery {
        id: row.try_get("id")?,
        place: row.try_get("place")?,
        webhook_id: row.try_get("webhook_id")?,
        dialog_id: row.try_get("conversation_id")?,
        seq: row.try_get("seq")?,
        event: row.try_get("event")?,
        status,
        tries: row.try_get("tries")?,
        created_at: row.try_get("created_at")?,
        next_at: (status == DeliveryStatus::Pending).then_some(next_at),
        answer_status: row.try_get("answer_status")?,
        answer: row.try_get("answer")?,
    })
}

pub(super) async fn resend(write: &SqlitePool, id: DeliveryId, at: Timestamp) -> Result<Option<WebhookId>> {
    let resent = sqlx::query_scalar(
        "UPDATE deliveries SET status = 'pending', tries = 0, queued_at = ?1, next_at = ?1, settled_at = NULL
         WHERE id = ?2 RETURNING webhook_id",
    );
    Ok(resent.bind(at).bind(id).fetch_optional(write).await?)
}

pub(super) async fn sweep(write: &SqlitePool, before: Timestamp) -> Result<u64> {
    let swept = sqlx::query(
        "DELETE FROM deliveries WHERE status <> 'pending' AND (settled_at < ? OR place <= coalesce(
            (SELECT place FROM deliveries WHERE status <> 'pending' ORDER BY place DESC LIMIT 1 OFFSET ?), 0))",
    );
    Ok(swept.bind(before).bind(number(DELIVERIES_KEPT)).execute(write).await?.rows_affected())
}

#[cfg(test)]
mod tests;
