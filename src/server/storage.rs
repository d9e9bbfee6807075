//! Where everything lives that was acknowledged: accounts, sessions, and the log of each conversation.
//!
//! The log `(conversation_id, seq, frame)` is the source of truth. Messages, members, reactions, runs and
//! heads are projections of it, written in the same transaction. Any backend passes [`conformance`].

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::payload::Payload;
use crate::protocol::{
    Audience, ChartId, ConversationId, DurableFrame, Event, LogEpoch, Message, MessageId, RunId, Seq, SessionId, Side,
    Timestamp, UserId, UserRef,
    dialog::{ControlChanged, ControlState},
    http::{Conversation, Kind, MessageNow, Role, User},
    server::{Posted, ReadPosition},
};

pub mod audit;
pub mod desk;
pub mod webhooks;

#[cfg(test)]
pub(super) mod conformance;
pub mod sqlite;

#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The conversation, message or person is not there, or not for this caller.
    #[error("not found")]
    NotFound,
    #[error("that username is taken")]
    UsernameTaken,
    /// The client_id stands for another text, or for a message in another conversation.
    #[error("that client_id belongs to another message")]
    ClientIdReused,
    /// Neither the author nor somebody who may do this to others' messages.
    #[error("not allowed")]
    Forbidden,
    /// The dialog is in other hands than whoever writes thinks; how it stands now.
    #[error("the dialog has changed hands")]
    StaleEpoch(Box<ControlState>),
    /// A bound of [`crate::protocol::limits`] is reached; names which.
    #[error("{0}")]
    Full(&'static str),
    /// The database failed: nothing was written. Shared by all whose writes were in the same commit.
    #[error("database: {0}")]
    Database(#[source] Arc<sqlx::Error>),
    /// The writer is gone: the server is shutting down.
    #[error("storage is closed")]
    Closed,
}

impl From<sqlx::Error> for StorageError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}

pub type Result<T> = std::result::Result<T, StorageError>;

#[derive(Debug, Clone)]
pub struct NewUser {
    pub id: UserId,
    pub username: String,
    pub display_name: String,
    /// argon2id, PHC string.
    pub password_hash: String,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    pub id: SessionId,
    pub user: User,
    pub expires_at: Timestamp,
}

#[derive(Debug, Clone)]
pub struct NewConversation {
    pub id: ConversationId,
    pub title: String,
    pub kind: Kind,
    pub agents: bool,
    pub creator: UserId,
    /// The creator first, each once. Each becomes a `member` event.
    pub members: Vec<UserId>,
    pub at: Timestamp,
}

/// What a caller may know of a conversation before anything else is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    pub kind: Kind,
    pub agents: bool,
    pub head: Seq,
    pub creator: UserId,
    pub members: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRow {
    pub user: User,
    pub up_to: Seq,
}

/// A write to one conversation's log.
#[derive(Debug, Clone)]
pub struct Append {
    pub conversation_id: ConversationId,
    pub at: Timestamp,
    pub write: Write,
}

#[derive(Debug, Clone)]
pub enum Write {
    /// A message of a member: refused with `NotFound` if the author is not one at the time of the commit;
    /// `reply_to` must name a message of the same conversation. `message.client_id` is set.
    Post(Message),
    /// Only the author edits. The same text again changes nothing.
    Edit {
        message_id: MessageId,
        by: UserRef,
        text: String,
    },
    /// The author deletes, and whoever `moderates`. The text is blanked in the log too (the `message` frame,
    /// each `edited` frame, and a `result` frame that repeats it).
    Delete {
        message_id: MessageId,
        by: UserRef,
        moderates: bool,
    },
    React {
        message_id: MessageId,
        by: UserRef,
        emoji: String,
        on: bool,
    },
    /// Joining twice changes nothing.
    Join {
        user: UserRef,
    },
    /// Leaving when not a member is `NotFound`.
    Leave {
        user: UserRef,
    },
    /// Written by the server itself: an agent's message, step, call, result …
    Server(Event),
    /// A step of a run: all of it or nothing.
    Run(RunWrite),
    /// A dialog changes hands, or something is said in it, or both: all of it or nothing.
    Dialog(DialogWrite),
}

/// What is done in a dialog, decided from how it stood: refused with [`StorageError::StaleEpoch`] where it does not
/// stand so any more.
#[derive(Debug, Clone)]
pub struct DialogWrite {
    pub from: ControlState,
    /// Comes before the message.
    pub control: Option<ControlChanged>,
    /// As in [`Write::Post`], by the visitor or by an operator. One that was posted before changes nothing, and
    /// its `control` neither, however the dialog stands.
    pub message: Option<Message>,
}

/// What a run does at once: what it was told, and the events that follow from it.
#[derive(Debug, Clone)]
pub struct RunWrite {
    pub run_id: RunId,
    /// Each takes the next place in the log.
    pub events: Vec<Event>,
    /// The next entries of the run's journal, and the place of the first of them. With an `agent_run` that is an
    /// end among the events, all of the run's journal goes.
    pub journal: Vec<String>,
    pub from: u64,
    /// What was used up, and by whose question.
    pub spent: Option<(UserId, Spent)>,
    /// In a dialog: the epoch that the agents were asked under. Where the dialog is not the AI's under it any more,
    /// all is refused with [`StorageError::StaleEpoch`] but a lone end of the run.
    pub epoch: Option<u64>,
}

