//! One conversation as one reader sees it, folded from durable and ephemeral frames.

use reactive_stores::Store;
use serde::{Deserialize, Serialize};

use super::run::Run;
use crate::protocol::{
    Author, ClientId, ConversationId, DurableFrame, LogEpoch, MessageId, RunId, Sender, Seq, Timestamp, UserRef,
    Visibility,
    http::{ConversationDetail, Member, Messages, ReactionNow},
    server::{ReadPosition, UserPresence},
};

/// What keeps a message's place in the list while it goes from local echo to sent: the client_id of one's
/// own messages, the message id of others'.
pub type EntryKey = String;

#[derive(Clone, Debug, PartialEq, Store, Serialize, Deserialize)]
pub struct Thread {
    pub id: ConversationId,
    pub title: String,
    /// Ascending in seq; what has no seq yet (streaming, sending, failed) stands at the end.
    #[store(key: EntryKey = |entry| entry.key.clone())]
    pub entries: Vec<Entry>,
    #[store(key: RunId = |run| run.id)]
    pub runs: Vec<Run>,
    pub members: Vec<Member>,
    pub typing: Vec<UserRef>,
    pub presence: Vec<UserPresence>,
    pub reads: Vec<ReadPosition>,
    /// The newest event folded in.
    pub cursor: Seq,
    pub log_epoch: Option<LogEpoch>,
    /// Older messages exist than the first entry.
    pub more: bool,
    /// The reader's position when the thread was opened: the `New` line stands after it.
    pub opened_at: Seq,
}

/// One message, from local echo or first token to its deletion.
#[derive(Clone, Debug, PartialEq, Store, Serialize, Deserialize)]
pub struct Entry {
    pub key: EntryKey,
    pub id: Option<MessageId>,
    pub client_id: Option<ClientId>,
    pub seq: Option<Seq>,
    pub sender: Sender,
    pub author: Author,
    pub text: String,
    pub at: Timestamp,
    pub state: EntryState,
    /// Why it failed, for the person who wrote it.
    pub failure: Option<String>,
    pub edited: bool,
    pub deleted: bool,
    pub partial: bool,
    pub reactions: Vec<ReactionNow>,
    pub reply_to: Option<MessageId>,
    pub run_id: Option<RunId>,
    pub visibility: Visibility,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EntryState {
    Sending,
    Sent,
    Failed,
    Streaming,
}

impl EntryState {
    /// The value of `data-state`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Streaming => "streaming",
        }
    }
}

/// What the server knows of a conversation when it renders it first.
#[derive(Clone, Debug, PartialEq)]
pub struct Seed {
    pub detail: ConversationDetail,
    pub messages: Messages,
    /// The agents' events that the timeline shows, ascending; other events among them are ignored.
    pub timeline: Vec<DurableFrame>,
    /// The newest event that `messages` and `timeline` know of: read it BEFORE them.
    pub head: Seq,
    pub log_epoch: Option<LogEpoch>,
    /// How far the reader has read.
    pub read_up_to: Seq,
}

impl Thread {
    /// A conversation as of `seed.head`.
    pub fn seed(seed: Seed) -> Self {
        let _ = seed;
        todo!()
    }
}
