//! Who is online, away or offline: by person, over all their sockets on this node. Pure; the time is passed in.

use std::collections::HashMap;

use crate::protocol::{Timestamp, UserId, UserRef, limits, server::PresenceStatus};

#[derive(Default)]
pub(super) struct Presences {
    people: HashMap<UserId, Person>,
}

struct Person {
    user: UserRef,
    sockets: usize,
    last_frame: Timestamp,
    /// When the last socket closed.
    left: Option<Timestamp>,
    told: PresenceStatus,
}

/// Somebody's status changed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Changed {
    pub user: UserRef,
    pub status: PresenceStatus,
}

impl Presences {
    pub(super) fn status(&self, id: UserId) -> PresenceStatus {
        self.people.get(&id).map_or(PresenceStatus::Offline, |person| person.told)
    }

    pub(super) fn opened(&mut self, user: &UserRef, now: Timestamp) -> Option<Changed> {
        let person = self.people.entry(user.id).or_insert_with(|| Person {
            user: user.clone(),
            sockets: 0,
            last_frame: now,
            left: None,
            told: PresenceStatus::Offline,
        });
        person.sockets += 1;
        person.left = None;
        person.last_frame = now;
        person.tell(PresenceStatus::Online)
    }

    /// A frame other than a ping came.
    pub(super) fn active(&mut self, id: UserId, now: Timestamp) -> Option<Changed> {
        let person = self.people.get_mut(&id)?;
        person.last_frame = now;
        person.tell(PresenceStatus::Online)
    }

    pub(super) fn closed(&mut self, id: UserId, now: Timestamp) {
        if let Some(person) = self.people.get_mut(&id) {
            person.sockets = person.sockets.saturating_sub(1);
            if person.sockets == 0 {
                person.left = Some(now);
            }
        }
    }

    /// Those who have been silent or gone for long enough.
    pub(super) fn sweep(&mut self, now: Timestamp) -> Vec<Changed> {
        let mut changed = Vec::new();
        self.people.retain(|_, person| {
            let gone = person.left.is_some_and(|left| elapsed(left, now) >= limits::OFFLINE_AFTER_MS);
            let silent = elapsed(person.last_frame, now) >= limits::AWAY_AFTER_MS;
            if gone {
                changed.extend(person.tell(PresenceStatus::Offline));
            } else if silent {
                changed.extend(person.tell(PresenceStatus::Away));
            }
            !gone
        });
        changed
    }
}

impl Person {
    fn tell(&mut self, status: PresenceStatus) -> Option<Changed> {
        if self.told == status {
            return None;
        }
        self.told = status;
        Some(Changed { user: self.user.clone(), status })
    }
}

fn elapsed(since: Timestamp, now: Timestamp) -> u64 {
    u64::try_from(now.as_ms() - since.as_ms()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use PresenceStatus::{Away, Offline, Online};

    use super::*;

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_ms(ms as i64)
    }

    fn anna() -> UserRef {
        UserRef { id: UserId::from_parts(1, 1), name: "Anna".into() }
    }

    #[test]
    fn a_person_is_offline_only_some_time_after_the_last_socket_closed() {
        let mut presences = Presences::default();
        assert_eq!(presences.opened(&anna(), at(0)).map(|c| c.status), Some(Online));
        assert_eq!(presences.opened(&anna(), at(0)), None);
        presences.closed(anna().id, at(1_000));
        assert_eq!(presences.sweep(at(1_000 + limits::OFFLINE_AFTER_MS)), []);
        presences.closed(anna().id, at(20_000));
        assert_eq!(presences.sweep(at(20_000 + limits::OFFLINE_AFTER_MS - 1)), []);
        let gone = presences.sweep(at(20_000 + limits::OFFLINE_AFTER_MS));
        assert_eq!(gone, [Changed { user: anna(), status: Offline }]);
        assert_eq!(presences.status(anna().id), Offline);
    }

    #[test]
    fn a_short_drop_is_not_told() {
        let mut presences = Presences::default();
        presences.opened(&anna(), at(0));
        presences.closed(anna().id, at(10));
        assert_eq!(presences.opened(&anna(), at(5_000)), None);
        assert_eq!(presences.sweep(at(60_000)), []);
    }

    #[test]
    fn without_a_frame_a_person_is_away_until_the_next() {
        let mut presences = Presences::default();
        presences.opened(&anna(), at(0));
        let away = presences.sweep(at(limits::AWAY_AFTER_MS));
        assert_eq!(away, [Changed { user: anna(), status: Away }]);
        assert_eq!(presences.active(anna().id, at(limits::AWAY_AFTER_MS + 1)).map(|c| c.status), Some(Online));
    }
}
