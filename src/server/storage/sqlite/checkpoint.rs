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
