//! Performs what the run machine asks for and tells it what came of it. One driver per run, one task: the
//! model, the tools, the log and the clock are touched here, and decisions are not taken here.
//!
//! Whatever the machine is told goes to the run's journal, in one commit with the events that follow from it,
//! before anything of it is shown or done ([`commit`]).

use std::{panic::AssertUnwindSafe, pin::pin, sync::Arc, time::Duration};

use futures_util::FutureExt;
use tokio::{
    select,
    sync::mpsc,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{
    context,
    llm::{ChatMessage, LlmClient},
    places::{Place, Places},
    queue::{Decision, RunHandle, Seat},
    run::{Effect, RunEvent, RunMachine, RunSpec, Stop, Way},
    team::Team,
    tools::Tools,
};
use crate::{
    protocol::{
        Author, Code, ConversationId, EphemeralFrame, Event, Problem, UserRef, limits,
        server::{Token, UserTyping},
    },
    server::{
        bus::{Bus, BusMessage, EncodedFrame},
        clock,
        storage::{Append, Spent, Storage, StorageError, Write},
    },
};

mod commit;
mod source;
mod tool;

use commit::Pending;
use source::{Heard, Source};

/// What all runs share.
pub struct Shared {
    pub storage: Arc<dyn Storage>,
    pub bus: Arc<dyn Bus>,
    pub llm: Arc<dyn LlmClient>,
    pub tools: Tools,
    pub team: Arc<Team>,
    /// Places for runs that are on.
    pub places: Arc<Places>,
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
    /// The one that is in force when the run begins, until its end.
    llm: Arc<dyn LlmClient>,
    conversation: ConversationId,
    spec: RunSpec,
    run: Arc<RunHandle>,
    machine: RunMachine,
    context: Vec<ChatMessage>,
    source: Source,
    /// What the model wrote and nobody was shown yet, and when it will be.
    heard: String,
    show_at: Instant,
    at_work: Option<Author>,
    /// When to say again that the agent is typing.
    type_at: Option<Instant>,
    pending: Pending,
    decisions: mpsc::Receiver<Decision>,
    place: Option<Place>,
    /// The log did not take an event.
    broken: bool,
    /// Because the dialog is in other hands: nothing more is to be said.
    overtaken: bool,
}

/// What a driver waits for.
#[expect(clippy::large_enum_variant, reason = "one at a time, and nearly always the large one")]
enum Next {
    Told(RunEvent),
    /// The server shuts down, and its next life goes on.
    Suspended,
}

impl Driver {
    pub fn new(shared: Arc<Shared>, conversation: ConversationId, spec: RunSpec, run: Arc<RunHandle>) -> Self {
        let machine = RunMachine::new(spec.clone(), shared.team.clone());
        let mut driver = Self::of(shared, conversation, spec, run, machine);
        driver.pending.open(&driver.spec, &driver.shared.team);
        driver
    }

    /// One that an earlier life of the server began; `entries`: those of its journal.
    pub fn again(
        shared: Arc<Shared>,
        conversation: ConversationId,
        spec: RunSpec,
        run: Arc<RunHandle>,
        machine: RunMachine,
        entries: u64,
    ) -> Self {
        let mut driver = Self::of(shared, conversation, spec, run, machine);
        driver.pending.go_on(entries);
        driver
    }

    fn of(
        shared: Arc<Shared>,
        conversation: ConversationId,
        spec: RunSpec,
        run: Arc<RunHandle>,
        machine: RunMachine,
    ) -> Self {
        let decisions = run.decisions();
        Self {
            llm: shared.llm.current().unwrap_or_else(|| shared.llm.clone()),
            shared,
            conversation,
            spec,
            run,
            machine,
            context: Vec::new(),
            source: Source::Nothing,
            heard: String::new(),
            show_at: Instant::now(),
            at_work: None,
            type_at: None,
            pending: Pending::default(),
            decisions,
            place: None,
            broken: false,
            overtaken: false,
        }
    }

    /// Turns away a question for which there is no place, in the log, so that nobody waits for an answer.
    pub async fn refuse(mut self, why: &str) {
        self.ask(0).await;
        self.tell(RunEvent::Stop(Stop::Failed(why.to_owned()))).await;
        self.mend().await;
    }

    /// The first event of a run, with so many before it.
    pub async fn ask(&mut self, behind: usize) {
        let waits = (behind > 0).then(|| "Waiting for the answer before this one.".to_owned());
        self.tell(RunEvent::Asked { waits }).await;
    }

    /// From the question, or from where the journal left it, to the last event of its run. The seat is given up
    /// at the end.
    pub async fn run(mut self, seat: Seat) {
        let whole = AssertUnwindSafe(self.drive()).catch_unwind().await;
        if whole.is_err() {
            tracing::error!(run = %self.run.run_id, "a run panicked");
            self.source = Source::Nothing;
            self.tell(RunEvent::Stop(Stop::Failed("Something went wrong inside the server.".into()))).await;
        }
        self.mend().await;
        drop(seat);
    }

    /// Ends a run that cannot go on; what was written of its answer is kept.
    pub async fn interrupt(mut self, why: &str) {
        self.tell(RunEvent::Stop(Stop::Interrupted(why.to_owned()))).await;
    }

    async fn drive(&mut self) {
        let cancel = self.run.cancel.clone();
        let begin = match self.turn().await {
            true => cancel.run_until_cancelled(self.prepare()).await,
            false => None,
        };
        let mut next = begin.unwrap_or_else(|| self.stopped());
        loop {
            match next {
                Next::Told(event) => self.tell(event).await,
                Next::Suspended => return self.suspend().await,
            }
            if self.machine.is_over() || self.broken {
                return;
            }
            next = self.next().await;
        }
    }

    /// Waits for its turn and a place; `false`: it is stopped before.
    async fn turn(&mut self) -> bool {
        let (run, places, asker) = (self.run.clone(), self.shared.places.clone(), self.spec.asked_by.id);
        // Who waits for a person works on nothing.
        let works = self.machine.awaits().is_none();
        let turn = async {
            run.turn().await;
            if works { Some(places.acquire(asker).await) } else { None }
        };
        let mut turn = pin!(turn);
        loop {
            select! {
                biased;
                () = self.run.cancel.cancelled() => return false,
                // One that waits for a decision has it next.
                Some(decision) = self.decisions.recv(), if works => {
                    let problem = Problem::new(Code::NotFound, "Nothing waits for that approval yet.");
                    // Who asked may be gone.
                    let _ = decision.reply.send(Err(problem));
                }
                place = &mut turn => {
                    self.place = place;
                    return true;
                }
            }
        }
    }

    async fn prepare(&mut self) -> Next {
        self.shared.tools.ready(&self.machine.tools()).await;
        let loaded =
            context::load(&*self.shared.storage, self.conversation, &self.spec.question, self.spec.again).await;
        Next::Told(match loaded {
            Ok(Some(context)) => {
                self.context = context;
                match self.machine.is_waiting() {
                    true => RunEvent::Started { way: self.way(), model: self.llm.model() },
                    false => RunEvent::Resumed,
                }
            }
            Ok(None) => RunEvent::Stop(Stop::Cancelled("The question was deleted.".into())),
            Err(error) => {
                tracing::error!(%error, run = %self.run.run_id, "the conversation could not be read");
                RunEvent::Stop(Stop::Failed("The conversation could not be read.".into()))
            }
        })
    }

    /// One who is named answers; where there is no model to lead a team, whoever answers most.
    fn way(&self) -> Way {
        let team = &self.shared.team;
        let agent = team.answering(&self.spec.question.text);
        let is_for_the_team = agent.handle == team.leader().handle && !team.members().is_empty();
        match is_for_the_team && self.llm.model().is_some() {
            true => Way::Team,
            false => Way::Direct(agent.handle.clone()),
        }
    }

    fn stopped(&self) -> Next {
        if self.run.is_stopped() || !self.shared.draining.is_cancelled() {
            return Next::Told(RunEvent::Stop(Stop::Cancelled("Stopped.".into())));
        }
        match self.machine.can_go_on() {
            true => Next::Suspended,
            false => {
                let why = "The server was shut down while a tool was at work, and nobody knows whether it took effect.";
                Next::Told(RunEvent::Stop(Stop::Interrupted(why.into())))
            }
        }
    }

    /// Keeps what was heard; the next life of the server goes on from there.
    async fn suspend(&mut self) {
        self.source = Source::Nothing;
        self.hear().await;
        self.commit().await;
    }

    /// A stop is heard first, whatever the model has ready.
    async fn next(&mut self) -> Next {
        loop {
            let expires = self.machine.awaits().map(|(call, at)| (call, source::instant(at)));
            let expires_at = expires.map_or_else(source::far, |(_, at)| at);
            let out_of_time = self.source.out_of_time();
            select! {
                biased;
                () = self.run.cancel.cancelled() => {
                    // At once, before anything is written: the log may be slow.
                    self.let_go();
                    return self.stopped();
                }
                Some(decision) = self.decisions.recv() => {
                    if let Some(decided) = self.decide(decision) {
                        return Next::Told(decided);
                    }
                }
                () = sleep_until(self.show_at), if !self.heard.is_empty() => self.hear().await,
                () = sleep_until(self.type_at.unwrap_or_else(source::far)), if self.type_at.is_some() => self.typing(true).await,
                () = sleep_until(expires_at), if expires.is_some() => {
                    let Some((call_id, _)) = expires else { continue };
                    return Next::Told(RunEvent::Decided { call_id, approved: false, by: None, arguments: None });
                }
                () = sleep_until(out_of_time.unwrap_or_else(source::far)), if out_of_time.is_some() => {
                    self.let_go();
                    return Next::Told(RunEvent::Stop(Stop::Failed(self.machine.out_of_time())));
                }
                heard = self.source.next() => match heard {
                    Heard::Text(text) => {
                        self.heard.push_str(&text);
                        if self.show_at <= Instant::now() {
                            self.hear().await;
                        }
                    }
                    Heard::Nothing => {}
                    Heard::Told(event) => {
                        if matches!(event, RunEvent::ModelDone(_) | RunEvent::ModelFailed { .. } | RunEvent::ToolReturned { .. }) {
                            // It has nothing more to say.
                            self.source = Source::Nothing;
                        }
                        return Next::Told(event);
                    }
                },
            }
            if self.machine.is_over() || self.broken {
                // The answer grew too long while it was heard.
                return Next::Told(RunEvent::Stop(Stop::Cancelled("Stopped.".into())));
            }
        }
    }

    /// Drops the model's stream or the tool's future, and with it what they were doing.
    fn let_go(&mut self) {
        let source = std::mem::replace(&mut self.source, Source::Nothing);
        if let Some(ms) = source.ms() {
            self.pending.spend(Spent { ms, ..Spent::default() });
        }
    }

    /// The first decision about the call that waits counts; who comes later hears who came first.
    fn decide(&mut self, decision: Decision) -> Option<RunEvent> {
        let call_id = decision.call_id;
        if self.machine.awaits().is_some_and(|(waiting, _)| waiting == call_id) {
            let Decision { approved, by, arguments, reply, .. } = decision;
            self.pending.tell_when_committed(reply);
            return Some(RunEvent::Decided { call_id, approved, by: Some(by), arguments });
        }
        let problem = match self.machine.decided_by(call_id) {
            Some(who) => Problem::invalid("call_id", who),
            None => Problem::new(Code::NotFound, "Nothing waits for that approval."),
        };
        // Who asked may be gone.
        let _ = decision.reply.send(Err(problem));
        None
    }

    /// Tells the machine what the model wrote since.
    async fn hear(&mut self) {
        if !self.heard.is_empty() {
            let text = std::mem::take(&mut self.heard);
            self.show_at = Instant::now() + Duration::from_millis(limits::TOKEN_INTERVAL_MS);
            self.take(RunEvent::Text(text)).await;
        }
    }

    async fn tell(&mut self, event: RunEvent) {
        self.hear().await;
        if !self.machine.is_over() {
            self.take(event).await;
        }
    }

    async fn take(&mut self, event: RunEvent) {
        let at = clock::now();
        self.pending.told(at, &event);
        let mut after = Vec::new();
        for effect in self.machine.handle(event, at) {
            match effect {
                Effect::Append(event) => self.pending.append(event),
                Effect::Spend(spent) => self.pending.spend(spent),
                other => after.push(other),
            }
        }
        if !after.is_empty() || self.pending.has_events() {
            self.commit().await;
        }
        for effect in after {
            if !self.broken || matches!(effect, Effect::AtWork(None) | Effect::Finish) {
                self.perform(effect).await;
            }
        }
    }

    async fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Append(_) | Effect::Spend(_) => {}
            Effect::CallModel => self.ask_model().await,
            Effect::CallTool(planned) => self.call_tool(planned),
            Effect::Show { offset, delta } => {
                if let Some(token) = self.run.live.write(offset, &delta) {
                    self.show(token).await;
                }
            }
            Effect::AtWork(agent) => self.work(agent).await,
            Effect::Report(why) => {
                let frame = Problem::new(Code::RunFailed, why).into_frame(None);
                self.shared.publish(self.conversation, EphemeralFrame::Error(frame)).await;
            }
            Effect::Finish => self.source = Source::Nothing,
        }
    }

    async fn show(&mut self, token: Token) {
        self.shared.publish(self.conversation, EphemeralFrame::Token(token)).await;
    }

    /// Who waits for a person holds no place among those that work.
    async fn work(&mut self, agent: Option<Author>) {
        if self.at_work == agent {
            return;
        }
        if self.at_work.is_some() {
            self.typing(false).await;
        }
        self.at_work.clone_from(&agent);
        let Some(agent) = agent else {
            self.place = None;
            return;
        };
        self.run.live.set_agent(agent);
        if self.place.is_none() {
            self.place = self.found_place().await;
        }
        self.typing(true).await;
    }

    /// Waits for a place to work again; `None`: it is stopped before. Who decides meanwhile hears that it is decided.
    async fn found_place(&mut self) -> Option<Place> {
        let (run, places, asker) = (self.run.clone(), self.shared.places.clone(), self.spec.asked_by.id);
        let mut place = pin!(places.acquire(asker));
        loop {
            select! {
                biased;
                () = run.cancel.cancelled() => return None,
                // One that works waits for no decision: this one comes late.
                Some(decision) = self.decisions.recv() => drop(self.decide(decision)),
                place = &mut place => return Some(place),
            }
        }
    }

    async fn typing(&mut self, on: bool) {
        let Some(author) = &self.at_work else { return };
        let user = UserRef { id: author.id, name: author.name.clone() };
        self.run.set_at_work(on);
        let frame = UserTyping { conversation_id: self.conversation, user };
        let frame = if on { EphemeralFrame::TypingStart(frame) } else { EphemeralFrame::TypingStop(frame) };
        self.type_at = on.then(|| Instant::now() + Duration::from_millis(limits::TYPING_RESEND_MS));
        self.shared.publish(self.conversation, frame).await;
    }
}
