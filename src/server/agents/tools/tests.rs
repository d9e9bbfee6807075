//! A run to call a tool in.

use std::ops::Deref;

use tokio::sync::mpsc;

use super::*;
use crate::{fresh_id, server::storage::sqlite::SqliteStorage};

/// A context with an empty house of its own.
pub struct Room {
    context: ToolContext,
    _dir: tempfile::TempDir,
}

impl Deref for Room {
    type Target = ToolContext;

    fn deref(&self) -> &ToolContext {
        &self.context
    }
}

pub async fn context() -> Room {
    let dir = tempfile::tempdir().unwrap();
    let (commits, _committed) = mpsc::channel(limits::BUS_QUEUE);
    let storage = SqliteStorage::open(&dir.path().join("magpie.db"), Arc::new(commits)).await.unwrap();
    let context = ToolContext {
        storage: Arc::new(storage),
        conversation_id: fresh_id!(ConversationId),
        run_id: fresh_id!(RunId),
        question: fresh_id!(MessageId),
        // 20 November 2026.
        now: Timestamp::from_ms(1_795_132_800_000),
        cancel: CancellationToken::new(),
    };
    Room { context, _dir: dir }
}
