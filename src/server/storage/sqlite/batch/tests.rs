//! Batches put together by hand: what callers at the same time can only hope to meet.

use super::*;
use crate::{
    fresh_id,
    protocol::{Message, Side},
    server::storage::{
        LoggedFrame, Storage,
        conformance::{at, delete, edit, message, new_room, new_user, react},
        sqlite::SqliteStorage,
    },
};

/// A room with one member, beside somebody who is not in it.
struct Scene {
    storage: SqliteStorage,
    room: ConversationId,
    anna: crate::protocol::http::User,
    ben: crate::protocol::http::User,
    _place: tempfile::TempDir,
}

impl Scene {
    async fn set() -> Self {
        let place = tempfile::tempdir().unwrap();
        let (sink, _) = tokio::sync::mpsc::channel::<std::sync::Arc<crate::server::storage::LoggedFrame>>(1);
        let storage = SqliteStorage::open(&place.path().join("magpie.db"), std::sync::Arc::new(sink)).await.unwrap();
        let anna = storage.create_user(new_user("anna")).await.unwrap();
        let ben = storage.create_user(new_user("ben")).await.unwrap();
        let room = fresh_id!(ConversationId);
        storage.create_conversation(new_room(room, &[&anna])).await.unwrap();
        Self { storage, room, anna, ben, _place: place }
    }

    fn append(&self, write: Write) -> Work {
        Work::Append(Append { conversation_id: self.room, at: at(2), write })
    }

    async fn commit(&self, works: Vec<Work>) -> Result<Committed> {
        commit(&self.storage.write, works).await
    }

    async fn head(&self) -> Seq {
        self.storage.events(self.room, Seq::ZERO, 1, 1, Side::House).await.unwrap().head
    }
}

fn seqs(logged: &[std::sync::Arc<LoggedFrame>]) -> Vec<u64> {
    logged.iter().map(|frame| frame.seq.0).collect()
}

#[tokio::test]
async fn each_write_sees_those_before_it() {
    let scene = Scene::set().await;
    let (of_anna, of_ben) = (message(&scene.anna, "one"), message(&scene.ben, "two"));
    let reply = Message { reply_to: Some(of_anna.id), ..message(&scene.anna, "to one") };
    let works = vec![
        scene.append(Write::Post(of_ben.clone())),
        scene.append(Write::Post(of_anna.clone())),
        scene.append(Write::Post(of_anna.clone())),
        scene.append(Write::Post(reply)),
        scene.append(Write::Join { user: scene.ben.as_ref() }),
        scene.append(Write::Post(of_ben.clone())),
        scene.append(react(&of_anna, &scene.ben, "👍", true)),
        scene.append(Write::Leave { user: scene.ben.as_ref() }),
        scene.append(edit(&of_ben, &scene.ben, "three")),
    ];
    let committed = scene.commit(works).await.unwrap();
    let outcomes: Vec<_> =
        committed.outcomes.iter().map(|it| it.as_ref().ok().map(|it| (it.seq.0, it.changed))).collect();
    let taken = |seq| Some((seq, true));
    assert_eq!(outcomes, [None, taken(2), Some((2, false)), taken(3), taken(4), taken(5), taken(6), taken(7), None]);
    assert_eq!(seqs(&committed.logged), [2, 3, 4, 5, 6, 7]);
    assert_eq!(scene.head().await, Seq(7));
}

#[tokio::test]
async fn a_failure_of_the_database_leaves_nothing_of_the_batch() {
    let scene = Scene::set().await;
    let first = message(&scene.anna, "first");
    // Ids are the server's own: one that comes twice is no refusal but a fault.
    let same_id = Message { id: first.id, ..message(&scene.anna, "second") };
    let works = vec![
        scene.append(Write::Join { user: scene.ben.as_ref() }),
        scene.append(Write::Post(first.clone())),
        scene.append(Write::Post(same_id)),
    ];
    assert!(matches!(scene.commit(works).await, Err(StorageError::Database(_))));
    assert_eq!(scene.head().await, Seq(1));
    assert_eq!(scene.storage.members(scene.room).await.unwrap().len(), 1);

    let committed = scene.commit(vec![scene.append(Write::Post(first))]).await.unwrap();
    assert_eq!(seqs(&committed.logged), [2], "the next batch goes on as if nothing had been");
}

#[tokio::test]
async fn a_full_batch_of_any_size_is_written_whole() {
    let scene = Scene::set().await;
    let mut head = 1;
    for size in [1, 2, 8, 9, 64, 65, crate::protocol::limits::WRITES_PER_COMMIT] {
        let works = (0..size).map(|i| scene.append(Write::Post(message(&scene.anna, &i.to_string())))).collect();
        let committed = scene.commit(works).await.unwrap();
        assert!(committed.outcomes.iter().all(Result::is_ok));
        head += size as u64;
        assert_eq!((committed.logged.len(), scene.head().await), (size, Seq(head)));
        assert_eq!(scene.storage.members(scene.room).await.unwrap()[0].up_to, Seq(head));
    }
}

#[tokio::test]
async fn read_positions_of_a_batch_end_at_the_furthest() {
    let scene = Scene::set().await;
    let posts = (0..3).map(|i| scene.append(Write::Post(message(&scene.anna, &i.to_string()))));
    let read = |up_to| Work::Read { user: scene.ben.id, conversation: scene.room, up_to: Seq(up_to) };
    let join = scene.append(Write::Join { user: scene.ben.as_ref() });
    let works = [join].into_iter().chain([read(2), read(4), read(3)]).chain(posts).collect();
    let committed = scene.commit(works).await.unwrap();
    let reads: Vec<_> = committed.outcomes[1..4].iter().map(|it| it.as_ref().unwrap()).collect();
    assert_eq!(reads.iter().map(|it| (it.seq.0, it.changed)).collect::<Vec<_>>(), [(2, true), (4, true), (4, false)]);
    assert_eq!(scene.storage.members(scene.room).await.unwrap()[1].up_to, Seq(4));
}

#[tokio::test]
async fn the_search_index_agrees_with_the_messages() {
    let scene = Scene::set().await;
    let sent: Vec<_> = (0..20).map(|i| message(&scene.anna, &format!("word{i} common"))).collect();
    let posts = sent.iter().map(|sent| scene.append(Write::Post(sent.clone())));
    let edits = sent[..10].iter().map(|sent| scene.append(edit(sent, &scene.anna, "edited common")));
    let deletions = sent[5..15].iter().map(|sent| scene.append(delete(sent, &scene.anna)));
    let works = posts.chain(edits).chain(deletions).collect();
    scene.commit(works).await.unwrap();
    let found = async |word: &str| scene.storage.search(scene.room, word, 100, Side::House).await.unwrap().len();
    assert_eq!((found("common").await, found("edited").await, found("word1").await), (10, 5, 0));
    sqlx::query("INSERT INTO search (search, rank) VALUES ('integrity-check', 1)")
        .execute(&scene.storage.write)
        .await
        .unwrap();
}
