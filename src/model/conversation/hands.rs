//! How a dialog changed hands: what its log tells between the messages.

use serde::{Deserialize, Serialize};

use super::{Change, Thread};
use crate::protocol::{
    DurableFrame, Event, Seq, Timestamp,
    dialog::{ControlChanged, DialogStatus, Owner},
    limits,
};

/// One change, at its place in the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hand {
    pub seq: Seq,
    pub at: Timestamp,
    pub change: ControlChanged,
}

impl Hand {
    /// The event as one, if it is one.
    pub fn of(frame: &DurableFrame) -> Option<Self> {
        match &frame.event {
            Event::Control(change) => Some(Self { seq: frame.seq, at: frame.timestamp, change: change.clone() }),
            _ => None,
        }
    }

    /// What happened, in a sentence for the house.
    pub fn told(&self) -> String {
        let ControlChanged { state, by, reason } = &self.change;
        let who = by.name.as_str();
        let text = match (&state.owner, state.status, reason.as_deref()) {
            (_, DialogStatus::Resolved, _) => [who, " resolved this"].concat(),
            (_, DialogStatus::Snoozed, _) => [who, " snoozed this"].concat(),
            (_, _, Some("reopen")) => [who, " opened this again"].concat(),
            (Owner::Human { user }, ..) if user.id == by.id => [who, " took over"].concat(),
            (Owner::Human { user }, _, Some("transfer")) => [who, " transferred this to ", &user.name].concat(),
            (Owner::Human { user }, ..) => ["Given to ", &user.name].concat(),
            (Owner::Ai, ..) => [who, " handed this to the AI"].concat(),
            (Owner::Queue { .. }, _, Some("release")) => [who, " released this to the queue"].concat(),
            (Owner::Queue { .. }, _, Some("request_human")) => [who, " asked for a person"].concat(),
            (Owner::Queue { .. }, ..) => "This waits in the queue now".to_owned(),
        };
        match reason.as_deref().filter(|reason| reason.contains(' ')) {
            Some(reason) => [&text, ". ", reason].concat(),
            None => text,
        }
    }
}

impl Thread {
    /// Takes them in at their places; what is known stays as it is.
    pub(super) fn hand(&mut self, frame: &DurableFrame) {
        let Some(hand) = Hand::of(frame) else { return };
        let Err(place) = self.hands.binary_search_by_key(&hand.seq, |known| known.seq) else { return };
        self.hands.insert(place, hand);
        let surplus = self.hands.len().saturating_sub(limits::HANDS_IN_MEMORY);
        self.hands.drain(..surplus);
    }

    pub(super) fn hands_of(&mut self, events: &[DurableFrame], changes: &mut Vec<Change>) {
        let before = self.hands.len();
        events.iter().for_each(|frame| self.hand(frame));
        if self.hands.len() != before {
            changes.push(Change::Control);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{UserId, UserRef, dialog::ControlState};

    fn user(name: &str) -> UserRef {
        UserRef { id: UserId::of_agent(name), name: name.to_owned() }
    }

    fn told(by: &str, owner: Owner, status: DialogStatus, reason: &str) -> String {
        let state = ControlState { owner, status, epoch: 2 };
        let change = ControlChanged { state, by: user(by), reason: Some(reason.to_owned()) };
        Hand { seq: Seq(1), at: Timestamp(0), change }.told()
    }

    #[test]
    fn each_change_of_hands_is_told_in_a_sentence() {
        let human = |name| Owner::Human { user: user(name) };
        let queue = || Owner::Queue { team: None };
        let open = DialogStatus::Open;
        assert_eq!(told("Anna", human("Anna"), open, "take"), "Anna took over");
        assert_eq!(told("Anna", human("Anna"), open, "Replied."), "Anna took over");
        assert_eq!(told("Anna", human("Ben"), open, "transfer"), "Anna transferred this to Ben");
        assert_eq!(told("Magpie", human("Ben"), open, "Assigned."), "Given to Ben");
        assert_eq!(
            told("Vera", human("Ben"), open, "The visitor wrote again."),
            "Given to Ben. The visitor wrote again."
        );
        assert_eq!(told("Anna", Owner::Ai, open, "return_to_ai"), "Anna handed this to the AI");
        assert_eq!(told("Anna", queue(), open, "release"), "Anna released this to the queue");
        assert_eq!(told("Vera", queue(), open, "request_human"), "Vera asked for a person");
        assert_eq!(told("Magpie", queue(), open, "Anna is away."), "This waits in the queue now. Anna is away.");
        assert_eq!(told("Anna", human("Anna"), DialogStatus::Resolved, "resolve"), "Anna resolved this");
        assert_eq!(told("Anna", Owner::Ai, DialogStatus::Snoozed, "snooze"), "Anna snoozed this");
        assert_eq!(told("Anna", human("Ben"), open, "reopen"), "Anna opened this again");
    }
}
