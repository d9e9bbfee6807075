//! One transaction with the writes of many callers: all of it is committed, or nothing.
//!
//! Each write is checked before it writes: one that is refused leaves no trace and harms no other. A failure
//! of the database is no refusal: it ends the whole batch.

use sqlx::{Sqlite, SqliteConnection, SqlitePool, pool::PoolConnection};

use super::{
    events, found,
    log::{self, Logged},
    posts::{self, Post},
    reads, search, writes,
};
use crate::{
    protocol::{Audience, ConversationId, Event, Seq, Timestamp, UserId, http::Kind},
    server::storage::{Append, Appended, NewConversation, Result, StorageError, Write, desk::NewDialog},
};

/// What waits for the next commit.
#[expect(clippy::large_enum_variant, reason = "nearly all of it is the large one")]
pub(super) enum Work {
    Append(Append),
    Found(NewConversation),
    FoundDialog(NewDialog),
    Read {
        user: UserId,
        conversation: ConversationId,
        up_to: Seq,
    },
    /// Brings the search index up to date.
    Index,
}

pub(super) struct Batch {
    connection: PoolConnection<Sqlite>,
    stage: Stage,
    logged: Logged,
}

/// Where the transaction is. What begins and what commits it goes to the database together with the statements
/// beside it, where that is possible.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    New,
    Open,
    Committed,
}

/// What became of each write, in their order, and the events to tell of.
pub(super) struct Committed {
    pub(super) outcomes: Vec<Result<Appended>>,
    pub(super) logged: Logged,
}

/// Writes and commits; an error means that nothing was written.
pub(super) async fn commit(write: &SqlitePool, works: Vec<Work>) -> Result<Committed> {
    let mut batch = Batch { connection: write.acquire().await?, stage: Stage::New, logged: Vec::new() };
    match batch.perform(works).await {
        Ok(outcomes) => Ok(Committed { outcomes, logged: batch.logged }),
        Err(error) => {
            // The failure may have rolled back already: then this one has nothing to do and says so.
            let _ = sqlx::query("ROLLBACK").execute(batch.connection()).await;
            Err(error)
        }
    }
}

impl Batch {
    /// Everything and the commit. In the order in which the writes came, but for two things: posts that follow
    /// each other are written together, and read positions move at the end (their callers saw none of this batch
    /// yet).
    async fn perform(&mut self, works: Vec<Work>) -> Result<Vec<Result<Appended>>> {
        let mut outcomes: Vec<Option<Result<Appended>>> = works.iter().map(|_| None).collect();
        let mut posts: Vec<(usize, Post)> = Vec::new();
        let mut reads = Vec::new();
        for (place, work) in works.into_iter().enumerate() {
            match work {
                Work::Append(Append { conversation_id, at, write: Write::Post(message) }) => {
                    posts.push((place, Post { conversation_id, at, message }));
                }
                Work::Read { user, conversation, up_to } => {
                    reads.push((place, reads::Read { user, conversation, up_to }))
                }
                other => {
                    self.post(&mut posts, &mut outcomes, false).await?;
                    self.begin().await?;
                    let outcome = match other {
                        Work::Found(new) => found::conversation(self, new).await,
                        Work::FoundDialog(new) => found::dialog(self, new).await,
                        Work::Append(append) => writes::perform(self, append).await,
                        Work::Index => search::index(self.connection()).await,
                        Work::Read { .. } => continue,
                    };
                    outcomes[place] = Some(refused_or(outcome)?);
                }
            }
        }
        self.post(&mut posts, &mut outcomes, reads.is_empty()).await?;
        if !reads.is_empty() {
            self.begin().await?;
            let (places, reads): (Vec<_>, Vec<_>) = reads.into_iter().unzip();
            settle(&mut outcomes, places, reads::perform(self, &reads).await?);
        }
        if self.stage == Stage::Open {
            sqlx::query("COMMIT").execute(self.connection()).await?;
        }
        Ok(outcomes.into_iter().map(|outcome| outcome.unwrap_or(Err(StorageError::Closed))).collect())
    }

    async fn post(
        &mut self,
        posts: &mut Vec<(usize, Post)>,
        outcomes: &mut [Option<Result<Appended>>],
        is_last: bool,
    ) -> Result<()> {
        let (places, posts): (Vec<_>, Vec<_>) = posts.drain(..).unzip();
        settle(outcomes, places, posts::perform(self, posts, is_last).await?);
        Ok(())
    }

    async fn begin(&mut self) -> Result<()> {
        if self.stage == Stage::New {
            sqlx::query("BEGIN IMMEDIATE").execute(self.connection()).await?;
            self.stage = Stage::Open;
        }
        Ok(())
    }

    /// Gives the event the next place in its conversation and projects it.
    pub(super) async fn record(
        &mut self,
        conversation: ConversationId,
        at: Timestamp,
        event: Event,
        audience: Audience,
    ) -> Result<Seq> {
        let (seq, kind): (Seq, Kind) =
            sqlx::query_as("UPDATE conversations SET head = head + 1, last_at = ? WHERE id = ? RETURNING head, kind")
                .bind(at)
                .bind(conversation)
                .fetch_optional(self.connection())
                .await?
                .ok_or(StorageError::NotFound)?;
        let frame = log::encode(conversation, seq, at, kind, event, audience);
        log::insert(self.connection(), &frame).await?;
        events::project(self.connection(), &frame, at).await?;
        self.logged.push(frame.into());
        Ok(seq)
    }

    pub(super) fn logged(&mut self) -> &mut Logged {
        &mut self.logged
    }

    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }

    pub(super) fn stage(&mut self) -> &mut Stage {
        &mut self.stage
    }
}

/// A refusal is an outcome; a failure of the database is the batch's.
fn refused_or(outcome: Result<Appended>) -> Result<Result<Appended>> {
    match outcome {
        Err(error @ StorageError::Database(_)) => Err(error),
        outcome => Ok(outcome),
    }
}

fn settle(outcomes: &mut [Option<Result<Appended>>], places: Vec<usize>, settled: Vec<Result<Appended>>) {
    for (place, outcome) in places.into_iter().zip(settled) {
        outcomes[place] = Some(outcome);
    }
}

#[cfg(test)]
mod tests;
