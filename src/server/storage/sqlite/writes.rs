//! Every write but a post: checked, made an event, recorded. The checks come first, all of them.

use sqlx::SqliteConnection;

use super::{batch::Batch, dialogs, log, runs};
use crate::{
    protocol::{
        Audience, ConversationId, Event, MessageId, Seq, Timestamp, UserId, UserRef,
        limits::{CONVERSATIONS_PER_USER, MEMBERS_PER_CONVERSATION, REACTIONS_PER_MESSAGE},
        server::{Deleted, Edited, MemberChanged, Membership, Reaction},
    },
    server::storage::{Append, Appended, Result, StorageError, Write},
};

/// What a write comes to once it is checked; `None` where it changes nothing.
type Verdict = Option<(Event, Audience)>;

pub(super) async fn perform(batch: &mut Batch, append: Append) -> Result<Appended> {
    let Append { conversation_id, at, write } = append;
    let write = match write {
        Write::Run(step) => return runs::step(batch, conversation_id, at, step).await,
        Write::Dialog(write) => return dialogs::perform(batch, conversation_id, at, write).await,
        other => other,
    };
    let head = log::head(batch.connection(), conversation_id).await?;
    match check(batch.connection(), conversation_id, write).await? {
        None => Ok(Appended { seq: head, posted: None, changed: false }),
        Some((event, audience)) => record(batch, conversation_id, at, event, audience).await,
    }
}

async fn record(
    batch: &mut Batch,
    conversation: ConversationId,
    at: Timestamp,
    event: Event,
    audience: Audience,
) -> Result<Appended> {
    let seq = batch.record(conversation, at, event, audience).await?;
    Ok(Appended { seq, posted: None, changed: true })
}

async fn check(tx: &mut SqliteConnection, id: ConversationId, write: Write) -> Result<Verdict> {
    match write {
        Write::Edit { message_id, by, text } => edit(tx, id, Edited { message_id, by, text }).await,
        Write::Delete { message_id, by, moderates } => delete(tx, id, Deleted { message_id, by }, moderates).await,
        Write::React { message_id, by, emoji, on } => react(tx, id, Reaction { message_id, by, emoji, on }).await,
        Write::Join { user } => join(tx, id, user).await,
        Write::Leave { user } => leave(tx, id, user).await,
        Write::Server(event) => server(tx, id, event).await,
        // These are taken by themselves; one that came here would go without its idempotency row or its guard.
        Write::Post(_) | Write::Run(_) | Write::Dialog(_) => Err(StorageError::Forbidden),
    }
}

/// The message that a write is about.
#[derive(sqlx::FromRow)]
struct Target {
    seq: Seq,
    author_id: UserId,
    text: String,
    deleted: bool,
    audience: String,
}

impl Target {
    async fn find(tx: &mut SqliteConnection, id: ConversationId, message: MessageId) -> Result<Self> {
        let target = sqlx::query_as(
            "SELECT m.seq, m.author_id, m.text, m.deleted, e.audience
             FROM messages m JOIN events e ON e.doc = m.doc
             WHERE m.id = ? AND m.conversation_id = ?",
        );
        target.bind(message).bind(id).fetch_optional(tx).await?.ok_or(StorageError::NotFound)
    }

    /// What is done to a note is for those who see the note.
    fn event(&self, event: Event) -> Verdict {
        Some((event, log::audience(&self.audience)))
    }
}

async fn edit(tx: &mut SqliteConnection, id: ConversationId, edited: Edited) -> Result<Verdict> {
    must_take_part(tx, id, edited.by.id).await?;
    let target = Target::find(tx, id, edited.message_id).await?;
    if target.deleted {
        return Err(StorageError::NotFound);
    }
    if target.author_id != edited.by.id {
        return Err(StorageError::Forbidden);
    }
    if target.text == edited.text {
        return Ok(None);
    }
    Ok(target.event(Event::Edited(edited)))
}

async fn delete(tx: &mut SqliteConnection, id: ConversationId, deleted: Deleted, moderates: bool) -> Result<Verdict> {
    if !moderates {
        must_take_part(tx, id, deleted.by.id).await?;
    }
    let target = Target::find(tx, id, deleted.message_id).await?;
    if target.author_id != deleted.by.id && !moderates {
        return Err(StorageError::Forbidden);
    }
    if target.deleted {
        return Ok(None);
    }
    Ok(target.event(Event::Deleted(deleted)))
}

