//! The log: what goes in comes out, whole, in order, for good.

use super::{Backend, House, at, edit, message, parse};
use crate::{
    fresh_id,
    protocol::{ConversationId, DurableFrame, Event, Seq, Side},
    server::storage::{Append, StorageError, Write},
};

pub async fn an_event_is_read_back_as_it_was_sent(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let anna = house.user("anna").await;
    let room = house.room(&[&anna]).await;
    let sent = house.post(room, &anna, "\"quoted\" \u{1F426} \\ </script>\u{2028}").await;
    let page = house.storage.events(room, Seq(1), 10, usize::MAX, Side::House).await.unwrap();
    assert_eq!(page.frames.len(), 1);
    let expected = DurableFrame { conversation_id: room, seq: Seq(2), timestamp: at(2), event: Event::Message(sent) };
    assert_eq!(parse(&page.frames[0]), expected);
    let told = house.close().await;
    assert_eq!(&*told[1].payload, page.frames[0].text);
    assert_eq!(told[1].event, expected.event);
}

pub async fn a_page_is_bounded_by_count_and_bytes(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let anna = house.user("anna").await;
    let room = house.room(&[&anna]).await;
    for _ in 0..9 {
        house.post(room, &anna, &"x".repeat(1_000)).await;
    }
    let seqs = async |after, limit, bytes| {
        let page = house.storage.events(room, Seq(after), limit, bytes, Side::House).await.unwrap();
        assert_eq!(page.head, Seq(10));
        page.frames.iter().map(|frame| frame.seq.0).collect::<Vec<_>>()
    };
    assert_eq!(seqs(0, 3, usize::MAX).await, [1, 2, 3]);
    assert_eq!(seqs(1, 100, 4_000).await, [2, 3, 4]);
    assert_eq!(seqs(1, 100, 1).await, [2], "the first goes however large it is");
    assert_eq!(seqs(10, 100, 4_000).await, [0; 0]);
    assert_eq!(seqs(u64::MAX, 100, 4_000).await, [0; 0]);
}

pub async fn a_conversation_that_is_not_there_is_not_found(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let anna = house.user("anna").await;
    let nowhere = fresh_id!(ConversationId);
    let page = house.storage.events(nowhere, Seq::ZERO, 10, usize::MAX, Side::House).await;
    assert!(matches!(page, Err(StorageError::NotFound)));
    let lost = message(&anna, "hello?");
    for write in [edit(&lost, &anna, "x"), Write::Post(lost.clone()), Write::Join { user: anna.as_ref() }] {
        assert!(matches!(house.write(nowhere, write).await, Err(StorageError::NotFound)));
    }
    assert!(house.close().await.is_empty());
}

pub async fn the_sink_has_every_event_in_order(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let (anna, ben) = (house.user("anna").await, house.user("ben").await);
    let room = house.room(&[&anna, &ben]).await;
    let first = house.post(room, &anna, "one").await;
    house.write(room, edit(&first, &anna, "two")).await.unwrap();
    house.write(room, Write::Leave { user: ben.as_ref() }).await.unwrap();
    let stored = house.storage.events(room, Seq::ZERO, 10, usize::MAX, Side::House).await.unwrap();
    let told = house.close().await;
    assert_eq!(
        told.iter().map(|frame| frame.event.kind()).collect::<Vec<_>>(),
        ["member", "member", "message", "edited", "member"]
    );
    let texts = |frames: &[_]| frames.len();
    assert_eq!(texts(&told), stored.frames.len());
    for (told, stored) in told.iter().zip(&stored.frames) {
        assert_eq!((told.conversation_id, told.seq, &*told.payload), (room, stored.seq, stored.text.as_str()));
    }
}

pub async fn everything_is_there_after_a_reopen(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let (anna, ben) = (house.user("anna").await, house.user("ben").await);
    let room = house.room(&[&anna, &ben]).await;
    house.post(room, &anna, "kept").await;
    house.storage.set_read(ben.id, room, Seq(2)).await.unwrap();
    let (epoch, log) = (house.storage.log_epoch().await.unwrap(), house.all(room).await);
    house.close().await;

    let house = House::open(backend).await;
    assert_eq!(house.storage.log_epoch().await.unwrap(), epoch);
    assert_eq!(house.all(room).await, log);
    assert_eq!(house.storage.users().await.unwrap(), [anna.clone(), ben.clone()]);
    assert_eq!(house.storage.reads(room, 10).await.unwrap().len(), 2);
    house.post(room, &anna, "and on").await;
    assert_eq!(house.head(room).await, Seq(4));
    assert_eq!(house.close().await.len(), 1, "what was told before is not told again");
}

pub async fn a_closed_storage_takes_no_write(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let anna = house.user("anna").await;
    let room = house.room(&[&anna]).await;
    let writes = (0..100).map(|i| {
        let (storage, write) = (house.storage.clone(), Write::Post(message(&anna, &i.to_string())));
        tokio::spawn(async move { storage.append(Append { conversation_id: room, at: at(2), write }).await })
    });
    let writes: Vec<_> = writes.collect();
    house.storage.close().await;
    house.storage.close().await;
    let outcomes = futures_util::future::join_all(writes).await;
    let acked = outcomes.iter().filter(|outcome| outcome.as_ref().unwrap().is_ok()).count();
    for outcome in outcomes {
        assert!(matches!(outcome.unwrap(), Ok(_) | Err(StorageError::Closed)));
    }
    let late = house.write(room, Write::Post(message(&anna, "late"))).await;
    assert!(matches!(late, Err(StorageError::Closed)));
    assert_eq!(house.close().await.len(), 1 + acked);
    let house = House::open(backend).await;
    assert_eq!(house.head(room).await.0, 1 + acked as u64, "what was acked is there, what was refused is not");
}

pub async fn health_is_good(backend: &dyn Backend) {
    let house = House::open(backend).await;
    house.storage.health().await.unwrap();
    house.storage.close().await;
    house.storage.health().await.unwrap_err();
}
