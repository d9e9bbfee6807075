//! Whether the model can be reached: by its last call, or by a look that costs nothing, once in a while.

use std::{future::Future, time::Duration};

use parking_lot::Mutex;
use tokio::time::{Instant, timeout};

use super::super::{LlmError, LlmStatus};
use crate::protocol::limits;

#[derive(Default)]
pub(super) struct Health {
    known: Mutex<Option<(Instant, LlmStatus)>>,
    /// One looks at a time.
    looking: tokio::sync::Mutex<()>,
}

impl Health {
    /// Until something is known, what is configured is believed.
    pub fn status(&self) -> LlmStatus {
        self.known.lock().map_or(LlmStatus::Connected, |(_, status)| status)
    }

    /// Learns from a call. A refusal says nothing: it may be the question's.
    pub fn saw<T>(&self, answer: &Result<T, LlmError>) {
        match answer {
            Ok(_) | Err(LlmError::RateLimited { .. }) => self.learn(LlmStatus::Connected),
            Err(LlmError::Unreachable(_) | LlmError::Failed(_)) => self.learn(LlmStatus::Unreachable),
            Err(_) => {}
        }
    }

    /// Looks where what is known has grown old; who comes while another looks takes what is known.
    pub async fn check(&self, look: impl Future<Output = Result<(), LlmError>>) -> LlmStatus {
        if !self.is_fresh()
            && let Ok(_alone) = self.looking.try_lock()
        {
            let status = match timeout(Duration::from_millis(limits::HEALTH_CHECK_MS), look).await {
                Ok(Ok(())) => LlmStatus::Connected,
                Ok(Err(error)) => {
                    tracing::warn!(%error, "the model does not answer");
                    LlmStatus::Unreachable
                }
                Err(_elapsed) => {
                    tracing::warn!("the model does not answer in time");
                    LlmStatus::Unreachable
                }
            };
            self.learn(status);
        }
        self.status()
    }

    fn is_fresh(&self) -> bool {
        let most = Duration::from_millis(limits::MODEL_STATUS_MS);
        self.known.lock().is_some_and(|(at, _)| at.elapsed() < most)
    }

    fn learn(&self, status: LlmStatus) {
        *self.known.lock() = Some((Instant::now(), status));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_looked_at_most_once_in_a_while_and_calls_tell_too() {
        let (health, looks) = (Health::default(), AtomicUsize::new(0));
        let look = |good: bool| {
            let looks = &looks;
            async move {
                looks.fetch_add(1, Ordering::SeqCst);
                if good { Ok(()) } else { Err(LlmError::Unreachable("nobody".into())) }
            }
        };
        assert_eq!(health.check(look(false)).await, LlmStatus::Unreachable);
        assert_eq!(health.check(look(true)).await, LlmStatus::Unreachable, "known still");
        health.saw::<()>(&Ok(()));
        assert_eq!(health.check(look(false)).await, LlmStatus::Connected);
        tokio::time::advance(Duration::from_millis(limits::MODEL_STATUS_MS)).await;
        assert_eq!(health.check(look(true)).await, LlmStatus::Connected);
        health.saw::<()>(&Err(LlmError::Refused("no such model".into())));
        assert_eq!(health.status(), LlmStatus::Connected);
        health.saw::<()>(&Err(LlmError::Failed("500".into())));
        assert_eq!(health.status(), LlmStatus::Unreachable);
        tokio::time::advance(Duration::from_millis(limits::MODEL_STATUS_MS)).await;
        assert_eq!(health.check(std::future::pending()).await, LlmStatus::Unreachable, "in bounded time");
        assert_eq!(looks.load(Ordering::SeqCst), 2);
    }
}
