//! Whose turn it is: in each conversation one run is on, the others wait in the order of their questions.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::Value;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::live::LiveText;
use crate::protocol::{CallId, ConversationId, Problem, RunId, Seq, UserRef, limits, server::Stream};

/// What others may do to a run and see of it.
#[derive(Debug)]
pub struct RunHandle {
    pub run_id: RunId,
    /// Ends it.
    pub cancel: CancellationToken,
    pub live: LiveText,
    /// Somebody stopped it.
    stopped: AtomicBool,
    /// Its turn has come.
    turn: Notify,
    /// Its end is written.
    over: CancellationToken,
    /// Its agent is at work, and shown typing.
    at_work: AtomicBool,
    decide: mpsc::Sender<Decision>,
    /// Until its driver takes it.
    decisions: Mutex<Option<mpsc::Receiver<Decision>>>,
}

/// What somebody says about a call that waits to be allowed.
#[derive(Debug)]
pub struct Decision {
    pub call_id: CallId,
    pub approved: bool,
    pub by: UserRef,
    /// In the place of the model's own.
    pub arguments: Option<Value>,
    /// Hears the place of the `approval_resolved` once it is on disk, or why there is none.
    pub reply: oneshot::Sender<Result<Seq, Problem>>,
}

impl RunHandle {
    pub fn new(run_id: RunId, cancel: CancellationToken, live: LiveText) -> Self {
        let (decide, decisions) = mpsc::channel(limits::WAITING_DECISIONS);
        Self {
            decide,
            decisions: Mutex::new(Some(decisions)),
            run_id,
            cancel,
            live,
            stopped: AtomicBool::new(false),
            turn: Notify::new(),
            over: CancellationToken::new(),
            at_work: AtomicBool::new(false),
        }
    }

    pub fn set_at_work(&self, at_work: bool) {
        self.at_work.store(at_work, Ordering::Relaxed);
    }

    /// Somebody wants it to end: it does not go on in another life of the server.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.cancel.cancel();
    }

    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// For the run's driver; whoever asks again gets one that nobody speaks to.
    pub fn decisions(&self) -> mpsc::Receiver<Decision> {
        let mut decisions = self.decisions.lock().unwrap_or_else(PoisonError::into_inner);
        decisions.take().unwrap_or_else(|| mpsc::channel(1).1)
    }

    /// Whether the run hears it.
    pub async fn decide(&self, decision: Decision) -> bool {
        self.decide.send(decision).await.is_ok()
    }

    pub async fn turn(&self) {
        self.turn.notified().await;
    }

    pub async fn over(&self) {
        self.over.cancelled().await;
    }
}

/// The runs of each conversation; the first of each is the one that is on.
#[derive(Debug, Default)]
pub struct RunQueue {
    rooms: Mutex<Rooms>,
}

#[derive(Debug, Default)]
struct Rooms {
    queues: HashMap<ConversationId, VecDeque<Arc<RunHandle>>>,
    /// Where no run's turn comes now, and how many want it so.
    held: HashMap<ConversationId, usize>,
}

impl Rooms {
    /// The first one's turn has come, unless nobody's does.
    fn go_on(&self, conversation: ConversationId) {
        if !self.held.contains_key(&conversation)
            && let Some(first) = self.queues.get(&conversation).and_then(VecDeque::front)
        {
            first.turn.notify_one();
        }
    }
}

/// While it lives no run of the conversation begins.
#[derive(Debug)]
pub struct Hold {
    queue: Arc<RunQueue>,
    conversation: ConversationId,
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut rooms = self.queue.rooms();
        let left = rooms.held.get(&self.conversation).copied().unwrap_or_default().saturating_sub(1);
        if left > 0 {
            rooms.held.insert(self.conversation, left);
            return;
        }
        rooms.held.remove(&self.conversation);
        rooms.go_on(self.conversation);
    }
}

/// A run's place, given up when dropped: then the next one's turn comes.
#[derive(Debug)]
pub struct Seat {
    queue: Arc<RunQueue>,
    conversation: ConversationId,
    pub handle: Arc<RunHandle>,
    /// How many are before it.
    pub behind: usize,
}

impl RunQueue {
    /// `None`: too many wait already.
    pub fn enter(self: &Arc<Self>, conversation: ConversationId, handle: Arc<RunHandle>) -> Option<Seat> {
        let mut rooms = self.rooms();
        let room = rooms.queues.entry(conversation).or_default();
        let behind = room.len();
        if behind > limits::QUEUED_QUESTIONS {
            return None;
        }
        room.push_back(handle.clone());
        if behind == 0 {
            rooms.go_on(conversation);
        }
        Some(Seat { queue: self.clone(), conversation, handle, behind })
    }

