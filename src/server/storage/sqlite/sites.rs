//! Websites that embed the widget.

use sqlx::SqlitePool;

use super::log::parse;
use crate::{
    protocol::{SiteId, Timestamp},
    server::storage::{Result, desk::SiteRow},
};

fn row((form, secret): (String, Vec<u8>)) -> Result<SiteRow> {
    Ok(SiteRow { site: parse(&form)?, secret })
}

pub(super) async fn all(read: &SqlitePool) -> Result<Vec<SiteRow>> {
    let rows = sqlx::query_as("SELECT form, secret FROM sites ORDER BY created_at, id").fetch_all(read).await?;
    rows.into_iter().map(row).collect()
}

pub(super) async fn find(read: &SqlitePool, id: &SiteId) -> Result<Option<SiteRow>> {
    let found = sqlx::query_as("SELECT form, secret FROM sites WHERE id = ?").bind(id).fetch_optional(read).await?;
    found.map(row).transpose()
}

/// # Panics
/// Never: a site encodes.
pub(super) async fn put(write: &SqlitePool, SiteRow { site, secret }: SiteRow, at: Timestamp) -> Result<()> {
    let form = serde_json::to_string(&site).expect("a site encodes");
    sqlx::query(
        "INSERT INTO sites (id, form, secret, created_at) VALUES (?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET form = excluded.form, secret = excluded.secret",
    )
    .bind(&site.id)
    .bind(form)
    .bind(secret)
    .bind(at)
    .execute(write)
    .await?;
    Ok(())
}
