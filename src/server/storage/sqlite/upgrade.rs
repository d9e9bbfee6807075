//! A file of an earlier version opens as this one's, with everything that was in it.

use std::{borrow::Cow, sync::Arc};

use sqlx::{SqliteConnection, migrate::Migrator};

use super::{SqliteStorage, log, pool};
use crate::{
    fresh_id,
    protocol::{
        Audience, ConversationId, Event, Message, Seq, Side, UserId,
        http::{Kind, User},
        server::{Deleted, MemberChanged, Membership},
    },
    server::storage::{
        LoggedFrame, Storage,
        conformance::{at, message, new_user},
    },
};

async fn write(connection: &mut SqliteConnection, room: ConversationId, seq: u64, event: Event) {
    let frame = log::encode(room, Seq(seq), at(1), Kind::Room, event, Audience::Everyone);
    sqlx::query("INSERT INTO events (conversation_id, seq, kind, audience, frame) VALUES (?, ?, ?, 'public', ?)")
        .bind(room)
        .bind(frame.seq)
        .bind(frame.event.kind())
        .bind(&*frame.payload)
        .execute(&mut *connection)
        .await
        .unwrap();
    if let Event::Message(message) = &frame.event {
        let sql = "INSERT INTO messages (conversation_id, seq, id, author_id, text, posted_at, deleted)
                   VALUES (?, ?, ?, ?, ?, ?, ?)";
        let query = sqlx::query(sql).bind(room).bind(frame.seq).bind(message.id).bind(message.author.id);
        query.bind(&message.text).bind(at(1)).bind(message.text.is_empty()).execute(connection).await.unwrap();
    }
}

async fn person(connection: &mut SqliteConnection, room: ConversationId, id: UserId, name: &str) {
    let user = new_user(name);
    let sql = "INSERT INTO users VALUES (?, ?, ?, ?, ?, 'member', 0, ?)";
    let query = sqlx::query(sql).bind(id).bind(name).bind(name).bind(name).bind(user.password_hash).bind(user.at);
    query.execute(&mut *connection).await.unwrap();
    let sql = "INSERT INTO members (conversation_id, user_id, joined_seq) VALUES (?, ?, 1)";
    sqlx::query(sql).bind(room).bind(id).execute(connection).await.unwrap();
}

#[tokio::test]
async fn a_file_of_the_first_version_keeps_its_log_its_unread_counts_and_its_search() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("magpie.db");
    let (room, anna, ben) = (fresh_id!(ConversationId), fresh_id!(UserId), fresh_id!(UserId));
    let user = |id, name: &str| User {
        id,
        username: name.into(),
        display_name: name.into(),
        role: crate::protocol::http::Role::Member,
        disabled: false,
    };
    let (anna, ben) = (user(anna, "anna"), user(ben, "ben"));
    let old = pool(1, super::SqliteConnectOptions::new().filename(&path).create_if_missing(true)).await.unwrap();
    let all = sqlx::migrate!("src/server/storage/migrations/sqlite");
    let first = all.iter().filter(|migration| migration.version == 1).cloned().collect::<Vec<_>>();
    Migrator { migrations: Cow::Owned(first), ..Migrator::DEFAULT }.run(&old).await.unwrap();
    {
        let mut connection = old.acquire().await.unwrap();
        let sql = "INSERT INTO conversations VALUES (?, 'Room', 'room', 0, ?, 4, 2, ?)";
        let sent = message(&anna, "blue heron");
        let gone = Message { text: String::new(), ..message(&anna, "") };
        sqlx::query("PRAGMA foreign_keys = off").execute(&mut *connection).await.unwrap();
        sqlx::query(sql).bind(room).bind(anna.id).bind(at(1)).execute(&mut *connection).await.unwrap();
        person(&mut connection, room, anna.id, "anna").await;
        person(&mut connection, room, ben.id, "ben").await;
        let joined = MemberChanged { user: anna.as_ref(), change: Membership::Joined };
        write(&mut connection, room, 1, Event::Member(joined)).await;
        write(&mut connection, room, 2, Event::Message(sent)).await;
        write(&mut connection, room, 3, Event::Message(gone.clone())).await;
        let deleted = Deleted { message_id: gone.id, by: anna.as_ref() };
        write(&mut connection, room, 4, Event::Deleted(deleted)).await;
    }
    old.close().await;

    let (sink, mut commits) = tokio::sync::mpsc::channel::<Arc<LoggedFrame>>(8);
    let storage = SqliteStorage::open(&path, Arc::new(sink)).await.unwrap();
    let log = storage.events(room, Seq::ZERO, 10, 1 << 20, Side::House).await.unwrap();
    assert_eq!(log.frames.iter().map(|frame| frame.seq.0).collect::<Vec<_>>(), [1, 2, 3, 4]);
    let line = storage.conversation_of(ben.id, room).await.unwrap().unwrap();
    assert_eq!((line.unread, line.last_message.map(|last| last.text)), (1, Some("blue heron".into())));
    assert_eq!(storage.messages(room, None, 10, Side::House).await.unwrap().messages.len(), 2);
    assert_eq!(storage.search(room, "heron", 10, Side::House).await.unwrap().len(), 1);

    let write = crate::server::storage::Write::Post(message(&ben, "grey heron"));
    let append = crate::server::storage::Append { conversation_id: room, at: at(2), write };
    assert_eq!(storage.append(append).await.unwrap().seq, Seq(5));
    assert_eq!(commits.recv().await.unwrap().seq, Seq(5));
    assert_eq!(storage.search(room, "heron", 10, Side::House).await.unwrap().len(), 2);
    storage.close().await;
}
