//! What a person does.

use leptos::prelude::*;
use serde_json::Value;

use super::{Client, StateStoreFields, http, network, persist};
use crate::{
    model::{
        Outgoing, Thread,
        conversation::Change,
        link::{self, LinkState},
        typing,
    },
    protocol::{
        CallId, ClientFrame, Code, ConversationId, DurableFrame, MessageId, Problem, RunId, Seq, Visibility,
        client::{Approve, Cancel, Delete, Edit, React, Read},
        dialog::ControlAction,
        http::PostControl,
        limits,
    },
};

impl Client {
    /// Shows this conversation live: call it in an `Effect` of the page that opens it, after
    /// [`Client::seed_thread`]. Idempotent.
    pub fn open(self, conversation: ConversationId) {
        self.resubscribe(conversation);
    }

    /// Sends a message: shown at once as `sending`, kept until the server has it. Blank text is nothing. `visibility`:
    /// in a dialog, whether it goes to the visitor or is a note.
    pub fn send(self, conversation: ConversationId, visibility: Visibility, text: &str, reply_to: Option<MessageId>) {
        let text = text.trim();
        let Some(me) = self.state.me().get_untracked().filter(|_| !text.is_empty()) else { return };
        let (client_id, now) = self.with(|inner| Some((inner.env.fresh_client_id(), (inner.env.now)()))).unzip();
        let (Some(client_id), Some(now)) = (client_id, now) else { return };
        let message = Outgoing { client_id, conversation, text: text.to_owned(), reply_to, visibility, at: now };
        self.change_thread(conversation, |thread| thread.echo(&message, me.into()));
        self.typing_event(typing::Event::Stop(conversation));
        self.enqueue(message);
    }

    /// Whether it was sent: what was written is to be kept until then.
    pub fn edit(self, conversation_id: ConversationId, message_id: MessageId, text: &str) -> bool {
        let thread = self.thread_store(conversation_id);
        let is_gone = |thread: &Thread| thread.entries.iter().any(|one| one.id == Some(message_id) && one.deleted);
        if thread.is_some_and(|thread| is_gone(&thread.read_untracked())) {
            self.problem(Problem::new(Code::NotFound, "This message was deleted meanwhile."));
            return false;
        }
        self.act(ClientFrame::Edit(Edit { conversation_id, message_id, message: text.trim().to_owned() }))
    }

    pub fn delete(self, conversation_id: ConversationId, message_id: MessageId) {
        self.act(ClientFrame::Delete(Delete { conversation_id, message_id }));
    }

    pub fn react(self, conversation_id: ConversationId, message_id: MessageId, emoji: &str, on: bool) {
        self.act(ClientFrame::React(React { conversation_id, message_id, emoji: emoji.to_owned(), on }));
    }

    /// Call on every key: what goes out is throttled, and the stop is said when the keys stop. A note's typing is for
    /// operators alone, as the note is.
    pub fn typing(self, conversation: ConversationId, visibility: Visibility) {
        if self.is_connected() {
            self.typing_event(typing::Event::Key(conversation, visibility));
        }
    }

    /// The composer was emptied or left.
    pub fn stopped_typing(self, conversation: ConversationId) {
        self.typing_event(typing::Event::Stop(conversation));
    }

    /// The reader has seen everything up to here. Going back is nothing.
    pub fn read(self, conversation_id: ConversationId, up_to: Seq) {
        let Some(me) = self.state.me().get_untracked() else { return };
        let (mut is_news, mut up_to) = (false, up_to);
        self.change_thread(conversation_id, |thread| {
            up_to = up_to.min(thread.cursor);
            let changes = thread.read_by(&me, up_to);
            is_news = changes.contains(&Change::Reads);
            changes
        });
        if !is_news {
            return;
        }
        self.row_was_read(conversation_id, up_to);
        if self.is_connected() {
            self.tell(ClientFrame::Read(Read { conversation_id, seq: up_to }));
        } else {
            self.with(|inner| inner.untold_reads.insert(conversation_id, up_to));
        }
    }

    /// Stops the run that is on.
    pub fn cancel(self, conversation: ConversationId) {
        if !self.with(|inner| inner.link.state() == LinkState::Polling) {
            self.act(ClientFrame::Cancel(Cancel { conversation_id: Some(conversation), run_id: None }));
            return;
        }
        leptos::task::spawn_local(async move {
            if let Err(failure) = http::cancel(conversation).await {
                self.problem(failure.into());
            }
        });
    }

    /// A visitor asks for a person. Where the dialog changed hands meanwhile, it is asked once more of who has it now.
    pub async fn request_human(self, conversation: ConversationId) -> Result<(), Problem> {
        let control = self.thread_store(conversation).and_then(|thread| thread.read_untracked().control.clone());
        let mut epoch = control.map_or(0, |control| control.epoch);
        for _ in 0..limits::CONTROL_TRIES {
            let body = PostControl { action: ControlAction::RequestHuman, epoch, to: None };
            let Err(failure) = http::control(conversation, &body).await else { return Ok(()) };
            let problem = Problem::from(failure);
            let now = problem.details.get("epoch").and_then(Value::as_u64);
            match now.filter(|_| problem.code == Code::StaleEpoch) {
                Some(now) => epoch = now,
                None => return Err(problem),
            }
        }
        // Hands change without end: the next try may find them at rest.
        Err(Problem::new(Code::Unavailable, "A person could not be asked for. Try again in a moment."))
    }

