//! The one task that writes to the log. It takes what waits, commits it as one, tells the callers, then hands
//! the events on. So a commit costs one sync of the disk however many callers share it, and the events leave
//! in the order of their commits because nobody else sends them.

use std::sync::Arc;

use sqlx::SqlitePool;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{
    batch::{self, Work},
    checkpoint::Wal,
};
use crate::{
    protocol::limits::{INDEX_AFTER, INDEX_MESSAGES, WRITE_QUEUE, WRITES_PER_COMMIT},
    server::storage::{Appended, CommitSink, Result, StorageError},
};

struct Job {
    work: Work,
    reply: oneshot::Sender<Result<Appended>>,
}

/// The way to the committer.
pub(super) struct Queue {
    jobs: mpsc::Sender<Job>,
    closing: CancellationToken,
    /// Cancelled by the committer when it is through.
    closed: CancellationToken,
}

impl Queue {
    pub(super) fn start(write: SqlitePool, sink: CommitSink, wal: Wal) -> Self {
        let (jobs, waiting) = mpsc::channel(WRITE_QUEUE);
        let (closing, closed) = (CancellationToken::new(), CancellationToken::new());
        // What an earlier life left is indexed as if it had come now.
        let unindexed = Unindexed { messages: 1, since: Instant::now() };
        let committer = Committer { waiting, write, sink, wal, unindexed, closing: closing.clone() };
        let guard = closed.clone().drop_guard();
        tokio::spawn(async move {
            committer.run().await;
            drop(guard);
        });
        Self { jobs, closing, closed }
    }

    /// Returns after the commit.
    pub(super) async fn write(&self, work: Work) -> Result<Appended> {
        let (reply, outcome) = oneshot::channel();
        self.jobs.send(Job { work, reply }).await.map_err(|_| StorageError::Closed)?;
        outcome.await.map_err(|_| StorageError::Closed)?
    }

    /// Commits what waits; from now on writes are refused.
    pub(super) async fn close(&self) {
        self.closing.cancel();
        self.closed.cancelled().await;
    }
}

struct Committer {
    waiting: mpsc::Receiver<Job>,
    write: SqlitePool,
    sink: CommitSink,
    wal: Wal,
    unindexed: Unindexed,
    closing: CancellationToken,
}

/// Messages that the search index lacks.
struct Unindexed {
    messages: usize,
    since: Instant,
}

impl Unindexed {
    fn add(&mut self, messages: usize) {
        if self.messages == 0 {
            self.since = Instant::now();
        }
        self.messages += messages;
    }
}

impl Committer {
    async fn run(mut self) {
        let mut jobs = Vec::with_capacity(WRITES_PER_COMMIT);
        loop {
            tokio::select! {
                biased;
                () = self.closing.cancelled(), if !self.waiting.is_closed() => self.waiting.close(),
                taken = self.waiting.recv_many(&mut jobs, WRITES_PER_COMMIT) => match taken {
                    0 => return,
                    _ => {
                        self.gather(&mut jobs).await;
                        let writes = jobs.len();
                        self.commit(jobs.drain(..)).await;
                        self.unindexed.add(writes);
                        self.wal.grew(writes, &self.write).await;
                        if self.unindexed.messages >= INDEX_MESSAGES {
                            self.index().await;
                        }
                    }
                },
                () = sleep_until(self.unindexed.since + INDEX_AFTER), if self.unindexed.messages > 0 => {
                    self.index().await;
                }
            }
        }
    }

    /// Who is on the way, because their last write was answered just now, shares this commit: it waits as long
    /// as more come, a turn of the runtime at a time. Somebody alone waits two turns, some microseconds.
    async fn gather(&mut self, jobs: &mut Vec<Job>) {
        let mut quiet_turns = 0;
        while quiet_turns < 2 && jobs.len() < WRITES_PER_COMMIT {
            tokio::task::yield_now().await;
            let before = jobs.len();
            while jobs.len() < WRITES_PER_COMMIT
                && let Ok(job) = self.waiting.try_recv()
            {
                jobs.push(job);
            }
            quiet_turns = if jobs.len() == before { quiet_turns + 1 } else { 0 };
        }
    }

    async fn index(&mut self) {
        if let Err(error) = batch::commit(&self.write, vec![Work::Index]).await {
            // The next search tries again, and says so to whoever searches.
            tracing::error!(%error, "the search index was not brought up to date");
        }
        self.unindexed.messages = 0;
    }

    async fn commit(&self, jobs: impl Iterator<Item = Job>) {
        let (works, replies): (Vec<_>, Vec<_>) = jobs.map(|Job { work, reply }| (work, reply)).unzip();
        let started = Instant::now();
        match batch::commit(&self.write, works).await {
            Ok(committed) => {
                metrics::histogram!("magpie_commit_seconds").record(started.elapsed());
                metrics::histogram!("magpie_commit_writes").record(replies.len() as f64);
                for frame in committed.logged {
                    self.sink.committed(frame).await;
                }
                for (reply, outcome) in replies.into_iter().zip(committed.outcomes) {
                    // Who has gone away meanwhile finds the write in the log.
                    let _ = reply.send(outcome);
                }
            }
            Err(error) => {
                for reply in replies {
                    let _ = reply.send(Err(again(&error)));
                }
            }
        }
    }
}

/// One failure, told to each whose write was in the batch.
fn again(error: &StorageError) -> StorageError {
    match error {
        StorageError::Database(error) => StorageError::Database(Arc::clone(error)),
        _ => StorageError::Closed,
    }
}
