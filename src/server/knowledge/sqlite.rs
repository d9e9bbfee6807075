//! The index of the folder in a SQLite file of its own (FTS5, ranked by bm25). Before each answer it is brought
//! up to date with the files; a file of another version, of another folder or broken is made anew.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use sqlx::{
    Row, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::{sync::Mutex, task::spawn_blocking};

use super::{
    Found, Knowledge, KnowledgeError, Search,
    folder::{self, Seen},
    passages::{self, Passage},
    words,
};
use crate::protocol::limits;

/// Grows with the tables and with how a document is cut.
const VERSION: i64 = 1;
const TABLES: &str = "
    CREATE TABLE folder (root TEXT NOT NULL);
    CREATE TABLE documents (
        id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE, size INTEGER NOT NULL, modified_ns INTEGER NOT NULL,
        title TEXT NOT NULL, markdown TEXT NOT NULL
    );
    CREATE TABLE places (id INTEGER PRIMARY KEY, document INTEGER NOT NULL, anchor TEXT NOT NULL);
    CREATE INDEX places_of ON places (document);
    CREATE VIRTUAL TABLE passages USING fts5 (
        title, heading, body, tokenize = 'porter unicode61 remove_diacritics 2'
    );
    PRAGMA user_version = 1;
";
/// Passages among which those are looked for that have enough of the words.
const CANDIDATES: usize = 24;
/// Files that are read before they are written to the index together.
const BATCH: usize = 32;

type Result<T> = std::result::Result<T, KnowledgeError>;

pub struct SqliteKnowledge {
    root: PathBuf,
    pool: SqlitePool,
    /// One at a time brings the index up to date.
    refreshing: Mutex<()>,
}

impl From<sqlx::Error> for KnowledgeError {
    fn from(error: sqlx::Error) -> Self {
        Self::Index(error.to_string())
    }
}

impl SqliteKnowledge {
    /// Opens the index in `file`, of the folder `root`, and begins to read the folder.
    pub async fn open(file: &Path, root: &Path) -> Result<Arc<Self>> {
        let pool = match opened(file, root).await? {
            Some(pool) => pool,
            None => made(file, root).await?,
        };
        let knowledge = Arc::new(Self { root: root.to_owned(), pool, refreshing: Mutex::new(()) });
        let at_work = knowledge.clone();
        tokio::spawn(async move {
            if let Err(error) = at_work.refresh().await {
                tracing::warn!(%error, "the knowledge base could not be read yet");
            }
        });
        Ok(knowledge)
    }

    /// What changed in the folder since the last time goes into the index.
    async fn refresh(&self) -> Result<()> {
        let _alone = self.refreshing.lock().await;
        let root = self.root.clone();
        let seen = blocking(move || folder::walk(&root)).await??;
        let mut known: HashMap<String, (i64, i64)> =
            sqlx::query_as::<_, (String, i64, i64)>("SELECT path, size, modified_ns FROM documents")
                .fetch_all(&self.pool)
                .await?
                .into_iter()
                .map(|(path, size, modified)| (path, (size, modified)))
                .collect();
        let is_new = |seen: &Seen| known.remove(&seen.path) != Some((seen.size, seen.modified_ns));
        let changed: Vec<Seen> = seen.into_iter().filter(is_new).collect();
        for path in known.into_keys() {
            self.forget(&path).await?;
        }
        for batch in changed.chunks(BATCH) {
            self.take(batch.to_vec()).await?;
        }
        Ok(())
    }

