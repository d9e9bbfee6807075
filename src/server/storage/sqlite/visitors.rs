//! Visitors: people without an account, known again by a token of which only the hash is kept.

use sqlx::{FromRow, SqlitePool};

use crate::{
    protocol::{
        ConversationId, Seq, SiteId, Timestamp, UserId,
        dialog::{DialogStatus, PastDialog, VisitorDetails},
        http::{Role, User},
        limits,
    },
    server::storage::{
        Result,
        desk::{NewVisitor, TokenHash, VisitorNews, VisitorRow},
    },
};

pub(super) async fn create(write: &SqlitePool, new: NewVisitor) -> Result<()> {
    let NewVisitor { id, site, name, at } = new;
    let username = format!("visitor-{id}");
    let mut tx = write.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query(
        "INSERT INTO users (id, username, username_key, display_name, password_hash, created_at, role)
         VALUES (?, ?, ?, ?, '', ?, 'visitor')",
    )
    .bind(id)
    .bind(&username)
    .bind(username.to_lowercase())
    .bind(name)
    .bind(at)
    .execute(&mut *tx)
    .await?;
    sqlx::query("INSERT INTO visitors (id, site_id, created_at) VALUES (?, ?, ?)")
        .bind(id)
        .bind(site)
        .bind(at)
        .execute(&mut *tx)
        .await?;
    Ok(tx.commit().await?)
}

pub(super) async fn tell(write: &SqlitePool, id: UserId, news: VisitorNews) -> Result<()> {
    let VisitorNews { name, email, external, page, referrer, device } = news;
    let (external_id, verified) = external.unzip();
    let mut tx = write.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query("UPDATE users SET display_name = coalesce(?, display_name) WHERE id = ?")
        .bind(name)
        .bind(id)
        .execute(&mut *tx)
        .await?;
    // What the site vouched for is not replaced by what somebody merely says.
    sqlx::query(
        "UPDATE visitors SET email = coalesce(?1, email),
                external_id = CASE WHEN verified AND NOT coalesce(?3, 0) THEN external_id
                                   ELSE coalesce(?2, external_id) END,
                verified = max(verified, coalesce(?3, 0)),
                page = coalesce(?4, page), referrer = coalesce(?5, referrer), device = coalesce(?6, device)
         WHERE id = ?7",
    )
    .bind(email)
    .bind(external_id)
    .bind(verified)
    .bind(page)
    .bind(referrer)
    .bind(device)
    .bind(id)
    .execute(&mut *tx)
    .await?;
    Ok(tx.commit().await?)
}

pub(super) async fn add_token(write: &SqlitePool, id: UserId, hash: TokenHash, at: Timestamp) -> Result<()> {
    let mut tx = write.begin_with("BEGIN IMMEDIATE").await?;
    sqlx::query("INSERT INTO visitor_tokens (hash, visitor_id, created_at) VALUES (?, ?, ?)")
        .bind(hash.to_vec())
        .bind(id)
        .bind(at)
        .execute(&mut *tx)
        .await?;
    sqlx::query(
        "DELETE FROM visitor_tokens WHERE visitor_id = ?1 AND hash NOT IN (
             SELECT hash FROM visitor_tokens WHERE visitor_id = ?1 ORDER BY created_at DESC LIMIT ?2)",
    )
    .bind(id)
    .bind(limits::VISITOR_TOKENS as i64)
    .execute(&mut *tx)
    .await?;
    Ok(tx.commit().await?)
}

#[derive(FromRow)]
struct Row {
    id: UserId,
    username: String,
    display_name: String,
    disabled: bool,
    site_id: SiteId,
    external_id: Option<String>,
    verified: bool,
}

impl Row {
    fn into_visitor(self) -> VisitorRow {
        let Self { id, username, display_name, disabled, site_id, external_id, verified } = self;
        let user = User { id, username, display_name, role: Role::Visitor, disabled };
        VisitorRow { user, site_id, verified_id: external_id.filter(|_| verified) }
    }
}

macro_rules! visitor {
    ($tail:literal) => {
        concat!(
            "SELECT u.id, u.username, u.display_name, u.disabled, v.site_id, v.external_id, v.verified
             FROM visitors v JOIN users u ON u.id = v.id ",
            $tail
        )
    };
}

pub(super) async fn by_token(read: &SqlitePool, hash: TokenHash) -> Result<Option<VisitorRow>> {
    let row: Option<Row> =
        sqlx::query_as(visitor!("JOIN visitor_tokens t ON t.visitor_id = v.id WHERE t.hash = ? AND NOT u.disabled"))
            .bind(hash.to_vec())
            .fetch_optional(read)
            .await?;
    Ok(row.map(Row::into_visitor))
}

pub(super) async fn by_external_id(read: &SqlitePool, site: &SiteId, id: &str) -> Result<Option<VisitorRow>> {
    let sql = visitor!("WHERE v.site_id = ? AND v.external_id = ? AND v.verified = 1 AND NOT u.disabled");
    let row: Option<Row> = sqlx::query_as(sql).bind(site).bind(id).fetch_optional(read).await?;
    Ok(row.map(Row::into_visitor))
}

#[derive(FromRow)]
struct Details {
    id: UserId,
    name: String,
    site_id: SiteId,
    site_name: Option<String>,
    created_at: Timestamp,
    email: Option<String>,
    external_id: Option<String>,
    verified: bool,
    page: Option<String>,
    referrer: Option<String>,
    device: Option<String>,
}

pub(super) async fn details(read: &SqlitePool, dialog: ConversationId) -> Result<Option<VisitorDetails>> {
    let found: Option<Details> = sqlx::query_as(
        "SELECT v.id, u.display_name AS name, v.site_id, s.form ->> '$.name' AS site_name, v.created_at, v.email,
                v.external_id, v.verified, v.page, v.referrer, v.device
         FROM dialogs d JOIN visitors v ON v.id = d.visitor_id JOIN users u ON u.id = v.id
         LEFT JOIN sites s ON s.id = v.site_id
         WHERE d.conversation_id = ?",
    )
    .bind(dialog)
    .fetch_optional(read)
    .await?;
    let Some(found) = found else { return Ok(None) };
    let past: Vec<(ConversationId, DialogStatus, Seq, Timestamp)> = sqlx::query_as(
        "SELECT c.id, d.status, c.head, c.last_at FROM dialogs d JOIN conversations c ON c.id = d.conversation_id
         WHERE d.visitor_id = ? AND c.id <> ? AND c.head > 1 ORDER BY c.last_at DESC LIMIT ?",
    )
    .bind(found.id)
    .bind(dialog)
    .bind(limits::PAST_DIALOGS as i64)
    .fetch_all(read)
    .await?;
    let past = past.into_iter().map(|(id, status, head, last_at)| PastDialog { id, status, head, last_at });
    Ok(Some(VisitorDetails {
        id: found.id,
        name: found.name,
        site_name: found.site_name.unwrap_or_else(|| found.site_id.to_string()),
        site_id: found.site_id,
        first_seen: found.created_at,
        email: found.email,
        external_id: found.external_id,
        verified: found.verified,
        page: found.page,
        referrer: found.referrer,
        device: found.device,
        past: past.collect(),
    }))
}
