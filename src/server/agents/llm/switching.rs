//! The model in force, which an admin may change while the server runs: a run keeps the one that it began with.

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::RwLock;

use super::{ChatRequest, DeltaStream, LlmClient, LlmError, LlmStatus};

pub struct SwitchingClient {
    current: RwLock<Arc<dyn LlmClient>>,
}

impl SwitchingClient {
    pub fn to(client: Arc<dyn LlmClient>) -> Self {
        Self { current: RwLock::new(client) }
    }

    pub fn switch(&self, client: Arc<dyn LlmClient>) {
        *self.current.write() = client;
    }

    fn now(&self) -> Arc<dyn LlmClient> {
        self.current.read().clone()
    }
}

#[async_trait]
impl LlmClient for SwitchingClient {
    async fn chat(&self, request: ChatRequest) -> Result<DeltaStream, LlmError> {
        self.now().chat(request).await
    }

    fn status(&self) -> LlmStatus {
        self.now().status()
    }

    async fn check(&self) -> LlmStatus {
        self.now().check().await
    }

    fn model(&self) -> Option<String> {
        self.now().model()
    }

    fn current(&self) -> Option<Arc<dyn LlmClient>> {
        Some(self.now())
    }
}

/// Stands where a model was chosen that cannot be asked as it is: it says why, instead of letting another answer.
pub struct UnusableClient {
    pub why: String,
}

#[async_trait]
impl LlmClient for UnusableClient {
    async fn chat(&self, _: ChatRequest) -> Result<DeltaStream, LlmError> {
        Err(LlmError::Refused(self.why.clone()))
    }

    fn status(&self) -> LlmStatus {
        LlmStatus::Unreachable
    }
}
