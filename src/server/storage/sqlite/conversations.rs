//! What a person sees of the conversations they are in.

use sqlx::SqlitePool;

use crate::{
    protocol::{
        Author, ConversationId, MessageId, Seq, Timestamp, UserId, UserRef,
        dialog::{DialogStatus, Owner},
        http::{Conversation, Kind, LastMessage, Role, User},
        limits::PREVIEW_CHARS,
        server::ReadPosition,
    },
    server::storage::{Access, MemberRow, Result},
};

/// Lines of a person's list: `?1` the person, `?2` how many characters of the last message.
///
/// Unread counts and the last message are derived here. Kept as numbers in rows they would be one write per
/// member and message.
macro_rules! lines {
    ($tail:literal) => {
        concat!(
            "SELECT c.id, c.title, c.kind, c.head, c.agents, c.creator, u.display_name AS creator_name,
                    (SELECT count(*) FROM events x
                     WHERE x.conversation_id = c.id AND x.seq > m.up_to AND x.author_id <> m.user_id) AS unread,
                    l.id AS last_id, l.seq AS last_seq, substr(l.text, 1, ?2) AS last_text,
                    l.posted_at AS last_at, e.frame -> '$.author' AS last_author
             FROM members m
             JOIN conversations c ON c.id = m.conversation_id
             JOIN users u ON u.id = c.creator
             LEFT JOIN events e ON e.doc = (SELECT n.doc FROM events n
                                            WHERE n.conversation_id = c.id AND n.author_id IS NOT NULL
                                            ORDER BY n.seq DESC LIMIT 1)
             LEFT JOIN messages l ON l.doc = e.doc
             WHERE m.user_id = ?1 ",
            $tail
        )
    };
}

#[derive(sqlx::FromRow)]
struct Line {
    id: ConversationId,
    title: String,
    kind: Kind,
    head: Seq,
    agents: bool,
    creator: UserId,
    creator_name: String,
    unread: u64,
    last_id: Option<MessageId>,
    last_seq: Option<Seq>,
    last_text: Option<String>,
    last_at: Option<Timestamp>,
    last_author: Option<String>,
}

impl Line {
    fn into_conversation(self) -> Result<Conversation> {
        let last_message = self.last_message()?;
        let creator = UserRef { id: self.creator, name: self.creator_name };
        Ok(Conversation {
            id: self.id,
            title: self.title,
            kind: self.kind,
            head: self.head,
            unread: self.unread,
            owner: Owner::Human { user: creator },
            status: DialogStatus::Open,
            agents: self.agents,
            last_message,
        })
    }

    fn last_message(&self) -> Result<Option<LastMessage>> {
        let (Some(id), Some(seq), Some(text), Some(timestamp), Some(author)) =
            (self.last_id, self.last_seq, &self.last_text, self.last_at, &self.last_author)
        else {
            return Ok(None);
        };
        let author: Author = super::log::parse(author)?;
        Ok(Some(LastMessage { id, seq, author, text: text.clone(), timestamp }))
    }
}

const PREVIEW: i64 = PREVIEW_CHARS as i64;

pub(super) async fn of(read: &SqlitePool, user: UserId) -> Result<Vec<Conversation>> {
    let lines = sqlx::query_as::<_, Line>(lines!("ORDER BY c.last_at DESC, c.id DESC"));
    let lines = lines.bind(user).bind(PREVIEW).fetch_all(read).await?;
    lines.into_iter().map(Line::into_conversation).collect()
}

pub(super) async fn one_of(read: &SqlitePool, user: UserId, id: ConversationId) -> Result<Option<Conversation>> {
    let line = sqlx::query_as::<_, Line>(lines!("AND m.conversation_id = ?3"));
    let line = line.bind(user).bind(PREVIEW).bind(id).fetch_optional(read).await?;
    line.map(Line::into_conversation).transpose()
}

pub(super) async fn access(read: &SqlitePool, user: UserId, id: ConversationId) -> Result<Option<Access>> {
    let row: Option<(Kind, bool, Seq, UserId, u64)> = sqlx::query_as(
        "SELECT c.kind, c.agents, c.head, c.creator, c.member_count
         FROM members m JOIN conversations c ON c.id = m.conversation_id
         WHERE m.conversation_id = ? AND m.user_id = ?",
    )
    .bind(id)
    .bind(user)
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
