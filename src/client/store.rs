//! What the components read, and what the client keeps beside it.

use std::collections::{HashMap, HashSet, VecDeque};

use leptos::prelude::*;
use reactive_stores::{ArcStore, Field, Store};

use super::{env::Env, network, notify, seen::Unkept, timings::Painting};
use crate::{
    model::{
        Desk, Thread,
        conversation::Change,
        latency::Latency,
        link::{Link, LinkState, status_text},
        outbox::Outbox,
        typing::Typing,
    },
    protocol::{
        ClientId, Code, ConversationId, LogEpoch, Problem, Seq, Timestamp, UserId, UserRef,
        desk::Canned,
        http::{Conversation, User},
        limits,
    },
};

#[derive(Clone, Debug, Default, PartialEq, Store)]
pub struct State {
    pub me: Option<UserRef>,
    /// The newest first.
    #[store(key: ConversationId = |row| row.id)]
    pub conversations: Vec<Conversation>,
    /// For operators: the dialogs with visitors. Whether one is opened makes no difference here.
    pub desk: Desk,
    /// For operators: the replies that they share.
    pub canned: Vec<Canned>,
    pub link: LinkState,
    /// The conversation that one was last taken out of.
    pub removed: Option<ConversationId>,
    /// Messages that wait to be sent, over all conversations.
    pub waiting: usize,
    /// The time of the last look at the clock, which ticks only while a countdown is shown.
    pub now: Timestamp,
    /// What went wrong with something one did, and what an admin told everybody.
    #[store(key: u64 = |notice| notice.id)]
    pub notices: Vec<Notice>,
}

/// A line to be read and dismissed.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    pub id: u64,
    pub what: NoticeKind,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq)]
pub enum NoticeKind {
    /// Something one did was refused.
    Problem(Problem),
    /// From an admin to everybody, and that admin's name.
    Broadcast(String),
    /// A message into a conversation that one is no longer in: dismissing it deletes it.
    Unsent(ClientId),
}

/// A handle that components copy about.
#[derive(Clone, Copy)]
pub struct Client {
    pub(super) state: Store<State>,
    inner: StoredValue<Inner>,
}

/// What nobody shows.
pub(super) struct Inner {
    pub env: Env,
    pub is_started: bool,
    /// Somebody signs out here: the end of the session is no surprise.
    pub is_leaving: bool,
    pub link: Link,
    pub outbox: Outbox,
    pub typing: Typing,
    pub latency: Latency,
    pub painting: Painting,
    /// A store for each, so that a path into one is short and none locks another.
    pub threads: HashMap<ConversationId, ArcStore<Thread>>,
    /// Which life of the log a row's head belongs to, where there is no thread.
    pub epochs: HashMap<ConversationId, LogEpoch>,
    /// Dialogs that an operator opened, and those of them that are open now: of all others the lines are enough, and
    /// who is subscribed is seen to look.
    pub dialogs: HashSet<ConversationId>,
    pub looking: HashSet<ConversationId>,
    /// Dialogs that were left, the one left first at the front.
    pub left: VecDeque<ConversationId>,
    /// Subscriptions that are asked for and not answered yet.
    pub asked: HashSet<ConversationId>,
    pub behind: HashMap<ConversationId, Behind>,
    /// Read positions that the server does not know yet.
    pub untold_reads: HashMap<ConversationId, Seq>,
    pub is_fetching_list: bool,
    /// Whether the link lets messages through. This page sends them if it also holds the lock.
    pub is_way_open: bool,
    /// Who is signed in, with what only some pages show of them.
    pub user: Option<User>,
    pub unkept: Unkept,
    /// When the one timer that counts goes off.
    pub timer: Option<Timestamp>,
    pub last_notice: u64,
}

/// Something was found missing in a conversation.
#[derive(Default)]
pub(super) struct Behind {
    /// When it was asked for.
    pub at: Timestamp,
    /// How often, each time soon after the one before.
    pub times: u32,
    /// It is going to be asked for.
    pub is_timed: bool,
}