    async fn forget(&self, path: &str) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        remove(&mut tx, path).await?;
        Ok(tx.commit().await?)
    }

    async fn take(&self, files: Vec<Seen>) -> Result<()> {
        let read = blocking(move || files.into_iter().filter_map(read).collect::<Vec<_>>()).await?;
        let mut tx = self.pool.begin().await?;
        for document in read {
            remove(&mut tx, &document.seen.path).await?;
            insert(&mut tx, document).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Passages for a pattern of the index's language, the best first.
    async fn matching(&self, pattern: &str, limit: usize) -> Result<Vec<(i64, Found)>> {
        let rows = sqlx::query(
            "SELECT p.rowid AS id, d.path, d.title, p.heading, l.anchor, p.body,
                    snippet(passages, 2, '', '', '…', 64) AS part
             FROM passages p JOIN places l ON l.id = p.rowid JOIN documents d ON d.id = l.document
             WHERE p.passages MATCH ? ORDER BY bm25(passages, 4.0, 2.0, 1.0), p.rowid LIMIT ?",
        )
        .bind(pattern)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await?;
        let found = rows.into_iter().map(|row| {
            let (body, part): (String, String) = (row.try_get("body")?, row.try_get("part")?);
            let is_short = body.len() <= limits::KNOWLEDGE_QUOTE_BYTES;
            let found = Found {
                path: row.try_get("path")?,
                title: row.try_get("title")?,
                heading: row.try_get("heading")?,
                anchor: row.try_get("anchor")?,
                quote: if is_short { body } else { part },
            };
            Ok((row.try_get("id")?, found))
        });
        found.collect()
    }

    /// Of these passages those that have at least half of the words.
    async fn with_enough(&self, words: &[String], candidates: Vec<(i64, Found)>) -> Result<Vec<(i64, Found)>> {
        let ids = candidates.iter().map(|(id, _)| id.to_string()).collect::<Vec<_>>().join(",");
        let mut counts: HashMap<i64, usize> = HashMap::new();
        for word in words {
            // The ids are numbers of our own.
            let sql = format!("SELECT rowid FROM passages WHERE passages MATCH ? AND rowid IN ({ids})");
            let having: Vec<i64> =
                sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).bind(words::quoted(word)).fetch_all(&self.pool).await?;
            for id in having {
                *counts.entry(id).or_default() += 1;
            }
        }
        let enough = words.len().div_ceil(2);
        Ok(candidates.into_iter().filter(|(id, _)| counts.get(id).is_some_and(|count| *count >= enough)).collect())
    }

    /// The passages with that word, of those that stand anywhere, which the fewest have: it says most.
    async fn with_the_rarest(&self, words: &[String], limit: usize) -> Result<Search> {
        let mut rarest: Option<(i64, &String)> = None;
        for word in words {
            let count: i64 = sqlx::query_scalar("SELECT count(*) FROM passages WHERE passages MATCH ?")
                .bind(words::quoted(word))
                .fetch_one(&self.pool)
                .await?;
            if count > 0 && rarest.is_none_or(|(least, _)| count < least) {
                rarest = Some((count, word));
            }
        }
        let Some((_, word)) = rarest else { return Ok(Search::default()) };
        let found = self.matching(&words::quoted(word), limit).await?;
        Ok(Search { found: found.into_iter().map(|(_, found)| found).collect(), only: Some(word.clone()) })
    }
}

#[async_trait]
impl Knowledge for SqliteKnowledge {
    async fn search(&self, query: &str, limit: usize) -> Result<Search> {
        let words = words::of(query);
        if words.is_empty() {
            return Ok(Search::default());
        }
        self.refresh().await?;
        let quoted: Vec<String> = words.iter().map(|word| words::quoted(word)).collect();
        let mut found = self.matching(&quoted.join(" AND "), limit).await?;
        if found.len() < limit && words.len() > 1 {
            let some = self.matching(&quoted.join(" OR "), CANDIDATES).await?;
            let others = self.with_enough(&words, some).await?;
            let fresh: Vec<_> = others.into_iter().filter(|(id, _)| found.iter().all(|(had, _)| had != id)).collect();
            found.extend(fresh);
            found.truncate(limit);
        }
        if found.is_empty() && words.len() > 1 {
            return self.with_the_rarest(&words, limit).await;
        }
        Ok(Search { found: found.into_iter().map(|(_, found)| found).collect(), only: None })
    }

    async fn document(&self, path: &str) -> Result<Option<String>> {
        self.refresh().await?;
        let found = sqlx::query_scalar("SELECT markdown FROM documents WHERE path = ?").bind(path);
        Ok(found.fetch_optional(&self.pool).await?)
    }
}

