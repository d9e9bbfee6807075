//! One conversation as one reader sees it, folded from durable and ephemeral frames.
//!
//! The fold is idempotent for what it has seen, refuses what would leave a hole, and says which fields it
//! touched, so that whoever shows them re-renders no more than that.

mod apply;
mod change;
mod hands;
mod live;
mod local;
mod question;
mod row;
mod seed;
mod seen;
#[cfg(test)]
mod tests;
mod unanswered;

pub use change::Change;
pub use hands::Hand;
pub use question::Questions;
pub use row::{RowChange, apply_to_row, read_row};
pub use seed::{Seed, read_before};
pub use unanswered::Unanswered;

use reactive_stores::Store;
use serde::{Deserialize, Serialize};

use super::run::Run;
use crate::protocol::{
    Author, ClientId, ConversationId, LogEpoch, Message, MessageId, RunId, Sender, Seq, Timestamp, UserRef, Visibility,
    dialog::{ControlState, VisitorDetails},
    http::{Member, ReactionNow},
    limits,
    server::{ReadPosition, UserPresence},
};

/// What keeps a message's place in the list while it goes from local echo or first token to sent: the
/// client_id of what was written on this page, the message id of everything else.
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
    /// As last fetched: who is here now is in `presence`, how far each has read in `reads`.
    pub members: Vec<Member>,
    /// Others than the reader, in the order in which they began.
    pub typing: Vec<UserRef>,
    /// Who is online or away; all others are offline.
    pub presence: Vec<UserPresence>,
    pub reads: Vec<ReadPosition>,
    /// The newest event folded in.
    pub cursor: Seq,
    pub log_epoch: Option<LogEpoch>,
    /// Of a dialog: in whose hands it is.
    #[serde(default)]
    pub control: Option<ControlState>,
    /// Of a dialog: how it changed hands, ascending; told between the messages.
    #[serde(default)]
    pub hands: Vec<Hand>,
    /// Of a dialog, for operators: whom it is with. Told of with the members.
    #[serde(default)]
    pub visitor: Option<VisitorDetails>,
    /// Older messages exist than the first entry.
    pub more: bool,
    /// The reader's position when the thread was opened: the `New` line stands after it.
    pub opened_at: Seq,
    /// A snapshot was announced: its first event may lie anywhere beyond the cursor.
    pub awaiting_snapshot: bool,
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
    /// How often the text became another than what it was with more behind it.
    #[serde(default)]
    pub rewrites: u32,
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

impl Entry {
    /// As the log tells it.
    fn new(key: EntryKey, seq: Seq, at: Timestamp, message: &Message) -> Self {
        Self {
            key,
            id: Some(message.id),
            client_id: message.client_id.clone(),
            seq: Some(seq),
            sender: message.sender,
            author: message.author.clone(),
            text: message.text.clone(),
            rewrites: 0,
            at,
            state: EntryState::Sent,
            failure: None,
            edited: false,
            deleted: false,
            partial: message.partial,
            reactions: Vec::new(),
            reply_to: message.reply_to,
            run_id: message.run_id,
            visibility: message.visibility,
        }
    }

    /// Takes another text, or the same with more behind it.
    fn set_text(&mut self, text: &str) {
        self.rewrites += u32::from(!text.starts_with(&self.text));
        text.clone_into(&mut self.text);
    }

    /// Takes the place of what was shown until now.
    fn succeed(&mut self, before: &Self) {
        self.rewrites = before.rewrites + u32::from(!self.text.starts_with(&before.text));
    }
}

impl Thread {
    fn entry_by_id(&self, id: MessageId) -> Option<usize> {
        // What is asked for is mostly new.
        self.entries.iter().rposition(|entry| entry.id == Some(id))
    }

    /// Where an entry of this seq belongs: after the last older one, before all that have no seq yet.
    fn place_of(&self, seq: Seq) -> usize {
        let is_older = |entry: &Entry| entry.seq.is_some_and(|other| other < seq);
        self.entries.iter().rposition(is_older).map_or(0, |index| index + 1)
    }

    /// Puts the entry at `index` where its new seq belongs.
    fn settle(&mut self, index: usize) {
        let entry = self.entries.remove(index);
        let place = entry.seq.map_or(self.entries.len(), |seq| self.place_of(seq));
        self.entries.insert(place, entry);
    }

    fn first_seq(&self) -> Option<Seq> {
        self.entries.iter().find_map(|entry| entry.seq)
    }

    /// Keeps the newest [`limits::MESSAGES_IN_MEMORY`] entries and [`limits::RUNS_IN_MEMORY`] runs.
    fn bound(&mut self) {
        let surplus = self.entries.len().saturating_sub(limits::MESSAGES_IN_MEMORY);
        if surplus > 0 {
            self.entries.drain(..surplus);
            self.more = true;
        }
        let surplus = self.runs.len().saturating_sub(limits::RUNS_IN_MEMORY);
        self.runs.drain(..surplus);
    }
}
