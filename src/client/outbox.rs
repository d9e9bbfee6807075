//! The outbox between the machine that decides and those who do: the socket or HTTP, the threads that show its
//! messages, and the queue that outlives the page and is shared with the browser's other pages.
//!
//! A message is in that queue before it is sent. One page sends, the others show; which one, a lock says.

use leptos::{prelude::*, task::spawn_local};
use serde_json::{Value, json};

use super::{
    Client, NoticeKind, StateStoreFields, http,
    persist::{self, Change, Queue},
    socket,
};
use crate::{
    model::{
        EntryState, Outgoing, link,
        outbox::{self, Event},
    },
    protocol::{
        ClientEnvelope, ClientFrame, ClientId, ConversationId, Seq, Visibility,
        client::Chat,
        http::PostMessage,
        read::parse,
        server::{Ack, Posted},
    },
};

impl Client {
    /// What waits is the signed-in person's, whoever had this browser before.
    pub(super) fn begin(self) {
        let me = self.state.me().read_untracked().as_ref().map(|me| me.id);
        let Some(me) = me.filter(|_| self.with(|inner| inner.is_started)) else { return };
        persist::begin(me);
        persist::listen(move |news| self.hear(&news));
        window_event_listener_untyped("pagehide", move |_| {
            self.keep_seen();
            if self.with(|inner| inner.outbox.waiting()) > 0 {
                persist::sync();
            }
        });
        spawn_local(self.look());
    }

    /// Another page, or the worker, changed something.
    fn hear(self, news: &str) {
        if news == "lost" {
            self.outbox(Event::Down);
            if self.with(|inner| inner.is_way_open) {
                self.claim(false);
            }
            return;
        }
        if let Ok(ack) = parse::<Ack>(news) {
            self.acked(&ack);
        }
        spawn_local(self.look());
    }

    /// Brings the outbox in step with the shared queue.
    async fn look(self) {
        let me = self.my_id();
        self.queue_answered(persist::queue(me, Change::Nothing).await, None);
    }

    /// What the shared queue answered; `otherwise`, where there is none.
    fn queue_answered(self, answer: Queue, otherwise: Option<Event>) {
        match answer {
            Queue::List(list) => self.outbox(Event::Merge(list)),
            Queue::Missing => otherwise.into_iter().for_each(|event| self.outbox(event)),
            Queue::Anothers => self.start_over(),
        }
    }

    /// The link lets messages through: this page sends them, unless another one does.
    pub(super) fn way_opened(self) {
        self.with(|inner| inner.is_way_open = true);
        self.claim(false);
    }

    pub(super) fn way_closed(self) {
        self.with(|inner| inner.is_way_open = false);
        self.outbox(Event::Down);
        persist::yield_lock();
        if self.with(|inner| inner.outbox.waiting()) > 0 {
            persist::sync();
        }
    }

    fn claim(self, is_takeover: bool) {
        spawn_local(async move {
            if !persist::claim(is_takeover).await {
                return;
            }
            self.look().await;
            if self.with(|inner| inner.is_way_open) {
                self.outbox(Event::Up);
            } else {
                persist::yield_lock();
            }
        });
    }

    /// Takes a message of one's own: kept first, then sent. Its echo is shown already.
    pub(super) fn enqueue(self, message: Outgoing) {
        // A full outbox says so by itself.
        let is_kept = self.with(|inner| inner.is_started && !inner.outbox.is_full());
        if !is_kept {
            return self.outbox(Event::Send(message));
        }
        let (is_way_open, is_up) = self.with(|inner| (inner.is_way_open, inner.outbox.is_up()));
        if is_way_open && !is_up {
            // Who writes does not wait for a page that may be asleep.
            self.claim(true);
        }
        let me = self.my_id();
        spawn_local(async move {
            let answer = persist::queue(me, Change::Add(&message)).await;
            self.queue_answered(answer, Some(Event::Send(message)));
            if !is_way_open {
                persist::sync();
            }
        });
    }

