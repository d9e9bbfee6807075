//! The one door: every frame, from the socket or from polling, comes through here.

use leptos::prelude::ReadUntracked;
use serde::Deserialize;

use super::{Client, NoticeKind, StateStoreFields, desk, driver::SUBSCRIBE, launcher};
use crate::{
    model::{conversation::apply_to_row, link, outbox, typing},
    protocol::{
        Code, ConversationId, DurableFrame, EphemeralFrame, Event, Problem, Seq, ServerFrame, Timestamp, UserRef,
        read::Read,
        server::{Ack, ErrorFrame, Mode, Posted, Status, Subscribed},
    },
};

impl Client {
    /// Folds one frame in and notifies the fields that it touched.
    pub fn apply(self, frame: &ServerFrame) {
        match frame {
            ServerFrame::Durable(frame) => {
                self.apply_event(frame);
                self.time_paint(frame);
                launcher::saw(self, frame);
            }
            ServerFrame::Ephemeral(frame) => self.apply_ephemeral(frame),
        }
    }

    pub(super) fn apply_event(self, frame: &DurableFrame) {
        let me = self.my_id();
        self.change_thread(frame.conversation_id, |thread| thread.apply_event(frame, me));
        self.change_row(frame.conversation_id, |row| apply_to_row(row, frame, me));
        if let Event::Message(message) = &frame.event
            && message.author.id == me
            && let Some(client_id) = &message.client_id
        {
            // As good as an ack, and the only one where that was lost.
            let (client_id, timestamp) = (client_id.clone(), frame.timestamp);
            let posted = Posted { client_id, message_id: message.id, timestamp, duplicate: true };
            self.taken(frame.conversation_id, &posted, frame.seq);
        }
    }

    fn apply_ephemeral(self, frame: &EphemeralFrame) {
        let me = self.my_id();
        match frame {
            EphemeralFrame::Status(status) => self.greeted(status),
            EphemeralFrame::Subscribed(subscribed) => self.subscribed(frame, subscribed),
            EphemeralFrame::Ack(ack) => self.acked(ack),
            EphemeralFrame::TypingStart(typing) | EphemeralFrame::TypingStop(typing) => {
                self.change_thread(typing.conversation_id, |thread| thread.apply_ephemeral(frame, me));
            }
            EphemeralFrame::Token(token) => {
                self.change_thread(token.conversation_id, |thread| thread.apply_ephemeral(frame, me));
            }
            EphemeralFrame::Presence(_) => self.change_every_thread(|thread| thread.apply_ephemeral(frame, me)),
            EphemeralFrame::Read(read) => {
                self.change_thread(read.conversation_id, |thread| thread.apply_ephemeral(frame, me));
                if read.user.id == me {
                    self.row_was_read(read.conversation_id, read.up_to);
                }
            }
            EphemeralFrame::Conversation(changed) => self.list_changed(changed),
            EphemeralFrame::Broadcast(told) => {
                self.notice(NoticeKind::Broadcast(told.from.name.clone()), told.message.clone());
            }
            EphemeralFrame::Pong(pong) => {
                let Some(nonce) = &pong.nonce else { return };
                if let Some(nonce) = nonce.as_u64() {
                    self.link(link::Event::Pong { nonce });
                } else {
                    self.told_time(nonce, pong.timestamp);
                }
            }
            EphemeralFrame::Error(error) => self.refused(error),
        }
    }

    fn greeted(self, status: &Status) {
        // By the server's own clock, both.
        let lives = status.expires_at.map(|end| end.as_ms() - status.timestamp.as_ms());
        let lives = lives.and_then(|ms| u64::try_from(ms).ok()).map(|ms| link::Event::Lives { ms });
        let Some(connected) = &status.connected else {
            return lives.into_iter().for_each(|lives| self.link(lives));
        };
        let is_me = |me: &UserRef| me.id == connected.user.id;
        if !self.state.me().read_untracked().as_ref().is_none_or(is_me) {
            // Somebody else signed in in this browser: nothing of the one before goes out under their name.
            return self.start_over();
        }
        self.typing_event(typing::Event::Times(connected.typing));
        self.link(link::Event::Welcome);
        lives.into_iter().for_each(|lives| self.link(lives));
    }

    fn subscribed(self, frame: &EphemeralFrame, subscribed: &Subscribed) {
        let (id, me) = (subscribed.conversation_id, self.my_id());
        self.with(|inner| {
            inner.asked.remove(&id);
            if let Some(epoch) = subscribed.log_epoch {
                inner.epochs.insert(id, epoch);
            }
            inner.painting.subscribed(id, subscribed.head);
        });
        launcher::subscribed(id, subscribed.head);
        if subscribed.mode == Mode::Denied {
            self.remove_row(id);
            return;
        }
        self.change_thread(id, |thread| thread.apply_ephemeral(frame, me));
        if let Some(mine) = subscribed.reads.iter().find(|read| read.user.id == me) {
            self.row_was_read(id, mine.up_to);
        }
    }

    pub(super) fn acked(self, ack: &Ack) {
        let Some(posted) = &ack.posted else { return };
        self.time_ack(posted);
        self.taken(ack.conversation_id, posted, ack.seq);
    }

    fn refused(self, error: &ErrorFrame) {
        let problem = Problem {
            code: error.code,
            detail: error.message.clone(),
            details: error.details.clone().unwrap_or_default(),
            retry_after_ms: error.retry_after_ms,
        };
        if let Some(id) = error.reference.as_deref().and_then(desk::controlled) {
            return self.not_controlled(id, problem);
        }
        if error.reference.as_deref() == Some(SUBSCRIBE) {
            return self.not_subscribed(problem);
        }
        let client_id = error.reference.as_ref().and_then(|reference| reference.parse().ok());
        match client_id.filter(|id| self.with(|inner| inner.outbox.messages().any(|message| message.client_id == *id)))
        {
            Some(client_id) => self.outbox(outbox::Event::Refused(client_id, problem)),
            // A run that fails says so in its timeline, to everybody.
            None if error.reference.is_none() && error.code == Code::RunFailed => {}
            // Of the frames without a name these are about what one writes at the moment: nothing is lost.
            None if error.reference.is_none() && error.code == Code::RateLimited => {}
            None => self.problem(problem),
        }
    }
}

/// Reads one text frame. An event of a type that a newer server knows still has its place in the log, so
/// that the cursor finds no hole; anything else that is not understood is nothing.
pub(super) fn parse(text: &str) -> Option<ServerFrame> {
    #[derive(Deserialize)]
    struct Place {
        conversation_id: ConversationId,
        seq: Seq,
        #[serde(default)]
        timestamp: Timestamp,
    }
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    ServerFrame::read(&value).ok().or_else(|| {
        let Place { conversation_id, seq, timestamp } = Place::deserialize(&value).ok()?;
        Some(ServerFrame::Durable(DurableFrame { conversation_id, seq, timestamp, event: Event::Hidden }))
    })
}
