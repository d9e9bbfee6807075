//! Performs what the run machine asks for and tells it what came of it. One driver per run, one task: the
//! model, the tools, the log and the clock are touched here, and decisions are not taken here.

use std::{future, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture, stream};
use tokio::{
    select,
    sync::Semaphore,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{
    context,
    llm::{ChatMessage, ChatRequest, Delta, DeltaStream, LlmClient, LlmError},
    queue::{RunHandle, Seat},
    run::{DrawnChart, Effect, PlannedCall, RunEvent, RunMachine, RunSpec, Stop, ToolOutcome, chart_url},
    team::Agent,
    tools::{ToolContext, ToolOutput, Tools},
};
use crate::{
    fresh_id,
    protocol::{
        AgentRun, CallId, ChartId, Code, ConversationId, EphemeralFrame, Event, Message, Problem, RunStatus, UserRef,
        limits, server::UserTyping,
    },
    server::{
        bus::{Bus, BusMessage, EncodedFrame},
        clock,
        storage::{Append, Storage, StorageError, Write},
    },
};

/// What all runs share.
pub struct Shared {
    pub storage: Arc<dyn Storage>,
    pub bus: Arc<dyn Bus>,
    pub llm: Arc<dyn LlmClient>,
    pub tools: Tools,
    /// Places for runs that are on.
    pub places: Arc<Semaphore>,
    /// Cancelled when the server shuts down.
    pub draining: CancellationToken,
}

impl Shared {
    /// Writes an event of the agents' own.
    pub async fn append(&self, conversation_id: ConversationId, event: Event) -> Result<(), StorageError> {
        let append = Append { conversation_id, at: clock::now(), write: Write::Server(event) };
        self.storage.append(append).await.map(|_| ())
    }

    async fn publish(&self, id: ConversationId, frame: EphemeralFrame) {
        self.bus.publish(BusMessage::Conversation { id, frame: EncodedFrame::of(&frame), except: None }).await;
    }
}

pub struct Driver {
    shared: Arc<Shared>,
    conversation: ConversationId,
    question: Message,
    agent: Arc<Agent>,
    run: Arc<RunHandle>,
    machine: RunMachine,
    context: Vec<ChatMessage>,
    source: Source,
    /// Text that was not shown yet, and when it will be.
    waiting: String,
    show_at: Instant,
    /// When to say again that the agent is typing.
    type_at: Option<Instant>,
    /// The log did not take an event.
    broken: bool,
}

/// Where the next event of a run comes from.
enum Source {
    Nothing,
    Model(DeltaStream),
    Tool(BoxFuture<'static, RunEvent>),
}

impl Source {
    async fn next(&mut self) -> RunEvent {
        match self {
            Self::Nothing => future::pending().await,
            Self::Tool(call) => call.await,
            Self::Model(deltas) => match deltas.next().await {
                Some(Ok(delta)) => delta.into(),
                Some(Err(error)) => RunEvent::ModelFailed(error.to_string()),
                None => RunEvent::ModelFailed(LlmError::Cut.to_string()),
            },
        }
    }
}

impl From<Delta> for RunEvent {
    fn from(delta: Delta) -> Self {
        match delta {
            Delta::Text(text) => Self::Text(text),
            Delta::Reasoning(_) | Delta::Retry(_) => Self::Text(String::new()),
            Delta::Usage(usage) => Self::Used(usage),
            Delta::Done => Self::ModelDone,
            Delta::ToolCall(call) => {
                let activity = format!("Using {}", call.tool_name);
                Self::Called(PlannedCall { call_id: fresh_id!(CallId), call, activity })
            }
        }
    }
}

impl Driver {
    pub fn new(
        shared: Arc<Shared>,
        conversation: ConversationId,
        question: Message,
        agent: Arc<Agent>,
        run: Arc<RunHandle>,
    ) -> Self {
        let spec = RunSpec {
            run_id: run.run_id,
            message_id: run.live.message_id(),
            agent: run.live.agent().clone(),
            max_turns: agent.max_turns,
        };
        let now = Instant::now();
        Self {
            shared,
            conversation,
            question,
            agent,
            run,
            machine: RunMachine::new(spec),
            context: Vec::new(),
            source: Source::Nothing,
            waiting: String::new(),
            show_at: now,
            type_at: None,
            broken: false,
        }
    }

    /// Turns away a question for which there is no place, in the log, so that nobody waits for an answer.
    pub async fn refuse(mut self, why: &str) {
        self.tell(RunEvent::Asked { waits: None }).await;
        self.tell(RunEvent::Stop(Stop::Failed(why.to_owned()))).await;
        self.mend().await;
    }

    /// From the question to the last event of its run. The seat is given up at the end.
    pub async fn run(mut self, seat: Seat) {
        let whole = AssertUnwindSafe(self.drive(seat.behind)).catch_unwind().await;
        if whole.is_err() {
            tracing::error!(run = %self.run.run_id, "a run panicked");
            self.source = Source::Nothing;
            self.tell(RunEvent::Stop(Stop::Failed("Something went wrong inside the server.".into()))).await;
        }
        self.mend().await;
        drop(seat);
    }

    async fn drive(&mut self, behind: usize) {
        let waits = (behind > 0).then(|| "Waiting for the answer before this one.".to_owned());
        self.tell(RunEvent::Asked { waits }).await;
        let (run, places) = (self.run.clone(), self.shared.places.clone());
        let turn = async {
            run.turn().await;
            places.acquire_owned().await
        };
        let place = select! {
            biased;
            () = run.cancel.cancelled() => None,
            place = turn => place.ok(),
        };
        let begin = match &place {
            Some(_) => self.prepare().await,
            None => self.stopped(),
        };
        self.tell(begin).await;
        while !self.machine.is_over() && !self.broken {
            let event = self.next().await;
            self.tell(event).await;
        }
    }

    async fn prepare(&mut self) -> RunEvent {
        match context::load(&*self.shared.storage, self.conversation, &self.question).await {
            Ok(Some(context)) => {
                self.context = context;
                RunEvent::Started
            }
            Ok(None) => RunEvent::Stop(Stop::Cancelled("The question was deleted.".into())),
            Err(error) => {
                tracing::error!(%error, run = %self.run.run_id, "the conversation could not be read");
                RunEvent::Stop(Stop::Failed("The conversation could not be read.".into()))
            }
        }
    }

    fn stopped(&self) -> RunEvent {
        RunEvent::Stop(if self.shared.draining.is_cancelled() {
            Stop::Interrupted("The server is shutting down. Ask again when it is back.".into())
        } else {
            Stop::Cancelled("Stopped.".into())
        })
    }

    /// A stop is heard first, whatever the model has ready.
    async fn next(&mut self) -> RunEvent {
        loop {
            let type_at = self.type_at.unwrap_or_else(|| Instant::now() + Duration::from_secs(3_600));
            select! {
                biased;
                () = self.run.cancel.cancelled() => {
                    // At once, before anything is written: the log may be slow.
                    self.source = Source::Nothing;
                    return self.stopped();
                }
                () = sleep_until(self.show_at), if !self.waiting.is_empty() => self.show().await,
                () = sleep_until(type_at), if self.type_at.is_some() => self.typing(true).await,
                event = self.source.next() => return event,
            }
        }
    }

    async fn tell(&mut self, event: RunEvent) {
        let event = match event {
            RunEvent::Called(mut planned) => {
                if let Some(tool) = self.shared.tools.get(&planned.call.tool_name) {
                    planned.activity = tool.activity(&planned.call.arguments);
                }
                RunEvent::Called(planned)
            }
            other => other,
        };
        for effect in self.machine.handle(event) {
            if self.broken && !matches!(effect, Effect::TypingStop | Effect::Finish) {
                continue;
            }
            self.perform(effect).await;
        }
    }

    async fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Append(event) => self.append(event).await,
            Effect::CallModel { with_tools } => self.source = Source::Model(self.ask_model(with_tools)),
            Effect::CallTool(planned) => self.source = Source::Tool(self.call_tool(planned)),
            Effect::Show(text) => {
                self.waiting.push_str(&text);
                if self.show_at <= Instant::now() {
                    self.show().await;
                }
            }
            Effect::TypingStart => self.typing(true).await,
            Effect::TypingStop => self.typing(false).await,
            Effect::Report(why) => {
                let frame = Problem::new(Code::RunFailed, why).into_frame(None);
                self.shared.publish(self.conversation, EphemeralFrame::Error(frame)).await;
            }
            Effect::Finish => self.source = Source::Nothing,
        }
    }

    async fn append(&mut self, event: Event) {
        if matches!(event, Event::Message(_)) {
            // The log has all of it from here on.
            self.waiting.clear();
            self.run.live.close();
        }
        if let Err(error) = self.shared.append(self.conversation, event).await {
            tracing::error!(%error, run = %self.run.run_id, "the log did not take an agents' event");
            self.broken = true;
            self.source = Source::Nothing;
        }
    }

    async fn show(&mut self) {
        let token = self.run.live.append(std::mem::take(&mut self.waiting));
        self.show_at = Instant::now() + Duration::from_millis(limits::TOKEN_INTERVAL_MS);
        self.shared.publish(self.conversation, EphemeralFrame::Token(token)).await;
    }

    async fn typing(&mut self, on: bool) {
        let author = self.run.live.agent();
        let user = UserRef { id: author.id, name: author.name.clone() };
        self.run.set_at_work(on);
        let frame = UserTyping { conversation_id: self.conversation, user };
        let frame = if on { EphemeralFrame::TypingStart(frame) } else { EphemeralFrame::TypingStop(frame) };
        self.type_at = on.then(|| Instant::now() + Duration::from_millis(limits::TYPING_RESEND_MS));
        self.shared.publish(self.conversation, frame).await;
    }

    fn ask_model(&self, with_tools: bool) -> DeltaStream {
        let tools = if with_tools { self.shared.tools.definitions(&self.agent.tools) } else { Vec::new() };
        let messages = self.context.iter().chain(self.machine.transcript()).cloned().collect();
        let request = ChatRequest {
            system: self.agent.prompt.clone(),
            messages,
            tools,
            model: self.agent.model.clone(),
            schema: None,
        };
        let llm = self.shared.llm.clone();
        stream::once(async move { llm.chat(request).await }).try_flatten().boxed()
    }

    fn call_tool(&self, planned: PlannedCall) -> BoxFuture<'static, RunEvent> {
        let shared = self.shared.clone();
        let context = ToolContext {
            storage: shared.storage.clone(),
            conversation_id: self.conversation,
            run_id: self.run.run_id,
            question: self.question.id,
            now: clock::now(),
            cancel: self.run.cancel.child_token(),
        };
        let allowed = shared.tools.allows(&self.agent.tools, &planned.call.tool_name);
        async move {
            let started = Instant::now();
            let call_id = planned.call_id;
            let returned = match allowed {
                true => call(&shared.tools, &context, planned).await,
                false => Err(format!("There is no tool named {}.", planned.call.tool_name)),
            };
            let mut outcome = keep_chart(&*shared.storage, context.conversation_id, returned).await;
            outcome.duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
            RunEvent::ToolReturned { call_id, outcome }
        }
        .boxed()
    }

    /// After the log refused an event the run is over without an end: tries a few times to write one. If
    /// that fails too, the next start marks the run `interrupted`.
    async fn mend(&mut self) {
        if !self.broken {
            return;
        }
        let why = "The server could not write to its database.".to_owned();
        let frame = Problem::new(Code::RunFailed, why.clone()).into_frame(None);
        self.shared.publish(self.conversation, EphemeralFrame::Error(frame)).await;
        self.typing(false).await;
        let end = AgentRun { message: Some(why), ..AgentRun::new(self.run.run_id, RunStatus::Failed) };
        for wait_ms in [100, 400, 1_600] {
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
            match self.shared.append(self.conversation, Event::AgentRun(end.clone())).await {
                Err(StorageError::Database(_)) => {}
                _ => return,
            }
        }
    }
}

