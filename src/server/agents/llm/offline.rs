//! The provider that needs no model, no key and no network: a deterministic planner.

use std::time::Duration;

use async_trait::async_trait;

use super::{ChatRequest, DeltaStream, LlmClient, LlmError, LlmStatus};

/// Picks real tools from the question and writes an answer from what they returned.
#[derive(Clone, Debug)]
pub struct OfflineClient {
    /// Between two words, so that people see the answer being written.
    pub pace: Duration,
}

impl Default for OfflineClient {
    fn default() -> Self {
        Self { pace: Duration::from_millis(25) }
    }
}

#[async_trait]
impl LlmClient for OfflineClient {
    async fn chat(&self, request: ChatRequest) -> Result<DeltaStream, LlmError> {
        let _ = (request, self.pace);
        todo!()
    }

    fn status(&self) -> LlmStatus {
        LlmStatus::Offline
    }
}
