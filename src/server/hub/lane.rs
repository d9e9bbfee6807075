//! What waits for one reader: bounded, so that a slow one never holds memory nor the others up.

use std::{
    collections::VecDeque,
    sync::atomic::{AtomicU64, Ordering},
};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::{
    protocol::{CloseCode, ConversationId, limits, server::Lane as Kind},
    server::payload::Payload,
};

/// What a queued frame costs beside its text: the queue's slot and its share of the shared bytes.
const SLOT_BYTES: usize = 64;

#[derive(Default)]
pub struct Lane {
    inner: Mutex<Inner>,
    /// How often frames were taken back.
    recalls: AtomicU64,
    wake: Notify,
    /// Something was taken from the queue.
    drained: Notify,
}

#[derive(Default)]
struct Inner {
    queue: VecDeque<Item>,
    bytes: usize,
    /// Those of them that a large frame has, of which one may wait at a time.
    large: usize,
    /// The writer has a large frame in its hand, which takes the reader a while.
    large_under_way: bool,
    /// Conversations whose log is to be read on, because the reader is not live there yet.
    behind: VecDeque<Reading>,
    close: Option<Close>,
    /// The close does not wait for what is being written.
    at_once: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Item {
    pub payload: Payload,
    /// Of which conversation, so that it can be taken back when the reader loses access.
    pub of: Option<ConversationId>,
}

/// Frames in the writer's hand. Where the lane's [`Lane::recalls`] are others by now,
/// [`super::Connection::may_go`] says which of them still go out.
#[derive(Debug, PartialEq, Eq)]
pub struct Frames {
    pub items: Vec<Item>,
    pub recalls: u64,
}

impl Item {
    fn cost(&self) -> usize {
        self.payload.len() + SLOT_BYTES
    }

    fn is_large(&self) -> bool {
        is_large(self.payload.len())
    }
}

/// The log of a conversation, to be read on for one subscription to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    pub conversation: ConversationId,
    /// As [`super::Connection`] numbers them. A later subscription begins elsewhere.
    pub subscription: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    pub code: CloseCode,
    pub reason: String,
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    Queued,
    /// Of the moment, and the reader is slow; or the connection is closing.
    Dropped,
    /// A large frame is in the way: an event is to be read from the log when the reader has taken that.
    Behind,
    /// The lane is full: it is emptied, and the connection closes with 4001.
    Overflowed,
}

/// Whether a frame counts as large: the answer of an agent may be, what a person writes is not.
pub fn is_large(bytes: usize) -> bool {
    bytes > limits::LANE_LARGE_BYTES
}

/// What the writer does next.
#[derive(Debug, PartialEq, Eq)]
pub enum Work {
    /// At most about [`limits::WRITE_BUFFER_BYTES`]; more may follow.
    Frames(Frames),
    /// All that was queued is written: read on in the log of this conversation.
    ReadOn(Reading),
    Close(Close),
}

impl Lane {
    pub fn push(&self, kind: Kind, of: Option<ConversationId>, payload: Payload) -> Pushed {
        let mut inner = self.inner.lock();
        if inner.close.is_some() {
            return Pushed::Dropped;
        }
        let item = Item { payload, of };
        if kind == Kind::Ephemeral && inner.bytes + item.cost() > limits::LANE_EPHEMERAL_BYTES {
            metrics::counter!("magpie_frames_dropped_total").increment(1);
            return Pushed::Dropped;
        }
        let alone = inner.queue.is_empty();
        if !alone && !inner.has_place_for(&item) {
            // Whoever takes a large frame reads; whoever does not is closed when it was long enough on its way.
            if item.of.is_some() && (inner.large > 0 || inner.large_under_way || item.is_large()) {
                return Pushed::Behind;
            }
            inner.cut(CloseCode::SlowReader);
            drop(inner);
            metrics::counter!("magpie_slow_readers_total").increment(1);
            self.tell();
            return Pushed::Overflowed;
        }
        inner.bytes += item.cost();
        if item.is_large() {
            inner.large += item.cost();
        }
        inner.queue.push_back(item);
        drop(inner);
        if alone {
            self.wake.notify_one();
        }
        Pushed::Queued
    }

    /// The writer begins to write a large frame. Until it asks for more work, it is at that.
    pub fn writes_a_large_frame(&self) {
        self.inner.lock().large_under_way = true;
    }

    /// Asks the writer to read on in this conversation's log once all that is queued is written.
    pub fn fall_behind(&self, reading: Reading) {
        let mut inner = self.inner.lock();
        match inner.behind.iter_mut().find(|behind| behind.conversation == reading.conversation) {
            Some(behind) => *behind = reading,
            None => inner.behind.push_back(reading),
        }
        drop(inner);
        self.wake.notify_one();
    }