    /// Sends a failed message again, under the same client_id.
    pub fn retry(self, conversation: ConversationId, key: &str) {
        let Some(message) = self.failed_message(conversation, key) else { return };
        self.change_thread(conversation, |thread| thread.retried(&message.client_id));
        let is_known = |kept: &Outgoing| kept.client_id == message.client_id;
        let (is_here, is_kept) =
            self.with(|inner| (inner.outbox.messages().any(is_known), inner.outbox.is_kept(&message.client_id)));
        match (is_here, is_kept) {
            (_, true) => {
                let me = self.my_id();
                spawn_local(async move {
                    let answer = persist::queue(me, Change::Retry(&message.client_id)).await;
                    self.queue_answered(answer, Some(Event::Retry(message.client_id)));
                });
            }
            (true, false) => self.outbox(Event::Retry(message.client_id)),
            (false, false) => self.enqueue(message),
        }
    }

    /// Forgets a message that failed.
    pub fn discard(self, conversation: ConversationId, key: &str) {
        let Some(message) = self.failed_message(conversation, key) else { return };
        self.change_thread(conversation, |thread| thread.discarded(&message.client_id));
        self.drop_message(message.client_id);
    }

    pub(super) fn drop_message(self, client_id: ClientId) {
        if !self.with(|inner| inner.outbox.is_kept(&client_id)) {
            return self.outbox(Event::Discard(client_id));
        }
        let me = self.my_id();
        spawn_local(async move {
            let answer = persist::queue(me, Change::Drop(&client_id, None)).await;
            self.queue_answered(answer, Some(Event::Discard(client_id)));
        });
    }

    fn failed_message(self, conversation: ConversationId, key: &str) -> Option<Outgoing> {
        let thread = self.thread_store(conversation)?;
        let thread = thread.read_untracked();
        let entry = thread.entries.iter().find(|entry| entry.key == key && entry.state == EntryState::Failed)?;
        Some(Outgoing {
            client_id: entry.client_id.clone()?,
            conversation,
            text: entry.text.clone(),
            reply_to: entry.reply_to,
            visibility: entry.visibility,
            at: entry.at,
        })
    }

    /// The server has it, at this place in the log.
    pub(super) fn taken(self, conversation: ConversationId, posted: &Posted, seq: Seq) {
        self.change_thread(conversation, |thread| thread.acked(posted, seq));
        let is_kept = self.with(|inner| inner.outbox.is_kept(&posted.client_id));
        self.outbox(Event::Acked(posted.client_id.clone()));
        if is_kept {
            let (me, client_id, ack) = (self.my_id(), posted.client_id.clone(), ack(conversation, posted, seq));
            spawn_local(async move {
                self.queue_answered(persist::queue(me, Change::Drop(&client_id, Some(&ack))).await, None);
            });
        }
    }

    /// The outbox's machine.
    pub(super) fn outbox(self, event: Event) {
        let (effects, waiting) = self.with(|inner| {
            let effects = inner.outbox.handle(event, (inner.env.now)());
            (effects, inner.outbox.waiting())
        });
        if *self.state.waiting().read_untracked() != waiting {
            *self.state.waiting().write() = waiting;
        }
        for effect in effects {
            self.perform_sending(effect);
        }
        self.wind();
    }

    fn perform_sending(self, effect: outbox::Effect) {
        match effect {
            outbox::Effect::Send(message) => self.post(message),
            outbox::Effect::Stuck { client_id, conversation, reason } => {
                self.change_thread(conversation, |thread| thread.failed(&client_id, reason));
                self.tell_unsent();
            }
            outbox::Effect::Fail(client_id, reason) => {
                let me = self.my_id();
                spawn_local(async move {
                    self.queue_answered(persist::queue(me, Change::Fail(&client_id, &reason)).await, None);
                });
            }
            outbox::Effect::Show(message) => {
                if let Some(me) = self.state.me().get_untracked() {
                    self.change_thread(message.conversation, |thread| thread.echo(&message, me.into()));
                }
            }
            outbox::Effect::Retried(client_id, conversation) => {
                self.change_thread(conversation, |thread| thread.retried(&client_id));
            }
            outbox::Effect::Gone(client_id, conversation) => {
                self.change_thread(conversation, |thread| thread.discarded(&client_id));
                self.forget_unsent(&client_id);
            }
            outbox::Effect::Overdue => self.link(link::Event::Overdue),
            outbox::Effect::Full(message) => {
                let reason = "Too many messages wait to be sent already.";
                self.change_thread(message.conversation, |thread| thread.failed(&message.client_id, reason.to_owned()));
            }
        }
    }

