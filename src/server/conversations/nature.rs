//! What never changes about a conversation, remembered, so that a message costs one look at the database and not
//! two. Who is a member changes: that is never remembered.

use std::{collections::HashMap, sync::Arc};

use parking_lot::RwLock;

use crate::{
    protocol::{ConversationId, http::Kind, limits::REMEMBERED_CONVERSATIONS},
    server::storage::Access,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Nature {
    pub(super) kind: Kind,
    pub(super) agents: bool,
}

#[derive(Clone, Default)]
pub(super) struct Natures(Arc<RwLock<HashMap<ConversationId, Nature>>>);

impl Natures {
    pub(super) fn of(&self, id: ConversationId) -> Option<Nature> {
        self.0.read().get(&id).copied()
    }

    pub(super) fn remember(&self, id: ConversationId, access: &Access) -> Nature {
        let nature = Nature { kind: access.kind, agents: access.agents };
        let mut natures = self.0.write();
        if natures.len() >= REMEMBERED_CONVERSATIONS {
            // What is needed is soon remembered again.
            natures.clear();
        }
        natures.insert(id, nature);
        nature
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fresh_id,
        protocol::{Seq, UserId},
    };

    #[test]
    fn so_many_are_remembered_and_no_more() {
        let natures = Natures::default();
        let access = Access { kind: Kind::Room, agents: true, head: Seq::ZERO, creator: fresh_id!(UserId), members: 1 };
        for _ in 0..REMEMBERED_CONVERSATIONS + 1 {
            let id = fresh_id!(ConversationId);
            assert_eq!(natures.of(id), None);
            natures.remember(id, &access);
            assert_eq!(natures.of(id), Some(Nature { kind: Kind::Room, agents: true }));
        }
        assert!(natures.0.read().len() <= REMEMBERED_CONVERSATIONS);
    }
}