    /// Takes back what waits of a conversation that the reader may no longer see.
    pub fn forget(&self, id: ConversationId) {
        let mut inner = self.inner.lock();
        self.recalls.fetch_add(1, Ordering::Release);
        inner.queue.retain(|item| item.of != Some(id));
        inner.bytes = inner.queue.iter().map(Item::cost).sum();
        inner.large = inner.queue.iter().filter(|item| item.is_large()).map(Item::cost).sum();
        inner.behind.retain(|behind| behind.conversation != id);
    }

    /// How often anything was taken back.
    pub fn recalls(&self) -> u64 {
        self.recalls.load(Ordering::Acquire)
    }

    /// Closes after what is queued. The first close counts.
    pub fn close(&self, code: CloseCode, reason: impl Into<String>) {
        self.inner.lock().close.get_or_insert_with(|| Close { code, reason: reason.into() });
        self.tell();
    }

    /// Closes at once: what is queued is not for this reader any more.
    pub fn cut(&self, code: CloseCode) {
        self.inner.lock().cut(code);
        self.tell();
    }

    fn tell(&self) {
        self.wake.notify_one();
        self.drained.notify_one();
    }

    /// Waits until little waits, or the connection closes: for the one who has much to say at once.
    pub async fn room(&self) {
        while !self.has_room() {
            self.drained.notified().await;
        }
    }

    fn has_room(&self) -> bool {
        let inner = self.inner.lock();
        inner.close.is_some() || inner.bytes < limits::LANE_EPHEMERAL_BYTES
    }

    /// Waits for something to do.
    pub async fn work(&self) -> Work {
        loop {
            if let Some(work) = self.try_work() {
                return work;
            }
            self.wake.notified().await;
        }
    }

    pub fn try_work(&self) -> Option<Work> {
        let mut inner = self.inner.lock();
        inner.large_under_way = false;
        if !inner.queue.is_empty() {
            let items = inner.take_some();
            self.drained.notify_one();
            return Some(Work::Frames(Frames { items, recalls: self.recalls() }));
        }
        if let Some(close) = &inner.close {
            return Some(Work::Close(close.clone()));
        }
        inner.behind.pop_front().map(Work::ReadOn)
    }

    /// Waits until the connection is cut, however slowly its reader takes what is being written.
    pub async fn cut_off(&self) -> Close {
        loop {
            {
                let inner = self.inner.lock();
                if let (true, Some(close)) = (inner.at_once, &inner.close) {
                    return close.clone();
                }
            }
            self.wake.notified().await;
        }
    }

    /// Bytes that wait.
    pub fn bytes(&self) -> usize {
        self.inner.lock().bytes
    }
}

impl Inner {
    fn empty(&mut self) {
        self.queue = VecDeque::new();
        self.behind = VecDeque::new();
        self.bytes = 0;
        self.large = 0;
    }

    /// One large frame may wait beside as many small ones as ever.
    fn has_place_for(&self, item: &Item) -> bool {
        let small = self.bytes - self.large;
        let fits = if item.is_large() { self.large == 0 } else { small + item.cost() <= limits::LANE_BYTES };
        fits && self.queue.len() < limits::LANE_FRAMES
    }

    fn cut(&mut self, code: CloseCode) {
        self.empty();
        self.at_once = true;
        self.close.get_or_insert_with(|| Close { code, reason: code.as_str().into() });
    }

