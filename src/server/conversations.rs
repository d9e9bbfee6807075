//! What people do with conversations: each method checks the right, the bounds, and calls storage once.
//! HTTP, the socket and the server functions all come through here.
//!
//! Who is no member learns nothing: every method answers `not_found` first. Frames for people's own lists
//! (`conversation`) are published in [`members`] and nowhere else.

use std::{sync::Arc, time::Instant};

use super::{
    agents::{Agents, Verdict},
    bus::{Bus, BusMessage, EncodedFrame},
    clock,
    dialogs::Dialogs,
    hub::Hub,
    limits::Rates,
    storage::{Access, Append, Appended, Page, Storage, Write},
};
use crate::{
    fresh_id,
    protocol::{
        ChartId, Code, ConversationId, EphemeralFrame, Event, Message, MessageId, Problem, RunId, Sender, Seq, Side,
        UserId, Visibility,
        client::{Approve, Control},
        http::{Conversation, ConversationDetail, Kind, Member, Messages, PostMessage, Role, User},
        limits,
        server::{Ack, Format, ReadUpTo},
    },
};

mod check;
mod finish;
mod members;
mod nature;

pub use check::text;
pub(super) use finish::finish;
use nature::Natures;

#[derive(Clone)]
pub struct Conversations {
    storage: Arc<dyn Storage>,
    bus: Arc<dyn Bus>,
    hub: Arc<Hub>,
    agents: Agents,
    dialogs: Dialogs,
    rates: Rates,
    natures: Natures,
}

impl Conversations {
    pub fn new(
        storage: Arc<dyn Storage>,
        bus: Arc<dyn Bus>,
        hub: Arc<Hub>,
        agents: Agents,
        dialogs: Dialogs,
        rates: Rates,
    ) -> Self {
        Self { storage, bus, hub, agents, dialogs, rates, natures: Natures::default() }
    }

    // ── Reading ─────────────────────────────────────────────────────────────────────────────────

    pub async fn list(&self, caller: &User) -> Result<Vec<Conversation>, Problem> {
        Ok(self.storage.conversations_of(caller.id).await?)
    }

    pub async fn detail(&self, caller: &User, id: ConversationId) -> Result<ConversationDetail, Problem> {
        let conversation = self.storage.conversation_of(caller.id, id).await?.ok_or_else(Problem::not_found)?;
        let member = |row: super::storage::MemberRow| Member {
            status: self.hub.presence(row.user.id),
            id: row.user.id,
            name: row.user.display_name,
            username: row.user.username,
            role: row.user.role,
            up_to: row.up_to,
        };
        let members = self.storage.members(id).await?.into_iter().map(member).collect();
        let control = self.storage.dialog(id).await?.map(|row| row.control);
        let visitor = match (&control, Side::of(caller.role)) {
            (Some(_), Side::House) => self.storage.visitor_details(id).await?,
            _ => None,
        };
        Ok(ConversationDetail { conversation, members, control, visitor })
    }

    /// The newest messages before `before`, as they stand now.
    pub async fn messages(
        &self,
        caller: &User,
        id: ConversationId,
        before: Option<Seq>,
        limit: Option<u64>,
    ) -> Result<Messages, Problem> {
        self.access(caller, id).await?;
        let limit = check::limit(limit, limits::MESSAGES_PER_PAGE_DEFAULT, limits::MESSAGES_PER_PAGE)?;
        let page = self.storage.messages(id, before, limit, Side::of(caller.role)).await?;
        self.access(caller, id).await?;
        Ok(Messages { messages: page.messages, more: page.more })
    }

    /// The events after `after`, each the text of its frame, and the head: what a client that polls reads.
    pub async fn events(
        &self,
        caller: &User,
        id: ConversationId,
        after: Option<Seq>,
        limit: Option<u64>,
    ) -> Result<Page, Problem> {
        self.access(caller, id).await?;
        let limit = check::limit(limit, limits::EVENTS_PER_PAGE, limits::EVENTS_PER_PAGE)?;
        let (after, side) = (after.unwrap_or_default(), Side::of(caller.role));
        let page = self.storage.events(id, after, limit, limits::EVENTS_PAGE_BYTES, side).await?;
        // Somebody removed while we read is not shown what we read, least of all the removal.
        self.access(caller, id).await?;
        Ok(page)
    }

