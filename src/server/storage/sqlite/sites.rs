//! Websites that embed the widget.

use sqlx::SqlitePool;

use super::log::parse;
use crate::{
    protocol::{SiteId, Timestamp, site::Site},
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

pub(super) async fn make(write: &SqlitePool, SiteRow { site, secret }: SiteRow, at: Timestamp) -> Result<()> {
    sqlx::query("INSERT INTO sites (id, form, secret, created_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING")
        .bind(&site.id)
        .bind(form(&site))
        .bind(secret)
        .bind(at)
        .execute(write)
        .await?;
    Ok(())
}

pub(super) async fn change(write: &SqlitePool, site: &Site) -> Result<bool> {
    let changed = sqlx::query("UPDATE sites SET form = ? WHERE id = ?").bind(form(site)).bind(&site.id);
    Ok(changed.execute(write).await?.rows_affected() > 0)
}

pub(super) async fn replace_secret(write: &SqlitePool, id: &SiteId, sealed: Vec<u8>) -> Result<bool> {
    let replaced = sqlx::query("UPDATE sites SET secret = ? WHERE id = ?").bind(sealed).bind(id);
    Ok(replaced.execute(write).await?.rows_affected() > 0)
}

/// # Panics
/// Never: a site encodes.
fn form(site: &Site) -> String {
    serde_json::to_string(site).expect("a site encodes")
}