/// A file's text, taken apart.
struct Document {
    seen: Seen,
    title: String,
    passages: Vec<Passage>,
    markdown: String,
}

/// `None`: it is gone, or is no longer what was seen; the next time finds it.
fn read(seen: Seen) -> Option<Document> {
    let bytes = fs::read(&seen.file).ok()?;
    if i64::try_from(bytes.len()).ok() != Some(seen.size) {
        return None;
    }
    let markdown = String::from_utf8_lossy(&bytes).replace('\0', "");
    let (title, passages) = passages::read(&seen.path, &markdown);
    Some(Document { seen, title, passages, markdown })
}

async fn insert(tx: &mut sqlx::SqliteConnection, document: Document) -> Result<()> {
    let Document { seen, title, passages, markdown } = document;
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO documents (path, size, modified_ns, title, markdown) VALUES (?, ?, ?, ?, ?) RETURNING id",
    )
    .bind(&seen.path)
    .bind(seen.size)
    .bind(seen.modified_ns)
    .bind(&title)
    .bind(markdown)
    .fetch_one(&mut *tx)
    .await?;
    for passage in passages {
        let place: i64 = sqlx::query_scalar("INSERT INTO places (document, anchor) VALUES (?, ?) RETURNING id")
            .bind(id)
            .bind(passage.anchor)
            .fetch_one(&mut *tx)
            .await?;
        sqlx::query("INSERT INTO passages (rowid, title, heading, body) VALUES (?, ?, ?, ?)")
            .bind(place)
            .bind(&title)
            .bind(passage.heading)
            .bind(passage.text)
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

async fn remove(tx: &mut sqlx::SqliteConnection, path: &str) -> Result<()> {
    let id: Option<i64> =
        sqlx::query_scalar("SELECT id FROM documents WHERE path = ?").bind(path).fetch_optional(&mut *tx).await?;
    let Some(id) = id else { return Ok(()) };
    for sql in [
        "DELETE FROM passages WHERE rowid IN (SELECT id FROM places WHERE document = ?)",
        "DELETE FROM places WHERE document = ?",
        "DELETE FROM documents WHERE id = ?",
    ] {
        sqlx::query(sql).bind(id).execute(&mut *tx).await?;
    }
    Ok(())
}

/// The index that is there; `None` where it is of no use and has to be made anew.
async fn opened(file: &Path, root: &Path) -> Result<Option<SqlitePool>> {
    if !file.exists() {
        return Ok(None);
    }
    let found: sqlx::Result<SqlitePool> = async {
        let pool = pool(file).await?;
        let version: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&pool).await?;
        let of: String = match version == VERSION {
            true => sqlx::query_scalar("SELECT root FROM folder").fetch_one(&pool).await?,
            false => String::new(),
        };
        if of == root.to_string_lossy() {
            return Ok(pool);
        }
        pool.close().await;
        Err(sqlx::Error::RowNotFound)
    }
    .await;
    Ok(found.ok())
}

async fn made(file: &Path, root: &Path) -> Result<SqlitePool> {
    for end in ["", "-wal", "-shm"] {
        let mut name = file.as_os_str().to_owned();
        name.push(end);
        match fs::remove_file(&name) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    let pool = pool(file).await?;
    let mut tx = pool.begin().await?;
    sqlx::raw_sql(TABLES).execute(&mut *tx).await?;
    sqlx::query("INSERT INTO folder (root) VALUES (?)").bind(root.to_string_lossy()).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(pool)
}

async fn pool(file: &Path) -> sqlx::Result<SqlitePool> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .busy_timeout(limits::BUSY_TIMEOUT)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal);
    SqlitePoolOptions::new().max_connections(2).idle_timeout(None).max_lifetime(None).connect_with(options).await
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    spawn_blocking(work).await.map_err(|error| KnowledgeError::Index(error.to_string()))
}

#[cfg(test)]
mod tests;
