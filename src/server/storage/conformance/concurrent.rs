//! Many at once: the same promises.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;

use super::{Backend, House, at, delete, message};
use crate::{
    fresh_id,
    protocol::{ConversationId, Message, MessageId, Seq},
    server::storage::{Append, Write},
};

pub async fn sixty_four_writers_leave_no_hole(backend: &dyn Backend) {
    const WRITERS: usize = 64;
    const EACH: usize = 20;
    let house = House::open(backend).await;
    let anna = house.user("anna").await;
    let rooms = [house.room(&[&anna]).await, house.room(&[&anna]).await, house.room(&[&anna]).await];
    let writers = (0..WRITERS).map(|writer| {
        let (storage, anna) = (house.storage.clone(), anna.clone());
        tokio::spawn(async move {
            let mut acked = Vec::new();
            for i in 0..EACH {
                let conversation_id = rooms[(writer + i) % rooms.len()];
                let sent = message(&anna, "x");
                let id = sent.id;
                let write = Write::Post(sent);
                let appended = storage.append(Append { conversation_id, at: at(2), write }).await.unwrap();
                acked.push((conversation_id, appended.seq, id));
            }
            acked
        })
    });
    let acked: Vec<_> = join_all(writers).await.into_iter().flat_map(|acked| acked.unwrap()).collect();
    for room in rooms {
        let stored: BTreeMap<Seq, MessageId> = house
            .all(room)
            .await
            .into_iter()
            .filter_map(|frame| match frame.event {
                crate::protocol::Event::Message(message) => Some((frame.seq, message.id)),
                _ => None,
            })
            .collect();
        let of_room = acked.iter().filter(|(id, ..)| *id == room).map(|(_, seq, id)| (*seq, *id)).collect();
        assert_eq!(stored, of_room, "every ack names its own event");
    }
    let mut heads: BTreeMap<ConversationId, Seq> = BTreeMap::new();
    for frame in house.close().await {
        let head = heads.entry(frame.conversation_id).or_default();
        *head = head.next();
        assert_eq!(frame.seq, *head, "the sink has them in the order of seq");
    }
    assert_eq!(heads.values().map(|head| head.0 as usize).sum::<usize>(), rooms.len() + WRITERS * EACH);
}

pub async fn one_message_of_many_retries_at_once(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let anna = house.user("anna").await;
    let room = house.room(&[&anna]).await;
    let sent = message(&anna, "once");
    let tries = (0..32).map(|_| house.write(room, Write::Post(Message { id: fresh_id!(MessageId), ..sent.clone() })));
    let outcomes: Vec<_> = join_all(tries).await.into_iter().map(|outcome| outcome.unwrap()).collect();
    assert_eq!(outcomes.iter().filter(|outcome| outcome.changed).count(), 1);
    let ids: BTreeSet<_> = outcomes.iter().map(|outcome| outcome.posted.as_ref().unwrap().message_id).collect();
    assert_eq!((ids.len(), house.head(room).await), (1, Seq(2)));
}

pub async fn a_refused_write_harms_no_other(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let (anna, eve) = (house.user("anna").await, house.user("eve").await);
    let room = house.room(&[&anna]).await;
    let writes = (0..64).map(|i| {
        let write = match i % 4 {
            0 => Write::Post(message(&eve, "not a member")),
            1 => Write::Post(Message { reply_to: Some(fresh_id!(MessageId)), ..message(&anna, "to nothing") }),
            2 => delete(&message(&anna, "never sent"), &anna),
            _ => Write::Post(message(&anna, "good")),
        };
        house.write(room, write)
    });
    let outcomes = join_all(writes).await;
    let good = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!((good, house.all(room).await.len()), (16, 17));
    assert_eq!(house.close().await.len(), 17);
}