impl Client {
    pub(super) fn new(env: Env) -> Self {
        let inner = Inner {
            env,
            is_started: false,
            is_leaving: false,
            link: Link::default(),
            outbox: Outbox::default(),
            typing: Typing::default(),
            latency: Latency::default(),
            painting: Painting::default(),
            threads: HashMap::new(),
            epochs: HashMap::new(),
            dialogs: HashSet::new(),
            looking: HashSet::new(),
            left: VecDeque::new(),
            asked: HashSet::new(),
            behind: HashMap::new(),
            untold_reads: HashMap::new(),
            is_fetching_list: false,
            is_way_open: false,
            user: None,
            unkept: Unkept::default(),
            timer: None,
            last_notice: 0,
        };
        Self { state: Store::new(State::default()), inner: StoredValue::new(inner) }
    }

    /// Everything that is not inside one conversation. Read only: the client alone writes.
    pub fn state(self) -> Store<State> {
        self.state
    }

    /// One conversation that was opened before, to be shown again at once.
    pub fn reopen(self, id: ConversationId) -> Option<Field<Thread>> {
        let me = self.my_id();
        self.change_thread(id, |thread| thread.reopened(me));
        self.thread(id)
    }

    /// One conversation, once it was seeded. Not reactive in itself; its fields are. Read the field that
    /// you show (`thread.title()`, `thread.entries()`), not the whole: precise notices are all it gets.
    pub fn thread(self, id: ConversationId) -> Option<Field<Thread>> {
        self.thread_store(id).map(Field::from)
    }

    /// Who is signed in. Idempotent; called while rendering, on both sides, like the next two.
    pub fn seed_me(self, me: UserRef) {
        if self.state.me().read_untracked().as_ref() != Some(&me) {
            self.state.me().set(Some(me));
            self.begin();
        }
    }

    /// The list as the server rendered it. A row that is already fresher stays.
    pub fn seed_list(self, rows: Vec<Conversation>) {
        self.merge_list(rows);
    }

    /// A conversation as the server rendered it. One that is already fresher stays.
    pub fn seed_thread(self, thread: Thread) -> Field<Thread> {
        let id = thread.id;
        let store = match self.thread_store(id) {
            Some(store) => {
                let changes = store.write_untracked().reseed(thread);
                notify::thread(&store, &changes);
                store
            }
            None => {
                let store = ArcStore::new(thread);
                self.with(|inner| inner.threads.insert(id, store.clone()));
                store
            }
        };
        self.show_queued(id);
        self.thread_was_seen(id, &[Change::Cursor]);
        Field::from(store)
    }

    /// What the connection indicator says. Reactive.
    pub fn status(self) -> String {
        status_text(&self.state.link().read(), self.state.waiting().get(), self.state.now().get())
    }

    /// Whether one was taken out of this conversation while it was shown. Reactive.
    pub fn is_removed(self, id: ConversationId) -> bool {
        self.state.removed().get() == Some(id)
    }

    /// Takes a notice off the screen, and what it was about out of the outbox.
    pub fn dismiss(self, notice: u64) {
        let mut unsent = None;
        self.state.write_untracked().notices.retain(|one| {
            let stays = one.id != notice;
            if let NoticeKind::Unsent(client_id) = &one.what
                && !stays
            {
                unsent = Some(client_id.clone());
            }
            stays
        });
        notify::list(&self.state.notices());
        unsent.into_iter().for_each(|client_id| self.drop_message(client_id));
    }

    /// Looks into what nobody shows. Nothing that could come back here may be called inside.
    pub(super) fn with<R: Default>(self, look: impl FnOnce(&mut Inner) -> R) -> R {
        // Nothing is left to look into when the page is being torn down.
        self.inner.try_update_value(look).unwrap_or_default()
    }

