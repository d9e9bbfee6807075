//! Who is in a conversation, what they see of it, how far they have read.

use super::{Backend, House, at, delete, message, names, new_room};
use futures_util::{StreamExt, stream};

use crate::{
    fresh_id,
    protocol::{
        ConversationId, Event, Seq,
        dialog::{DialogStatus, Owner},
        http::{Kind, User},
        limits::{CONVERSATIONS_PER_USER, MEMBERS_PER_CONVERSATION, PREVIEW_CHARS},
        server::Membership,
    },
    server::storage::{Access, Append, StorageError, Write},
};

pub async fn founding_members_are_its_first_events(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let (anna, ben) = (house.user("anna").await, house.user("ben").await);
    let room = house.room(&[&ben, &anna]).await;
    let events = house.all(room).await;
    let joined = |user: &User| match &events[if user.id == ben.id { 0 } else { 1 }].event {
        Event::Member(change) => change.user == user.as_ref() && change.change == Membership::Joined,
        _ => false,
    };
    assert!(events.len() == 2 && joined(&ben) && joined(&anna));
    let access = house.storage.access(anna.id, room).await.unwrap();
    let expected = Access { kind: Kind::Room, agents: true, head: Seq(2), creator: ben.id, members: 2 };
    assert_eq!(access, Some(expected));
    let line = house.storage.conversation_of(anna.id, room).await.unwrap().unwrap();
    assert_eq!((line.title.as_str(), line.head, line.unread, line.last_message), ("Room", Seq(2), 0, None));
    assert_eq!((line.owner, line.status), (Owner::Human { user: ben.as_ref() }, DialogStatus::Open));
}

pub async fn who_is_no_member_sees_nothing(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let (anna, eve) = (house.user("anna").await, house.user("eve").await);
    let room = house.room(&[&anna]).await;
    for id in [room, fresh_id!(ConversationId)] {
        assert_eq!(house.storage.access(eve.id, id).await.unwrap(), None);
        assert_eq!(house.storage.conversation_of(eve.id, id).await.unwrap(), None);
        assert!(matches!(house.storage.set_read(eve.id, id, Seq(1)).await, Err(StorageError::NotFound)));
    }
    assert_eq!(house.storage.conversations_of(eve.id).await.unwrap(), []);
    assert_eq!(house.storage.conversation_ids_of(eve.id).await.unwrap(), []);
    assert_eq!(house.storage.conversation_ids_of(anna.id).await.unwrap(), [room]);
}

pub async fn unread_counts_what_others_wrote_since(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let (anna, ben) = (house.user("anna").await, house.user("ben").await);
    let room = house.room(&[&anna, &ben]).await;
    let unread = async |user: &User| house.storage.conversation_of(user.id, room).await.unwrap().unwrap().unread;
    house.post(room, &anna, "one").await;
    let two = house.post(room, &anna, "two").await;
    house.post(room, &anna, "three").await;
    assert_eq!((unread(&anna).await, unread(&ben).await), (0, 3));
    house.write(room, delete(&two, &anna)).await.unwrap();
    assert_eq!(unread(&ben).await, 2);
    house.storage.set_read(ben.id, room, Seq(3)).await.unwrap();
    assert_eq!(unread(&ben).await, 1);
    house.post(room, &ben, "four").await;
    assert_eq!((unread(&anna).await, unread(&ben).await), (1, 0));
}

pub async fn the_list_has_the_newest_event_first(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let anna = house.user("anna").await;
    let rooms = [house.room(&[&anna]).await, house.room(&[&anna]).await, house.room(&[&anna]).await];
    for (i, room) in [1, 2, 0].into_iter().zip(rooms) {
        let write = Write::Post(message(&anna, "hello"));
        house.storage.append(Append { conversation_id: room, at: at(10 + i), write }).await.unwrap();
    }
    let list = house.storage.conversations_of(anna.id).await.unwrap();
    assert_eq!(list.iter().map(|line| line.id).collect::<Vec<_>>(), [rooms[1], rooms[0], rooms[2]]);
}

