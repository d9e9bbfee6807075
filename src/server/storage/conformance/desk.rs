//! How many dialogs are told of at once.

use futures_util::future::join_all;

use super::{
    Backend, House, at,
    dialogs::{change, operator, said, standing, visitor},
};
use crate::{
    fresh_id,
    protocol::{
        ConversationId, Event, Sender, SiteId, Visibility,
        dialog::{ControlState, DialogStatus, Owner},
        http::User,
        limits::{DIALOGS_LISTED, PAST_DIALOGS},
    },
    server::storage::{Append, DialogWrite, Write, desk::NewDialog},
};

/// Dialogs of one visitor in the queue, each with a word of theirs; the first waits longest.
async fn queued(house: &House, vera: &User, count: u64) -> Vec<ConversationId> {
    let ids: Vec<ConversationId> = (0..count).map(|_| fresh_id!(ConversationId)).collect();
    let begin = async |n: usize, id: ConversationId| {
        let (site, visitor, title) = (SiteId::default_site(), vera.id, "Vera".to_owned());
        let (owner, at) = (Owner::Queue { team: None }, at(n as i64));
        house.storage.create_dialog(NewDialog { id, site, visitor, title, agents: true, owner, at }).await.unwrap();
        let write = Write::Server(Event::Message(said(vera, Sender::Visitor, Visibility::Public, "hello")));
        house.storage.append(Append { conversation_id: id, at, write }).await.unwrap();
    };
    join_all(ids.iter().enumerate().map(|(n, id)| begin(n, *id))).await;
    ids
}

pub async fn an_operators_list_and_the_queue_have_so_many_dialogs(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let (vera, anna) = (visitor(&house).await, operator(&house, "anna").await);
    let ids = queued(&house, &vera, DIALOGS_LISTED + 1).await;
    let waiting = house.storage.waiting_dialogs().await.unwrap();
    assert_eq!(waiting, ids[..ids.len() - 1], "who waits longest comes first");
    let listed: Vec<_> = house.storage.conversations_of(anna.id).await.unwrap().iter().map(|line| line.id).collect();
    let newest: Vec<_> = ids[1..].iter().rev().copied().collect();
    assert_eq!(listed, newest);
    // One that is resolved makes room, however new it is.
    let (from, newest) = (standing(&house, ids[5]).await, ids[5]);
    let state = ControlState { status: DialogStatus::Resolved, ..from.clone() };
    let resolve = DialogWrite { from, control: Some(change(state, &anna)), message: None };
    house
        .storage
        .append(Append { conversation_id: newest, at: at(1_000), write: Write::Dialog(resolve) })
        .await
        .unwrap();
    let listed: Vec<_> = house.storage.conversations_of(anna.id).await.unwrap().iter().map(|line| line.id).collect();
    assert!(listed.len() as u64 == DIALOGS_LISTED && listed.contains(&ids[0]) && !listed.contains(&newest));
}

pub async fn of_a_visitors_past_dialogs_so_many_are_told(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let vera = visitor(&house).await;
    let ids = queued(&house, &vera, PAST_DIALOGS + 2).await;
    let details = house.storage.visitor_details(ids[3]).await.unwrap().unwrap();
    let past: Vec<_> = details.past.iter().map(|past| past.id).collect();
    let newest: Vec<_> = ids[1..].iter().rev().filter(|id| **id != ids[3]).copied().collect();
    assert_eq!((past.len() as u64, past), (PAST_DIALOGS, newest));
}
