//! Performs what the machines of `model` ask for: the link, one's own typing, one timer.

use gloo_timers::callback::Timeout;
use leptos::prelude::*;

use super::{
    Client, StateStoreFields, credential, http, launcher, network, persist, socket,
    store::{Behind, Inner},
};
use crate::{
    model::{
        link::{self, LinkState, Refreshed},
        outbox, typing,
    },
    protocol::{
        ClientEnvelope, ClientFrame, Code, ConversationId, Problem, Seq, Timestamp, Visibility,
        client::{Cursor, Ping, Read, Subscribe, Typing},
        limits,
    },
};

/// What a refused subscription is recognised by.
pub(super) const SUBSCRIBE: &str = "subscribe";

impl Client {
    /// Connects and stays connected. In an `Effect`, once one is signed in; a second call is nothing.
    pub fn start(self) {
        if self.with(|inner| std::mem::replace(&mut inner.is_started, true)) {
            return;
        }
        network::listen(self);
        self.begin();
        self.link(link::Event::Start { online: network::is_online() });
    }

    /// The connection's machine.
    pub(super) fn link(self, event: link::Event) {
        let (before, after, effects) = self.with(|inner| {
            let before = inner.link.state();
            let effects = inner.link.handle(event, (inner.env.now)(), (inner.env.random)());
            (before, inner.link.state(), effects)
        });
        self.link_changed(before, after);
        match (before == LinkState::Connected, after == LinkState::Connected) {
            (true, false) => self.time_loss(),
            (false, true) => self.measured(),
            _ => {}
        }
        for effect in effects {
            self.perform(effect);
        }
        self.wind();
    }

    fn perform(self, effect: link::Effect) {
        match effect {
            link::Effect::Connect => socket::connect(self),
            link::Effect::Close => socket::close(),
            link::Effect::Resume => self.resume(),
            link::Effect::Refresh => leptos::task::spawn_local(async move {
                let outcome = match http::refresh().await {
                    Ok(()) => Refreshed::Fresh,
                    // The session is over; the launcher, which keeps the visitor's token, gets another.
                    Err(http::Failure::Refused { status: 401, .. }) if credential::is_bearer() => {
                        if launcher::renewed().await { Refreshed::Fresh } else { Refreshed::Unreachable }
                    }
                    Err(http::Failure::Refused { status: 401, .. }) => Refreshed::SignedOut,
                    // It answers, if only that it is asked too often.
                    Err(http::Failure::Refused { status: ..500, .. }) => Refreshed::Fresh,
                    Err(_) => Refreshed::Unreachable,
                };
                self.link(link::Event::Refreshed(outcome));
            }),
            link::Effect::Ping { nonce } => self.tell(ClientFrame::Ping(Ping { nonce: Some(nonce.into()) })),
            link::Effect::Poll => self.poll(),
            // Who leads away after a sign-out is who asked for it.
            link::Effect::SignIn if self.with(|inner| inner.is_leaving) => {}
            link::Effect::SignIn if credential::is_bearer() => leptos::task::spawn_local(async {
                if launcher::renewed().await {
                    network::reload();
                }
            }),
            link::Effect::SignIn => {
                let me = self.my_id();
                self.wipe();
                leptos::task::spawn_local(async move {
                    persist::end(me, persist::End::Expired).await;
                    network::go_to_sign_in(&network::here());
                });
            }
        }
    }

    pub(super) fn link_changed(self, before: LinkState, after: LinkState) {
        if before == after {
            return;
        }
        let now = self.now();
        *self.state.now().write() = now;
        *self.state.link().write() = after;
        if before == LinkState::Connected {
            self.with(|inner| inner.asked.clear());
            self.typing_event(typing::Event::Down);
            self.change_every_thread(|thread| thread.disconnected());
        }
        let is_way = |state| matches!(state, LinkState::Connected | LinkState::Polling);
        if is_way(after) {
            self.reachable();
        }
        match (is_way(before), after) {
            (_, LinkState::Polling) => self.way_opened(),
            // `resume` says so, after the subscriptions.
            (_, LinkState::Connected) => {}
            (true, _) => self.way_closed(),
            _ => {}
        }
    }

