//! The provider that needs no model, no key and no network: a deterministic planner.
//!
//! Like a model it sees a [`ChatRequest`] and nothing else: on the first turn it picks tools from the
//! question, on the next it writes from what they returned. It never says it did what no tool did.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, stream};

use super::{ChatMessage, ChatRequest, Delta, DeltaStream, LlmClient, LlmError, LlmStatus, ModelCall};
use crate::protocol::Side;

mod answer;
mod plan;
mod talk;
mod visitor;

/// Picks real tools from the question and writes an answer from what they returned.
#[derive(Clone, Debug)]
pub struct OfflineClient {
    /// Between two pieces, so that people see the answer being written: word by word, several at a time where it
    /// would take longer than [`WHOLE`].
    pub pace: Duration,
}

/// How long the writing of an answer takes at most: whoever waits has questions behind this one.
const WHOLE: Duration = Duration::from_secs(1);

impl Default for OfflineClient {
    fn default() -> Self {
        Self { pace: Duration::from_millis(25) }
    }
}

#[async_trait]
impl LlmClient for OfflineClient {
    async fn chat(&self, request: ChatRequest) -> Result<DeltaStream, LlmError> {
        let pace = self.pace;
        let deltas = in_pieces(reply(&request), pace);
        let paced = stream::iter(deltas.into_iter().enumerate()).then(move |(at, delta)| async move {
            if at > 0 && !pace.is_zero() && matches!(delta, Delta::Text(_)) {
                tokio::time::sleep(pace).await;
            }
            Ok(delta)
        });
        Ok(paced.boxed())
    }

    fn status(&self) -> LlmStatus {
        LlmStatus::Offline
    }
}

/// The whole answer to a request, piece by piece.
fn reply(request: &ChatRequest) -> Vec<Delta> {
    let asked = request.messages.iter().rposition(|message| matches!(message, ChatMessage::User { .. }));
    let Some(ChatMessage::User { name, text }) = asked.map(|at| &request.messages[at]) else {
        return written(&talk::help(request.audience));
    };
    let (before, since) = request.messages.split_at(asked.unwrap_or_default());
    let since = &since[1..];
    if since.iter().any(|message| matches!(message, ChatMessage::Tool { .. })) {
        return written(&answer::from_results(request.audience, since));
    }
    let offered = |name: &str| request.tools.iter().any(|tool| tool.name == name);
    let agrees = request.audience == Side::Visitor && visitor::agrees(before, text);
    let person = plan::person(text, agrees).filter(|planned| offered(planned.tool));
    let planned = person.map_or_else(|| plan::plan(text), |person| vec![person]);
    let mut plan: Vec<plan::Planned> = planned.into_iter().filter(|planned| offered(planned.tool)).collect();
    if plan::may_be_elsewhere(text, &plan) {
        plan.extend(plan::last_resort(text).filter(|planned| offered(planned.tool)));
    }
    if plan.is_empty() {
        if let Some(answer) = talk::answer(request.audience, name, text) {
            return written(&answer);
        }
        plan.extend(plan::last_resort(text).filter(|planned| offered(planned.tool)));
    }
    if plan.is_empty() {
        return written(&talk::unknown(request.audience));
    }
    let calls = plan.into_iter().enumerate().map(|(at, planned)| {
        Delta::ToolCall(ModelCall {
            id: format!("call_{}", at + 1),
            tool_name: planned.tool.to_owned(),
            arguments: planned.arguments,
        })
    });
    calls.chain([Delta::Done]).collect()
}

/// No more pieces than are written in [`WHOLE`] at this pace.
fn in_pieces(deltas: Vec<Delta>, pace: Duration) -> Vec<Delta> {
    let most = match pace.as_millis() {
        0 => return deltas,
        pace => usize::try_from(WHOLE.as_millis() / pace).unwrap_or(usize::MAX).max(1),
    };
    let words = deltas.iter().filter(|delta| matches!(delta, Delta::Text(_))).count();
    let at_a_time = words.div_ceil(most).max(1);
    let mut pieces: Vec<Delta> = Vec::new();
    let mut held = 0;
    for delta in deltas {
        match (pieces.last_mut(), delta) {
            (Some(Delta::Text(piece)), Delta::Text(word)) if held < at_a_time => {
                piece.push_str(&word);
                held += 1;
            }
            (_, delta) => {
                pieces.push(delta);
                held = 1;
            }
        }
    }
    pieces
}

/// Word by word.
fn written(text: &str) -> Vec<Delta> {
    let mut words: Vec<String> = Vec::new();
    let mut at_space = false;
    for c in text.chars() {
        match words.last_mut() {
            Some(word) if c.is_whitespace() || !at_space => word.push(c),
            _ => words.push(c.into()),
        }
        at_space = c.is_whitespace();
    }
    words.into_iter().map(Delta::Text).chain([Delta::Done]).collect()
}

#[cfg(test)]
mod tests;