pub async fn the_last_message_is_cut_and_never_a_deleted_one(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let anna = house.user("anna").await;
    let room = house.room(&[&anna]).await;
    let long = house.post(room, &anna, &"ä🐦".repeat(PREVIEW_CHARS)).await;
    let newest = house.post(room, &anna, "newest").await;
    let last = async || house.storage.conversations_of(anna.id).await.unwrap().remove(0).last_message;
    let shown = last().await.unwrap();
    assert_eq!((shown.id, shown.text.as_str(), shown.seq), (newest.id, "newest", Seq(3)));
    assert_eq!((shown.author, shown.timestamp), (newest.author.clone(), at(2)));
    house.write(room, delete(&newest, &anna)).await.unwrap();
    let shown = last().await.unwrap();
    assert_eq!((shown.id, shown.text), (long.id, "ä🐦".repeat(PREVIEW_CHARS / 2)));
    house.write(room, delete(&long, &anna)).await.unwrap();
    assert_eq!(last().await, None);
}

pub async fn members_stand_in_the_order_of_joining(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let people = [house.user("carla").await, house.user("anna").await, house.user("ben").await];
    let room = house.room(&[&people[0]]).await;
    for user in &people[1..] {
        assert!(house.write(room, Write::Join { user: user.as_ref() }).await.unwrap().changed);
    }
    let members = house.storage.members(room).await.unwrap();
    assert_eq!(members.iter().map(|member| &member.user).collect::<Vec<_>>(), people.iter().collect::<Vec<_>>());
    assert_eq!(house.storage.access(people[2].id, room).await.unwrap().unwrap().members, 3);
}

pub async fn joining_twice_changes_nothing(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let anna = house.user("anna").await;
    let room = house.room(&[&anna]).await;
    let again = house.write(room, Write::Join { user: anna.as_ref() }).await.unwrap();
    assert_eq!((again.seq, again.changed), (Seq(1), false));
    assert_eq!(house.head(room).await, Seq(1));
}

pub async fn leaving_forgets_the_read_position(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let (anna, ben) = (house.user("anna").await, house.user("ben").await);
    let room = house.room(&[&anna, &ben]).await;
    house.post(room, &ben, "hello").await;
    house.write(room, Write::Leave { user: ben.as_ref() }).await.unwrap();
    assert_eq!(house.storage.reads(room, 10).await.unwrap(), []);
    assert_eq!(house.storage.members(room).await.unwrap().len(), 1);
    assert_eq!(house.storage.access(anna.id, room).await.unwrap().unwrap().members, 1);
    let twice = house.write(room, Write::Leave { user: ben.as_ref() }).await;
    assert!(matches!(twice, Err(StorageError::NotFound)));
    house.write(room, Write::Join { user: ben.as_ref() }).await.unwrap();
    assert_eq!(house.storage.members(room).await.unwrap()[1].up_to, Seq::ZERO);
}

pub async fn a_read_position_moves_forward_and_no_further_than_the_head(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let (anna, ben) = (house.user("anna").await, house.user("ben").await);
    let room = house.room(&[&anna, &ben]).await;
    for text in ["one", "two"] {
        house.post(room, &anna, text).await;
    }
    let read = async |seq| house.storage.set_read(ben.id, room, Seq(seq)).await.unwrap();
    assert_eq!(read(3).await, Some(Seq(3)));
    assert_eq!((read(3).await, read(1).await, read(0).await), (None, None, None));
    assert_eq!(read(u64::MAX).await, Some(Seq(4)));
    assert_eq!(house.storage.members(room).await.unwrap()[1].up_to, Seq(4));
    assert_eq!(house.head(room).await, Seq(4), "reading is no event");
}