    /// Shows what waits in a conversation that is opened.
    pub(super) fn show_queued(self, conversation: ConversationId) {
        let Some(me) = self.state.me().get_untracked() else { return };
        let queued: Vec<_> = self.with(|inner| {
            let of = inner.outbox.messages().filter(|message| message.conversation == conversation);
            of.map(|message| (message.clone(), inner.outbox.failure(&message.client_id))).collect()
        });
        for (message, failure) in queued {
            self.change_thread(conversation, |thread| {
                let mut changes = thread.echo(&message, me.clone().into());
                changes.extend(failure.into_iter().flat_map(|reason| thread.failed(&message.client_id, reason)));
                changes
            });
        }
    }

    /// Says what could not be sent into a conversation that one is no longer in: no thread shows it.
    pub(super) fn tell_unsent(self) {
        let stuck: Vec<_> = self.with(|inner| inner.outbox.stuck().cloned().collect());
        for message in stuck {
            let is_shown = {
                let state = self.state.read_untracked();
                state.conversations.iter().any(|row| row.id == message.conversation)
                    || self.may_be_a_dialog(&state.desk, message.conversation)
                    || state.notices.iter().any(|one| one.what == NoticeKind::Unsent(message.client_id.clone()))
            };
            if !is_shown {
                let text = ["Not sent, you are no longer in that conversation: ", &message.text].concat();
                self.notice(NoticeKind::Unsent(message.client_id), text);
            }
        }
    }

    fn forget_unsent(self, client_id: &ClientId) {
        let what = NoticeKind::Unsent(client_id.clone());
        let notice = self.state.read_untracked().notices.iter().find(|one| one.what == what).map(|one| one.id);
        notice.into_iter().for_each(|notice| self.dismiss(notice));
    }

    fn post(self, Outgoing { client_id, conversation, text, reply_to, visibility, .. }: Outgoing) {
        let visibility = (visibility != Visibility::Public).then_some(visibility);
        if self.is_connected() {
            let reference = Some(client_id.to_string());
            self.time_send(&client_id);
            let frame = ClientFrame::Chat(Chat {
                conversation_id: Some(conversation),
                client_id: Some(client_id),
                message: text,
                reply_to,
                visibility,
            });
            socket::send(&ClientEnvelope { frame, reference });
            return;
        }
        let body = PostMessage { client_id: Some(client_id.clone()), message: text, reply_to, visibility };
        spawn_local(async move {
            match http::post_message(conversation, &body).await {
                Ok(ack) => {
                    self.acked(&ack);
                    self.outbox(Event::Acked(client_id));
                }
                Err(http::Failure::Unreachable) => self.outbox(Event::Lost(client_id)),
                // The token ran out meanwhile: nothing is wrong with the message.
                Err(http::Failure::Refused { status: 401, .. }) => {
                    self.link(link::Event::Unauthorized);
                    self.outbox(Event::Lost(client_id));
                }
                Err(http::Failure::Refused { problem, .. }) => self.outbox(Event::Refused(client_id, problem)),
            }
        });
    }
}

/// What the other pages are told.
fn ack(conversation: ConversationId, posted: &Posted, seq: Seq) -> Value {
    json!({
        "conversation_id": conversation.to_string(),
        "seq": seq.0,
        "client_id": posted.client_id.as_str(),
        "message_id": posted.message_id.to_string(),
        "timestamp": posted.timestamp.to_string(),
        "duplicate": true,
    })
}
