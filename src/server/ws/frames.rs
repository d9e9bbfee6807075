//! Does what a client's frame asks for, and answers it.

use std::sync::Arc;

use super::{home::Home, looking, presence, subscribe::subscribe};
use crate::{
    protocol::{
        Audience, ClientEnvelope, ClientFrame, Code, ConversationId, EphemeralFrame, FrameError, Problem, Seq, Side,
        client::{Cancel, Chat, Cursor, Ping, Typing},
        http::{Kind, PostMessage, Role, User},
        limits,
        server::{Ack, Pong, UserTyping},
    },
    server::{
        bus::{BusMessage, EncodedFrame},
        clock,
        hub::Connection,
        limits::FrameLimiter,
        state::AppState,
    },
};

pub(super) struct Dispatcher {
    state: Arc<AppState>,
    connection: Arc<Connection>,
    caller: User,
    home: Home,
    limiter: FrameLimiter,
    typing: FrameLimiter,
}

/// What became of a frame, for the session's bookkeeping. The client has its answer already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Handled {
    Done,
    /// It was no frame.
    Bad,
    RateLimited,
}

impl Dispatcher {
    pub(super) fn new(state: Arc<AppState>, connection: Arc<Connection>, caller: User, home: Home) -> Self {
        let limiter = state.rates.frame_limiter(limits::FRAMES_PER_CONNECTION);
        let typing = state.rates.frame_limiter(limits::TYPING_PER_CONNECTION);
        Self { state, connection, caller, home, limiter, typing }
    }

    /// Subscribes to what the endpoint itself names.
    pub(super) async fn come_home(&self) {
        let Some(id) = self.home.conversation else { return };
        let cursor = Cursor { id, after: None, log_epoch: None };
        if let Err(problem) = subscribe(&self.state, &self.connection, &cursor, None).await {
            self.answer_problem(problem, None);
        }
    }

    /// The role that the socket was opened with.
    pub(super) fn role(&self) -> Role {
        self.caller.role
    }

    pub(super) async fn handle(&self, text: &str) -> Handled {
        let parsed = if self.home.takes_bare { ClientEnvelope::parse_bare(text) } else { ClientEnvelope::parse(text) };
        // What is no frame has a count of its own, with rate limits off, too.
        if !matches!(parsed, Err(FrameError::Bad(_)))
            && let Err(problem) = self.limiter.check()
        {
            let reference = parsed.map_or_else(FrameError::into_reference, |envelope| envelope.reference);
            self.answer_problem(problem, reference);
            return Handled::RateLimited;
        }
        let envelope = match parsed {
            Ok(envelope) => envelope,
            Err(error) => return self.refuse(error),
        };
        self.note_activity(&envelope.frame).await;
        match self.perform(envelope.frame, envelope.reference.as_ref()).await {
            Ok(()) => Handled::Done,
            Err(problem) => {
                let limited = problem.code == Code::RateLimited;
                self.answer_problem(problem, envelope.reference);
                if limited { Handled::RateLimited } else { Handled::Done }
            }
        }
    }

    fn refuse(&self, error: FrameError) -> Handled {
        let handled = if matches!(error, FrameError::Bad(_)) { Handled::Bad } else { Handled::Done };
        let mut problem = Problem::new(error.code(), error.to_string());
        if let FrameError::Invalid { details, .. } = &error {
            problem.details.clone_from(details);
        }
        self.answer_problem(problem, error.into_reference());
        handled
    }

    fn answer_problem(&self, problem: Problem, reference: Option<String>) {
        self.connection.send(&EphemeralFrame::Error(problem.into_frame(reference)));
    }

    async fn note_activity(&self, frame: &ClientFrame) {
        if matches!(frame, ClientFrame::Ping(_)) {
            return;
        }
        if let Some(changed) = self.state.hub.active(self.caller.id) {
            presence::tell(&self.state, changed).await;
        }
    }

    async fn perform(&self, frame: ClientFrame, reference: Option<&String>) -> Result<(), Problem> {
        let (conversations, caller) = (&self.state.conversations, &self.caller);
        match frame {
            ClientFrame::Subscribe(frame) => self.subscribe(&frame.conversations, reference).await,
            ClientFrame::Unsubscribe(frame) => {
                for id in frame.conversations {
                    self.state.hub.unsubscribe(&self.connection, id);
                    looking::stopped(&self.state, &self.connection, id).await;
                }
                Ok(())
            }
            ClientFrame::Chat(frame) => self.chat(frame, reference).await,
            ClientFrame::Cancel(frame) => self.cancel(frame, reference).await,
            ClientFrame::TypingStart(frame) => self.typing_start(&frame).await,
            ClientFrame::TypingStop(frame) => {
                self.stop_typing(frame.conversation_id).await;
                Ok(())
            }
            ClientFrame::Read(frame) => conversations.read(caller, frame.conversation_id, frame.seq).await,
            ClientFrame::Edit(frame) => {
                let id = frame.conversation_id;
                let seq = conversations.edit(caller, id, frame.message_id, frame.message).await?;
                self.ack(id, seq, reference)
            }
            ClientFrame::Delete(frame) => {
                let seq = conversations.delete(caller, frame.conversation_id, frame.message_id).await?;
                self.ack(frame.conversation_id, seq, reference)
            }
            ClientFrame::React(frame) => {
                let id = frame.conversation_id;
                let seq = conversations.react(caller, id, frame.message_id, frame.emoji, frame.on).await?;
                self.ack(id, seq, reference)
            }
            ClientFrame::Control(frame) => {
                let id = frame.conversation_id;
                let seq = conversations.control(caller, frame).await?;
                self.ack(id, seq, reference)
            }
            ClientFrame::Approve(frame) => {
                let id = frame.conversation_id;
                let seq = conversations.approve(caller, id, frame).await?;
                self.ack(id, seq, reference)
            }
            ClientFrame::Ping(frame) => self.pong(frame),
        }
    }

