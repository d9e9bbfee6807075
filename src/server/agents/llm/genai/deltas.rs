//! The crate's events as ours. The first error ends a stream: the crate would read on behind it.

use std::{collections::VecDeque, sync::Arc};

use futures_util::{Stream, StreamExt, stream};
use genai::chat::{ChatStream, ChatStreamEvent, StopReason, StreamEnd, ToolCall, Usage as Counted};
use serde_json::Value;

use super::{
    super::{Delta, LlmError, ModelCall},
    failure::Failures,
    frames::{self, Frames, Whole},
    relay::Call,
};
use crate::protocol::{agent::Usage, limits};

/// Stands under an answer that met the provider's limit.
const CUT_SHORT: &str = "\n\n*(The model stopped here: its answer reached the provider's limit.)*";

pub(super) struct Deltas {
    stream: ChatStream,
    /// Lives as long as the stream.
    call: Call,
    frames: Option<Arc<Frames>>,
    failures: Failures,
    /// Nothing of ours may stand in the answer.
    is_json: bool,
    /// Calls that the crate puts together, by their id, and the length of each so far.
    captured: Vec<(String, usize)>,
    has_text: bool,
    waiting: VecDeque<Result<Delta, LlmError>>,
    is_over: bool,
}

impl Deltas {
    pub fn of(stream: ChatStream, call: Call, frames: Option<Arc<Frames>>, failures: Failures, is_json: bool) -> Self {
        let (captured, waiting) = (Vec::new(), VecDeque::new());
        Self { stream, call, frames, failures, is_json, captured, has_text: false, waiting, is_over: false }
    }

    pub fn stream(self) -> impl Stream<Item = Result<Delta, LlmError>> + Send + Unpin {
        stream::unfold(self, |mut deltas| async move { deltas.next().await.map(|delta| (delta, deltas)) }).boxed()
    }

    async fn next(&mut self) -> Option<Result<Delta, LlmError>> {
        loop {
            if let Some(delta) = self.waiting.pop_front() {
                return Some(delta);
            }
            if self.is_over {
                return None;
            }
            match self.stream.next().await {
                Some(Ok(event)) => self.take(event),
                Some(Err(error)) => {
                    let failure = self.call.failure().unwrap_or_else(|| self.failures.of_error(&error));
                    self.end([Err(failure)]);
                }
                // A server that sends no `[DONE]` has said that it is over all the same.
                None if self.frames.as_ref().is_some_and(|frames| frames.has_ended()) => {
                    self.finish(StreamEnd::default());
                }
                None => self.end([Err(LlmError::Cut)]),
            }
            if self.is_too_much() {
                self.waiting.clear();
                self.end([Err(LlmError::Malformed("more tool calls than anybody could carry out".into()))]);
            }
        }
    }

    fn take(&mut self, event: ChatStreamEvent) {
        match event {
            ChatStreamEvent::Chunk(chunk) if !chunk.content.is_empty() => {
                self.has_text = true;
                self.waiting.push_back(Ok(Delta::Text(chunk.content)));
            }
            ChatStreamEvent::ReasoningChunk(chunk) => self.waiting.push_back(Ok(Delta::Reasoning(chunk.content))),
            // A long call is written in silence otherwise.
            ChatStreamEvent::ToolCallChunk(chunk) => {
                self.grows(chunk.tool_call);
                self.waiting.push_back(Ok(Delta::Reasoning(String::new())));
            }
            ChatStreamEvent::End(end) => self.finish(end),
            _ => {}
        }
    }

    /// A call that is written in pieces comes with all that it has so far.
    fn grows(&mut self, call: ToolCall) {
        let (is_whole, bytes) = match &call.fn_arguments {
            Value::String(so_far) => (false, so_far.len()),
            whole => (true, whole.to_string().len()),
        };
        match self.captured.last_mut().filter(|(id, _)| !is_whole && *id == call.call_id) {
            Some((_, so_far)) => *so_far = bytes,
            None => self.captured.push((call.call_id, bytes)),
        }
    }

    /// More calls, or longer ones, than anybody would carry out.
    fn is_too_much(&self) -> bool {
        let bytes = self.captured.iter().map(|(_, bytes)| bytes).sum::<usize>();
        bytes > limits::MODEL_CALLS_BYTES
            || self.captured.len() > limits::MODEL_CALLS
            || self.frames.as_ref().is_some_and(|frames| frames.is_too_much())
    }

    fn end(&mut self, with: impl IntoIterator<Item = Result<Delta, LlmError>>) {
        self.waiting.extend(with);
        self.is_over = true;
    }

    fn finish(&mut self, end: StreamEnd) {
        let usage = end.captured_usage.as_ref().and_then(counted);
        let told = end.captured_stop_reason.clone();
        let Whole { calls, stop, refusal } = match &self.frames {
            Some(frames) => frames.take(),
            None => captured(end),
        };
        let stop = told.or(stop.map(StopReason::from));
        self.waiting.extend(usage.map(|usage| Ok(Delta::Usage(usage))));
        if let Some(refusal) = refusal.filter(|_| !self.has_text && calls.is_empty()) {
            return self.end([Err(LlmError::Refused(self.failures.clean(&refusal)))]);
        }
        match stop {
            Some(StopReason::ContentFilter(_)) => {
                let what = "the provider's content filter stopped the answer. Ask in other words.";
                return self.end([Err(LlmError::Refused(what.into()))]);
            }
            Some(StopReason::MaxTokens(_)) if self.has_text && calls.is_empty() && !self.is_json => {
                self.waiting.push_back(Ok(Delta::Text(CUT_SHORT.into())));
            }
            // Gemini's stream has no other end than its reason: without one it was cut.
            None if self.frames.is_none() => return self.end([Err(LlmError::Cut)]),
            _ => {}
        }
        self.waiting.extend(calls.into_iter().map(|call| Ok(Delta::ToolCall(call))));
        self.end([Ok(Delta::Done)]);
    }
}

/// What the crate itself put together, for providers whose calls come whole.
fn captured(end: StreamEnd) -> Whole {
    let calls = end.captured_into_tool_calls().unwrap_or_default().into_iter().map(|call| ModelCall {
        id: call.call_id,
        tool_name: call.fn_name,
        arguments: frames::arguments(call.fn_arguments),
    });
    Whole { calls: calls.collect(), stop: None, refusal: None }
}

fn counted(usage: &Counted) -> Option<Usage> {
    let tokens = |count: Option<i32>| u64::try_from(count.unwrap_or_default()).unwrap_or_default();
    let (input_tokens, output_tokens) = (tokens(usage.prompt_tokens), tokens(usage.completion_tokens));
    (input_tokens + output_tokens > 0).then_some(Usage { input_tokens, output_tokens, ..Usage::default() })
}
