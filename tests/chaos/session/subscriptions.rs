//! Who is subscribed to what on this connection, and what has to come next.

use std::collections::HashMap;

use magpie::protocol::{ConversationId, limits};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Over, Session, TICK};
use crate::chaos::{
    device::{Plant, Resubscribe},
    house::{EventsPage, Logged},
    membership::{Membership, Standing},
};

#[derive(Default)]
pub(super) struct Subscriptions {
    /// By `ref`.
    asked: HashMap<String, Asked>,
    /// The seq that has to come next.
    next: HashMap<ConversationId, u64>,
    denied: HashMap<ConversationId, Instant>,
    paging: Vec<ConversationId>,
}

struct Asked {
    after: Option<u64>,
    as_: Membership,
}

/// A page of what a snapshot left out.
pub(super) struct Page {
    room: ConversationId,
    events: Option<Vec<Logged>>,
}

impl Session<'_> {
    pub(super) async fn subscribe_to_all(&mut self) -> Result<(), Over> {
        let device = self.device;
        for room in &device.rooms {
            let cursor = self.cursor(*room);
            self.subscribe(*room, cursor).await?;
        }
        Ok(())
    }

    fn cursor(&self, room: ConversationId) -> Option<u64> {
        let cursor = self.device.book.lock().copies[&room].cursor;
        let has_none = cursor == 0 && self.device.is_late;
        (!has_none && self.device.plant != Plant::NoResume).then_some(cursor)
    }

    async fn subscribe(&mut self, room: ConversationId, after: Option<u64>) -> Result<(), Over> {
        let reference = self.device.book.lock().next_reference("subscribe");
        let as_ = self.device.register.of(room, self.device.person);
        self.subscriptions.asked.insert(reference.clone(), Asked { after, as_ });
        let cursor = match after {
            Some(after) => json!({ "id": room, "after": after }),
            None => json!({ "id": room }),
        };
        self.send("subscribe", json!({ "conversations": [cursor] }), Some(&reference)).await
    }

    pub(super) async fn subscribe_again(&mut self, how: Resubscribe) -> Result<(), Over> {
        let device = self.device;
        for room in &device.rooms {
            let cursor = self.cursor(*room);
            let after = match how {
                Resubscribe::Before(events) => cursor.map(|cursor| cursor.saturating_sub(events)),
                Resubscribe::AtCursor => cursor,
                Resubscribe::AfterLeaving => {
                    self.send("unsubscribe", json!({ "conversations": [room] }), None).await?;
                    cursor
                }
            };
            self.subscribe(*room, after).await?;
        }
        Ok(())
    }

    /// A client whose list says that it is in a room asks again; ours asks now and then.
    pub(super) async fn subscribe_where_denied(&mut self) -> Result<(), Over> {
        let now = Instant::now();
        let due = self.subscriptions.denied.iter().filter(|(_, since)| now - **since > 2 * TICK);
        let due: Vec<_> = due.map(|(room, _)| *room).collect();
        for room in due {
            self.subscriptions.denied.insert(room, now);
            let cursor = self.cursor(room);
            self.subscribe(room, cursor).await?;
        }
        Ok(())
    }

    pub(super) fn subscribed(&mut self, room: ConversationId, frame: &Value) {
        let reference = frame["ref"].as_str().unwrap_or_default();
        let Some(asked) = self.subscriptions.asked.remove(reference) else {
            self.wrong(format!("nobody asked for {frame}"));
            return;
        };
        let now = self.device.register.of(room, self.device.person);
        let mode = frame["mode"].as_str().unwrap_or_default();
        if asked.as_ == now {
            match (now.standing, mode == "denied") {
                (Standing::Member, true) => self.wrong(format!("a member was denied: {frame}")),
                (Standing::Gone, false) => self.wrong(format!("somebody gone was let in: {frame}")),
                _ => {}
            }
        }
        if mode == "denied" {
            self.subscriptions.next.remove(&room);
            self.subscriptions.denied.insert(room, Instant::now());
            return;
        }
        self.subscriptions.denied.remove(&room);
        self.device.book.lock().unpark(room);
        let head = frame["head"].as_u64().unwrap_or_default();
        match self.first_of(room, mode, asked.after, head) {
            Some(next) => {
                self.subscriptions.next.insert(room, next);
            }
            None => self.wrong(format!("after {:?} the mode is wrong: {frame}", asked.after)),
        }
    }

    /// The seq of the first event that follows; `None`: the mode is not what the contract says.
    fn first_of(&self, room: ConversationId, mode: &str, after: Option<u64>, head: u64) -> Option<u64> {
        let mut book = self.device.book.lock();
        let missing = after.map(|after| head.checked_sub(after));
        match (mode, after, missing) {
            ("current", Some(after), Some(Some(0))) => {
                book.count("subscribed: current");
                Some(after + 1)
            }
            ("replay", Some(after), Some(Some(missing))) if missing > 0 && missing <= limits::REPLAY_EVENTS => {
                book.count("subscribed: replay");
                Some(after + 1)
            }
            ("snapshot", _, missing) if missing.flatten().is_none_or(|missing| missing > limits::REPLAY_EVENTS) => {
                book.count("subscribed: snapshot");
                let first = head.saturating_sub(limits::SNAPSHOT_EVENTS) + 1;
                if self.device.plant == Plant::NoResume
                    && let Some(copy) = book.copies.get_mut(&room)
                {
                    copy.jump_to(head);
                }
                Some(first)
            }
            _ => None,
        }
    }

    /// An event: the next one, or the server broke its word.
    pub(super) fn event(&mut self, room: ConversationId, seq: u64, text: &str) {
        match self.subscriptions.next.get_mut(&room) {
            None => self.wrong(format!("an event without a subscription: {text}")),
            Some(next) => {
                let expected = std::mem::replace(next, seq + 1);
                if seq != expected {
                    self.wrong(format!("{seq} came where {expected} was next: {text}"));
                }
            }
        }
        let has_gap = {
            let mut book = self.device.book.lock();
            let Some(copy) = book.copies.get_mut(&room) else { return };
            copy.take(seq, text.to_owned());
            copy.has_gap()
        };
        if has_gap {
            self.page(room);
        }
    }

    fn page(&mut self, room: ConversationId) {
        if self.subscriptions.paging.contains(&room) {
            return;
        }
        self.subscriptions.paging.push(room);
        let device = self.device;
        device.book.lock().count("pages of a gap");
        let cursor = device.book.lock().copies[&room].cursor;
        let url = format!("http://{}/api/v1/conversations/{room}/events?after={cursor}", device.proxy_addr());
        let request = device.http.get(url).bearer_auth(&device.account.token);
        self.paging.spawn(async move {
            let events = async {
                let answer = request.send().await.ok()?.error_for_status().ok()?;
                Some(EventsPage::read(&answer.text().await.ok()?)?.0)
            };
            Page { room, events: events.await }
        });
    }

    pub(super) fn paged(&mut self, Page { room, events }: Page) {
        self.subscriptions.paging.retain(|paging| *paging != room);
        let has_gap = {
            let mut book = self.device.book.lock();
            let Some(copy) = book.copies.get_mut(&room) else { return };
            for (seq, text) in events.unwrap_or_default() {
                copy.take(seq, text);
            }
            copy.has_gap()
        };
        if has_gap {
            self.page(room);
        }
    }

    /// The device's own list changed.
    pub(super) async fn list_changed(&mut self, frame: &Value) -> Result<(), Over> {
        let Some(room) = frame["conversation"]["id"].as_str().and_then(|id| id.parse().ok()) else { return Ok(()) };
        if !self.device.rooms.contains(&room) {
            return Ok(());
        }
        match frame["change"].as_str() {
            Some("removed") => {
                self.device.book.lock().count("removals seen");
                self.subscriptions.next.remove(&room);
                Ok(())
            }
            Some("added") => {
                let cursor = self.cursor(room);
                self.subscribe(room, cursor).await
            }
            _ => Ok(()),
        }
    }
}
