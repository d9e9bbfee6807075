//! Dialogs: who holds each. A change of hands is compared with how the dialog stands in the transaction that makes it.

use sqlx::{Row as _, SqliteConnection, SqlitePool, sqlite::SqliteRow};

use super::{
    audit,
    batch::Batch,
    log,
    posts::{self, Post},
    reads::Read,
};
use crate::{
    protocol::{
        Audience, ConversationId, Event, Seq, SiteId, Timestamp, UserId, UserRef,
        dialog::{ControlChanged, ControlState, DialogStatus, Owner},
        http::{Role, User},
        limits::DIALOGS_LISTED,
    },
    server::storage::{
        Appended, DialogWrite, Result, StorageError,
        desk::{DialogRow, NewDialog},
    },
};

/// The columns that [`control_of`] reads, of the dialog `d`.
macro_rules! control {
    () => {
        "d.status, d.owner, d.owner_id, d.owner_name, d.team, d.epoch"
    };
}
pub(super) use control;

/// From the columns of [`control!`], by their names.
pub(super) fn control_of(row: &SqliteRow) -> sqlx::Result<ControlState> {
    let owner = match row.try_get::<&str, _>("owner")? {
        "ai" => Owner::Ai,
        "queue" => Owner::Queue { team: row.try_get("team")? },
        _ => Owner::Human { user: UserRef { id: row.try_get("owner_id")?, name: row.try_get("owner_name")? } },
    };
    Ok(ControlState { owner, status: row.try_get("status")?, epoch: row.try_get("epoch")? })
}

pub(super) async fn insert(tx: &mut SqliteConnection, new: &NewDialog) -> Result<()> {
    let NewDialog { id, site, visitor, owner, at, .. } = new;
    let waiting = matches!(owner, Owner::Queue { .. }).then_some(*at);
    sqlx::query(
        "INSERT INTO dialogs (conversation_id, site_id, visitor_id, status, owner, team, epoch, waiting_since)
         VALUES (?, ?, ?, ?, ?, ?, 1, ?)",
    )
    .bind(id)
    .bind(site)
    .bind(visitor)
    .bind(DialogStatus::Open)
    .bind(kind(owner))
    .bind(team(owner))
    .bind(waiting)
    .execute(tx)
    .await?;
    Ok(())
}

const fn kind(owner: &Owner) -> &'static str {
    match owner {
        Owner::Ai => "ai",
        Owner::Queue { .. } => "queue",
        Owner::Human { .. } => "human",
    }
}

fn team(owner: &Owner) -> Option<&str> {
    match owner {
        Owner::Queue { team } => team.as_deref(),
        Owner::Ai | Owner::Human { .. } => None,
    }
}

pub(super) async fn perform(
    batch: &mut Batch,
    id: ConversationId,
    at: Timestamp,
    write: DialogWrite,
) -> Result<Appended> {
    let DialogWrite { from, control, message } = write;
    let post = message.map(|message| Post { conversation_id: id, at, message });
    if let Some(post) = &post
        && let Some(earlier) = posts::earlier(batch, post).await?
    {
        return Ok(earlier);
    }
    let now = standing(batch.connection(), id).await?.ok_or(StorageError::NotFound)?;
    if (now.epoch, now.status) != (from.epoch, from.status) {
        return Err(StorageError::StaleEpoch(Box::new(now)));
    }
    if let Some(post) = &post {
        // Refused before anything is written.
        posts::must_be_takable(batch, post).await?;
    }
    let mut appended = Appended { seq: log::head(batch.connection(), id).await?, posted: None, changed: false };
    if let Some(change) = control {
        appended.seq = batch.record(id, at, Event::Control(change), Audience::Everyone).await?;
        appended.changed = true;
    }
    match post {
        Some(post) => posts::perform(batch, vec![post], false).await?.pop().unwrap_or(Err(StorageError::Closed)),
        None => Ok(appended),
    }
}

/// The projection of a `control` event.
pub(super) async fn project(
    tx: &mut SqliteConnection,
    id: ConversationId,
    at: Timestamp,
    change: &ControlChanged,
) -> sqlx::Result<()> {
    let ControlState { owner, status, epoch } = &change.state;
    let person = match owner {
        Owner::Human { user } => Some(user),
        Owner::Ai | Owner::Queue { .. } => None,
    };
    let waits = matches!(owner, Owner::Queue { .. }) && *status == DialogStatus::Open;
    sqlx::query(
        "UPDATE dialogs SET status = ?1, owner = ?2, owner_id = ?3, owner_name = ?4, team = ?5, epoch = ?6,
                last_human = coalesce(?3, last_human),
                waiting_since = CASE WHEN ?7 THEN coalesce(waiting_since, ?8) END
         WHERE conversation_id = ?9",
    )
    .bind(status)
    .bind(kind(owner))
    .bind(person.map(|user| user.id))
    .bind(person.map(|user| user.name.as_str()))
    .bind(team(owner))
    .bind(i64::try_from(*epoch).unwrap_or(i64::MAX))
    .bind(waits)
    .bind(at)
    .bind(id)
    .execute(&mut *tx)
    .await?;
    audit::control(tx, id, at, change).await
}

