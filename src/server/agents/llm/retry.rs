//! Calls that fail for a reason that may pass are made again, from their beginning; the reader is told before
//! each wait. What no second try mends goes through at once.
//!
//! Silence is a failure, too: a model that does not begin, or stops in the middle, is hung up on. Dropping the
//! stream ends whatever is going on, a wait as well as a call.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use tokio::time::{sleep, timeout};

use super::{ChatRequest, Delta, DeltaStream, LlmClient, LlmError, LlmStatus, Retry};
use crate::protocol::limits;

/// How long and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Calls at most, the first one included,
    pub attempts: u32,
    /// and of those that end in silence, each of which takes long.
    pub silent_attempts: u32,
    /// Full jitter: a wait is a random time below `min(cap, base × 2^n)`.
    pub base: Duration,
    pub cap: Duration,
    /// The longest wait that a server may ask for.
    pub longest: Duration,
    /// From the call to the first piece.
    pub first_piece: Duration,
    /// From a piece to the next; reasoning is one.
    pub silence: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            attempts: limits::MODEL_ATTEMPTS,
            silent_attempts: limits::MODEL_SILENT_ATTEMPTS,
            base: Duration::from_millis(limits::MODEL_RETRY_BASE_MS),
            cap: Duration::from_millis(limits::MODEL_RETRY_CAP_MS),
            longest: Duration::from_millis(limits::MODEL_RETRY_AFTER_MS),
            first_piece: Duration::from_millis(limits::MODEL_FIRST_PIECE_MS),
            silence: Duration::from_millis(limits::MODEL_SILENCE_MS),
        }
    }
}

impl Patience {
    /// How long to wait before the next call, where there is to be one. `failed` counts the calls so far.
    fn wait(&self, failed: u32, failure: &LlmError) -> Option<Duration> {
        let most = match failure {
            LlmError::Refused(_) | LlmError::TooMuch(_) => return None,
            LlmError::Silent(_) => self.silent_attempts,
            _ => self.attempts,
        };
        if failed >= most {
            return None;
        }
        let doubled = self.base.saturating_mul(2_u32.saturating_pow(failed.saturating_sub(1)));
        let jitter = doubled.min(self.cap).mul_f64(rand::random());
        match failure {
            LlmError::RateLimited { retry_after: Some(asked) } if *asked > self.longest => None,
            // Never sooner than asked, and not all at once then.
            LlmError::RateLimited { retry_after: Some(asked) } => Some(*asked + jitter),
            _ => Some(jitter),
        }
    }
}

pub struct Retrying<C: ?Sized> {
    client: Arc<C>,
    patience: Patience,
}

impl<C: LlmClient + ?Sized> Retrying<C> {
    pub fn new(client: Arc<C>) -> Self {
        Self::with(client, Patience::default())
    }

    pub const fn with(client: Arc<C>, patience: Patience) -> Self {
        Self { client, patience }
    }
}

#[async_trait]
impl<C: LlmClient + ?Sized> LlmClient for Retrying<C> {
    async fn chat(&self, request: ChatRequest) -> Result<DeltaStream, LlmError> {
        let (client, patience) = (self.client.clone(), self.patience);
        let calls = Calls { client, request, patience, failed: 0, next: Next::Call };
        let mut deltas =
            stream::unfold(calls, |mut calls| async move { calls.next().await.map(|delta| (delta, calls)) }).boxed();
        match deltas.next().await {
            Some(Err(error)) => Err(error),
            first => Ok(stream::iter(first).chain(deltas).boxed()),
        }
    }

    fn status(&self) -> LlmStatus {
        self.client.status()
    }

    async fn check(&self) -> LlmStatus {
        self.client.check().await
    }

    fn model(&self) -> Option<String> {
        self.client.model()
    }
}

/// One question, as often as it is asked.
struct Calls<C: ?Sized> {
    client: Arc<C>,
    request: ChatRequest,
    patience: Patience,
    failed: u32,
    next: Next,
}

enum Next {
    Call,
    Wait(Duration),
    Read { stream: DeltaStream, has_begun: bool, has_said: bool },
    Nothing,
}

impl<C: LlmClient + ?Sized> Calls<C> {
    async fn next(&mut self) -> Option<Result<Delta, LlmError>> {
        loop {
            let patience = self.patience;
            let failure = match &mut self.next {
                Next::Nothing => return None,
                Next::Wait(delay) => {
                    sleep(*delay).await;
                    self.next = Next::Call;
                    continue;
                }
                Next::Call => match timeout(patience.first_piece, self.client.chat(self.request.clone())).await {
                    Ok(Ok(stream)) => {
                        self.next = Next::Read { stream, has_begun: false, has_said: false };
                        continue;
                    }
                    Ok(Err(failure)) => failure,
                    Err(_elapsed) => LlmError::Silent(patience.first_piece),
                },
                Next::Read { stream, has_begun, has_said } => {
                    let most = if *has_begun { patience.silence } else { patience.first_piece };
                    match timeout(most, stream.next()).await {
                        // As a busy server does that was interrupted a moment before.
                        Ok(Some(Ok(Delta::Done))) if !*has_said => LlmError::Malformed("it is empty".into()),
                        Ok(Some(Ok(delta))) => {
                            *has_begun = true;
                            *has_said |= matches!(&delta, Delta::ToolCall(_))
                                || matches!(&delta, Delta::Text(text) if !text.is_empty());
                            if delta == Delta::Done {
                                metrics::counter!("magpie_model_calls_total", "outcome" => "answered").increment(1);
                                self.next = Next::Nothing;
                            }
                            return Some(Ok(delta));
                        }
                        Ok(Some(Err(failure))) => failure,
                        Ok(None) => LlmError::Cut,
                        Err(_elapsed) => LlmError::Silent(most),
                    }
                }
            };
            return Some(self.after(failure));
        }
    }

    /// The call is over; what it held is dropped here.
    fn after(&mut self, failure: LlmError) -> Result<Delta, LlmError> {
        self.failed += 1;
        metrics::counter!("magpie_model_calls_total", "outcome" => outcome(&failure)).increment(1);
        let Some(delay) = self.patience.wait(self.failed, &failure) else {
            self.next = Next::Nothing;
            tracing::warn!(attempt = self.failed, error = %failure, "the model's call failed");
            return Err(failure);
        };
        self.next = Next::Wait(delay);
        let (attempt, of) = (self.failed + 1, self.patience.attempts);
        tracing::warn!(attempt, of, ?delay, error = %failure, "the model is asked again");
        Ok(Delta::Retry(Retry { attempt, of, delay, reason: failure.to_string() }))
    }
}

const fn outcome(failure: &LlmError) -> &'static str {
    match failure {
        LlmError::Unreachable(_) => "unreachable",
        LlmError::Refused(_) => "refused",
        LlmError::RateLimited { .. } => "rate_limited",
        LlmError::Failed(_) => "failed",
        LlmError::Silent(_) => "silent",
        LlmError::Malformed(_) => "malformed",
        LlmError::TooMuch(_) => "too_much",
        LlmError::Cut => "cut",
    }
}

#[cfg(test)]
mod tests;
