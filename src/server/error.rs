//! From what went wrong inside to what a caller is told. A failure of ours is logged here, once, and the
//! caller learns no more than that it is ours.

use super::storage::StorageError;
use crate::protocol::{Code, Problem};

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::NotFound => Self::not_found(),
            StorageError::UsernameTaken => Self::new(Code::UsernameTaken, "That username is taken. Choose another."),
            StorageError::ClientIdReused => {
                Self::new(Code::ClientIdReused, "That client_id was used for another message. Make a new one.")
            }
            StorageError::Forbidden => Self::forbidden("You may not do that to this message."),
            StorageError::StaleEpoch(now) => Self::stale_epoch(&now),
            StorageError::Full(what) => Self::invalid("limit", what),
            StorageError::Closed => Self::new(Code::Unavailable, "The server is restarting. Try again in a moment."),
            StorageError::Database(error) => {
                tracing::error!(%error, "the database failed");
                Self::new(Code::Unavailable, "The server cannot reach its database. Nothing was saved; try again.")
            }
        }
    }
}

/// A failure of ours that no caller can do anything about.
pub fn internal(what: &str, error: &dyn std::fmt::Display) -> Problem {
    tracing::error!(%error, "{what}");
    Problem::new(Code::Internal, "Something went wrong on our side. It was written down; try again.")
}
