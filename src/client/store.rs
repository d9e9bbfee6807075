//! What the components read, and the one door through which it changes.

use std::collections::HashMap;

use leptos::prelude::*;
use reactive_stores::{ArcStore, Field, Store};

use super::env::Env;
use crate::{
    model::{
        Thread,
        link::{LinkState, status_text},
    },
    protocol::{ConversationId, Problem, Timestamp, UserRef, http::Conversation},
};

#[derive(Clone, Debug, Default, PartialEq, Store)]
pub struct State {
    pub me: Option<UserRef>,
    /// The newest first.
    #[store(key: ConversationId = |row| row.id)]
    pub conversations: Vec<Conversation>,
    pub link: LinkState,
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
}

/// A handle that components copy about.
#[derive(Clone, Copy)]
pub struct Client {
    state: Store<State>,
    inner: StoredValue<Inner>,
}

struct Inner {
    env: Env,
    threads: HashMap<ConversationId, ArcStore<Thread>>,
}

impl Client {
    pub(super) fn new(env: Env) -> Self {
        let inner = Inner { env, threads: HashMap::new() };
        Self { state: Store::new(State::default()), inner: StoredValue::new(inner) }
    }

    /// Everything that is not inside one conversation. Read only: the client alone writes.
    pub fn state(self) -> Store<State> {
        self.state
    }

    /// One conversation, once it was seeded. Not reactive in itself; its fields are.
    pub fn thread(self, id: ConversationId) -> Option<Field<Thread>> {
        self.inner.with_value(|inner| inner.threads.get(&id).cloned()).map(Field::from)
    }

    /// Who is signed in. Idempotent; called while rendering, on both sides, like the next two.
    pub fn seed_me(self, _me: UserRef) {
        todo!()
    }

    /// The list as the server rendered it. A row that is already fresher stays.
    pub fn seed_list(self, _rows: Vec<Conversation>) {
        todo!()
    }

    /// A conversation as the server rendered it. One that is already fresher stays.
    pub fn seed_thread(self, thread: Thread) -> Field<Thread> {
        let id = thread.id;
        self.inner.update_value(|inner| {
            inner.threads.entry(id).or_insert_with(|| ArcStore::new(thread));
        });
        todo!()
    }

    /// Connects and stays connected. In an `Effect`, once; a second call is nothing.
    pub fn start(self) {
        let _ = self.inner.with_value(|inner| inner.env);
        todo!()
    }

    /// What the connection indicator says. Reactive.
    pub fn status(self) -> String {
        status_text(&self.state.link().read(), self.state.waiting().get(), self.state.now().get())
    }
}