    /// A picture that an agent drew, for whoever may read its conversation: SVG.
    pub async fn chart(&self, caller: &User, id: ChartId) -> Result<String, Problem> {
        let (conversation, svg) = self.storage.chart(id).await?.ok_or_else(Problem::not_found)?;
        self.access(caller, conversation).await?;
        Ok(svg)
    }

    // ── Writing ─────────────────────────────────────────────────────────────────────────────────

    /// Commits a message, then lets the agents look at it. Returns after the commit is on disk. Whether the
    /// author is a member is looked at in the commit itself.
    pub async fn post(&self, caller: &User, id: ConversationId, body: PostMessage) -> Result<Ack, Problem> {
        let arrived = Instant::now();
        let nature = match self.natures.of(id) {
            Some(nature) => nature,
            None => self.natures.remember(id, &self.access(caller, id).await?),
        };
        let message = match self.compose(caller, nature.kind, body) {
            Ok(message) => message,
            Err(problem) => {
                // Who may not see it learns no more than that.
                self.access(caller, id).await?;
                return Err(problem);
            }
        };
        let appended = if nature.kind == Kind::Dialog {
            self.access(caller, id).await?;
            self.dialogs.post(caller, id, message).await?
        } else if nature.agents {
            let members = self.access(caller, id).await?.members;
            let this = self.clone();
            finish(async move { this.ask(id, message, members).await }).await?
        } else {
            self.append(id, Write::Post(message)).await?
        };
        metrics::histogram!("magpie_post_seconds").record(arrived.elapsed());
        Ok(Ack { reference: None, conversation_id: id, seq: appended.seq, posted: appended.posted })
    }

    fn compose(&self, caller: &User, kind: Kind, body: PostMessage) -> Result<Message, Problem> {
        self.rates.write(caller.id)?;
        let visibility = body.visibility.unwrap_or_default();
        if kind == Kind::Room && visibility == Visibility::Note {
            return Err(Problem::invalid("visibility", "a room has no notes; they are for dialogs"));
        }
        let id = fresh_id!(MessageId);
        Ok(Message {
            id,
            sender: sender(kind, caller.role),
            author: caller.as_ref().into(),
            text: check::text(&body.message)?,
            format: Format::Markdown,
            client_id: Some(body.client_id.unwrap_or_else(|| id.into())),
            reply_to: body.reply_to,
            run_id: None,
            visibility,
            partial: false,
        })
    }

    /// Commits a message and tells the agents, once: a repeat was told of the first time, but for a kill.
    async fn ask(&self, id: ConversationId, message: Message, members: u64) -> Result<Appended, Problem> {
        let appended = self.append(id, Write::Post(message.clone())).await?;
        let asked = match &appended.posted {
            _ if appended.changed => Some(message),
            Some(posted) => self.unanswered(id, posted.message_id).await?,
            None => None,
        };
        if let Some(message) = asked {
            self.agents.posted(id, &message, members).await;
        }
        Ok(appended)
    }

    /// A message that came before and of which the agents know nothing: the server was killed in between.
    async fn unanswered(&self, id: ConversationId, message: MessageId) -> Result<Option<Message>, Problem> {
        if self.storage.run_of(message).await?.is_some() {
            return Ok(None);
        }
        let now = self.storage.message(id, message).await?.filter(|now| !now.deleted);
        Ok(now.and_then(|now| match now.frame.event {
            Event::Message(message) => Some(message),
            _ => None,
        }))
    }

    pub async fn edit(
        &self,
        caller: &User,
        id: ConversationId,
        message: MessageId,
        text: String,
    ) -> Result<Seq, Problem> {
        self.writable(caller, id).await?;
        let write = Write::Edit { message_id: message, by: caller.as_ref(), text: check::text(&text)? };
        Ok(self.append(id, write).await?.seq)
    }

    pub async fn delete(&self, caller: &User, id: ConversationId, message: MessageId) -> Result<Seq, Problem> {
        self.writable(caller, id).await?;
        let moderates = matches!(caller.role, Role::Operator | Role::Admin);
        let write = Write::Delete { message_id: message, by: caller.as_ref(), moderates };
        Ok(self.append(id, write).await?.seq)
    }

    pub async fn react(
        &self,
        caller: &User,
        id: ConversationId,
        message: MessageId,
        emoji: String,
        on: bool,
    ) -> Result<Seq, Problem> {
        self.writable(caller, id).await?;
        let write = Write::React { message_id: message, by: caller.as_ref(), emoji: check::emoji(&emoji)?, on };
        Ok(self.append(id, write).await?.seq)
    }