/// What runs used up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// Calls of a model.
    pub turns: u64,
    /// Read and written.
    pub tokens: u64,
    /// Millionths of the price table's currency.
    pub cost_micros: u64,
    /// Of models and tools at work.
    pub ms: u64,
}

impl Spent {
    pub fn plus(self, other: Self) -> Self {
        Self {
            turns: self.turns.saturating_add(other.turns),
            tokens: self.tokens.saturating_add(other.tokens),
            cost_micros: self.cost_micros.saturating_add(other.cost_micros),
            ms: self.ms.saturating_add(other.ms),
        }
    }
}

/// A run as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRow {
    pub conversation_id: ConversationId,
    pub is_over: bool,
    /// The message that it answers; `None`: from before that was kept.
    pub question: Option<MessageId>,
}

/// What became of an [`Append`] that was committed.
#[derive(Debug, Clone, PartialEq)]
pub struct Appended {
    /// The event's place; where nothing changed, the message's own (a duplicate post) or the head.
    pub seq: Seq,
    /// For a [`Write::Post`].
    pub posted: Option<Posted>,
    /// Whether an event was written.
    pub changed: bool,
}

/// One committed event, encoded once for everyone who reads it.
#[derive(Debug, Clone, PartialEq)]
pub struct LoggedFrame {
    pub conversation_id: ConversationId,
    pub seq: Seq,
    pub timestamp: Timestamp,
    /// The conversation's.
    pub kind: Kind,
    pub event: Event,
    /// Whom it is for.
    pub audience: Audience,
    /// The whole frame as it goes over the wire to the house's side.
    pub payload: Payload,
    /// What a visitor gets in its place; made when the first one reads it.
    pub for_visitors: OnceLock<Payload>,
}

impl LoggedFrame {
    /// The frame as this side reads it.
    pub fn seen_by(&self, side: Side) -> &Payload {
        match side {
            Side::House => &self.payload,
            Side::Visitor => self.for_visitors.get_or_init(|| {
                match visitors_text(self.conversation_id, self.seq, self.timestamp, &self.event, self.audience) {
                    Some(text) => text.into(),
                    None => self.payload.clone(),
                }
            }),
        }
    }
}

/// What a visitor reads in an event's place; `None` where it is the event as it is.
pub fn visitors_text(
    conversation_id: ConversationId,
    seq: Seq,
    timestamp: Timestamp,
    event: &Event,
    audience: Audience,
) -> Option<String> {
    let event = event.seen_by(Side::Visitor, audience)?;
    let timestamp = if event == Event::Hidden { Timestamp::default() } else { timestamp };
    let frame = DurableFrame { conversation_id, seq, timestamp, event };
    Some(serde_json::to_string(&frame).expect("a frame encodes"))
}

/// Takes committed frames in the order of their commit: per conversation ascending in seq without a hole.
/// Each is taken before its writer hears of it, so that whatever the writer says next comes after it.
#[async_trait]
pub trait Commits: Send + Sync + 'static {
    /// Waits for a place where there is none.
    async fn committed(&self, frame: Arc<LoggedFrame>);
}

pub type CommitSink = Arc<dyn Commits>;

#[async_trait]
impl Commits for mpsc::Sender<Arc<LoggedFrame>> {
    async fn committed(&self, frame: Arc<LoggedFrame>) {
        // Nobody listens any more: the server is shutting down.
        let _ = self.send(frame).await;
    }
}

/// One event as it is read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFrame {
    pub seq: Seq,
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// Ascending.
    pub frames: Vec<StoredFrame>,
    pub head: Seq,
}

#[derive(Debug, Clone, PartialEq)]
pub struct MessagePage {
    /// Ascending.
    pub messages: Vec<MessageNow>,
    pub more: bool,
}

/// A value of an admin's setting; `None` forgets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingChange {
    pub name: String,
    pub value: Option<Vec<u8>>,
}

