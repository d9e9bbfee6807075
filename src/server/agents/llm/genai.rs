//! Models over the network, each provider's protocol by way of the crate `genai`.
//!
//! One call is one HTTP request, made once: trying again is `retry`'s. Redirects are not followed, because a key
//! would go along; a server on this machine is never asked through a proxy. What the crate leaves to be desired
//! is made good here: [`relay`] bounds what a server may say, [`frames`] reads an OpenAI-like stream's tool calls and
//! its end, [`failure`] tells errors apart and keeps keys out of them, and what a server cannot do is left out when
//! it says so.

use std::{collections::HashSet, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use genai::{
    Client, Headers, ModelIden, ServiceTarget,
    adapter::AdapterKind,
    chat::{ChatOptions, JsonSpec, ReasoningEffort, ToolChoice},
    resolver::{AuthData, Endpoint},
};
use parking_lot::Mutex;
use serde_json::json;
use tokio::sync::OnceCell;

use super::{ChatRequest, DeltaStream, LlmClient, LlmError, LlmStatus};
use crate::{protocol::limits, server::config::RemoteModel};

mod deltas;
mod failure;
mod frames;
mod health;
mod place;
mod relay;
mod request;

use deltas::Deltas;
use failure::Failures;
use frames::Frames;
use health::Health;
use place::Place;
use relay::{Call, Relay};

pub struct GenaiClient {
    client: Client,
    http: reqwest::Client,
    remote: RemoteModel,
    place: Arc<Place>,
    /// Begun with the first call.
    relay: OnceCell<Relay>,
    failures: Failures,
    /// What which model's server turned out not to know.
    missing: Mutex<HashSet<(String, Feature)>>,
    health: Health,
}

/// What a request may ask for that not every server knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Feature {
    /// An answer held to a JSON Schema.
    Schema,
    /// Usage told at a stream's end.
    Usage,
    Tools,
}

impl Feature {
    const ALL: [Self; 3] = [Self::Schema, Self::Usage, Self::Tools];

    /// Whether a refusal is about this.
    fn is_refused_in(self, why: &str) -> bool {
        let why = why.to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| why.contains(word));
        match self {
            Self::Schema => has(&["response_format", "json_schema", "structured output", "output_config", "grammar"]),
            Self::Usage => has(&["stream_options", "include_usage"]),
            Self::Tools => has(&["tool", "function call"]) && has(&["support", "require", "enable"]),
        }
    }
}

impl GenaiClient {
    pub fn new(remote: RemoteModel) -> Result<Self, LlmError> {
        let mut http = reqwest::Client::builder()
            .connect_timeout(Duration::from_millis(limits::MODEL_CONNECT_MS))
            .pool_idle_timeout(Duration::from_millis(limits::MODEL_IDLE_MS))
            .redirect(reqwest::redirect::Policy::none())
            .tcp_nodelay(true)
            // A compressed stream waits in the compressor for more.
            .no_gzip()
            .user_agent(concat!("magpie/", env!("CARGO_PKG_VERSION")));
        if place::is_this_machine(&remote.base_url) {
            http = http.no_proxy();
        }
        let http = http.build().map_err(|error| LlmError::Refused(format!("no HTTP client: {error}")))?;
        let to_relay = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let to_relay = to_relay.tcp_nodelay(true).no_gzip().build();
        let to_relay = to_relay.map_err(|error| LlmError::Refused(format!("no HTTP client: {error}")))?;
        Ok(Self {
            client: Client::builder()
                .with_reqwest(to_relay)
                .build()
                .map_err(|error| LlmError::Refused(format!("no client: {error}")))?,
            http,
            failures: Failures::of(&remote),
            place: Arc::new(Place::of(&remote)),
            relay: OnceCell::new(),
            remote,
            missing: Mutex::default(),
            health: Health::default(),
        })
    }

    /// Whether the server answers and takes the key, by a request that costs nothing. A server without such an
    /// address answers, too.
    pub async fn probe(&self) -> Result<(), LlmError> {
        let mut request = self.http.get(self.place.models.clone());
        for (name, value) in &self.place.headers {
            request = request.header(name, value);
        }
        let answer = request.send().await.map_err(|error| self.failures.of_transport(&error))?;
        match answer.status().as_u16() {
            status @ (401 | 403) => Err(self.failures.of_status(status, &Default::default(), "")),
            status @ 500.. => Err(self.failures.of_status(status, &Default::default(), "")),
            _ => Ok(()),
        }
    }

