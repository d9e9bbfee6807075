//! Resuming a conversation at any age: what a client missed follows its `subscribed` frame.

use super::looking;
use crate::{
    protocol::{
        ConversationId, EphemeralFrame, LogEpoch, Problem, Seq, Side, UserRef,
        client::Cursor,
        http::Kind,
        limits,
        server::{Mode, PresenceStatus, ReadPosition, Subscribed, UserPresence},
    },
    server::{
        hub::Connection,
        state::AppState,
        storage::{self, Access, MemberRow},
    },
};

use std::sync::Arc;

/// How often somebody is looked for again who was removed, and perhaps added again, in between.
const LOOKS: usize = 3;

pub(super) async fn subscribe(
    state: &AppState,
    connection: &Arc<Connection>,
    cursor: &Cursor,
    reference: Option<&String>,
) -> Result<(), Problem> {
    for _ in 0..LOOKS {
        if join_and_announce(state, connection, cursor, reference).await? {
            return Ok(());
        }
    }
    connection.send(&EphemeralFrame::Subscribed(denied(cursor.id, reference)));
    Ok(())
}

/// `false`: removed between the look and the announcement, so that another look is due.
async fn join_and_announce(
    state: &AppState,
    connection: &Arc<Connection>,
    cursor: &Cursor,
    reference: Option<&String>,
) -> Result<bool, Problem> {
    let id = cursor.id;
    // Joined before the head is read: an event after that head finds us in the room.
    if !state.hub.join(connection, id) {
        let problem = format!("at most {} conversations on one connection", limits::SUBSCRIPTIONS_PER_CONNECTION);
        return Err(Problem::invalid("conversations", problem));
    }
    let (access, people) = match look(state, connection, id).await {
        Ok(Some(found)) => found,
        Ok(None) => {
            state.hub.unsubscribe(connection, id);
            connection.send(&EphemeralFrame::Subscribed(denied(id, reference)));
            return Ok(true);
        }
        Err(error) => {
            state.hub.unsubscribe(connection, id);
            return Err(error.into());
        }
    };
    let control = match state.conversations.remember(id, &access) {
        Kind::Room => None,
        Kind::Dialog => state.storage.dialog(id).await?.map(|row| row.control),
    };
    let is_dialog = control.is_some();
    let plan = Plan::of(cursor, state.log_epoch, access.head);
    tracing::debug!(conversation = %id, mode = ?plan.mode, after = plan.start.0, head = access.head.0, "subscribed");
    metrics::counter!("magpie_subscribes_total", "mode" => plan.mode_name()).increment(1);
    let lookers = if is_dialog && connection.side == Side::House { state.hub.lookers(id) } else { Vec::new() };
    let announced = state.hub.announce(connection, id, plan.start, access.head, |typing| {
        EphemeralFrame::Subscribed(Subscribed {
            conversation_id: id,
            mode: plan.mode,
            head: access.head,
            log_epoch: Some(state.log_epoch),
            typing: people_then_agents(typing, state.agents.at_work(id)),
            presence: presence(state, &people).into_iter().chain(lookers.into_iter().map(online)).collect(),
            reads: reads(&people),
            streams: state.agents.streams(id),
            control,
            reference: reference.cloned(),
        })
    });
    if announced && is_dialog {
        looking::began(state, connection, id).await;
    }
    Ok(announced)
}

fn online(user: UserRef) -> UserPresence {
    UserPresence { user, status: PresenceStatus::Online }
}

/// The conversation and, where they are few enough to be named, its people; `None` for who may not see it.
async fn look(
    state: &AppState,
    connection: &Connection,
    id: ConversationId,
) -> storage::Result<Option<(Access, Vec<MemberRow>)>> {
    let Some(access) = state.storage.access(connection.user.id, id).await? else { return Ok(None) };
    let people = match usize::try_from(access.members) {
        Ok(members) if members <= limits::SUBSCRIBED_PEOPLE => state.storage.members(id).await?,
        _ => Vec::new(),
    };
    Ok(Some((access, people)))
}

