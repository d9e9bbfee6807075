//! A change that somebody else's always comes before.

use std::cell::Cell;

use tokio::{runtime::Handle, task::block_in_place};

use super::*;
use crate::{
    fresh_id,
    protocol::Timestamp,
    server::{
        config::{Config, Settings},
        state::AppState,
        storage::{
            conformance::new_user,
            desk::{NewDialog, NewVisitor},
        },
    },
};

/// A server with an operator, and a dialog of the AI's.
pub(super) async fn house() -> (tempfile::TempDir, AppState, User, ConversationId) {
    let data = tempfile::tempdir().unwrap();
    let config = Config::new(&Settings::in_dir(data.path().to_str().unwrap())).unwrap();
    let state = AppState::open(config).await.unwrap();
    let (visitor, site, at) = (fresh_id!(UserId), SiteId::default_site(), clock::now());
    let new = NewVisitor { id: visitor, site: site.clone(), name: "Vera".into(), at };
    state.storage.create_visitor(new).await.unwrap();
    let (id, title, owner) = (fresh_id!(ConversationId), "Vera".to_owned(), Owner::Ai);
    state.storage.create_dialog(NewDialog { id, site, visitor, title, agents: true, owner, at }).await.unwrap();
    let anna = state.storage.create_user(new_user("anna")).await.unwrap();
    assert_eq!(anna.role, Role::Admin);
    (data, state, anna, id)
}

/// Takes the dialog while somebody else is faster so many times; how often it was decided.
async fn take_against(
    state: &AppState,
    anna: &User,
    id: ConversationId,
    faster: usize,
) -> (usize, Result<(), Problem>) {
    let tries = Cell::new(0);
    let taken = state.dialogs.take_step(id, |row, _| {
        tries.set(tries.get() + 1);
        if tries.get() <= faster {
            let to = if row.control.owner == Owner::Ai { Owner::Queue { team: None } } else { Owner::Ai };
            let next = hands::with_owner(&row.control, to).unwrap();
            let control = Some(ControlChanged { state: next, by: server(), reason: None });
            let write = Write::Dialog(DialogWrite { from: row.control.clone(), control, message: None });
            let append = state.storage.append(Append { conversation_id: id, at: clock::now(), write });
            block_in_place(|| Handle::current().block_on(append)).unwrap();
        }
        let next = hands::with_owner(&row.control, Owner::Human { user: anna.as_ref() });
        let control = next.map(|state| ControlChanged { state, by: anna.as_ref(), reason: None });
        Ok(Step { control, message: None })
    });
    let taken = taken.await.map(drop);
    (tries.get(), taken)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_tried_so_often_and_then_refused_for_now() {
    let (_data, state, anna, id) = house().await;
    let (tries, refused) = take_against(&state, &anna, id, usize::MAX).await;
    assert_eq!((tries, refused.unwrap_err().code), (limits::CONTROL_TRIES, Code::Unavailable));
    let (tries, taken) = take_against(&state, &anna, id, limits::CONTROL_TRIES - 1).await;
    assert_eq!((tries, taken), (limits::CONTROL_TRIES, Ok(())), "the last try counts");
    assert!(state.storage.dialog(id).await.unwrap().unwrap().control.owner.is(anna.id));
}

#[tokio::test]
async fn however_many_visitors_wrote_nothing_all_are_forgotten_some_at_a_time() {
    let (_data, state, ..) = house().await;
    let (storage, at) = (&state.storage, clock::now());
    let begin = async |_: u64| {
        let (visitor, id, site) = (fresh_id!(UserId), fresh_id!(ConversationId), SiteId::default_site());
        let new = NewVisitor { id: visitor, site: site.clone(), name: "Vera".into(), at };
        storage.create_visitor(new).await.unwrap();
        let (title, owner) = ("Vera".to_owned(), Owner::Ai);
        storage.create_dialog(NewDialog { id, site, visitor, title, agents: true, owner, at }).await.unwrap();
    };
    futures_util::future::join_all((0..=limits::VISITORS_PER_SWEEP).map(begin)).await;
    let over = Timestamp::from_ms(clock::now().as_ms() + limits::VISITOR_SILENT_MS + 1);
    // With the house's own; the newest event of the log stays.
    assert_eq!(state.dialogs.forget_silent(over).await.unwrap(), limits::VISITORS_PER_SWEEP + 1);
    assert_eq!(state.dialogs.forget_silent(over).await.unwrap(), 0);
}
