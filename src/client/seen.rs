//! What was last seen, for a page that is opened without a network: who one is, the list, each conversation.
//! Written when things have come to rest, read when the server cannot be reached.

use std::future::Future;

use gloo_timers::callback::Timeout;
use leptos::{prelude::*, task::spawn_local};
use send_wrapper::SendWrapper;
use serde::Serialize;
use serde_json::Value;

use super::{Client, credential, persist};
use crate::{
    model::{Thread, conversation::Change},
    protocol::{
        ConversationId,
        http::{Conversation, User},
        limits,
        read::{Read, field, parse},
    },
};

const HOME: &str = "home";

/// Who one is and what one is in.
#[derive(Serialize)]
pub struct Home {
    pub me: User,
    pub conversations: Vec<Conversation>,
}

impl Read for Home {
    fn read(value: &Value) -> Result<Self, serde_json::Error> {
        Ok(Self { me: field(value, "me")?, conversations: field(value, "conversations")? })
    }
}

/// Which conversations are to be written, and whether the list is.
#[derive(Default)]
pub(super) struct Unkept {
    threads: Vec<ConversationId>,
    list: bool,
    is_timed: bool,
}

impl Client {
    /// Who is signed in, with all that a page shows of them.
    pub fn user(self) -> Option<User> {
        self.with(|inner| inner.user.clone())
    }

    pub fn seed_user(self, user: &User) {
        self.with(|inner| inner.user = Some(user.clone()));
        self.seed_me(user.as_ref());
        self.list_was_seen();
    }

    pub(super) fn thread_was_seen(self, id: ConversationId, changes: &[Change]) {
        let is_worth_it = |change: &Change| {
            matches!(change, Change::Cursor | Change::Reads | Change::More | Change::Members | Change::Title)
        };
        // What visitors write stays on the server.
        let is_ours = !self.with(|inner| inner.dialogs.contains(&id));
        if is_ours && changes.iter().any(is_worth_it) {
            self.was_seen(|unkept| {
                if !unkept.threads.contains(&id) {
                    unkept.threads.push(id);
                }
            });
        }
    }

    pub(super) fn list_was_seen(self) {
        self.was_seen(|unkept| unkept.list = true);
    }

    fn was_seen(self, note: impl FnOnce(&mut Unkept)) {
        // A website's frame has a visitor in it who may have borrowed the browser: nothing of what was said stays.
        if credential::is_bearer() {
            return;
        }
        let is_first = self.with(|inner| {
            note(&mut inner.unkept);
            inner.is_started && !std::mem::replace(&mut inner.unkept.is_timed, true)
        });
        if is_first {
            Timeout::new(limits::SEEN_REST_MS, move || self.keep_seen()).forget();
        }
    }

    /// Writes what changed since the last time.
    pub(super) fn keep_seen(self) {
        let unkept = self.with(|inner| std::mem::take(&mut inner.unkept));
        let Some(me) = self.user() else { return };
        let mut texts = Vec::new();
        for id in unkept.threads {
            if let Some(thread) = self.thread_store(id) {
                texts.push((name(id), json(&thread.read_untracked().to_keep())));
            }
        }
        let id = me.id;
        if unkept.list {
            let mut conversations = self.state().read_untracked().conversations.clone();
            conversations.truncate(limits::SEEN_ROWS);
            texts.push((HOME.to_owned(), json(&Home { me, conversations })));
        }
        spawn_local(async move {
            for (name, text) in texts {
                persist::keep(id, &name, &text).await;
            }
        });
    }

    /// One is not in it any more: nothing of it stays.
    pub(super) fn forget_seen(self, conversation: ConversationId) {
        if self.with(|inner| inner.is_started) {
            let me = self.my_id();
            spawn_local(async move { persist::forget(me, &name(conversation)).await });
        }
    }

    /// What this browser keeps of whoever is signed in. In a browser only.
    pub fn recall_home(self) -> impl Future<Output = Option<Home>> + Send {
        SendWrapper::new(async move { parse(&persist::recall(None, HOME).await?).ok() })
    }

    /// Takes in what this browser keeps of a conversation, unless it is here already. Whether it is, now.
    pub fn recall_thread(self, id: ConversationId) -> impl Future<Output = bool> + Send {
        SendWrapper::new(async move {
            if self.user().is_none()
                && let Some(home) = self.recall_home().await
            {
                self.seed_user(&home.me);
            }
            if self.thread_store(id).is_none() {
                let kept = persist::recall(self.user().map(|me| me.id), &name(id)).await;
                if let Some(thread) = kept.and_then(|text| parse::<Thread>(&text).ok()) {
                    self.seed_thread(thread);
                }
            }
            self.thread_store(id).is_some()
        })
    }

    /// Whether there is something to fall back on: on the server there is not.
    pub fn can_recall(self) -> bool {
        self.with(|inner| inner.is_started)
    }
}

fn name(id: ConversationId) -> String {
    ["c/", &id.to_string()].concat()
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