    /// A fresh connection: where we stand everywhere, what we have read, what waits to be sent.
    fn resume(self) {
        self.ask_time();
        let threads = self.followed_threads();
        let rows = self.state.read_untracked().conversations.iter().map(|row| row.id).collect::<Vec<_>>();
        let mut all = threads;
        all.extend(rows.into_iter().filter(|id| self.thread_store(*id).is_none()));
        all.truncate(limits::SUBSCRIPTIONS_PER_CONNECTION);
        let cursors: Vec<_> = all.iter().map(|id| self.cursor(*id)).collect();
        self.with(|inner| inner.asked.extend(all));
        if !cursors.is_empty() {
            self.subscribe(cursors);
        }
        for (conversation_id, seq) in self.with(|inner| std::mem::take(&mut inner.untold_reads)) {
            self.tell(ClientFrame::Read(Read { conversation_id, seq }));
        }
        self.way_opened();
        // What was added while we were away is in no log of ours.
        self.refetch_list();
    }

    /// Where we stand in one conversation: in its thread, else in its row, else nowhere yet.
    fn cursor(self, id: ConversationId) -> Cursor {
        if let Some(thread) = self.thread_store(id) {
            let thread = thread.read_untracked();
            return Cursor { id, after: Some(thread.cursor), log_epoch: thread.log_epoch };
        }
        let after: Option<Seq> =
            self.state.read_untracked().conversations.iter().find(|row| row.id == id).map(|row| row.head);
        Cursor { id, after, log_epoch: self.with(|inner| inner.epochs.get(&id).copied()) }
    }

    /// Subscribes to one conversation, again where something is missing; not twice before the answer.
    pub(super) fn resubscribe(self, id: ConversationId) {
        let is_new = self.is_connected() && self.follows(id) && self.with(|inner| inner.asked.insert(id));
        if is_new {
            self.subscribe(vec![self.cursor(id)]);
        }
    }

    /// Something is missing: subscribes again, at once where that is rare. A reader who is too slow for an answer
    /// that is being written loses of it all the time, and each answer to this brings all of its text.
    pub(super) fn fell_behind(self, id: ConversationId) {
        if !self.is_connected() {
            return;
        }
        let wait_ms = self.with(|inner| {
            let now = (inner.env.now)();
            let behind = inner.behind.entry(id).or_default();
            let gap_ms = limits::BEHIND_MS << behind.times.min(limits::BEHIND_DOUBLINGS);
            let since_ms = now.as_ms() - behind.at.as_ms();
            if behind.is_timed {
                return None;
            }
            behind.is_timed = (0..gap_ms).contains(&since_ms);
            if behind.is_timed {
                return u32::try_from(gap_ms - since_ms).ok();
            }
            behind.times = if (0..gap_ms * 4).contains(&since_ms) { behind.times + 1 } else { 0 };
            behind.at = now;
            Some(0)
        });
        match wait_ms {
            Some(0) => self.resubscribe(id),
            Some(ms) => {
                Timeout::new(ms, move || self.ask_again(id)).forget();
            }
            None => {}
        }
    }

    fn ask_again(self, id: ConversationId) {
        self.with(|inner| {
            let now = (inner.env.now)();
            let behind = inner.behind.entry(id).or_default();
            *behind = Behind { at: now, times: behind.times + 1, is_timed: false };
        });
        self.resubscribe(id);
    }

    /// A subscription was refused: the server sends nothing of that conversation, so nothing would show that it
    /// is missing. All that have no answer yet are asked for again.
    pub(super) fn not_subscribed(self, problem: Problem) {
        if !problem.is_recoverable() {
            self.with(|inner| inner.asked.clear());
            return self.problem(problem);
        }
        let wait_ms = problem.retry_after_ms.unwrap_or(limits::SEND_RETRY_MS).min(limits::SEND_WAIT_MS);
        Timeout::new(u32::try_from(wait_ms).unwrap_or(u32::MAX), move || {
            let missing: Vec<_> = self.with(|inner| inner.asked.drain().collect());
            for id in missing {
                self.resubscribe(id);
            }
        })
        .forget();
    }

    fn subscribe(self, conversations: Vec<Cursor>) {
        let frame = ClientFrame::Subscribe(Subscribe { conversations });
        socket::send(&ClientEnvelope { frame, reference: Some(SUBSCRIBE.to_owned()) });
    }

