//! Who receives what in a dialog. Every frame says whom it is for ([`Audience`]), every reader on which side they
//! are ([`Side`]); what a visitor gets of an event is made here and nowhere else ([`Event::seen_by`]).
//!
//! A room has no visitors: everybody in it stands on the house's side.

use super::{
    agent::AgentRun,
    http::Role,
    server::{EphemeralFrame, ErrorFrame, Event, Visibility},
};

/// Whom a frame is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Audience {
    /// Both sides of a dialog.
    #[default]
    Everyone,
    /// Operators and admins. A visitor gets a `hidden` frame in the place of such an event, and nothing in the
    /// place of such a frame of the moment.
    Operators,
}

/// On which side of a dialog a reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    House,
    Visitor,
}

impl Side {
    pub const fn of(role: Role) -> Self {
        match role {
            Role::Visitor => Self::Visitor,
            Role::Member | Role::Operator | Role::Admin => Self::House,
        }
    }

    pub const fn may_see(self, audience: Audience) -> bool {
        matches!((self, audience), (Self::House, _) | (Self::Visitor, Audience::Everyone))
    }
}

impl From<Visibility> for Audience {
    fn from(visibility: Visibility) -> Self {
        match visibility {
            Visibility::Public => Self::Everyone,
            Visibility::Note => Self::Operators,
        }
    }
}

impl Audience {
    /// Of an event that stands for itself. What is done to a message has the message's own audience.
    pub fn of(event: &Event) -> Self {
        match event {
            Event::Message(message) => message.visibility.into(),
            Event::AgentStep(_)
            | Event::ToolCall(_)
            | Event::ToolResult(_)
            | Event::Progress(_)
            | Event::Approval(_)
            | Event::ApprovalResolved(_) => Self::Operators,
            Event::Edited(_)
            | Event::Deleted(_)
            | Event::Reaction(_)
            | Event::Member(_)
            | Event::AgentRun(_)
            | Event::ChartGenerated(_)
            | Event::Result(_)
            | Event::Control(_)
            | Event::Hidden => Self::Everyone,
        }
    }
}

impl Event {
    /// The event as this side sees it, given whom it is for; `None` where it is as it is.
    pub fn seen_by(&self, side: Side, audience: Audience) -> Option<Self> {
        if !side.may_see(audience) {
            return Some(Self::Hidden);
        }
        match (side, self) {
            // What a run cost and why it failed is the house's affair.
            (Side::Visitor, Self::AgentRun(run)) if run.usage.is_some() || run.message.is_some() => {
                Some(Self::AgentRun(AgentRun { question: run.question, ..AgentRun::new(run.run_id, run.status) }))
            }
            _ => None,
        }
    }
}

/// What a visitor reads where a run failed.
const NO_ANSWER: &str = "The assistant could not answer. Ask again, or ask for a person.";

impl EphemeralFrame {
    /// A frame about a conversation as this side sees it, given whom it is for; `None` where it is as it is.
    pub fn seen_by(&self, side: Side) -> Option<Self> {
        match (side, self) {
            (Side::Visitor, Self::Error(error)) => {
                Some(Self::Error(ErrorFrame { message: NO_ANSWER.into(), details: None, ..error.clone() }))
            }
            _ => None,
        }
    }
}
