//! A model that says what a test tells it to, and a tool that does not return.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use magpie::server::agents::{
    llm::{ChatRequest, Delta, DeltaStream, LlmClient, LlmError, LlmStatus, ModelCall},
    tools::{Class, Tool, ToolContext, ToolError, ToolOutput},
};
use serde_json::{Value, json};
use tokio::sync::Notify;

#[derive(Clone, Debug)]
pub enum Beat {
    Say(String),
    Call(&'static str, Value),
    /// Says nothing until it is dropped.
    Hang,
    Wait(Arc<Notify>),
    Fail(LlmError),
    Done,
}

pub fn say(text: &str) -> Beat {
    Beat::Say(text.into())
}

/// Plays one list of beats for each call.
#[derive(Default)]
pub struct Script {
    replies: Mutex<VecDeque<Vec<Beat>>>,
    pub requests: Mutex<Vec<ChatRequest>>,
    open: Arc<AtomicUsize>,
}

impl Script {
    pub fn of(replies: impl IntoIterator<Item = Vec<Beat>>) -> Arc<Self> {
        Arc::new(Self { replies: Mutex::new(replies.into_iter().collect()), ..Self::default() })
    }

    /// Answers that somebody still holds on to.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }
}

/// Counts what is held open.
struct Held(Arc<AtomicUsize>);

impl Held {
    fn by(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count.clone())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl LlmClient for Script {
    async fn chat(&self, request: ChatRequest) -> Result<DeltaStream, LlmError> {
        self.requests.lock().unwrap().push(request);
        let beats = self.replies.lock().unwrap().pop_front().expect("the script goes on");
        let held = Held::by(&self.open);
        let deltas = stream::unfold((beats.into_iter(), held), |(mut beats, held)| async move {
            loop {
                let delta = match beats.next()? {
                    Beat::Say(text) => Ok(Delta::Text(text)),
                    Beat::Call(tool, arguments) => {
                        Ok(Delta::ToolCall(ModelCall { id: "call".into(), tool_name: tool.into(), arguments }))
                    }
                    Beat::Hang => std::future::pending().await,
                    Beat::Wait(until) => {
                        until.notified().await;
                        continue;
                    }
                    Beat::Fail(error) => Err(error),
                    Beat::Done => Ok(Delta::Done),
                };
                return Some((delta, (beats, held)));
            }
        });
        Ok(deltas.boxed())
    }

    fn status(&self) -> LlmStatus {
        LlmStatus::Connected
    }
}

/// Hangs, or panics, as its arguments say.
#[derive(Default)]
pub struct Trouble {
    pub started: Notify,
    open: Arc<AtomicUsize>,
}

impl Trouble {
    pub fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Tool for Trouble {
    fn name(&self) -> &str {
        "trouble"
    }

    fn description(&self) -> &str {
        "Makes trouble."
    }

    fn parameters(&self) -> Value {
        json!({ "type": "object" })
    }

    fn class(&self) -> Class {
        Class::Read
    }

    fn activity(&self, _: &Value) -> String {
        "Making trouble".into()
    }

    async fn call(&self, _: &ToolContext, arguments: Value) -> Result<ToolOutput, ToolError> {
        let _held = Held::by(&self.open);
        self.started.notify_one();
        match arguments["how"].as_str() {
            Some("panic") => panic!("as the test wished"),
            Some("flood") => Ok("é".repeat(100_000).into()),
            _ => std::future::pending().await,
        }
    }
}