    /// Asks once; the first piece is there when it returns.
    async fn ask(
        &self,
        model: &str,
        request: &ChatRequest,
        without: &HashSet<Feature>,
    ) -> Result<DeltaStream, LlmError> {
        let has = |feature| !without.contains(&feature);
        let provider = self.remote.provider;
        let frames = self.place.is_openai_like().then(|| Arc::new(Frames::default()));
        let options = options(self, model, request, &has, frames.clone());
        let asked = request::of(request, provider, has(Feature::Tools));
        let call = self.relay().await?.call();
        let target = ServiceTarget {
            endpoint: Endpoint::from_owned(call.base.as_str()),
            auth: self.auth(&call),
            model: ModelIden::new(self.place.kind, model),
        };
        let opened = self.client.exec_chat_stream(target, asked, Some(&options)).await;
        let stream = opened.map_err(|error| self.failures.of_error(&error))?.stream;
        let mut deltas = Deltas::of(stream, call, frames, self.failures.clone(), request.schema.is_some()).stream();
        match deltas.next().await {
            Some(Err(error)) => Err(error),
            None => Err(LlmError::Cut),
            first => Ok(stream::iter(first).chain(deltas).boxed()),
        }
    }

    async fn relay(&self) -> Result<&Relay, LlmError> {
        let start = || Relay::start(self.http.clone(), self.place.clone(), self.failures.clone());
        let why = |error| LlmError::Unreachable(format!("no way to its server: {error}"));
        self.relay.get_or_try_init(start).await.map_err(why)
    }

    /// The relay knows the address and the key.
    fn auth(&self, call: &Call) -> AuthData {
        match self.place.is_openai_like() {
            true => AuthData::RequestOverride { url: format!("{}chat", call.base), headers: Headers::default() },
            false => AuthData::from_single("-"),
        }
    }
}

fn options(
    client: &GenaiClient,
    model: &str,
    request: &ChatRequest,
    has: &impl Fn(Feature) -> bool,
    frames: Option<Arc<Frames>>,
) -> ChatOptions {
    let mut options = ChatOptions::default().with_capture_usage(has(Feature::Usage));
    match frames {
        Some(frames) => {
            // Or `qwen-max` would be asked for as `qwen` with much effort, and `a::b` as `b`.
            options = options
                .with_reasoning_effort(ReasoningEffort::Budget(0))
                .with_extra_body(json!({ "model": model }))
                .with_raw_frame_sink_arc(frames);
        }
        None => options = options.with_capture_tool_calls(true),
    }
    if let Some(schema) = request.schema.as_ref().filter(|_| has(Feature::Schema)) {
        options = options.with_response_format(JsonSpec::new("answer", schema.clone()));
    }
    if client.place.kind == AdapterKind::Anthropic && request.tools.is_empty() && request::has_calls(request) {
        options = options.with_tool_choice(ToolChoice::None);
    }
    options
}

#[async_trait]
impl LlmClient for GenaiClient {
    async fn chat(&self, request: ChatRequest) -> Result<DeltaStream, LlmError> {
        let model = request.model.clone().unwrap_or_else(|| self.remote.model.clone());
        let known = |feature: &Feature| self.missing.lock().contains(&(model.clone(), *feature));
        let mut without: HashSet<Feature> = Feature::ALL.into_iter().filter(known).collect();
        loop {
            let answer = self.ask(&model, &request, &without).await;
            self.health.saw(&answer);
            let why = match answer {
                Err(LlmError::Refused(why)) => why,
                answer => return answer,
            };
            let asked = |feature: Feature| match feature {
                Feature::Schema => request.schema.is_some(),
                Feature::Usage => self.place.is_openai_like(),
                Feature::Tools => !request.tools.is_empty(),
            };
            let blamed = Feature::ALL
                .into_iter()
                .find(|feature| asked(*feature) && !without.contains(feature) && feature.is_refused_in(&why));
            let Some(feature) = blamed else { return Err(LlmError::Refused(why)) };
            tracing::warn!(model, ?feature, why, "the model's server does not know a feature: asking without it");
            self.missing.lock().insert((model.clone(), feature));
            without.insert(feature);
        }
    }

    fn status(&self) -> LlmStatus {
        self.health.status()
    }

    async fn check(&self) -> LlmStatus {
        self.health.check(self.probe()).await
    }

    fn model(&self) -> Option<String> {
        Some(self.remote.model.clone())
    }
}

impl std::fmt::Debug for GenaiClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GenaiClient").field("remote", &self.remote).finish_non_exhaustive()
    }
}