async fn react(tx: &mut SqliteConnection, id: ConversationId, reaction: Reaction) -> Result<Verdict> {
    must_take_part(tx, id, reaction.by.id).await?;
    let target = Target::find(tx, id, reaction.message_id).await?;
    if target.deleted {
        return Err(StorageError::NotFound);
    }
    let (kinds, of_this_kind, mine): (i64, i64, i64) = sqlx::query_as(
        "SELECT count(DISTINCT emoji), count(*) FILTER (WHERE emoji = ?1),
                count(*) FILTER (WHERE emoji = ?1 AND user_id = ?2)
         FROM reactions WHERE conversation_id = ?3 AND message_seq = ?4",
    )
    .bind(&reaction.emoji)
    .bind(reaction.by.id)
    .bind(id)
    .bind(target.seq)
    .fetch_one(tx)
    .await?;
    if (mine > 0) == reaction.on {
        return Ok(None);
    }
    if reaction.on && of_this_kind == 0 && reached(kinds, REACTIONS_PER_MESSAGE) {
        return Err(StorageError::Full("This message has as many kinds of reaction as it can hold."));
    }
    Ok(target.event(Event::Reaction(reaction)))
}

async fn join(tx: &mut SqliteConnection, id: ConversationId, user: UserRef) -> Result<Verdict> {
    if is_member(tx, id, user.id).await? {
        return Ok(None);
    }
    must_have_room(tx, user.id).await?;
    let members = sqlx::query_scalar("SELECT member_count FROM conversations WHERE id = ?").bind(id);
    if reached(members.fetch_one(tx).await?, MEMBERS_PER_CONVERSATION) {
        return Err(StorageError::Full(CONVERSATION_FULL));
    }
    Ok(member(user, Membership::Joined))
}

async fn leave(tx: &mut SqliteConnection, id: ConversationId, user: UserRef) -> Result<Verdict> {
    must_be_member(tx, id, user.id).await?;
    Ok(member(user, Membership::Left))
}

fn member(user: UserRef, change: Membership) -> Verdict {
    Some((Event::Member(MemberChanged { user, change }), Audience::Everyone))
}

/// What the server says is not asked for a right, but it can neither write twice what can be only once, nor
/// bring back a text that was deleted.
pub(super) async fn server(tx: &mut SqliteConnection, id: ConversationId, event: Event) -> Result<Verdict> {
    match event {
        Event::Hidden => Err(StorageError::Forbidden),
        Event::Member(MemberChanged { user, change: Membership::Joined }) => join(tx, id, user).await,
        Event::Member(MemberChanged { user, change: Membership::Left }) => leave(tx, id, user).await,
        Event::Edited(Edited { message_id, .. })
        | Event::Deleted(Deleted { message_id, .. })
        | Event::Reaction(Reaction { message_id, .. }) => {
            let target = Target::find(tx, id, message_id).await?;
            if target.deleted { Err(StorageError::NotFound) } else { Ok(target.event(event)) }
        }
        Event::Result(mut result) => {
            let target = Target::find(tx, id, result.message_id).await?;
            if target.deleted {
                result.content.clear();
            }
            Ok(target.event(Event::Result(result)))
        }
        event => {
            let audience = Audience::of(&event);
            Ok(Some((event, audience)))
        }
    }
}

pub(super) const CONVERSATION_FULL: &str = "This conversation has as many members as it can hold.";

/// Somebody there is, who is in fewer conversations than one can be in.
pub(super) async fn must_have_room(tx: &mut SqliteConnection, user: UserId) -> Result<()> {
    let conversations: Option<i64> = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM members m WHERE m.user_id = u.id) FROM users u WHERE u.id = ?",
    )
    .bind(user)
    .fetch_optional(tx)
    .await?;
    match conversations {
        None => Err(StorageError::NotFound),
        Some(count) if reached(count, CONVERSATIONS_PER_USER) => {
            Err(StorageError::Full("This person is in as many conversations as one can be in."))
        }
        Some(_) => Ok(()),
    }
}

/// A member, or, of a dialog, an operator.
async fn must_take_part(tx: &mut SqliteConnection, id: ConversationId, user: UserId) -> Result<()> {
    if is_member(tx, id, user).await? || dialogs::is_for(tx, id, user).await? {
        return Ok(());
    }
    Err(StorageError::NotFound)
}

async fn must_be_member(tx: &mut SqliteConnection, id: ConversationId, user: UserId) -> Result<()> {
    if is_member(tx, id, user).await? { Ok(()) } else { Err(StorageError::NotFound) }
}

async fn is_member(tx: &mut SqliteConnection, id: ConversationId, user: UserId) -> Result<bool> {
    let found = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM members WHERE conversation_id = ? AND user_id = ?)");
    Ok(found.bind(id).bind(user).fetch_one(tx).await?)
}

fn reached(count: i64, limit: usize) -> bool {
    usize::try_from(count).is_ok_and(|count| count >= limit)
}