    /// Stops all runs of this conversation; those, and what keeps others from beginning.
    pub fn hold(self: &Arc<Self>, conversation: ConversationId) -> (Hold, Vec<Arc<RunHandle>>) {
        let mut rooms = self.rooms();
        *rooms.held.entry(conversation).or_default() += 1;
        let runs: Vec<_> = rooms.queues.get(&conversation).into_iter().flatten().cloned().collect();
        runs.iter().for_each(|run| run.stop());
        (Hold { queue: self.clone(), conversation }, runs)
    }

    /// The run that is on, or the named one, waiting or not.
    pub fn find(&self, conversation: ConversationId, run: Option<RunId>) -> Option<Arc<RunHandle>> {
        let rooms = self.rooms();
        let mut room = rooms.queues.get(&conversation)?.iter();
        match run {
            None => room.next().cloned(),
            Some(id) => room.find(|handle| handle.run_id == id).cloned(),
        }
    }

    pub fn streams(&self, conversation: ConversationId) -> Vec<Stream> {
        let rooms = self.rooms();
        let runs = rooms.queues.get(&conversation).into_iter().flatten();
        runs.filter_map(|handle| handle.live.stream()).collect()
    }

    /// The agents that are shown typing.
    pub fn at_work(&self, conversation: ConversationId) -> Vec<UserRef> {
        let rooms = self.rooms();
        let runs = rooms.queues.get(&conversation).into_iter().flatten();
        let working = runs.filter(|handle| handle.at_work.load(Ordering::Relaxed)).map(|handle| handle.live.agent());
        working.map(|agent| UserRef { id: agent.id, name: agent.name }).collect()
    }

    fn leave(&self, conversation: ConversationId, run: RunId) {
        let mut rooms = self.rooms();
        let Some(room) = rooms.queues.get_mut(&conversation) else { return };
        let was_on = room.front().is_some_and(|handle| handle.run_id == run);
        room.retain(|handle| handle.run_id != run);
        if room.is_empty() {
            rooms.queues.remove(&conversation);
        } else if was_on {
            rooms.go_on(conversation);
        }
    }

    fn rooms(&self) -> MutexGuard<'_, Rooms> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.queue.leave(self.conversation, self.handle.run_id);
        self.handle.over.cancel();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        fresh_id,
        protocol::{Author, MessageId, UserId},
    };

    fn handle(conversation: ConversationId) -> Arc<RunHandle> {
        let agent = Author { id: UserId::of_agent("a"), name: "A".into(), emoji: None };
        let run_id = fresh_id!(RunId);
        let live = LiveText::new(conversation, run_id, fresh_id!(MessageId), agent);
        Arc::new(RunHandle::new(run_id, CancellationToken::new(), live))
    }

    async fn its_turn(seat: &Seat) -> bool {
        tokio::time::timeout(Duration::ZERO, seat.handle.turn()).await.is_ok()
    }

    #[tokio::test]
    async fn runs_of_a_conversation_take_turns_in_the_order_they_came() {
        let queue = Arc::new(RunQueue::default());
        let room = fresh_id!(ConversationId);
        let [first, second, third] = [(); 3].map(|()| queue.enter(room, handle(room)).expect("a place"));
        assert!(its_turn(&first).await);
        assert!(!its_turn(&second).await);
        drop(second); // gives up while waiting: the third still waits for the first
        assert!(!its_turn(&third).await);
        drop(first);
        assert!(its_turn(&third).await);
        assert_eq!(queue.find(room, None).map(|run| run.run_id), Some(third.handle.run_id));
        drop(third);
        assert!(queue.rooms().queues.is_empty());
    }

    #[test]
    fn one_question_too_many_is_refused() {
        let queue = Arc::new(RunQueue::default());
        let room = fresh_id!(ConversationId);
        let seats: Vec<_> = (0..=limits::QUEUED_QUESTIONS).map(|_| queue.enter(room, handle(room))).collect();
        assert!(seats.iter().all(Option::is_some));
        assert!(queue.enter(room, handle(room)).is_none());
        let elsewhere = fresh_id!(ConversationId);
        assert!(queue.enter(elsewhere, handle(elsewhere)).is_some());
    }
}
