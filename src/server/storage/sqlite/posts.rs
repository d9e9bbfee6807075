//! Messages of members: the hot path. All posts of a batch together: one statement reads what is known about
//! them, each is decided in turn, and one statement per table writes those that are taken.

use std::collections::{BTreeMap, HashMap, hash_map::Entry};

use sha2::{Digest, Sha256};
use sqlx::{Row as _, SqlitePool, sqlite::SqliteRow};

use super::{
    batch::{Batch, Stage},
    bulk::{Bulk, Row, Script},
    log, reads,
};
use crate::{
    protocol::{
        Audience, ClientId, ConversationId, Event, Message, MessageId, Seq, Timestamp, UserId, http::Kind,
        server::Posted,
    },
    server::storage::{Appended, LoggedFrame, Result, StorageError},
};

pub(super) struct Post {
    pub(super) conversation_id: ConversationId,
    pub(super) at: Timestamp,
    pub(super) message: Message,
}

/// What a (client_id, author) stands for.
#[derive(Clone)]
struct Earlier {
    conversation: ConversationId,
    hash: Vec<u8>,
    seq: Seq,
    id: MessageId,
    at: Timestamp,
}

/// What the database knows about one post before this batch.
struct Known {
    /// `None`: no such conversation, or the author may not write there.
    head: Option<Seq>,
    earlier: Option<Earlier>,
    /// Where the message is that this one replies to.
    reply_in: Option<ConversationId>,
    /// The newest `doc` of all.
    newest: i64,
    kind: Kind,
}

static KNOWN: Bulk = Bulk::new(
    "SELECT v.column1, c.head, d.conversation_id, d.posted_hash, d.seq, d.id, d.posted_at, r.conversation_id,
            (SELECT coalesce(max(doc), 0) FROM events), c.kind
     FROM",
    5,
    "v LEFT JOIN members m ON m.conversation_id = v.column2 AND m.user_id = v.column3
     LEFT JOIN conversations c ON c.id = v.column2 AND (m.user_id IS NOT NULL OR (c.kind = 'dialog' AND EXISTS (
        SELECT 1 FROM users u WHERE u.id = v.column3 AND u.role IN ('operator', 'admin'))))
     LEFT JOIN messages d ON d.client_id = v.column4 AND d.author_id = v.column3
     LEFT JOIN messages r ON r.id = v.column5
     WHERE v.column1 IS NOT NULL ORDER BY v.column1",
);

static LOOK: Script = Script::new("", &[&KNOWN], "");
static BEGIN_AND_LOOK: Script = Script::new("BEGIN IMMEDIATE; ", &[&KNOWN], "");

static EVENTS: Bulk = Bulk::new(
    "INSERT INTO events (doc, conversation_id, seq, kind, audience, author_id, frame)
     SELECT column1, column2, column3, 'message', iif(column4, 'operators', 'public'), column5, column6 FROM",
    6,
    "WHERE column1 IS NOT NULL",
);

static MESSAGES: Bulk = Bulk::new(
    "INSERT INTO messages (doc, conversation_id, seq, id, author_id, client_id, text, posted_hash, posted_at)
     SELECT * FROM",
    9,
    "WHERE column1 IS NOT NULL",
);

static HEADS: Bulk = Bulk::new(
    "UPDATE conversations SET head = v.column2, last_at = v.column3 FROM",
    3,
    "v WHERE v.column1 IS NOT NULL AND conversations.id = v.column1",
);

static WRITE: Script = Script::new("", &[&EVENTS, &MESSAGES, &HEADS, &reads::MOVE], "");
static WRITE_AND_COMMIT: Script = Script::new("", &[&EVENTS, &MESSAGES, &HEADS, &reads::MOVE], "; COMMIT");

/// Recognises the text of a retry; the client_id in it keeps equal texts from having equal hashes.
fn hash_of(client_id: &ClientId, text: &str) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(client_id.as_str());
    hash.update([0]);
    hash.update(text);
    hash.finalize().to_vec()
}

