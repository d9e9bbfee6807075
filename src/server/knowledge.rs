//! What the operator wants the agents to know: Markdown files in a folder, found by their words.
//!
//! A document is cut into passages at its headings; a search brings those that fit best, each with the address
//! where people read it. The files are the truth: an index of them may be thrown away at any time. Whoever is
//! signed in may read all of it, so nothing of a conversation belongs here.

use async_trait::async_trait;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::error::internal;
use crate::protocol::Problem;

mod folder;
pub mod passages;
pub mod sqlite;
mod words;

/// What a search brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// The best first.
    pub found: Vec<Found>,
    /// The only word of the query that these passages were found by, where none has enough of its words.
    pub only: Option<String>,
}

/// A passage that fits a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The document's, from the folder: `guides/backup.md`.
    pub path: String,
    /// The document's.
    pub title: String,
    /// From the document's first headings to the passage's own, with ` › ` between; empty above all headings.
    pub heading: String,
    /// Where in the document's page it stands.
    pub anchor: String,
    /// The passage as it was written, or the part of it with the words.
    pub quote: String,
}

impl Found {
    /// Where people read it.
    pub fn link(&self) -> String {
        let anchor = if self.anchor.is_empty() { String::new() } else { format!("#{}", encoded(&self.anchor)) };
        format!("{LINK}{}{anchor}", encoded(&self.path))
    }
}

/// Documents are served below this address.
pub const LINK: &str = "/api/v1/knowledge/";

const OUTSIDE_A_PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, OUTSIDE_A_PATH).to_string()
}

#[derive(Debug, thiserror::Error)]
pub enum KnowledgeError {
    #[error("the knowledge folder cannot be read: {0}")]
    Folder(#[from] std::io::Error),
    #[error("the index of the knowledge folder failed: {0}")]
    Index(String),
}

impl From<KnowledgeError> for Problem {
    fn from(error: KnowledgeError) -> Self {
        internal("the knowledge base failed", &error)
    }
}

#[async_trait]
pub trait Knowledge: Send + Sync + 'static {
    /// The passages that fit best, at most `limit`; of the files as they are now.
    async fn search(&self, query: &str, limit: usize) -> Result<Search, KnowledgeError>;
    /// A document's Markdown; `None` where the folder has none of this path.
    async fn document(&self, path: &str) -> Result<Option<String>, KnowledgeError>;
}
