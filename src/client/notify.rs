//! Telling the fields that changed, and no others.
//!
//! A guard of the store would notify every ancestor of the field that it wrote, and through a list each of
//! its items: one token would run the whole list's effects. Here the value is written untracked and each
//! change names its field. A change of a list's structure goes to those who read the list, not to those
//! who read one item; a change of an item goes to both, except that of a text being written.

use leptos::prelude::Notify;
use reactive_stores::{ArcStore, KeyedSubfield, StoreField, StorePath};

use crate::model::{EntryStoreFields, RunStoreFields, Thread, ThreadStoreFields, conversation::Change};

/// What a fold of this thread touched.
pub(super) fn thread(store: &ArcStore<Thread>, changes: &[Change]) {
    // Structure first: the path of an item is known only once its key is.
    if changes.contains(&Change::Entries) {
        store.clone().entries().update_keys();
    }
    if changes.contains(&Change::Runs) {
        store.clone().runs().update_keys();
    }
    for change in changes {
        one(store.clone(), change);
    }
    let touches_list = |change: &Change| matches!(change, Change::Entries | Change::Entry(_) | Change::EveryEntry);
    if changes.iter().any(touches_list) {
        list(&store.clone().entries());
    }
    if changes.iter().any(|change| matches!(change, Change::Runs | Change::Run(_) | Change::EveryRun)) {
        list(&store.clone().runs());
    }
}

fn one(store: ArcStore<Thread>, change: &Change) {
    match change {
        Change::Title => store.title().notify(),
        Change::Text(key) => store.entries().at_key(key.clone()).text().notify(),
        Change::Entry(key) => store.entries().at_key(key.clone()).notify(),
        Change::EveryEntry => store.entries().notify(),
        Change::Run(id) => {
            let run = store.runs().at_key(*id);
            run.clone().steps().update_keys();
            run.notify();
        }
        Change::EveryRun => {
            let ids: Vec<_> =
                leptos::prelude::ReadUntracked::read_untracked(&store).runs.iter().map(|run| run.id).collect();
            for id in ids {
                store.clone().runs().at_key(id).steps().update_keys();
            }
            store.runs().notify();
        }
        Change::Members => store.members().notify(),
        Change::Typing => store.typing().notify(),
        Change::Presence => store.presence().notify(),
        Change::Reads => store.reads().notify(),
        Change::Cursor => store.cursor().notify(),
        Change::More => store.more().notify(),
        Change::OpenedAt => store.opened_at().notify(),
        // The list is told once, after all; the others are no fields.
        Change::Entries | Change::Runs | Change::Behind | Change::Jumped | Change::Stale => {}
    }
}

/// Tells those who read a list that items came, went, moved or changed, but not those who read one item.
pub(super) fn list<Inner, Prev, K, T>(field: &KeyedSubfield<Inner, Prev, K, T>)
where
    KeyedSubfield<Inner, Prev, K, T>: Clone + StoreField,
    for<'a> &'a T: IntoIterator,
    Inner: StoreField<Value = Prev>,
    Prev: 'static,
    K: std::fmt::Debug + Send + Sync + PartialEq + Eq + std::hash::Hash + 'static,
{
    field.update_keys();
    let path: StorePath = field.path().into_iter().collect();
    // The triggers of a path stand from the root's down to its own two: of its children, of itself. Those
    // who read an item listen to the latter, those who read the list to both.
    let triggers = field.triggers_for_path(path);
    if let Some(children) = triggers.len().checked_sub(2).and_then(|index| triggers.get(index)) {
        children.notify();
    }
}