    /// A chart, as a picture's address that needs no cookie.
    pub async fn picture(self, path: &str) -> Result<String, Problem> {
        let svg = http::picture(path).await?;
        Ok(["data:image/svg+xml,", &String::from(js_sys::encode_uri_component(&svg))].concat())
    }

    /// Fetches the page before the first message shown.
    pub async fn load_older(self, conversation: ConversationId) -> Result<(), Problem> {
        let Some(thread) = self.thread_store(conversation) else { return Ok(()) };
        let before = {
            let thread = thread.read_untracked();
            if !thread.more {
                return Ok(());
            }
            if thread.is_full() {
                drop(thread);
                self.change_thread(conversation, Thread::no_more);
                let text = "This page keeps no more messages than these. Older ones are found by the API.";
                return Err(Problem::new(Code::TooLarge, text));
            }
            thread.entries.iter().find_map(|entry| entry.seq)
        };
        let page = http::messages(conversation, before).await?;
        self.change_thread(conversation, |thread| thread.prepend(&page));
        if let (Some(first), Some(before)) = (page.messages.first(), before) {
            // With more behind them, they begin there; else with the log.
            let from = if page.more { first.frame.seq } else { Seq(1) };
            self.load_older_runs(conversation, from, before).await?;
        }
        Ok(())
    }

    /// Fetches what the agents did from one event up to another.
    async fn load_older_runs(self, conversation: ConversationId, from: Seq, before: Seq) -> Result<(), Problem> {
        let events = events_between(conversation, from, before).await?;
        self.change_thread(conversation, |thread| thread.prepend_runs(&events));
        Ok(())
    }

    /// Fetches what a run did before what is known of it: until there is a step more, or this one.
    pub async fn load_earlier_steps(
        self,
        conversation: ConversationId,
        run: RunId,
        until: Option<Seq>,
    ) -> Result<(), Problem> {
        let Some(thread) = self.thread_store(conversation) else { return Ok(()) };
        let first = || {
            let thread = thread.read_untracked();
            let run = thread.runs.iter().find(|one| one.id == run && one.is_cut)?;
            Some(run.steps.first().map_or(thread.cursor, |step| step.seq))
        };
        let Some(known) = first() else { return Ok(()) };
        let mut before = known;
        for _ in 0..limits::EARLIER_STEP_PAGES {
            let to = Seq(before.0 + limits::STEP_OVERLAP);
            before = Seq(to.0.saturating_sub(limits::EVENTS_PER_PAGE).max(1));
            let events = events_between(conversation, before, to).await?;
            self.change_thread(conversation, |thread| thread.prepend_steps(run, &events, before == Seq(1)));
            if first().is_none_or(|now| until.map_or(now < known, |until| now <= until)) {
                break;
            }
        }
        Ok(())
    }

    /// Has a run's question answered once more.
    pub fn run_again(self, conversation: ConversationId, run: RunId) {
        leptos::task::spawn_local(async move {
            if let Err(failure) = http::run_again(conversation, run).await {
                self.problem(failure.into());
            }
        });
    }

    /// Stops this run, also one that waits for its turn.
    pub fn cancel_run(self, conversation_id: ConversationId, run_id: RunId) {
        self.act(ClientFrame::Cancel(Cancel { conversation_id: Some(conversation_id), run_id: Some(run_id) }));
    }

    /// Lets a tool be called, with these arguments where they are others, or does not.
    pub fn decide(
        self,
        conversation_id: ConversationId,
        call: (RunId, CallId),
        approved: bool,
        arguments: Option<Value>,
    ) {
        let (run_id, call_id) = call;
        self.act(ClientFrame::Approve(Approve { conversation_id, run_id, call_id, approved, arguments }));
    }

    /// Ends the session, forgets everything, here and in what the browser keeps, and leads to the sign-in page.
    /// Where the session cannot be ended, one stays, and so does what was written.
    pub async fn sign_out(self) -> Result<(), Problem> {
        // Before the server closes the socket, which may come before its answer.
        let me = self.my_id();
        self.with(|inner| inner.is_leaving = true);
        match http::logout().await {
            // There is no session any more.
            Ok(()) | Err(http::Failure::Refused { status: 401, .. }) => {}
            // The socket was told already: the answer was lost.
            Err(_) if self.with(|inner| inner.link.state() == link::LinkState::SignedOut) => {}
            Err(failure) => {
                self.with(|inner| inner.is_leaving = false);
                return Err(failure.into());
            }
        }
        self.wipe();
        self.link(link::Event::SignedOut);
        persist::end(me, persist::End::SignedOut).await;
        network::go_to_sign_in("/");
        Ok(())
    }
}

/// The log from one event up to another, as far as [`limits::OLDER_EVENT_PAGES`] reach.
async fn events_between(conversation: ConversationId, from: Seq, before: Seq) -> Result<Vec<DurableFrame>, Problem> {
    let mut events = Vec::new();
    let mut after = Seq(from.0.saturating_sub(1));
    for _ in 0..limits::OLDER_EVENT_PAGES {
        let page = http::events(conversation, after).await?;
        let Some(last) = page.events.last().map(|event| event.seq) else { break };
        events.extend(page.events.into_iter().filter(|event| event.seq < before));
        after = last;
        if last.next() >= before {
            break;
        }
    }
    Ok(events)
}
