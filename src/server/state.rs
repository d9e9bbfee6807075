//! The composition root: the one place that names the backends.

use std::sync::Arc;

use axum::extract::FromRef;

use super::{accounts::Accounts, config::Config, conversations::Conversations, storage::Storage};
use crate::protocol::LogEpoch;

/// What every handler may ask for. Cheap to clone.
#[derive(Clone, FromRef)]
pub struct AppState {
    pub config: Arc<Config>,
    pub storage: Arc<dyn Storage>,
    pub accounts: Accounts,
    pub conversations: Conversations,
    pub log_epoch: LogEpoch,
}