/// Where these are the last writes of their batch, they are committed with it.
pub(super) async fn perform(batch: &mut Batch, posts: Vec<Post>, is_last: bool) -> Result<Vec<Result<Appended>>> {
    if posts.is_empty() {
        return Ok(Vec::new());
    }
    let posts: Vec<_> = posts.into_iter().map(named).collect();
    let known = known(batch, &posts).await?;
    let mut round = Round::default();
    let outcomes = posts.into_iter().zip(known).map(|((post, client), known)| round.decide(post, client, known));
    let outcomes = outcomes.collect();
    if !round.taken.is_empty() {
        round.write(batch, is_last).await?;
    }
    Ok(outcomes)
}

/// An error where this message would be refused.
pub(super) async fn must_be_takable(batch: &mut Batch, post: &Post) -> Result<()> {
    let posts = [named(Post { message: post.message.clone(), ..*post })];
    let known = known(batch, &posts).await?.pop().ok_or(StorageError::Closed)?;
    let [(post, client_id)] = posts;
    Round::default().decide(post, client_id, known).map(drop)
}

/// What became of this message when it was posted before; `None`: it was not.
pub(super) async fn earlier(batch: &mut Batch, post: &Post) -> Result<Option<Appended>> {
    let posts = [named(Post { message: post.message.clone(), ..*post })];
    let known = known(batch, &posts).await?.pop();
    let [(post, client_id)] = posts;
    let Some(earlier) = known.and_then(|known| known.earlier) else { return Ok(None) };
    let hash = hash_of(&client_id, &post.message.text);
    duplicate(&earlier, post.conversation_id, &hash, client_id).map(Some)
}

/// The same for who has no transaction: what is being written meanwhile it does not see.
pub(super) async fn posted(read: &SqlitePool, id: ConversationId, message: &Message) -> Result<Option<Appended>> {
    let Some(client_id) = message.client_id.clone() else { return Ok(None) };
    let sql = "SELECT conversation_id, posted_hash, seq, id, posted_at FROM messages
               WHERE client_id = ? AND author_id = ?";
    let query = sqlx::query(sql).bind(client_id.as_str()).bind(message.author.id);
    let Some(row) = query.fetch_optional(read).await? else { return Ok(None) };
    let earlier = Earlier {
        conversation: row.try_get(0)?,
        hash: row.try_get::<Option<_>, _>(1)?.unwrap_or_default(),
        seq: row.try_get(2)?,
        id: row.try_get(3)?,
        at: row.try_get(4)?,
    };
    duplicate(&earlier, id, &hash_of(&client_id, &message.text), client_id).map(Some)
}

/// A message that came without a client_id gets its own id for one.
fn named(mut post: Post) -> (Post, ClientId) {
    let client_id = post.message.client_id.get_or_insert_with(|| post.message.id.into()).clone();
    (post, client_id)
}

async fn known(batch: &mut Batch, posts: &[(Post, ClientId)]) -> Result<Vec<Known>> {
    let script = if *batch.stage() == Stage::New { &BEGIN_AND_LOOK } else { &LOOK };
    let look = script.of(posts.len()).rows(posts.iter().zip(0i64..), |row, ((post, client_id), place)| {
        let Post { conversation_id, message, .. } = post;
        row.bind(place).bind(*conversation_id).bind(message.author.id);
        row.bind(client_id.as_str()).bind(message.reply_to);
    });
    let rows = look.fetch(batch.connection()).await?;
    *batch.stage() = Stage::Open;
    rows.iter().map(|row| Ok(known_of(row)?)).collect()
}

fn known_of(row: &SqliteRow) -> sqlx::Result<Known> {
    let earlier = match row.try_get(2)? {
        Some(conversation) => Some(Earlier {
            conversation,
            hash: row.try_get::<Option<_>, _>(3)?.unwrap_or_default(),
            seq: row.try_get(4)?,
            id: row.try_get(5)?,
            at: row.try_get(6)?,
        }),
        None => None,
    };
    Ok(Known {
        head: row.try_get(1)?,
        earlier,
        reply_in: row.try_get(7)?,
        newest: row.try_get(8)?,
        kind: row.try_get::<Option<_>, _>(9)?.unwrap_or(Kind::Room),
    })
}

