//! Sites; how many dialogs are told of at once, and which are forgotten.

use futures_util::future::join_all;

use super::{
    Backend, House, at,
    dialogs::{change, operator, said, standing, visitor},
};
use crate::{
    fresh_id,
    protocol::{
        ConversationId, Event, Sender, Seq, SessionId, Side, SiteId, Visibility,
        dialog::{ControlState, DialogStatus, Owner},
        http::User,
        limits::{DIALOGS_LISTED, PAST_DIALOGS},
        site::Site,
    },
    server::storage::{
        Append, DialogWrite, Write,
        desk::{NewDialog, SiteRow},
    },
};

pub async fn a_sites_form_and_its_secret_are_written_apart(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let storage = &house.storage;
    let (id, other) = (SiteId("shop".into()), SiteId("nowhere".into()));
    let row = |name: &str, secret: &[u8]| SiteRow { site: Site::new(id.clone(), name), secret: secret.into() };
    assert!(!storage.change_site(&row("Shop", b"").site).await.unwrap(), "there is none yet");
    assert!(!storage.replace_secret(&id, b"early".into()).await.unwrap());
    storage.make_site(row("Shop", b"first"), at(1)).await.unwrap();
    storage.make_site(row("Another", b"another"), at(2)).await.unwrap();
    assert_eq!(storage.site(&id).await.unwrap(), Some(row("Shop", b"first")), "what is there stays");
    assert!(storage.replace_secret(&id, b"second".into()).await.unwrap());
    assert!(storage.change_site(&row("Shop & Sons", b"not looked at").site).await.unwrap());
    assert_eq!(storage.site(&id).await.unwrap(), Some(row("Shop & Sons", b"second")));
    assert_eq!(storage.sites().await.unwrap(), [row("Shop & Sons", b"second")]);
    assert_eq!(storage.site(&other).await.unwrap(), None);
}

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

pub async fn who_wrote_nothing_and_does_not_come_again_is_forgotten(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let storage = &house.storage;
    let people = [visitor(&house).await, visitor(&house).await, visitor(&house).await, visitor(&house).await];
    let [silent, again, writes, both] = &people;
    let mut dialogs = Vec::new();
    for (n, who) in [silent, again, writes, both, both, silent].into_iter().enumerate() {
        let (id, site, visitor, title) = (fresh_id!(ConversationId), SiteId::default_site(), who.id, "Vera".to_owned());
        let (owner, at) = (Owner::Ai, at(n as i64));
        storage.create_dialog(NewDialog { id, site, visitor, title, agents: true, owner, at }).await.unwrap();
        dialogs.push(id);
    }
    let session = async |who: &User, seconds| {
        let id = fresh_id!(SessionId);
        storage.create_session(id, who.id, at(seconds), at(10_000)).await.unwrap();
        id
    };
    let (old, _) = (session(silent, 6).await, session(again, 60).await);
    for (n, who) in people.iter().enumerate() {
        storage.add_visitor_token(who.id, [n as u8; 32], at(1)).await.unwrap();
    }
    let say = async |id, who: &User, seconds| {
        let write = Write::Server(Event::Message(said(who, Sender::Visitor, Visibility::Public, "hello")));
        storage.append(Append { conversation_id: id, at: at(seconds), write }).await.unwrap();
    };
    // The newest event stays: the last dialog is not looked at yet.
    let found = async |before, after, most| {
        let page = storage.silent_dialogs(at(before), after, most).await.unwrap();
        page.into_iter().map(|(id, _)| id).collect::<Vec<_>>()
    };
    assert!(!found(50, None, 10).await.contains(&dialogs[5]));
    say(dialogs[2], writes, 7).await;
    say(dialogs[4], both, 8).await;
    let unused = [dialogs[0], dialogs[3], dialogs[5]];
    assert_eq!(found(50, None, 10).await, unused, "nobody who came or wrote since");
    assert_eq!(
        (found(50, None, 2).await, found(50, Some(dialogs[3]), 2).await),
        (unused[..2].into(), unused[2..].into())
    );
    assert_eq!(found(5, None, 10).await, [dialogs[3]], "begun since, or of somebody who came since");

    assert_eq!(storage.forget_silent(&dialogs, at(50)).await.unwrap(), 3, "those, whatever was asked for");
    assert_eq!(storage.forget_silent(&dialogs, at(50)).await.unwrap(), 0);
    for (n, id) in dialogs.iter().enumerate() {
        assert_eq!(storage.dialog(*id).await.unwrap().is_some(), !unused.contains(id), "{n}");
        assert_eq!(storage.events(*id, Seq::ZERO, 9, 999, Side::House).await.is_ok(), !unused.contains(id), "{n}");
    }
    for (n, who) in people.iter().enumerate() {
        let known = storage.visitor_by_token([n as u8; 32]).await.unwrap().map(|row| row.user.id);
        assert_eq!(known, (n > 0).then_some(who.id));
    }
    assert_eq!(storage.session(old, at(51)).await.unwrap(), None);
    // The log goes on behind what is left, for whom it was not forgotten.
    say(dialogs[4], both, 60).await;
    assert_eq!(storage.dialog(dialogs[4]).await.unwrap().unwrap().head, Seq(3));
}
