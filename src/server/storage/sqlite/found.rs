//! A conversation is founded: its row, and a `member` event for each who is in it from the start.

use super::{batch::Batch, dialogs, writes};
use crate::{
    protocol::{
        Audience, Event, Seq, UserId, UserRef,
        http::Kind,
        limits::MEMBERS_PER_CONVERSATION,
        server::{MemberChanged, Membership},
    },
    server::storage::{Appended, NewConversation, Result, StorageError, desk::NewDialog},
};

pub(super) async fn conversation(batch: &mut Batch, new: NewConversation) -> Result<Appended> {
    if new.members.len() > MEMBERS_PER_CONVERSATION {
        return Err(StorageError::Full(writes::CONVERSATION_FULL));
    }
    // A failure of the statement would be that of everybody's commit.
    let taken = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM conversations WHERE id = ?)").bind(new.id);
    if taken.fetch_one(batch.connection()).await? {
        return Err(StorageError::Forbidden);
    }
    let mut members = Vec::with_capacity(new.members.len());
    for user in &new.members {
        writes::must_have_room(batch.connection(), *user).await?;
        members.push(name(batch, *user).await?);
    }
    name(batch, new.creator).await?;
    sqlx::query("INSERT INTO conversations (id, title, kind, agents, creator, last_at) VALUES (?, ?, ?, ?, ?, ?)")
        .bind(new.id)
        .bind(&new.title)
        .bind(new.kind)
        .bind(new.agents)
        .bind(new.creator)
        .bind(new.at)
        .execute(batch.connection())
        .await?;
    let mut head = Seq::ZERO;
    for user in members {
        let event = Event::Member(MemberChanged { user, change: Membership::Joined });
        head = batch.record(new.id, new.at, event, Audience::Everyone).await?;
    }
    Ok(Appended { seq: head, posted: None, changed: true })
}

pub(super) async fn dialog(batch: &mut Batch, new: NewDialog) -> Result<Appended> {
    let founded = NewConversation {
        id: new.id,
        title: new.title.clone(),
        kind: Kind::Dialog,
        agents: new.agents,
        creator: new.visitor,
        members: vec![new.visitor],
        at: new.at,
    };
    let appended = conversation(batch, founded).await?;
    dialogs::insert(batch.connection(), &new).await?;
    Ok(appended)
}

async fn name(batch: &mut Batch, id: UserId) -> Result<UserRef> {
    let name = sqlx::query_scalar("SELECT display_name FROM users WHERE id = ?").bind(id);
    let name = name.fetch_optional(batch.connection()).await?.ok_or(StorageError::NotFound)?;
    Ok(UserRef { id, name })
}
