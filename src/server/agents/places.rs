//! Places for runs at work: so many on this node, and so many of them for one person's questions.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::protocol::{UserId, limits};

pub struct Places {
    all: Arc<Semaphore>,
    of_person: Mutex<HashMap<UserId, Weak<Semaphore>>>,
}

/// Given back when dropped.
pub struct Place {
    _of_person: OwnedSemaphorePermit,
    _of_all: Option<OwnedSemaphorePermit>,
    /// Lives as long as anybody of that person's has a place.
    _person: Arc<Semaphore>,
}

impl Default for Places {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(limits::CONCURRENT_RUNS)), of_person: Mutex::default() }
    }
}

impl Places {
    /// Waits for one. A person's own bound comes first: who has reached it holds no place of others.
    pub async fn acquire(&self, person: UserId) -> Place {
        loop {
            let mine = self.of(person);
            // Neither is ever closed.
            if let Ok(of_person) = mine.clone().acquire_owned().await {
                return Place {
                    _of_person: of_person,
                    _of_all: self.all.clone().acquire_owned().await.ok(),
                    _person: mine,
                };
            }
        }
    }

    fn of(&self, person: UserId) -> Arc<Semaphore> {
        let mut all = self.of_person.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = all.get(&person).and_then(Weak::upgrade) {
            return known;
        }
        all.retain(|_, semaphore| semaphore.strong_count() > 0);
        let fresh = Arc::new(Semaphore::new(limits::CONCURRENT_RUNS_PER_USER));
        all.insert(person, Arc::downgrade(&fresh));
        fresh
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::fresh_id;

    #[tokio::test]
    async fn one_person_takes_no_more_than_their_share() {
        let places = Places::default();
        let (anna, ben) = (fresh_id!(UserId), fresh_id!(UserId));
        let mut mine = Vec::new();
        for _ in 0..limits::CONCURRENT_RUNS_PER_USER {
            mine.push(places.acquire(anna).await);
        }
        assert!(places.acquire(anna).now_or_never().is_none());
        assert!(places.acquire(ben).now_or_never().is_some());
        mine.pop();
        assert!(places.acquire(anna).now_or_never().is_some());
    }

    #[tokio::test]
    async fn there_are_so_many_places_and_no_more() {
        let places = Places::default();
        let mut taken = Vec::new();
        while taken.len() < limits::CONCURRENT_RUNS {
            taken.push(places.acquire(fresh_id!(UserId)).await);
        }
        assert!(places.acquire(fresh_id!(UserId)).now_or_never().is_none());
        taken.clear();
        // So many at once use up a task's share of the runtime.
        tokio::task::yield_now().await;
        assert!(places.acquire(fresh_id!(UserId)).now_or_never().is_some());
        assert!(places.of_person.lock().expect("a map").len() <= limits::CONCURRENT_RUNS + 2);
    }
}