/// One call of one tool: bounded in time, a panic is an error.
async fn call(tools: &Tools, context: &ToolContext, planned: PlannedCall) -> Result<ToolOutput, String> {
    let name = planned.call.tool_name;
    let Some(tool) = tools.get(&name) else { return Err(format!("There is no tool named {name}.")) };
    let deadline = Duration::from_millis(limits::TOOL_TIMEOUT_MS);
    let call = AssertUnwindSafe(tool.call(context, planned.call.arguments)).catch_unwind();
    match tokio::time::timeout(deadline, call).await {
        Ok(Ok(Ok(output))) => Ok(output),
        Ok(Ok(Err(error))) => Err(error.to_string()),
        Ok(Err(_panic)) => {
            tracing::error!(tool = name, "a tool panicked");
            Err(format!("{name} failed inside."))
        }
        Err(_elapsed) => Err(format!("{name} took longer than {} s and was stopped.", deadline.as_secs())),
    }
}

/// What the machine is told of a call: its text bounded, its chart stored.
async fn keep_chart(
    storage: &dyn Storage,
    conversation: ConversationId,
    returned: Result<ToolOutput, String>,
) -> ToolOutcome {
    let failed = |text| ToolOutcome { success: false, text, chart: None, duration_ms: 0 };
    let ToolOutput { text, chart } = match returned {
        Ok(output) => output,
        Err(error) => return failed(bounded(error)),
    };
    let Some(chart) = chart else {
        return ToolOutcome { success: true, text: bounded(text), chart: None, duration_ms: 0 };
    };
    let id = fresh_id!(ChartId);
    if let Err(error) = storage.put_chart(conversation, id, &chart.svg).await {
        tracing::error!(%error, "a chart could not be kept");
        return failed("The chart was drawn but could not be stored.".into());
    }
    let drawn = DrawnChart { id, title: chart.title, symbol: chart.symbol, table: chart.table };
    let text = format!("{}\nPicture: {}", bounded(text), chart_url(id));
    ToolOutcome { success: true, text, chart: Some(drawn), duration_ms: 0 }
}

fn bounded(mut text: String) -> String {
    const CUT: &str = "\n(cut here: too long)";
    if text.len() > limits::TOOL_OUTPUT_BYTES {
        text.truncate(text.floor_char_boundary(limits::TOOL_OUTPUT_BYTES - CUT.len()));
        text.push_str(CUT);
    }
    text
}
