//! What a person does.

use leptos::prelude::*;

use super::{Client, StateStoreFields, http, network};
use crate::{
    model::{
        EntryState, Outgoing, Thread,
        conversation::Change,
        link::{self, LinkState},
        outbox, typing,
    },
    protocol::{
        ClientFrame, Code, ConversationId, MessageId, Problem, Seq,
        client::{Cancel, Delete, Edit, React, Read},
        limits,
    },
};

impl Client {
    /// Shows this conversation live: call it in an `Effect` of the page that opens it, after
    /// [`Client::seed_thread`]. Idempotent.
    pub fn open(self, conversation: ConversationId) {
        self.resubscribe(conversation);
    }

    /// Sends a message: shown at once as `sending`, kept until the server has it. Blank text is nothing.
    pub fn send(self, conversation: ConversationId, text: &str, reply_to: Option<MessageId>) {
        let text = text.trim();
        let Some(me) = self.state.me().get_untracked().filter(|_| !text.is_empty()) else { return };
        let (client_id, now) = self.with(|inner| Some((inner.env.fresh_client_id(), (inner.env.now)()))).unzip();
        let (Some(client_id), Some(now)) = (client_id, now) else { return };
        let message = Outgoing { client_id, conversation, text: text.to_owned(), reply_to };
        self.change_thread(conversation, |thread| thread.echo(&message, me.into(), now));
        self.typing_event(typing::Event::Stop(conversation));
        self.enqueue(message);
    }

    fn enqueue(self, message: Outgoing) {
        if message.text.len() > limits::MESSAGE_BYTES {
            let reason = "This message is too long. Shorten it, or send it in parts.".to_owned();
            self.change_thread(message.conversation, |thread| thread.failed(&message.client_id, reason));
            return;
        }
        self.outbox(outbox::Event::Send(message));
    }

    /// Sends a failed message again, under the same client_id.
    pub fn retry(self, conversation: ConversationId, key: &str) {
        let Some(message) = self.failed_message(conversation, key) else { return };
        self.change_thread(conversation, |thread| thread.retried(&message.client_id));
        let is_kept = self.with(|inner| inner.outbox.messages().any(|kept| kept.client_id == message.client_id));
        if is_kept {
            self.outbox(outbox::Event::Retry(message.client_id));
        } else {
            self.enqueue(message);
        }
    }

    /// Forgets a message that failed.
    pub fn discard(self, conversation: ConversationId, key: &str) {
        let Some(message) = self.failed_message(conversation, key) else { return };
        self.change_thread(conversation, |thread| thread.discarded(&message.client_id));
        self.outbox(outbox::Event::Discard(message.client_id));
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
        })
    }

    /// Whether it was sent: what was written is to be kept until then.
    pub fn edit(self, conversation_id: ConversationId, message_id: MessageId, text: &str) -> bool {
        self.act(ClientFrame::Edit(Edit { conversation_id, message_id, message: text.trim().to_owned() }))
    }

    pub fn delete(self, conversation_id: ConversationId, message_id: MessageId) {
        self.act(ClientFrame::Delete(Delete { conversation_id, message_id }));
    }

    pub fn react(self, conversation_id: ConversationId, message_id: MessageId, emoji: &str, on: bool) {
        self.act(ClientFrame::React(React { conversation_id, message_id, emoji: emoji.to_owned(), on }));
    }

    /// Call on every key: what goes out is throttled, and the stop is said when the keys stop.
    pub fn typing(self, conversation: ConversationId) {
        if self.is_connected() {
            self.typing_event(typing::Event::Key(conversation));
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
        Ok(())
    }

    /// Ends the session, forgets everything and leads to the sign-in page. Where the session cannot be ended,
    /// one stays, without the drafts: a page that is closed meanwhile leaves nothing behind.
    pub async fn sign_out(self) -> Result<(), Problem> {
        network::forget_drafts();
        match http::logout().await {
            // There is no session any more.
            Ok(()) | Err(http::Failure::Refused { status: 401, .. }) => {}
            Err(failure) => return Err(failure.into()),
        }
        self.wipe();
        self.link(link::Event::SignedOut);
        network::go_to_sign_in("/");
        Ok(())
    }
}
