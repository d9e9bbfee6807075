//! Who is in which room, as certain as the one who changes it can be.

use std::collections::HashMap;

use magpie::protocol::ConversationId;
use parking_lot::Mutex;

/// Where a person stands in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Member,
    /// The removal was asked for: it may be committed or not.
    Leaving,
    /// The removal was answered: it is committed.
    Gone,
    /// Asked to be added again: it may be committed or not.
    Returning,
}

/// A standing, and the how-manieth removal it belongs to: the first is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    pub standing: Standing,
    pub removal: usize,
}

#[derive(Default)]
pub struct Register(Mutex<HashMap<(ConversationId, usize), Membership>>);

impl Register {
    pub fn of(&self, room: ConversationId, person: usize) -> Membership {
        let first = Membership { standing: Standing::Member, removal: 0 };
        self.0.lock().get(&(room, person)).copied().unwrap_or(first)
    }

    pub fn set(&self, room: ConversationId, person: usize, standing: Standing) {
        let mut register = self.0.lock();
        let first = Membership { standing: Standing::Member, removal: 0 };
        let now = register.entry((room, person)).or_insert(first);
        if now.standing == Standing::Returning && standing == Standing::Member {
            now.removal += 1;
        }
        now.standing = standing;
    }

    /// The newest seal that a device of this person has to ask for.
    pub fn gone(&self, person: usize) -> Vec<(ConversationId, usize)> {
        let register = self.0.lock();
        let gone = register.iter().filter(|((_, who), now)| *who == person && now.standing == Standing::Gone);
        gone.map(|((room, _), now)| (*room, now.removal)).collect()
    }
}
