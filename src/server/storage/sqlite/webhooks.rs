//! [`WebhookQueue`]: webhooks as admins keep them. The queue is in [`super::deliveries`].

use async_trait::async_trait;
use sqlx::{SqliteConnection, SqlitePool};

use super::{SqliteStorage, deliveries};
use crate::{
    protocol::{
        DeliveryId, SiteId, Timestamp, WebhookId,
        webhook::{Delivery, Webhook, WebhookEvent},
    },
    server::storage::{
        Result,
        webhooks::{Due, Pumped, Settled, WebhookQueue, WebhookRow},
    },
};

#[async_trait]
impl WebhookQueue for SqliteStorage {
    async fn webhooks(&self) -> Result<Vec<WebhookRow>> {
        all(&self.read).await
    }

    async fn webhook(&self, id: WebhookId) -> Result<Option<WebhookRow>> {
        find(&self.read, id).await
    }

    async fn put_webhook(&self, row: WebhookRow) -> Result<()> {
        put(&self.write, row).await
    }

    async fn delete_webhook(&self, id: WebhookId) -> Result<bool> {
        let deleted = sqlx::query("DELETE FROM webhooks WHERE id = ?").bind(id).execute(&self.write).await?;
        Ok(deleted.rows_affected() > 0)
    }

    async fn pump_deliveries(&self, at: Timestamp) -> Result<Pumped> {
        deliveries::pump(&self.read, &self.write, at).await
    }

    async fn due_deliveries(&self, now: Timestamp, per_webhook: usize) -> Result<Vec<Due>> {
        deliveries::due(&self.read, now, per_webhook).await
    }

    async fn next_delivery(&self, now: Timestamp) -> Result<Option<Timestamp>> {
        deliveries::next(&self.read, now).await
    }

    async fn settle_delivery(&self, id: DeliveryId, settled: Settled) -> Result<()> {
        deliveries::settle(&self.write, id, settled).await
    }

    async fn deliveries(&self, webhook: WebhookId, before: Option<u64>, limit: u64) -> Result<Vec<Delivery>> {
        deliveries::page(&self.read, webhook, before, limit).await
    }

    async fn resend_delivery(&self, id: DeliveryId, at: Timestamp) -> Result<Option<WebhookId>> {
        deliveries::resend(&self.write, id, at).await
    }

    async fn sweep_deliveries(&self, before: Timestamp) -> Result<u64> {
        deliveries::sweep(&self.write, before).await
    }
}

type Row = (WebhookId, String, String, Option<SiteId>, bool, Vec<u8>, Timestamp);

fn row((id, url, words, site, enabled, secret, created_at): Row) -> WebhookRow {
    let asks = |event: &WebhookEvent| words.contains(&format!(",{},", event.as_str()));
    let events = WebhookEvent::ALL.into_iter().filter(asks).collect();
    WebhookRow { webhook: Webhook { id, url, events, site, enabled, created_at }, secret }
}

async fn all(read: &SqlitePool) -> Result<Vec<WebhookRow>> {
    let sql = "SELECT id, url, events, site_id, enabled, secret, created_at FROM webhooks ORDER BY created_at, id";
    let rows: Vec<Row> = sqlx::query_as(sql).fetch_all(read).await?;
    Ok(rows.into_iter().map(row).collect())
}

async fn find(read: &SqlitePool, id: WebhookId) -> Result<Option<WebhookRow>> {
    let sql = "SELECT id, url, events, site_id, enabled, secret, created_at FROM webhooks WHERE id = ?";
    let found: Option<Row> = sqlx::query_as(sql).bind(id).fetch_optional(read).await?;
    Ok(found.map(row))
}

async fn put(write: &SqlitePool, WebhookRow { webhook, secret }: WebhookRow) -> Result<()> {
    let words: String = webhook.events.iter().map(|event| format!("{},", event.as_str())).collect();
    let mut tx = write.begin_with("BEGIN IMMEDIATE").await?;
    catch_up(&mut tx).await?;
    // Enabled again, it is told of nothing that happened meanwhile.
    sqlx::query(
        "INSERT INTO webhooks (id, url, events, site_id, enabled, secret, since, created_at)
         VALUES (?, ?, ?, ?, ?, ?, (SELECT coalesce(max(doc), 0) FROM events), ?)
         ON CONFLICT DO UPDATE SET url = excluded.url, events = excluded.events, site_id = excluded.site_id,
            since = iif(excluded.enabled AND NOT webhooks.enabled, excluded.since, webhooks.since),
            enabled = excluded.enabled",
    )
    .bind(webhook.id)
    .bind(webhook.url)
    .bind(format!(",{words}"))
    .bind(webhook.site)
    .bind(webhook.enabled)
    .bind(secret)
    .bind(webhook.created_at)
    .execute(&mut *tx)
    .await?;
    Ok(tx.commit().await?)
}

/// While nobody listens the log is not looked through: whoever comes first begins at its end.
async fn catch_up(tx: &mut SqliteConnection) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE webhook_cursor SET doc = (SELECT coalesce(max(doc), 0) FROM events)
         WHERE NOT EXISTS (SELECT 1 FROM webhooks WHERE enabled)",
    )
    .execute(tx)
    .await?;
    Ok(())
}