/// How a reader is brought up to date: the frames after `start` follow.
#[derive(Debug, PartialEq, Eq)]
struct Plan {
    mode: Mode,
    start: Seq,
}

impl Plan {
    fn of(cursor: &Cursor, log_epoch: LogEpoch, head: Seq) -> Self {
        let same_log = cursor.log_epoch.is_none_or(|epoch| epoch == log_epoch);
        match cursor.after {
            Some(after) if same_log && after == head => Self { mode: Mode::Current, start: head },
            Some(after) if same_log && after < head && head.0 - after.0 <= limits::REPLAY_EVENTS => {
                Self { mode: Mode::Replay, start: after }
            }
            _ => Self { mode: Mode::Snapshot, start: Seq(head.0.saturating_sub(limits::SNAPSHOT_EVENTS)) },
        }
    }

    fn mode_name(&self) -> &'static str {
        match self.mode {
            Mode::Current => "current",
            Mode::Replay => "replay",
            Mode::Snapshot => "snapshot",
            Mode::Denied => "denied",
        }
    }
}

fn denied(id: ConversationId, reference: Option<&String>) -> Subscribed {
    Subscribed {
        conversation_id: id,
        mode: Mode::Denied,
        head: Seq::ZERO,
        log_epoch: None,
        typing: vec![],
        presence: vec![],
        reads: vec![],
        streams: vec![],
        control: None,
        reference: reference.cloned(),
    }
}

fn people_then_agents(mut typing: Vec<UserRef>, agents: Vec<UserRef>) -> Vec<UserRef> {
    typing.extend(agents);
    typing
}

fn presence(state: &AppState, people: &[MemberRow]) -> Vec<UserPresence> {
    let present =
        people.iter().map(|row| UserPresence { user: row.user.as_ref(), status: state.hub.presence(row.user.id) });
    present.filter(|presence| presence.status != PresenceStatus::Offline).collect()
}

fn reads(people: &[MemberRow]) -> Vec<ReadPosition> {
    let read = people.iter().filter(|row| row.up_to > Seq::ZERO);
    read.map(|row| ReadPosition { user: row.user.as_ref(), up_to: row.up_to }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fresh_id;

    fn plan(after: Option<u64>, head: u64) -> (Mode, u64) {
        let epoch = fresh_id!(LogEpoch);
        let cursor = Cursor { id: fresh_id!(ConversationId), after: after.map(Seq), log_epoch: Some(epoch) };
        let plan = Plan::of(&cursor, epoch, Seq(head));
        (plan.mode, plan.start.0)
    }

    #[test]
    fn a_reader_is_current_replayed_or_starts_from_a_snapshot() {
        assert_eq!(plan(Some(7), 7), (Mode::Current, 7));
        assert_eq!(plan(Some(0), 0), (Mode::Current, 0));
        assert_eq!(plan(Some(7), 8), (Mode::Replay, 7));
        assert_eq!(plan(Some(0), 1_000), (Mode::Replay, 0));
        assert_eq!(plan(Some(0), 1_001), (Mode::Snapshot, 901));
        assert_eq!(plan(None, 50), (Mode::Snapshot, 0));
        assert_eq!(plan(None, 0), (Mode::Snapshot, 0));
    }

    #[test]
    fn a_cursor_of_another_log_starts_from_a_snapshot() {
        assert_eq!(plan(Some(9), 8), (Mode::Snapshot, 0));
        let cursor =
            Cursor { id: fresh_id!(ConversationId), after: Some(Seq(8)), log_epoch: Some(fresh_id!(LogEpoch)) };
        assert_eq!(Plan::of(&cursor, fresh_id!(LogEpoch), Seq(8)).mode, Mode::Snapshot);
    }
}