/// The posts that are taken, on top of what the database knows.
#[derive(Default)]
struct Round {
    heads: HashMap<ConversationId, (Seq, Timestamp)>,
    /// BTree for an order of writing that is the index's own.
    positions: BTreeMap<(ConversationId, UserId), Seq>,
    earlier: HashMap<(ClientId, UserId), Earlier>,
    ids: HashMap<MessageId, ConversationId>,
    taken: Vec<Taken>,
}

struct Taken {
    /// Its place among all events and among all messages.
    doc: i64,
    frame: LoggedFrame,
    at: Timestamp,
    hash: Vec<u8>,
}

impl Round {
    fn decide(&mut self, post: Post, client_id: ClientId, known: Known) -> Result<Appended> {
        let Post { conversation_id, at, message } = post;
        let Some(head) = known.head else { return Err(StorageError::NotFound) };
        let hash = hash_of(&client_id, &message.text);
        let key = (client_id, message.author.id);
        if let Some(earlier) = known.earlier.as_ref().or_else(|| self.earlier.get(&key)) {
            return duplicate(earlier, conversation_id, &hash, key.0);
        }
        if let Some(replied) = message.reply_to
            && known.reply_in.or_else(|| self.ids.get(&replied).copied()) != Some(conversation_id)
        {
            return Err(StorageError::NotFound);
        }
        let seq = match self.heads.entry(conversation_id) {
            Entry::Occupied(mut entry) => {
                let next = entry.get().0.next();
                *entry.get_mut() = (next, at);
                next
            }
            Entry::Vacant(entry) => entry.insert((head.next(), at)).0,
        };
        let id = message.id;
        self.positions.insert((conversation_id, message.author.id), seq);
        self.ids.insert(id, conversation_id);
        let posted = Posted { client_id: key.0.clone(), message_id: id, timestamp: at, duplicate: false };
        self.earlier.insert(key, Earlier { conversation: conversation_id, hash: hash.clone(), seq, id, at });
        let event = Event::Message(message);
        let audience = Audience::of(&event);
        let doc = known.newest + 1 + self.taken.len() as i64;
        self.taken.push(Taken {
            doc,
            frame: log::encode(conversation_id, seq, at, known.kind, event, audience),
            at,
            hash,
        });
        Ok(Appended { seq, posted: Some(posted), changed: true })
    }

    async fn write(self, batch: &mut Batch, is_last: bool) -> Result<()> {
        let (script, then) = if is_last { (&WRITE_AND_COMMIT, Stage::Committed) } else { (&WRITE, Stage::Open) };
        let write = script
            .of(self.taken.len())
            .rows(&self.taken, |row, Taken { doc, frame, .. }| {
                row.bind(*doc).bind(frame.conversation_id).bind(frame.seq).bind(frame.audience == Audience::Operators);
                row.bind(log::author(&frame.event)).bind(&*frame.payload);
            })
            .rows(&self.taken, bind_message)
            .rows(self.heads, |row, (id, (seq, at))| {
                row.bind(id).bind(seq).bind(at);
            })
            .rows(self.positions, |row, ((conversation, user), up_to)| {
                row.bind(conversation).bind(user).bind(up_to);
            });
        write.execute(batch.connection()).await?;
        *batch.stage() = then;
        batch.logged().extend(self.taken.into_iter().map(|taken| taken.frame.into()));
        Ok(())
    }
}

fn duplicate(earlier: &Earlier, conversation: ConversationId, hash: &[u8], client_id: ClientId) -> Result<Appended> {
    if earlier.conversation != conversation || earlier.hash != hash {
        return Err(StorageError::ClientIdReused);
    }
    let posted = Posted { client_id, message_id: earlier.id, timestamp: earlier.at, duplicate: true };
    Ok(Appended { seq: earlier.seq, posted: Some(posted), changed: false })
}

fn bind_message(row: &mut Row, Taken { doc, frame, at, hash, .. }: &Taken) {
    let Event::Message(message) = &frame.event else { return };
    row.bind(*doc).bind(frame.conversation_id).bind(frame.seq).bind(message.id).bind(message.author.id);
    row.bind(message.client_id.as_ref().map(ClientId::as_str)).bind(message.text.as_str());
    row.bind(hash.clone()).bind(*at);
}
