//! The log in one SQLite file: one connection writes, a few read beside it (WAL).
//!
//! What is deleted is overwritten in the file too (`secure_delete`, in the search index as well).
//!
//! What goes to a conversation's log goes through the [`committer`], many writes to a commit; accounts,
//! sessions and charts are written by themselves on the same connection. Nothing is cached here: what a write
//! needs to know it reads inside its own transaction.

use std::path::Path;

use async_trait::async_trait;
use sqlx::{
    SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use self::{batch::Work, committer::Queue};
use super::{
    Access, Append, Appended, CommitSink, MemberRow, MessagePage, NewConversation, NewUser, Page, Result, RunRow,
    Session, SettingChange, Spent, Storage, StoredFrame,
};
use crate::{
    fresh_id,
    protocol::{
        ChartId, ConversationId, LogEpoch, MessageId, RunId, Seq, SessionId, Side, Timestamp, UserId,
        http::{Conversation, MessageNow, Role, User},
        limits::{BUSY_TIMEOUT, READ_CONNECTIONS, WAL_PAGES, WRITE_CACHE_KIB, WRITES_PER_COMMIT},
        server::ReadPosition,
    },
};

mod audit;
mod batch;
mod bulk;
mod canned;
mod checkpoint;
mod columns;
mod committer;
mod conversations;
mod deliveries;
mod desk;
mod dialogs;
mod events;
mod found;
mod log;
mod messages;
mod people;
mod posts;
mod reads;
mod runs;
mod search;
mod sessions;
mod settings;
mod silent;
mod sites;
#[cfg(test)]
mod upgrade;
mod visitors;
mod webhooks;
mod writes;

pub struct SqliteStorage {
    write: SqlitePool,
    read: SqlitePool,
    queue: Queue,
}

impl SqliteStorage {
    /// Opens the file, made and brought up to date where it has to be. Committed events go to `commits`.
    pub async fn open(path: &Path, commits: CommitSink) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .statement_cache_capacity(256);
        let write = pool(
            1,
            options
                .clone()
                .create_if_missing(true)
                .pragma("secure_delete", "on")
                // What a statement could have to undo stays in memory: as a file it is written at every commit.
                .pragma("temp_store", "memory")
                .pragma("cache_size", format!("-{WRITE_CACHE_KIB}"))
                // The checkpointer does it, so that no commit has to; this is for the day when it is stuck.
                .pragma("wal_autocheckpoint", (4 * WAL_PAGES).to_string())
                .row_buffer_size(WRITES_PER_COMMIT)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full),
        )
        .await?;
        sqlx::migrate!("src/server/storage/migrations/sqlite").run(&write).await.map_err(sqlx::Error::from)?;
        sqlx::query("INSERT OR IGNORE INTO meta (only, log_epoch) VALUES (1, ?)")
            .bind(fresh_id!(LogEpoch))
            .execute(&write)
            .await?;
        let read = pool(READ_CONNECTIONS, options.pragma("query_only", "on")).await?;
        let wal = checkpoint::start(read.clone());
        let queue = Queue::start(write.clone(), commits, wal);
        Ok(Self { write, read, queue })
    }
}

/// Connections that are opened when they are first needed, and stay.
async fn pool(connections: u32, options: SqliteConnectOptions) -> Result<SqlitePool> {
    let pool = SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(BUSY_TIMEOUT)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None);
    Ok(pool.connect_with(options).await?)
}

#[async_trait]
impl Storage for SqliteStorage {
    async fn create_user(&self, new: NewUser) -> Result<User> {
        people::create(&self.write, new).await
    }

    async fn user_by_name(&self, username: &str) -> Result<Option<User>> {
        people::by_name(&self.read, username).await
    }

    async fn credentials(&self, username: &str) -> Result<Option<(User, String)>> {
        people::credentials(&self.read, username).await
    }

    async fn users(&self) -> Result<Vec<User>> {
        people::all(&self.read).await
    }

    async fn patch_user(&self, username: &str, role: Option<Role>, disabled: Option<bool>) -> Result<Option<User>> {
        people::patch(&self.write, username, role, disabled).await
    }

    async fn set_password(&self, user: UserId, hash: String, keep: Option<SessionId>) -> Result<()> {
        people::set_password(&self.write, user, hash, keep).await
    }

    async fn create_session(&self, id: SessionId, user: UserId, at: Timestamp, expires_at: Timestamp) -> Result<()> {
        sessions::create(&self.write, id, user, at, expires_at).await
    }

    async fn session(&self, id: SessionId, now: Timestamp) -> Result<Option<Session>> {
        sessions::find(&self.read, id, now).await
    }

    async fn revoke_session(&self, id: SessionId) -> Result<()> {
        sessions::revoke(&self.write, id).await
    }

    async fn revoke_sessions_of(&self, user: UserId) -> Result<()> {
        sessions::revoke_all_of(&self.write, user).await
    }

    async fn create_conversation(&self, new: NewConversation) -> Result<()> {
        self.queue.write(Work::Found(new)).await.map(drop)
    }

    async fn conversations_of(&self, user: UserId) -> Result<Vec<Conversation>> {
        conversations::of(&self.read, user).await
    }

    async fn conversation_of(&self, user: UserId, id: ConversationId) -> Result<Option<Conversation>> {
        conversations::one_of(&self.read, user, id).await
    }