pub(super) async fn standing(tx: &mut SqliteConnection, id: ConversationId) -> Result<Option<ControlState>> {
    let sql = concat!("SELECT ", control!(), " FROM dialogs d WHERE d.conversation_id = ?");
    let row = sqlx::query(sql).bind(id).fetch_optional(tx).await?;
    Ok(row.as_ref().map(control_of).transpose()?)
}

/// Of a dialog, that the agents may write under this epoch. A room has none.
pub(super) async fn must_be_with_ai(tx: &mut SqliteConnection, id: ConversationId, epoch: u64) -> Result<()> {
    match standing(tx, id).await? {
        Some(now) if !now.is_with_ai(epoch) => Err(StorageError::StaleEpoch(Box::new(now))),
        _ => Ok(()),
    }
}

/// Whether this is a dialog, and the person an operator or admin.
pub(super) async fn is_for(tx: &mut SqliteConnection, id: ConversationId, user: UserId) -> Result<bool> {
    let found = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM dialogs d, users u WHERE d.conversation_id = ? AND u.id = ?
                        AND u.role IN ('operator', 'admin') AND NOT u.disabled)",
    );
    Ok(found.bind(id).bind(user).fetch_one(tx).await?)
}

/// An operator's read position: they are no members of what they read.
pub(super) async fn read(tx: &mut SqliteConnection, read: &Read) -> Result<Appended> {
    if !is_for(tx, read.conversation, read.user).await? {
        return Err(StorageError::NotFound);
    }
    let up_to = read.up_to.min(log::head(tx, read.conversation).await?);
    let moved: Option<Seq> = sqlx::query_scalar(
        "INSERT INTO operator_reads (conversation_id, user_id, up_to) VALUES (?, ?, ?)
         ON CONFLICT DO UPDATE SET up_to = excluded.up_to WHERE excluded.up_to > up_to RETURNING up_to",
    )
    .bind(read.conversation)
    .bind(read.user)
    .bind(up_to)
    .fetch_optional(tx)
    .await?;
    Ok(Appended { seq: up_to, posted: None, changed: moved.is_some() })
}

pub(super) async fn find(read: &SqlitePool, id: ConversationId) -> Result<Option<DialogRow>> {
    let sql = concat!(
        "SELECT ",
        control!(),
        ", d.site_id, d.visitor_id, u.display_name, d.last_human, c.agents, c.head
         FROM dialogs d JOIN users u ON u.id = d.visitor_id JOIN conversations c ON c.id = d.conversation_id
         WHERE d.conversation_id = ?"
    );
    let Some(row) = sqlx::query(sql).bind(id).fetch_optional(read).await? else { return Ok(None) };
    Ok(Some(DialogRow {
        control: control_of(&row)?,
        site_id: SiteId(row.try_get("site_id")?),
        visitor: UserRef { id: row.try_get("visitor_id")?, name: row.try_get("display_name")? },
        last_human: row.try_get("last_human")?,
        agents: row.try_get("agents")?,
        head: row.try_get("head")?,
    }))
}

pub(super) async fn open_of(read: &SqlitePool, visitor: UserId) -> Result<Option<ConversationId>> {
    let id = sqlx::query_scalar(
        "SELECT conversation_id FROM dialogs WHERE visitor_id = ? AND status <> 'resolved'
         ORDER BY conversation_id DESC LIMIT 1",
    );
    Ok(id.bind(visitor).fetch_optional(read).await?)
}

pub(super) async fn held(read: &SqlitePool) -> Result<Vec<(ConversationId, UserId)>> {
    let rows = sqlx::query_as(
        "SELECT conversation_id, owner_id FROM dialogs WHERE status <> 'resolved' AND status = 'open' AND owner = 'human'",
    );
    Ok(rows.fetch_all(read).await?)
}

pub(super) async fn waiting(read: &SqlitePool) -> Result<Vec<ConversationId>> {
    let ids = sqlx::query_scalar(
        "SELECT conversation_id FROM dialogs WHERE status <> 'resolved' AND status = 'open' AND owner = 'queue'
         ORDER BY waiting_since, conversation_id LIMIT ?",
    );
    Ok(ids.bind(DIALOGS_LISTED as i64).fetch_all(read).await?)
}

pub(super) async fn operators(read: &SqlitePool) -> Result<Vec<User>> {
    let rows: Vec<(UserId, String, String, Role)> = sqlx::query_as(
        "SELECT id, username, display_name, role FROM users
         WHERE role IN ('operator', 'admin') AND NOT disabled ORDER BY id",
    )
    .fetch_all(read)
    .await?;
    let user = |(id, username, display_name, role)| User { id, username, display_name, role, disabled: false };
    Ok(rows.into_iter().map(user).collect())
}