    fn take_some(&mut self) -> Vec<Item> {
        let mut taken = Vec::with_capacity(self.queue.len().min(limits::WRITE_BUFFER_BYTES / SLOT_BYTES));
        let mut bytes = 0;
        while bytes < limits::WRITE_BUFFER_BYTES
            && let Some(item) = self.queue.pop_front()
        {
            bytes += item.cost();
            if item.is_large() {
                self.large -= item.cost();
                self.large_under_way = true;
            }
            taken.push(item);
        }
        self.bytes -= bytes;
        if self.queue.is_empty() {
            self.queue = VecDeque::new();
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fresh_id;

    fn text(bytes: usize) -> Payload {
        "x".repeat(bytes).into()
    }

    fn taken(lane: &Lane) -> Vec<Payload> {
        match lane.try_work() {
            Some(Work::Frames(frames)) => frames.items.into_iter().map(|item| item.payload).collect(),
            other => panic!("frames, not {other:?}"),
        }
    }

    #[test]
    fn a_slow_reader_loses_frames_of_the_moment_first_and_is_closed_when_durable_ones_overflow() {
        let lane = Lane::default();
        while lane.bytes() < limits::LANE_EPHEMERAL_BYTES - 2_000 {
            assert_eq!(lane.push(Kind::Ephemeral, None, text(1_000)), Pushed::Queued);
        }
        assert_eq!(lane.push(Kind::Ephemeral, None, text(2_000)), Pushed::Dropped);
        let mut last = Pushed::Queued;
        for _ in 0..limits::LANE_BYTES / 1_000 {
            last = lane.push(Kind::Durable, None, text(1_000));
            assert!(lane.bytes() <= limits::LANE_BYTES);
            if last != Pushed::Queued {
                break;
            }
        }
        assert_eq!(last, Pushed::Overflowed);
        assert_eq!(lane.bytes(), 0);
        assert!(matches!(lane.try_work(), Some(Work::Close(Close { code: CloseCode::SlowReader, .. }))));
        assert_eq!(lane.push(Kind::Durable, None, text(1)), Pushed::Dropped);
    }

    #[tokio::test]
    async fn who_has_much_to_say_waits_for_room_and_not_for_ever() {
        let lane = Lane::default();
        lane.room().await;
        lane.push(Kind::Durable, None, text(limits::LANE_EPHEMERAL_BYTES));
        {
            let mut room = std::pin::pin!(lane.room());
            assert!(futures_util::poll!(&mut room).is_pending());
            taken(&lane);
            room.await;
        }
        lane.push(Kind::Durable, None, text(limits::LANE_EPHEMERAL_BYTES));
        let mut room = std::pin::pin!(lane.room());
        assert!(futures_util::poll!(&mut room).is_pending());
        lane.cut(CloseCode::GoingAway);
        room.await;
    }

    #[test]
    fn many_small_frames_overflow_too() {
        let lane = Lane::default();
        let overflowed = (0..=limits::LANE_FRAMES).find(|_| lane.push(Kind::Durable, None, text(0)) != Pushed::Queued);
        assert!(overflowed.is_some());
    }

    #[test]
    fn one_frame_larger_than_the_lane_goes_alone() {
        let lane = Lane::default();
        assert_eq!(lane.push(Kind::Durable, None, text(limits::LANE_BYTES * 2)), Pushed::Queued);
        assert!(matches!(lane.try_work(), Some(Work::Frames(frames)) if frames.items.len() == 1));
        assert_eq!(lane.bytes(), 0);
    }

    #[test]
    fn what_a_large_frame_leaves_no_place_for_is_read_from_the_log_later() {
        let (lane, of) = (Lane::default(), Some(fresh_id!(ConversationId)));
        let large = || text(limits::ANSWER_BYTES);
        lane.push(Kind::Durable, of, "a".into());
        assert_eq!(lane.push(Kind::Durable, of, large()), Pushed::Queued, "beside small ones");
        assert_eq!(lane.push(Kind::Durable, of, large()), Pushed::Behind, "one at a time");
        assert_eq!(lane.push(Kind::Durable, None, text(1_000)), Pushed::Queued, "an answer to the reader itself");
        assert_eq!(taken(&lane).len(), 2);
        // In the writer's hand, it is still in the way.
        let last = (0..=limits::LANE_BYTES / 10_000)
            .map(|_| lane.push(Kind::Durable, of, text(10_000)))
            .find(|pushed| *pushed != Pushed::Queued);
        assert_eq!(last, Some(Pushed::Behind));
        while lane.try_work().is_some() {}
        assert_eq!(lane.bytes(), 0);
        assert_eq!(lane.push(Kind::Durable, of, large()), Pushed::Queued);
    }

    #[test]
    fn what_waits_of_a_conversation_can_be_taken_back() {
        let lane = Lane::default();
        let (mine, theirs) = (fresh_id!(ConversationId), fresh_id!(ConversationId));
        lane.push(Kind::Durable, Some(theirs), "a".into());
        lane.push(Kind::Durable, Some(mine), "b".into());
        lane.fall_behind(Reading { conversation: theirs, subscription: 0 });
        lane.forget(theirs);
        assert_eq!(taken(&lane), [Payload::from("b")]);
        assert_eq!(lane.try_work(), None);
    }

    #[test]
    fn a_close_comes_after_what_was_queued_and_a_cut_instead_of_it() {
        let lane = Lane::default();
        lane.push(Kind::Durable, None, "a".into());
        lane.close(CloseCode::Draining, "250");
        assert_eq!(taken(&lane), [Payload::from("a")]);
        assert!(matches!(lane.try_work(), Some(Work::Close(close)) if close.reason == "250"));

        let lane = Lane::default();
        lane.push(Kind::Durable, None, "a".into());
        lane.cut(CloseCode::SignedOut);
        assert!(matches!(lane.try_work(), Some(Work::Close(close)) if close.code == CloseCode::SignedOut));
    }
}
