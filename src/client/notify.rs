//! Telling the fields that changed, and no others.
//!
//! A guard of the store would notify every ancestor of the field that it wrote, and through a list each of
//! its items: one token would run the whole list's effects. Here the value is written untracked and each
//! change names its field. A change of a list's structure goes to those who read the list, not to those
//! who read one item; a change of an item goes to both, except that of a text being written.

use leptos::prelude::Notify;
use reactive_stores::{ArcStore, AtIndex, AtKeyed, KeyedSubfield, StoreField, StorePath, Subfield};

use crate::{
    model::{EntryStoreFields, Run, RunStoreFields, Step, Thread, ThreadStoreFields, conversation::Change},
    protocol::{RunId, Seq},
};

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
        Change::Run(id) => run(&store.runs().at_key(*id)),
        Change::Step(id, seq) => step(store.runs().at_key(*id).steps(), *seq),
        Change::EveryRun => store.runs().notify(),
        Change::Members => {
            store.clone().members().notify();
            store.visitor().notify();
        }
        Change::Typing => store.typing().notify(),
        Change::Presence => store.presence().notify(),
        Change::Reads => store.reads().notify(),
        Change::Cursor => store.cursor().notify(),
        Change::More => store.more().notify(),
        Change::Control => {
            store.clone().control().notify();
            store.hands().notify();
        }
        Change::OpenedAt => store.opened_at().notify(),
        // The list is told once, after all; the others are no fields.
        Change::Entries | Change::Runs | Change::Behind | Change::Jumped | Change::Stale => {}
    }
}

/// Tells each field of a run but its steps: a notice to the run would go to each of them.
fn run<Inner>(run: &AtKeyed<Inner, Thread, RunId, Vec<Run>>)
where
    AtKeyed<Inner, Thread, RunId, Vec<Run>>: StoreField<Value = Run> + Clone,
{
    run.clone().status().notify();
    run.clone().message().notify();
    run.clone().ended_at().notify();
    run.clone().progress().notify();
    run.clone().usage().notify();
    run.clone().message_id().notify();
    run.clone().question().notify();
    run.clone().pending().notify();
}

/// Tells those who read this step and those who read the list of steps.
fn step<Inner>(steps: Subfield<Inner, Run, Vec<Step>>, seq: Seq)
where
    Subfield<Inner, Run, Vec<Step>>: StoreField<Value = Vec<Step>> + Clone,
{
    let index = steps.reader().and_then(|steps| steps.binary_search_by_key(&seq, |step| step.seq).ok());
    children(&steps);
    if let Some(index) = index {
        AtIndex::new(steps, index).notify();
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
    children(field);
}

fn children(field: &impl StoreField) {
    let path: StorePath = field.path().into_iter().collect();
    // The triggers of a path stand from the root's down to its own two: of its children, of itself. Those
    // who read an item listen to the latter, those who read the list to both.
    let triggers = field.triggers_for_path(path);
    if let Some(children) = triggers.len().checked_sub(2).and_then(|index| triggers.get(index)) {
        children.notify();
    }
}