    async fn access(&self, user: UserId, id: ConversationId) -> Result<Option<Access>> {
        conversations::access(&self.read, user, id).await
    }

    async fn members(&self, id: ConversationId) -> Result<Vec<MemberRow>> {
        conversations::members(&self.read, id).await
    }

    async fn conversation_ids_of(&self, user: UserId) -> Result<Vec<ConversationId>> {
        conversations::ids_of(&self.read, user).await
    }

    async fn append(&self, append: Append) -> Result<Appended> {
        self.queue.write(Work::Append(append)).await
    }

    async fn events(&self, id: ConversationId, after: Seq, limit: u64, max_bytes: usize, side: Side) -> Result<Page> {
        log::page(&self.read, id, after, limit, max_bytes, side).await
    }

    async fn messages(&self, id: ConversationId, before: Option<Seq>, limit: u64, side: Side) -> Result<MessagePage> {
        messages::page(&self.read, id, before, limit, side).await
    }

    async fn agent_events(&self, id: ConversationId, from: Seq, limit: u64, side: Side) -> Result<Vec<StoredFrame>> {
        log::agent_events(&self.read, id, from, limit, side).await
    }

    async fn message(&self, id: ConversationId, message: MessageId) -> Result<Option<MessageNow>> {
        messages::find(&self.read, id, message).await
    }

    async fn search(&self, id: ConversationId, query: &str, limit: u64, side: Side) -> Result<Vec<MessageNow>> {
        self.queue.write(Work::Index).await?;
        search::find(&self.read, id, query, limit, side).await
    }

    async fn set_read(&self, user: UserId, id: ConversationId, up_to: Seq) -> Result<Option<Seq>> {
        let moved = self.queue.write(Work::Read { user, conversation: id, up_to }).await?;
        Ok(moved.changed.then_some(moved.seq))
    }

    async fn reads(&self, id: ConversationId, limit: usize) -> Result<Vec<ReadPosition>> {
        conversations::reads(&self.read, id, limit).await
    }

    async fn log_epoch(&self) -> Result<LogEpoch> {
        Ok(sqlx::query_scalar("SELECT log_epoch FROM meta").fetch_one(&self.read).await?)
    }

    async fn unfinished_runs(&self) -> Result<Vec<(ConversationId, RunId)>> {
        runs::unfinished(&self.read).await
    }

    async fn run_journal(&self, run: RunId) -> Result<Vec<String>> {
        runs::journal(&self.read, run).await
    }

    async fn run(&self, run: RunId) -> Result<Option<RunRow>> {
        runs::find(&self.read, run).await
    }

    async fn run_of(&self, question: MessageId) -> Result<Option<RunId>> {
        runs::of_question(&self.read, question).await
    }

    async fn spent(&self, user: UserId, at: Timestamp) -> Result<Spent> {
        runs::spent(&self.read, user, at).await
    }

    async fn put_chart(&self, conversation: ConversationId, id: ChartId, svg: &str) -> Result<()> {
        runs::put_chart(&self.write, conversation, id, svg).await
    }

    async fn chart(&self, id: ChartId) -> Result<Option<(ConversationId, String)>> {
        runs::chart(&self.read, id).await
    }

    async fn settings(&self) -> Result<Vec<(String, Vec<u8>)>> {
        settings::all(&self.read).await
    }

    async fn change_settings(&self, changes: &[SettingChange], at: Timestamp) -> Result<()> {
        settings::change(&self.write, changes, at).await
    }

    async fn health(&self) -> Result<()> {
        // Takes the lock that a write takes, and writes nothing: anybody may ask.
        Ok(self.write.begin_with("BEGIN IMMEDIATE").await?.rollback().await?)
    }

    async fn close(&self) {
        self.queue.close().await;
        self.read.close().await;
        self.write.close().await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::server::storage::conformance::{Backend, House, conformance, delete, edit};

    struct Sqlite(tempfile::TempDir);

    #[async_trait]
    impl Backend for Sqlite {
        async fn open(&self, commits: CommitSink) -> Arc<dyn Storage> {
            Arc::new(SqliteStorage::open(&self.0.path().join("magpie.db"), commits).await.unwrap())
        }
    }

    conformance!(|| Sqlite(tempfile::tempdir().unwrap()));

    #[tokio::test]
    async fn a_deleted_text_is_gone_from_the_file() {
        let place = Sqlite(tempfile::tempdir().unwrap());
        let house = House::open(&place).await;
        let anna = house.user("anna").await;
        let room = house.room(&[&anna]).await;
        let long: String = (0..2_000).map(|i| format!("xylophone{i} ")).collect();
        for text in ["xylophone", &long] {
            let sent = house.post(room, &anna, text).await;
            house.write(room, edit(&sent, &anna, &format!("{text} again"))).await.unwrap();
            house.post(room, &anna, "what stays").await;
            house.write(room, delete(&sent, &anna)).await.unwrap();
        }
        house.close().await;
        let file = std::fs::read(place.0.path().join("magpie.db")).unwrap();
        let holds = |word: &[u8]| file.windows(word.len()).any(|bytes| bytes == word);
        assert!(holds(b"what stays"));
        assert!(!holds(b"xylophone") && !holds(b"ylophon"));
    }
}
