//! The way around a network that lets no socket through: the same events, asked for over HTTP.

use leptos::prelude::ReadUntracked;

use super::{Client, http};
use crate::{
    model::link,
    protocol::{ConversationId, limits},
};

impl Client {
    /// Asks for what is new: the list, and the events of the conversations that were opened.
    pub(super) fn poll(self) {
        leptos::task::spawn_local(async move {
            let outcome = self.poll_once().await;
            if let Err(http::Failure::Refused { status: 401, .. }) = outcome {
                self.link(link::Event::Unauthorized);
            }
            self.link(link::Event::Polled(!matches!(outcome, Err(http::Failure::Unreachable))));
        });
    }

    async fn poll_once(self) -> Result<(), http::Failure> {
        self.fetch_list().await?;
        for id in self.followed_threads() {
            self.catch_up(id).await?;
        }
        Ok(())
    }

    async fn catch_up(self, id: ConversationId) -> Result<(), http::Failure> {
        let is_behind = |head| self.thread_store(id).is_some_and(|thread| thread.read_untracked().cursor < head);
        let head = self.head_of(id);
        // One that is not in the list any more is not ours to read.
        if !head.is_some_and(is_behind) {
            return Ok(());
        }
        loop {
            let Some(after) = self.thread_store(id).map(|thread| thread.read_untracked().cursor) else {
                return Ok(());
            };
            let page = http::events(id, after).await?;
            for event in &page.events {
                self.apply_event(event);
            }
            if (page.events.len() as u64) < limits::EVENTS_PER_PAGE {
                return Ok(());
            }
        }
    }
}