pub async fn reads_name_the_furthest_first(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let people = [house.user("anna").await, house.user("ben").await, house.user("carla").await];
    let room = house.room(&[&people[0], &people[1], &people[2]]).await;
    house.storage.set_read(people[0].id, room, Seq(1)).await.unwrap();
    house.storage.set_read(people[2].id, room, Seq(3)).await.unwrap();
    let reads = house.storage.reads(room, 10).await.unwrap();
    let (people, seqs): (Vec<_>, Vec<_>) = reads.into_iter().map(|read| (read.user, read.up_to.0)).unzip();
    assert_eq!((names(&people), seqs), (vec!["CARLA", "ANNA"], vec![3, 1]));
    assert_eq!(house.storage.reads(room, 1).await.unwrap().len(), 1);
}

pub async fn a_conversation_holds_so_many_members(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let make = |i| {
        let storage = house.storage.clone();
        async move { storage.create_user(super::new_user(&format!("user{i}"))).await.unwrap() }
    };
    // A few at a time: on a slow disk a thousand of them wait longer for their turn than anybody may.
    let people: Vec<_> = stream::iter(0..=MEMBERS_PER_CONVERSATION).map(make).buffered(16).collect().await;
    let people: Vec<_> = people.iter().collect();
    let too_many = house.storage.create_conversation(new_room(fresh_id!(ConversationId), &people)).await;
    assert!(matches!(too_many, Err(StorageError::Full(_))));
    let (one_more, members) = people.split_last().unwrap();
    let room = house.room(members).await;
    let full = house.write(room, Write::Join { user: one_more.as_ref() }).await;
    assert!(matches!(full, Err(StorageError::Full(_))));
    house.write(room, Write::Leave { user: members[5].as_ref() }).await.unwrap();
    house.write(room, Write::Join { user: one_more.as_ref() }).await.unwrap();
}

pub async fn a_person_is_in_so_many_conversations(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let (anna, ben) = (house.user("anna").await, house.user("ben").await);
    let founders = [&anna];
    let rooms = (0..CONVERSATIONS_PER_USER).map(|_| house.room(&founders));
    let rooms = futures_util::future::join_all(rooms).await;
    let one_more = house.storage.create_conversation(new_room(fresh_id!(ConversationId), &[&anna])).await;
    assert!(matches!(one_more, Err(StorageError::Full(_))));
    let room = house.room(&[&ben]).await;
    let full = house.write(room, Write::Join { user: anna.as_ref() }).await;
    assert!(matches!(full, Err(StorageError::Full(_))));
    house.write(rooms[0], Write::Leave { user: anna.as_ref() }).await.unwrap();
    house.write(room, Write::Join { user: anna.as_ref() }).await.unwrap();
    assert_eq!(house.storage.conversations_of(anna.id).await.unwrap().len(), CONVERSATIONS_PER_USER);
}

pub async fn nobody_unknown_becomes_a_member(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let anna = house.user("anna").await;
    let mut ghost = anna.clone();
    ghost.id = fresh_id!(crate::protocol::UserId);
    let room = house.room(&[&anna]).await;
    let joined = house.write(room, Write::Join { user: ghost.as_ref() }).await;
    assert!(matches!(joined, Err(StorageError::NotFound)));
    let id = fresh_id!(ConversationId);
    let founded = house.storage.create_conversation(new_room(id, &[&anna, &ghost])).await;
    assert!(matches!(founded, Err(StorageError::NotFound)));
    assert_eq!(house.storage.conversation_of(anna.id, id).await.unwrap(), None, "nothing of it is left");
}

pub async fn a_conversation_is_founded_once(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let (anna, ben) = (house.user("anna").await, house.user("ben").await);
    let (id, other) = (house.room(&[&anna]).await, house.room(&[&ben]).await);
    // In one commit, as far as the backend puts them together.
    let (again, posted) = tokio::join!(house.storage.create_conversation(new_room(id, &[&ben])), async {
        house.post(other, &ben, "meanwhile").await
    });
    assert!(matches!(again, Err(StorageError::Forbidden)));
    assert_eq!(house.storage.access(ben.id, id).await.unwrap(), None, "nobody comes in that way");
    assert!(house.storage.message(other, posted.id).await.unwrap().is_some(), "it harms nobody");
}