    pub(super) fn now(self) -> Timestamp {
        self.with(|inner| (inner.env.now)())
    }

    pub(super) fn thread_store(self, id: ConversationId) -> Option<ArcStore<Thread>> {
        self.with(|inner| inner.threads.get(&id).cloned())
    }

    /// The reader's id; nobody's, before that is known.
    pub(super) fn my_id(self) -> UserId {
        self.state.me().read_untracked().as_ref().map_or(UserId::from_bytes([0; 16]), |me| me.id)
    }

    /// Changes one thread, notifies what was touched, and sees to what it asks for.
    pub(super) fn change_thread(self, id: ConversationId, change: impl FnOnce(&mut Thread) -> Vec<Change>) {
        let Some(store) = self.thread_store(id) else { return };
        let changes = change(&mut store.write_untracked());
        notify::thread(&store, &changes);
        self.thread_was_seen(id, &changes);
        if changes.contains(&Change::Behind) {
            self.fell_behind(id);
        }
        if changes.contains(&Change::Stale) {
            self.refetch(id);
        }
        if changes.contains(&Change::Jumped) {
            self.fill_up(id);
        }
    }

    pub(super) fn change_every_thread(self, change: impl Fn(&mut Thread) -> Vec<Change>) {
        for id in self.with(|inner| inner.threads.keys().copied().collect::<Vec<_>>()) {
            self.change_thread(id, &change);
        }
    }

    pub(super) fn notice(self, what: NoticeKind, text: String) {
        // The same trouble again is no news.
        let is_there = |notice: &Notice| notice.what == what && notice.text == text;
        if matches!(what, NoticeKind::Problem(_)) && self.state.read_untracked().notices.iter().any(is_there) {
            return;
        }
        let id = self.with(|inner| {
            inner.last_notice += 1;
            inner.last_notice
        });
        {
            let mut state = self.state.write_untracked();
            state.notices.push(Notice { id, what, text });
            // What was not sent is not lost to make room.
            let is_passing = |notice: &Notice| !matches!(notice.what, NoticeKind::Unsent(_));
            let passing = state.notices.iter().filter(|notice| is_passing(notice)).count();
            let mut surplus = passing.saturating_sub(limits::NOTICES);
            state.notices.retain(|notice| {
                let goes = surplus > 0 && is_passing(notice);
                surplus -= usize::from(goes);
                !goes
            });
        }
        notify::list(&self.state.notices());
    }

    /// The way to the server is open: what was said of its not being so is over.
    pub(super) fn reachable(self) {
        let is_over =
            |notice: &Notice| matches!(&notice.what, NoticeKind::Problem(problem) if problem.code == Code::Unavailable);
        if self.state.read_untracked().notices.iter().any(is_over) {
            self.state.write_untracked().notices.retain(|notice| !is_over(notice));
            notify::list(&self.state.notices());
        }
    }

    /// Says what went wrong with something one did.
    pub fn problem(self, problem: Problem) {
        let text = problem.detail.clone();
        self.notice(NoticeKind::Problem(problem), text);
    }

    /// Somebody else is signed in here now: forgets everything and loads the page as theirs.
    pub(super) fn start_over(self) {
        self.wipe();
        if self.with(|inner| inner.is_started) {
            network::reload();
        }
    }

    /// Forgets what this page has of the one who was signed in.
    pub(super) fn wipe(self) {
        self.with(|inner| {
            inner.user = None;
            inner.unkept = Unkept::default();
            inner.threads.clear();
            inner.epochs.clear();
            inner.dialogs.clear();
            inner.looking.clear();
            inner.left.clear();
            inner.untold_reads.clear();
            inner.outbox = Outbox::default();
            inner.typing = Typing::default();
            inner.latency = Latency::default();
        });
        let link = *self.state.link().read_untracked();
        *self.state.write_untracked() = State { link, ..State::default() };
        self.state.conversations().update_keys();
        self.state.notices().update_keys();
        self.state.notify();
    }
}