    async fn subscribe(&self, cursors: &[Cursor], reference: Option<&String>) -> Result<(), Problem> {
        let mut result = Ok(());
        for cursor in cursors {
            // Many answers at once are no reason to call their reader slow.
            self.connection.lane.room().await;
            // One that fails does not keep the others from their answer.
            if let Err(problem) = subscribe(&self.state, &self.connection, cursor, reference).await {
                result = Err(problem);
            }
        }
        result
    }

    async fn chat(&self, frame: Chat, reference: Option<&String>) -> Result<(), Problem> {
        let id = self.meant(frame.conversation_id)?;
        let Chat { client_id, message, reply_to, visibility, .. } = frame;
        let body = PostMessage { client_id, message, reply_to, visibility };
        let ack = self.state.conversations.post(&self.caller, id, body).await?;
        self.connection.send(&EphemeralFrame::Ack(Ack { reference: reference.cloned(), ..ack }));
        self.stop_typing(id).await;
        Ok(())
    }

    async fn cancel(&self, frame: Cancel, reference: Option<&String>) -> Result<(), Problem> {
        let id = self.meant(frame.conversation_id)?;
        let (_, seq) = self.state.conversations.cancel(&self.caller, id, frame.run_id).await?;
        self.ack(id, seq, reference)
    }

    /// The named conversation, else the endpoint's own.
    fn meant(&self, named: Option<ConversationId>) -> Result<ConversationId, Problem> {
        named.or(self.home.conversation).ok_or_else(|| Problem::invalid("conversation_id", "missing"))
    }

    fn ack(&self, conversation_id: ConversationId, seq: Seq, reference: Option<&String>) -> Result<(), Problem> {
        let ack = Ack { reference: reference.cloned(), conversation_id, seq, posted: None };
        self.connection.send(&EphemeralFrame::Ack(ack));
        Ok(())
    }

    fn pong(&self, frame: Ping) -> Result<(), Problem> {
        let nonce = frame.nonce.filter(|nonce| !nonce.is_null());
        if nonce.as_ref().is_some_and(|nonce| nonce.to_string().len() > limits::NONCE_BYTES) {
            return Err(Problem::invalid("nonce", format!("at most {} bytes of JSON", limits::NONCE_BYTES)));
        }
        self.connection.send(&EphemeralFrame::Pong(Pong { timestamp: clock::now(), nonce }));
        Ok(())
    }

    // ── Typing ──────────────────────────────────────────────────────────────────────────────────

    async fn typing_start(&self, frame: &Typing) -> Result<(), Problem> {
        let id = frame.conversation_id;
        self.must_see(id).await?;
        let audience = Audience::from(frame.visibility.unwrap_or_default());
        if audience == Audience::Operators {
            self.may_write_notes(id).await?;
        }
        self.typing.check()?;
        let user = &self.connection.user;
        if self.state.hub.start_typing(id, user, Some(self.connection.id), audience) {
            let typing = UserTyping::of(frame, user.clone());
            self.publish(id, &EphemeralFrame::TypingStart(typing), audience).await;
        }
        Ok(())
    }

    async fn stop_typing(&self, id: ConversationId) {
        if let Some(audience) = self.state.hub.stop_typing(id, self.caller.id, Some(self.connection.id)) {
            self.tell_typing_stopped(id, audience).await;
        }
    }

    pub(super) async fn tell_typing_stopped(&self, id: ConversationId, audience: Audience) {
        let typing = UserTyping { conversation_id: id, user: self.connection.user.clone() };
        self.publish(id, &EphemeralFrame::TypingStop(typing), audience).await;
    }

    async fn publish(&self, id: ConversationId, frame: &EphemeralFrame, audience: Audience) {
        let (frame, except) = (EncodedFrame::within(frame, audience), Some(self.connection.id));
        self.state.bus.publish(BusMessage::Conversation { id, frame, except }).await;
    }

    /// A visitor may not even say that there are such.
    async fn may_write_notes(&self, id: ConversationId) -> Result<(), Problem> {
        let kind = match self.state.conversations.kind(id) {
            Some(kind) => kind,
            None => self.state.conversations.access(&self.caller, id).await?.kind,
        };
        if kind == Kind::Room {
            return Err(Problem::invalid("visibility", "a room has no notes"));
        }
        if self.connection.side == Side::Visitor {
            return Err(Problem::forbidden("Notes are for operators."));
        }
        Ok(())
    }

    /// Who stands in the room may see it: a removal takes one out of it.
    async fn must_see(&self, id: ConversationId) -> Result<(), Problem> {
        if self.connection.is_subscribed(id) || self.state.storage.access(self.caller.id, id).await?.is_some() {
            return Ok(());
        }
        Err(Problem::not_found())
    }
}
