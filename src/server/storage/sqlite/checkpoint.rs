//! Moves what was committed from the write-ahead log into the database file, beside the commits and not in them.
//!
//! As long as commits go on, a checkpoint never quite catches up, and the write-ahead log grows. When it is long,
//! the committer takes the short rest upon itself, between two commits: the next one starts it anew.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use sqlx::SqlitePool;
use tokio::sync::Notify;

use crate::protocol::limits::{WAL_PAGES, WRITES_PER_CHECKPOINT};

/// The committer's side of it.
pub(super) struct Wal {
    shared: Arc<Shared>,
    writes: usize,
}

#[derive(Default)]
struct Shared {
    due: Notify,
    is_long: AtomicBool,
}

/// Works until the pool is closed.
pub(super) fn start(read: SqlitePool) -> Wal {
    let shared = Arc::new(Shared::default());
    let wal = Wal { shared: Arc::clone(&shared), writes: 0 };
    tokio::spawn(async move {
        loop {
            shared.due.notified().await;
            match checkpoint(&read).await {
                Ok(pages) => shared.is_long.store(pages > WAL_PAGES, Ordering::Relaxed),
                Err(sqlx::Error::PoolClosed) => return,
                Err(error) => tracing::warn!(%error, "no checkpoint"),
            }
        }
    });
    wal
}

/// Moves what it can without waiting for anybody; how many pages the write-ahead log has.
async fn checkpoint(pool: &SqlitePool) -> sqlx::Result<u32> {
    let (_, pages, _): (i64, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(PASSIVE)").fetch_one(pool).await?;
    Ok(u32::try_from(pages).unwrap_or(0))
}

impl Wal {
    /// So much was committed.
    pub(super) async fn grew(&mut self, writes: usize, write: &SqlitePool) {
        if self.shared.is_long.swap(false, Ordering::Relaxed)
            && let Err(error) = checkpoint(write).await
        {
            tracing::warn!(%error, "no checkpoint");
        }
        self.writes += writes;
        if self.writes >= WRITES_PER_CHECKPOINT {
            self.writes = 0;
            self.shared.due.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};

    use super::*;

    async fn write(pool: &SqlitePool) {
        sqlx::query("INSERT INTO t VALUES (randomblob(5000))").execute(pool).await.unwrap();
    }

    #[tokio::test]
    async fn a_long_write_ahead_log_starts_anew_and_enough_writes_ask_for_a_checkpoint() {
        let place = tempfile::tempdir().unwrap();
        let options = SqliteConnectOptions::new().filename(place.path().join("x.db")).create_if_missing(true);
        let options = options.journal_mode(SqliteJournalMode::Wal).pragma("wal_autocheckpoint", "0");
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
        sqlx::query("CREATE TABLE t (x)").execute(&pool).await.unwrap();
        for _ in 0..50 {
            write(&pool).await;
        }
        let shared = Arc::new(Shared::default());
        let mut wal = Wal { shared: Arc::clone(&shared), writes: 0 };
        shared.is_long.store(true, Ordering::Relaxed);
        wal.grew(1, &pool).await;
        write(&pool).await;
        assert!(checkpoint(&pool).await.unwrap() < 10, "it goes on where it was");

        wal.grew(WRITES_PER_CHECKPOINT - 2, &pool).await;
        assert_eq!(wal.writes, WRITES_PER_CHECKPOINT - 1);
        wal.grew(1, &pool).await;
        shared.due.notified().await;
    }
}