    /// Moves the caller's read position, never back. No event of the log, and nothing that waits for it.
    pub async fn read(&self, caller: &User, id: ConversationId, up_to: Seq) -> Result<(), Problem> {
        self.access(caller, id).await?;
        if let Some(up_to) = self.storage.set_read(caller.id, id, up_to).await? {
            let frame = EphemeralFrame::Read(ReadUpTo { conversation_id: id, user: caller.as_ref(), up_to });
            let frame = EncodedFrame::of(&frame);
            self.bus.publish(BusMessage::Conversation { id, frame, except: None }).await;
        }
        Ok(())
    }

    /// Stops the run that is on, whoever started it. Returns it, and the head after its end was written. Not
    /// counted as a write: who wrote too much must still be able to stop.
    pub async fn cancel(&self, caller: &User, id: ConversationId, run: Option<RunId>) -> Result<(RunId, Seq), Problem> {
        self.access(caller, id).await?;
        let run = self.agents.cancel(id, run).await?;
        Ok((run, self.access(caller, id).await?.head))
    }

    /// Answers the question of a run that is over once more. Returns the new run.
    pub async fn retry(&self, caller: &User, id: ConversationId, run: RunId) -> Result<RunId, Problem> {
        let access = self.writable(caller, id).await?;
        let dialog = match access.kind {
            Kind::Room => None,
            Kind::Dialog => Some(self.dialogs.with_ai(id).await?),
        };
        self.agents.retry(id, run, caller.as_ref(), dialog).await
    }

    /// Puts a dialog into other hands, or aside. Returns the place of its event.
    pub async fn control(&self, caller: &User, frame: Control) -> Result<Seq, Problem> {
        let access = self.writable(caller, frame.conversation_id).await?;
        if access.kind == Kind::Room {
            return Err(Problem::invalid("conversation_id", "not a dialog: nobody takes over a room"));
        }
        self.dialogs.control(caller, frame).await
    }

    /// Whether it is a room or a dialog, where that was looked up lately.
    pub fn kind(&self, id: ConversationId) -> Option<Kind> {
        self.natures.of(id).map(|nature| nature.kind)
    }

    /// The same, from what was just read.
    pub(super) fn remember(&self, id: ConversationId, access: &Access) -> Kind {
        self.natures.remember(id, access).kind
    }

    /// Allows or denies a tool call that waits for it; whoever may write here may, but for a dialog's visitor.
    pub async fn approve(&self, caller: &User, id: ConversationId, frame: Approve) -> Result<Seq, Problem> {
        self.writable(caller, id).await?;
        if caller.role == Role::Visitor {
            return Err(Problem::new(Code::Forbidden, "Visitors do not decide about tools."));
        }
        if frame.arguments.as_ref().is_some_and(|arguments| !arguments.is_object()) {
            return Err(Problem::invalid("arguments", "an object, or left out"));
        }
        let Approve { run_id, call_id, approved, arguments, .. } = frame;
        self.agents.approve(id, run_id, Verdict { call_id, approved, by: caller.as_ref(), arguments }).await
    }

    // ── What the others are made of ─────────────────────────────────────────────────────────────

    /// The caller may see it; `not_found` tells no more.
    pub(super) async fn access(&self, caller: &User, id: ConversationId) -> Result<Access, Problem> {
        self.storage.access(caller.id, id).await?.ok_or_else(Problem::not_found)
    }

    /// The caller may see it and has not written too much lately.
    async fn writable(&self, caller: &User, id: ConversationId) -> Result<Access, Problem> {
        let access = self.access(caller, id).await?;
        self.rates.write(caller.id)?;
        Ok(access)
    }

    async fn append(&self, id: ConversationId, write: Write) -> Result<Appended, Problem> {
        Ok(self.storage.append(Append { conversation_id: id, at: clock::now(), write }).await?)
    }

    async fn tell(&self, user: UserId, frame: &EphemeralFrame) {
        self.bus.publish(BusMessage::User { id: user, frame: EncodedFrame::of(frame) }).await;
    }
}

/// In a room everyone is a person; in a dialog it matters who is on which side.
fn sender(kind: Kind, role: Role) -> Sender {
    match (kind, role) {
        (Kind::Room, _) | (Kind::Dialog, Role::Member) => Sender::User,
        (Kind::Dialog, Role::Visitor) => Sender::Visitor,
        (Kind::Dialog, Role::Operator | Role::Admin) => Sender::Operator,
    }
}
