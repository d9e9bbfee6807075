//! What admins sent and what is not saved: the settings that were tested, with their key, so that neither has to
//! be typed again; and the word on what came of a form, for the page that follows it. In memory alone.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::time::Instant;

use super::Wanted;
use crate::protocol::{UserId, limits, settings::Notice};

#[derive(Clone, Default)]
pub(super) struct Drafts(Arc<Mutex<BTreeMap<UserId, Draft>>>);

struct Draft {
    at: Instant,
    wanted: Option<Wanted>,
    word: Option<(&'static str, Notice)>,
}

impl Draft {
    fn new() -> Self {
        Self { at: Instant::now(), wanted: None, word: None }
    }
}

impl Drafts {
    pub fn keep(&self, user: UserId, wanted: Wanted) {
        self.change(user, |draft| draft.wanted = Some(wanted));
    }

    pub fn forget(&self, user: UserId) {
        self.change(user, |draft| draft.wanted = None);
    }

    /// What this admin sent lately and did not save.
    pub fn of(&self, user: UserId) -> Option<Wanted> {
        let drafts = self.0.lock();
        drafts.get(&user).filter(|draft| is_fresh(draft)).and_then(|draft| draft.wanted.clone())
    }

    pub fn leave(&self, user: UserId, form: &'static str, notice: Notice) {
        self.change(user, |draft| draft.word = Some((form, notice)));
    }

    /// The word that was left, once.
    pub fn word(&self, user: UserId) -> Option<(&'static str, Notice)> {
        self.0.lock().get_mut(&user).filter(|draft| is_fresh(draft)).and_then(|draft| draft.word.take())
    }

    fn change(&self, user: UserId, change: impl FnOnce(&mut Draft)) {
        let mut drafts = self.0.lock();
        drafts.retain(|_, draft| is_fresh(draft));
        if drafts.len() >= limits::MODEL_DRAFTS && !drafts.contains_key(&user) {
            drafts.pop_first();
        }
        let draft = drafts.entry(user).or_insert_with(Draft::new);
        draft.at = Instant::now();
        change(draft);
    }
}

fn is_fresh(draft: &Draft) -> bool {
    draft.at.elapsed() < Duration::from_millis(limits::MODEL_DRAFT_MS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{fresh_id, server::config::Secret};

    fn wanted(provider: &str) -> Wanted {
        let key = Some(Secret::new(b"k"));
        Wanted { provider: provider.into(), base_url: None, model: None, key }
    }

    #[tokio::test(start_paused = true)]
    async fn a_draft_is_forgotten_after_a_while_and_there_are_so_many_at_most() {
        let drafts = Drafts::default();
        let users: Vec<UserId> = (0..=limits::MODEL_DRAFTS).map(|_| fresh_id!(UserId)).collect();
        for user in &users {
            drafts.keep(*user, wanted("openai"));
        }
        assert_eq!(users.iter().filter(|user| drafts.of(**user).is_some()).count(), limits::MODEL_DRAFTS);
        tokio::time::advance(Duration::from_millis(limits::MODEL_DRAFT_MS)).await;
        assert!(users.iter().all(|user| drafts.of(*user).is_none()));
        drafts.keep(users[0], wanted("openai"));
        assert_eq!(drafts.0.lock().len(), 1);
    }

    #[test]
    fn a_word_is_told_once() {
        let (drafts, user) = (Drafts::default(), fresh_id!(UserId));
        let notice = Notice { is_good: true, text: "Saved.".into() };
        drafts.leave(user, "model", notice.clone());
        assert_eq!(drafts.word(user), Some(("model", notice)));
        assert_eq!(drafts.word(user), None);
    }
}
