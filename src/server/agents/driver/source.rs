//! Where the next event of a run comes from: a model that writes, or a tool at work.

use std::{future, time::Duration};

use futures_util::{StreamExt, TryStreamExt, future::BoxFuture, stream};
use tokio::time::Instant;

use super::Driver;
use crate::{
    fresh_id,
    protocol::{CallId, Timestamp},
    server::{
        agents::{
            llm::{ChatRequest, Delta, DeltaStream, LlmError, ModelCall, Retry},
            run::{ModelTimes, PlannedCall, Request, RunEvent},
            team::Budget,
            tools::Tools,
        },
        clock,
    },
};

pub(super) enum Source {
    Nothing,
    Model(Box<Asked>),
    Tool { call: BoxFuture<'static, RunEvent>, since: Instant, until: Option<Instant> },
}

/// A call of a model.
pub(super) struct Asked {
    deltas: DeltaStream,
    tools: Tools,
    ask_before: Vec<String>,
    model: Option<String>,
    since: Instant,
    first_token: Option<Instant>,
    until: Option<Instant>,
}

pub(super) enum Heard {
    /// To be shown soon, with what comes meanwhile.
    Text(String),
    Nothing,
    Told(RunEvent),
}

impl Source {
    pub async fn next(&mut self) -> Heard {
        match self {
            Self::Nothing => future::pending().await,
            Self::Tool { call, .. } => Heard::Told(call.await),
            Self::Model(asked) => asked.next().await,
        }
    }

    /// For how long it has been at work.
    pub fn ms(&self) -> Option<u64> {
        match self {
            Self::Nothing => None,
            Self::Model(asked) => Some(ms(asked.since.elapsed())),
            Self::Tool { since, .. } => Some(ms(since.elapsed())),
        }
    }

    /// When the run's budget of time is used up.
    pub fn out_of_time(&self) -> Option<Instant> {
        match self {
            Self::Nothing => None,
            Self::Model(asked) => asked.until,
            Self::Tool { until, .. } => *until,
        }
    }
}

impl Asked {
    async fn next(&mut self) -> Heard {
        let delta = match self.deltas.next().await {
            Some(Ok(delta)) => delta,
            Some(Err(error)) => return self.failed(&error),
            None => return self.failed(&LlmError::Cut),
        };
        if !matches!(delta, Delta::Usage(_) | Delta::Done | Delta::Retry(_)) {
            self.first_token.get_or_insert_with(Instant::now);
        }
        match delta {
            Delta::Text(text) => Heard::Text(text),
            Delta::Reasoning(_) => Heard::Nothing,
            Delta::Usage(usage) => Heard::Told(RunEvent::Used(usage)),
            Delta::ToolCall(call) => Heard::Told(RunEvent::Called(self.planned(call))),
            Delta::Retry(Retry { attempt, of, delay, reason }) => {
                self.first_token = None;
                Heard::Told(RunEvent::Retrying { attempt, of, delay_ms: ms(delay), reason })
            }
            Delta::Done => Heard::Told(RunEvent::ModelDone(ModelTimes {
                model: self.model.clone(),
                first_token_ms: self.first_token.map(|at| ms(at - self.since)),
                duration_ms: ms(self.since.elapsed()),
            })),
        }
    }

    fn failed(&self, error: &LlmError) -> Heard {
        Heard::Told(RunEvent::ModelFailed { reason: error.to_string(), ms: ms(self.since.elapsed()) })
    }

    fn planned(&self, call: ModelCall) -> PlannedCall {
        let tool = self.tools.get(&call.tool_name);
        let activity = match &tool {
            Some(tool) => tool.activity(&call.arguments),
            None => format!("Using {}", call.tool_name),
        };
        let asks_first = self.tools.asks_first(&self.ask_before, &call.tool_name);
        let class = tool.map(|tool| tool.class());
        PlannedCall { call_id: fresh_id!(CallId), call, activity, class, asks_first }
    }
}

impl Driver {
    /// Nobody's budget of the day is passed by several runs at once: what all of them spent is looked at before
    /// each call.
    pub(super) async fn ask_model(&mut self) {
        if self.shared.team.budgets.user_day != Budget::default() {
            match self.shared.storage.spent(self.spec.asked_by.id, clock::now()).await {
                Ok(today) => Box::pin(self.take(RunEvent::Today(today))).await,
                Err(error) => tracing::error!(%error, "what was spent today could not be read"),
            }
            if self.machine.is_over() {
                return;
            }
        }
        let Request { system, messages, tools, ask_before, model, schema, audience } = self.machine.request();
        let messages = self.context.iter().cloned().chain(messages).collect();
        let tools = self.shared.tools.definitions(&tools);
        let name = self.llm.model().map(|configured| model.clone().unwrap_or(configured));
        let request = ChatRequest { system, messages, tools, model, schema, audience };
        let llm = self.llm.clone();
        let asked = Asked {
            deltas: stream::once(async move { llm.chat(request).await }).try_flatten().boxed(),
            tools: self.shared.tools.clone(),
            ask_before,
            model: name,
            since: Instant::now(),
            first_token: None,
            until: self.until(),
        };
        self.source = Source::Model(Box::new(asked));
    }

    /// When what begins now has to be over.
    pub(super) fn until(&self) -> Option<Instant> {
        self.machine.ms_left().map(|left| Instant::now() + Duration::from_millis(left))
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// The moment of a time of day.
pub(super) fn instant(at: Timestamp) -> Instant {
    let ahead = u64::try_from(at.as_ms() - clock::now().as_ms()).unwrap_or_default();
    Instant::now() + Duration::from_millis(ahead)
}

/// Later than anything that is waited for.
pub(super) fn far() -> Instant {
    Instant::now() + Duration::from_secs(3_600)
}