    /// The machine of one's own typing.
    pub(super) fn typing_event(self, event: typing::Event) {
        let effects = self.with(|inner| inner.typing.handle(event, (inner.env.now)()));
        for effect in effects {
            let of = |conversation_id, visibility| Typing { conversation_id, visibility };
            match effect {
                typing::Effect::Start(id, visibility) => {
                    let visibility = (visibility != Visibility::Public).then_some(visibility);
                    self.tell(ClientFrame::TypingStart(of(id, visibility)));
                }
                typing::Effect::Stop(id) => self.tell(ClientFrame::TypingStop(of(id, None))),
            }
        }
        self.wind();
    }

    pub(super) fn is_connected(self) -> bool {
        self.with(|inner| inner.link.state() == LinkState::Connected)
    }

    /// Sends a frame that needs no answer, where there is a connection.
    pub(super) fn tell(self, frame: ClientFrame) {
        if self.is_connected() {
            socket::send(&ClientEnvelope { frame, reference: None });
        }
    }

    /// Sends what a person did; where there is no connection, says so instead of losing it. Whether it went.
    pub(super) fn act(self, frame: ClientFrame) -> bool {
        self.act_as(frame, "action".to_owned())
    }

    /// The same, by a name that its answer is recognised by.
    pub(super) fn act_as(self, frame: ClientFrame, reference: String) -> bool {
        let is_connected = self.is_connected();
        if is_connected {
            socket::send(&ClientEnvelope { frame, reference: Some(reference) });
        } else {
            let detail = "There is no connection right now. Try again when it is back.";
            self.problem(Problem::new(Code::Unavailable, detail));
        }
        is_connected
    }

    /// Something came through the socket.
    pub(super) fn heard(self) {
        self.with(|inner| {
            let now = (inner.env.now)();
            inner.link.heard(now);
        });
    }

    /// The page is in view again, or its machine woke up: a timer that slept as well does not count.
    pub(super) fn woke(self) {
        self.with(|inner| inner.timer = None);
        self.link(link::Event::Visible);
    }

    /// Sets the timer to the next moment at which a machine wants to be asked. Timers sleep when the machine
    /// does, and a clock may be set: one that should be over, or is long, is not relied on.
    pub(super) fn wind(self) {
        let next = self.with(|inner| {
            let next = inner.next_wake().filter(|_| inner.is_started)?;
            let now = (inner.env.now)();
            let is_set = inner.timer.is_some_and(|timer| (now..=next).contains(&timer));
            (!is_set).then(|| {
                let next = next.min(Timestamp(now.as_ms() + limits::TIMER_MS));
                inner.timer = Some(next);
                (next, next.as_ms() - now.as_ms())
            })
        });
        if let Some((at, ms)) = next {
            let ms = u32::try_from(ms.max(0)).unwrap_or(u32::MAX);
            Timeout::new(ms, move || self.tick(at)).forget();
        }
    }

    fn tick(self, at: Timestamp) {
        // A timer that was overtaken by a sooner one does not count any more.
        let counts = self.with(|inner| {
            let counts = inner.timer == Some(at);
            if counts {
                inner.timer = None;
            }
            counts
        });
        if counts {
            if matches!(*self.state.link().read_untracked(), LinkState::Waiting { .. }) {
                *self.state.now().write() = self.now();
            }
            let slept = self.now().as_ms() - at.as_ms() > limits::SLEPT_MS;
            self.link(if slept { link::Event::Visible } else { link::Event::Tick });
            self.outbox(outbox::Event::Tick);
            self.typing_event(typing::Event::Tick);
            self.report_timings_if_due();
        }
    }
}

impl Inner {
    fn next_wake(&self) -> Option<Timestamp> {
        let second = |until: Timestamp| {
            let left = until.as_ms() - (self.env.now)().as_ms();
            // When the number shown changes: it is rounded up.
            Timestamp(until.as_ms() - (left - 1).max(0) / 1_000 * 1_000)
        };
        let countdown = match self.link.state() {
            LinkState::Waiting { until } => Some(second(until)),
            _ => None,
        };
        let machines = [self.link.wake_at(), self.outbox.wake_at(), self.typing.wake_at()];
        machines.into_iter().chain([self.latency.report_at(), countdown]).flatten().min()
    }
}
