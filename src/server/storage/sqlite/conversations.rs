//! What a person sees of the conversations they are in.

use sqlx::{Row as _, SqlitePool, sqlite::SqliteRow};

use super::dialogs;
use crate::{
    protocol::{
        Author, ConversationId, Seq, UserId, UserRef,
        dialog::{DialogLine, DialogStatus, Owner},
        http::{Conversation, Kind, LastMessage, Role, User},
        limits::{DIALOGS_LISTED, PREVIEW_CHARS},
        server::ReadPosition,
    },
    server::storage::{Access, MemberRow, Result},
};

/// Lines of a list: `?1` the person, `?2` how many characters of the last message. `m` gives the conversations
/// and how far the person has read in each.
///
/// Unread counts, the last message and, for operators, a visitor's own last one are derived here. Kept as numbers in
/// rows they would be one write per member and message. The one member that a dialog has is its visitor, who sees
/// nothing that is for operators.
macro_rules! lines {
    ($from:literal, $is_member:literal, $tail:literal) => {
        concat!(
            "SELECT c.id, c.title, c.kind, c.head, c.agents, c.creator, u.display_name AS creator_name,
                    (SELECT count(*) FROM events x
                     WHERE x.conversation_id = c.id AND x.seq > m.up_to AND x.author_id <> ?1
                       AND (c.kind = 'room' OR NOT ",
            $is_member,
            " OR x.audience = 'public')) AS unread,
                    l.id AS last_id, l.seq AS last_seq, substr(l.text, 1, ?2) AS last_text,
                    l.posted_at AS last_at, e.frame -> '$.author' AS last_author,
                    v.id AS asked_id, v.seq AS asked_seq, substr(v.text, 1, ?2) AS asked_text,
                    v.posted_at AS asked_at, a.frame -> '$.author' AS asked_author, ",
            $is_member,
            " AS is_member, d.site_id, d.waiting_since, ",
            dialogs::control!(),
            " FROM ",
            $from,
            " m
             JOIN conversations c ON c.id = m.conversation_id
             JOIN users u ON u.id = c.creator
             LEFT JOIN dialogs d ON d.conversation_id = c.id
             LEFT JOIN events e ON e.doc = (SELECT n.doc FROM events n
                                            WHERE n.conversation_id = c.id AND n.author_id IS NOT NULL
                                              AND (c.kind = 'room' OR NOT ",
            $is_member,
            " OR n.audience = 'public')
                                            ORDER BY n.seq DESC LIMIT 1)
             LEFT JOIN messages l ON l.doc = e.doc
             LEFT JOIN events a ON c.kind = 'dialog' AND NOT ",
            $is_member,
            " AND a.doc = (SELECT n.doc FROM events n
                           WHERE n.conversation_id = c.id AND n.author_id = c.creator ORDER BY n.seq DESC LIMIT 1)
             LEFT JOIN messages v ON v.doc = a.doc ",
            $tail
        )
    };
}

/// Of those whom this person is a member of.
macro_rules! own_lines {
    ($tail:literal) => {
        lines!("members", "1", $tail)
    };
}

/// Of dialogs, for somebody who is an operator or an admin.
macro_rules! dialog_lines {
    ($tail:literal) => {
        lines!(
            "(SELECT x.conversation_id, coalesce(r.up_to, 0) AS up_to FROM dialogs x
              JOIN users o ON o.id = ?1 AND o.role IN ('operator', 'admin') AND NOT o.disabled
              LEFT JOIN operator_reads r ON r.conversation_id = x.conversation_id AND r.user_id = ?1)",
            "0",
            $tail
        )
    };
}

fn line(row: &SqliteRow) -> Result<Conversation> {
    let creator = UserRef { id: row.try_get("creator")?, name: row.try_get("creator_name")? };
    let kind: Kind = row.try_get("kind")?;
    let control = match kind {
        Kind::Room => None,
        Kind::Dialog => Some(dialogs::control_of(row)?),
    };
    let dialog = match &control {
        Some(control) if !row.try_get::<bool, _>("is_member")? => Some(DialogLine {
            site_id: row.try_get("site_id")?,
            visitor: creator.clone(),
            epoch: control.epoch,
            waiting_since: row.try_get("waiting_since")?,
            visitor_message: message(row, "asked")?.map(Box::new),
        }),
        _ => None,
    };
    let (owner, status) = match control {
        Some(control) => (control.owner, control.status),
        None => (Owner::Human { user: creator }, DialogStatus::Open),
    };
    Ok(Conversation {
        id: row.try_get("id")?,
        title: row.try_get("title")?,
        kind,
        head: row.try_get("head")?,
        unread: row.try_get("unread")?,
        owner,
        status,
        agents: row.try_get("agents")?,
        last_message: message(row, "last")?,
        dialog,
    })
}

/// From the columns `NAME_id`, `NAME_seq` and so on.
fn message(row: &SqliteRow, name: &str) -> Result<Option<LastMessage>> {
    let column = |column: &str| [name, "_", column].concat();
    let Some(id) = row.try_get(column("id").as_str())? else { return Ok(None) };
    let author: Author = super::log::parse(row.try_get(column("author").as_str())?)?;
    let seq = row.try_get(column("seq").as_str())?;
    let (text, timestamp) = (row.try_get(column("text").as_str())?, row.try_get(column("at").as_str())?);
    Ok(Some(LastMessage { id, seq, author, text, timestamp }))
}

const PREVIEW: i64 = PREVIEW_CHARS as i64;

pub(super) async fn of(read: &SqlitePool, user: UserId) -> Result<Vec<Conversation>> {
    let own = sqlx::query(own_lines!("WHERE m.user_id = ?1 ORDER BY c.last_at DESC, c.id DESC"));
    let own = own.bind(user).bind(PREVIEW).fetch_all(read).await?;
    // Whoever only opened the widget is nobody's work yet.
    let dialogs = sqlx::query(dialog_lines!(
        "WHERE c.head > 1 ORDER BY d.status = 'resolved', c.last_at DESC, c.id DESC LIMIT ?3"
    ));
    let dialogs = dialogs.bind(user).bind(PREVIEW).bind(DIALOGS_LISTED as i64).fetch_all(read).await?;
    own.iter().chain(&dialogs).map(line).collect()
}

pub(super) async fn one_of(read: &SqlitePool, user: UserId, id: ConversationId) -> Result<Option<Conversation>> {
    let own = sqlx::query(own_lines!("WHERE m.user_id = ?1 AND m.conversation_id = ?3"));
    let mut row = own.bind(user).bind(PREVIEW).bind(id).fetch_optional(read).await?;
    if row.is_none() {
        let dialog = sqlx::query(dialog_lines!("WHERE m.conversation_id = ?3"));
        row = dialog.bind(user).bind(PREVIEW).bind(id).fetch_optional(read).await?;
    }
    row.as_ref().map(line).transpose()
}

pub(super) async fn access(read: &SqlitePool, user: UserId, id: ConversationId) -> Result<Option<Access>> {
    let row: Option<(Kind, bool, Seq, UserId, u64)> = sqlx::query_as(
        "SELECT c.kind, c.agents, c.head, c.creator, c.member_count
         FROM conversations c LEFT JOIN members m ON m.conversation_id = c.id AND m.user_id = ?1
         WHERE c.id = ?2 AND (m.user_id IS NOT NULL OR (c.kind = 'dialog' AND EXISTS (
               SELECT 1 FROM users u WHERE u.id = ?1 AND u.role IN ('operator', 'admin') AND NOT u.disabled)))",
    )
    .bind(user)
    .bind(id)
    .fetch_optional(read)
    .await?;
    Ok(row.map(|(kind, agents, head, creator, members)| Access { kind, agents, head, creator, members }))
}

pub(super) async fn members(read: &SqlitePool, id: ConversationId) -> Result<Vec<MemberRow>> {
    let rows: Vec<(UserId, String, String, Role, bool, Seq)> = sqlx::query_as(
        "SELECT u.id, u.username, u.display_name, u.role, u.disabled, m.up_to
         FROM members m JOIN users u ON u.id = m.user_id
         WHERE m.conversation_id = ? ORDER BY m.joined_seq",
    )
    .bind(id)
    .fetch_all(read)
    .await?;
    Ok(rows
        .into_iter()
        .map(|(id, username, display_name, role, disabled, up_to)| MemberRow {
            user: User { id, username, display_name, role, disabled },
            up_to,
        })
        .collect())
}

pub(super) async fn ids_of(read: &SqlitePool, user: UserId) -> Result<Vec<ConversationId>> {
    let ids = sqlx::query_scalar("SELECT conversation_id FROM members WHERE user_id = ?").bind(user);
    Ok(ids.fetch_all(read).await?)
}

pub(super) async fn reads(read: &SqlitePool, id: ConversationId, limit: usize) -> Result<Vec<ReadPosition>> {
    let rows: Vec<(UserId, String, Seq)> = sqlx::query_as(
        "SELECT u.id, u.display_name, m.up_to FROM members m JOIN users u ON u.id = m.user_id
         WHERE m.conversation_id = ? AND m.up_to > 0 ORDER BY m.up_to DESC, m.joined_seq LIMIT ?",
    )
    .bind(id)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(read)
    .await?;
    Ok(rows.into_iter().map(|(id, name, up_to)| ReadPosition { user: UserRef { id, name }, up_to }).collect())
}