#[async_trait]
pub trait Storage: desk::Desk + audit::AuditLog + webhooks::WebhookQueue + Send + Sync + 'static {
    // ── People ──────────────────────────────────────────────────────────────────────────────────

    /// The first one ever becomes an admin, the others members. `UsernameTaken` ignores case.
    async fn create_user(&self, new: NewUser) -> Result<User>;
    async fn user_by_name(&self, username: &str) -> Result<Option<User>>;
    /// The person and their password hash.
    async fn credentials(&self, username: &str) -> Result<Option<(User, String)>>;
    /// By username.
    async fn users(&self) -> Result<Vec<User>>;
    /// `None`: no such user.
    async fn patch_user(&self, username: &str, role: Option<Role>, disabled: Option<bool>) -> Result<Option<User>>;

    /// Another password hash; the person's sessions end in the same commit, but for `keep`.
    async fn set_password(&self, user: UserId, hash: String, keep: Option<SessionId>) -> Result<()>;

    // ── Sessions ────────────────────────────────────────────────────────────────────────────────

    async fn create_session(&self, id: SessionId, user: UserId, at: Timestamp, expires_at: Timestamp) -> Result<()>;
    /// A session that lives at `now`: known, not revoked, not expired, its person not disabled.
    async fn session(&self, id: SessionId, now: Timestamp) -> Result<Option<Session>>;
    async fn revoke_session(&self, id: SessionId) -> Result<()>;
    async fn revoke_sessions_of(&self, user: UserId) -> Result<()>;

    // ── Conversations ───────────────────────────────────────────────────────────────────────────

    /// `Forbidden` where there is one of this id.
    /// The founding `member` events are seq 1 to n; they go to the commit sink like any other.
    async fn create_conversation(&self, new: NewConversation) -> Result<()>;
    /// The caller's list, the one with the newest event first; an operator's has the newest dialogs too.
    async fn conversations_of(&self, user: UserId) -> Result<Vec<Conversation>>;
    /// One line of that list; `None` if not a member.
    async fn conversation_of(&self, user: UserId, id: ConversationId) -> Result<Option<Conversation>>;
    /// `None` if not a member, nor an operator or admin where it is a dialog, or no such conversation: the three are
    /// not told apart.
    async fn access(&self, user: UserId, id: ConversationId) -> Result<Option<Access>>;
    /// In the order of joining.
    async fn members(&self, id: ConversationId) -> Result<Vec<MemberRow>>;
    /// Ids alone, for a person's presence: every conversation of this person.
    async fn conversation_ids_of(&self, user: UserId) -> Result<Vec<ConversationId>>;

    // ── The log ─────────────────────────────────────────────────────────────────────────────────

    /// Returns after the commit is on disk. Many callers' writes share one commit.
    async fn append(&self, append: Append) -> Result<Appended>;
    /// The events after `after`, at most `limit`, and, past the first, at most `max_bytes` of text, each as this
    /// side reads it.
    async fn events(&self, id: ConversationId, after: Seq, limit: u64, max_bytes: usize, side: Side) -> Result<Page>;
    /// The newest messages before `before` (of all: `None`) that this side may see, as they stand now.
    async fn messages(&self, id: ConversationId, before: Option<Seq>, limit: u64, side: Side) -> Result<MessagePage>;
    /// The agents' events (`agent_run`, `agent_step`, `tool_call`, …: not messages) from seq `from` on, the
    /// newest `limit` of them, ascending: what a timeline shows; and those of a dialog's changes of hands. Each as
    /// this side reads it; what is not for it is left out.
    async fn agent_events(&self, id: ConversationId, from: Seq, limit: u64, side: Side) -> Result<Vec<StoredFrame>>;
    /// One message as it stands now.
    async fn message(&self, id: ConversationId, message: MessageId) -> Result<Option<MessageNow>>;
    /// Messages that this side may see whose text holds every word of the query, the newest first, deleted ones
    /// left out.
    async fn search(&self, id: ConversationId, query: &str, limit: u64, side: Side) -> Result<Vec<MessageNow>>;
    /// Moves a read position forward (never back, never past the head); the position if it moved.
    async fn set_read(&self, user: UserId, id: ConversationId, up_to: Seq) -> Result<Option<Seq>>;
    /// At most `limit`, the furthest first; who has read nothing is left out.
    async fn reads(&self, id: ConversationId, limit: usize) -> Result<Vec<ReadPosition>>;
    async fn log_epoch(&self) -> Result<LogEpoch>;

    // ── Runs ────────────────────────────────────────────────────────────────────────────────────

    /// Runs whose last `agent_run` is not an end, with their conversation.
    async fn unfinished_runs(&self) -> Result<Vec<(ConversationId, RunId)>>;
    /// The entries of a run's journal in their order; none for one that is over.
    async fn run_journal(&self, run: RunId) -> Result<Vec<String>>;
    async fn run(&self, run: RunId) -> Result<Option<RunRow>>;
    /// The newest run that answers this message.
    async fn run_of(&self, question: MessageId) -> Result<Option<RunId>>;
    /// What the runs that this person asked for used up on the day (UTC) of this moment.
    async fn spent(&self, user: UserId, at: Timestamp) -> Result<Spent>;
    async fn put_chart(&self, conversation: ConversationId, id: ChartId, svg: &str) -> Result<()>;
    /// The picture and the conversation whose members may see it.
    async fn chart(&self, id: ChartId) -> Result<Option<(ConversationId, String)>>;

    // ── Settings ────────────────────────────────────────────────────────────────────────────────

    /// What admins set, by name. Secrets are sealed before they come here.
    async fn settings(&self) -> Result<Vec<(String, Vec<u8>)>>;
    /// All of these changes or none.
    async fn change_settings(&self, changes: &[SettingChange], at: Timestamp) -> Result<()>;

    /// Whether the database answers and takes a write.
    async fn health(&self) -> Result<()>;
    /// Commits what waits, then refuses writes.
    async fn close(&self);
}
