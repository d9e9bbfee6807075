//! Messages: posted once, edited by their authors, deleted without a trace, found by their words.

use super::{Backend, House, at, delete, edit, message, names, react};
use crate::{
    fresh_id,
    protocol::{
        ConversationId, Event, Message, MessageId, RunId, Sender, Seq, Side, UserId,
        agent::RunResult,
        http::{MessageNow, User},
        limits::REACTIONS_PER_MESSAGE,
        server::Format,
    },
    server::storage::{Append, StorageError, Write},
};

async fn now(house: &House, room: ConversationId) -> Vec<MessageNow> {
    house.storage.messages(room, None, 100, Side::House).await.unwrap().messages
}

fn text(message: &MessageNow) -> &str {
    match &message.frame.event {
        Event::Message(message) => &message.text,
        other => panic!("a message, not {}", other.kind()),
    }
}

pub async fn a_post_is_an_event_and_a_message(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let anna = house.user("anna").await;
    let room = house.room(&[&anna]).await;
    let sent = message(&anna, "hello");
    let appended = house.write(room, Write::Post(sent.clone())).await.unwrap();
    let posted = appended.posted.unwrap();
    assert_eq!((appended.seq, appended.changed), (Seq(2), true));
    assert_eq!((Some(posted.client_id), posted.message_id), (sent.client_id.clone(), sent.id));
    assert_eq!((posted.timestamp, posted.duplicate), (at(2), false));
    let frame = house.all(room).await.remove(1);
    assert_eq!(frame.event, Event::Message(sent));
    let expected = MessageNow { frame, edited_at: None, deleted: false, reactions: Vec::new() };
    assert_eq!(now(&house, room).await, [expected]);
}

pub async fn a_retry_is_the_same_message(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let anna = house.user("anna").await;
    let room = house.room(&[&anna]).await;
    let sent = house.post(room, &anna, "once").await;
    house.post(room, &anna, "between").await;
    let write = Write::Post(Message { id: fresh_id!(MessageId), ..sent.clone() });
    let again = house.storage.append(Append { conversation_id: room, at: at(9), write }).await.unwrap();
    let posted = again.posted.unwrap();
    assert_eq!((again.seq, again.changed, posted.duplicate), (Seq(2), false, true));
    assert_eq!((posted.message_id, posted.timestamp), (sent.id, at(2)));
    assert_eq!(house.head(room).await, Seq(3));
    assert_eq!(house.close().await.len(), 3);
}

pub async fn a_retry_is_known_after_edit_and_deletion(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let anna = house.user("anna").await;
    let room = house.room(&[&anna]).await;
    let sent = house.post(room, &anna, "as it was").await;
    for change in [edit(&sent, &anna, "as it is"), delete(&sent, &anna)] {
        house.write(room, change).await.unwrap();
        let again = house.write(room, Write::Post(sent.clone())).await.unwrap();
        assert_eq!((again.seq, again.posted.unwrap().duplicate), (Seq(2), true));
        let other = Message { text: "as it is".to_owned(), ..sent.clone() };
        assert!(matches!(house.write(room, Write::Post(other)).await, Err(StorageError::ClientIdReused)));
    }
}

pub async fn a_client_id_stands_for_one_text_in_one_conversation(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let anna = house.user("anna").await;
    let (room, other_room) = (house.room(&[&anna]).await, house.room(&[&anna]).await);
    let sent = house.post(room, &anna, "one").await;
    let other_text = Message { id: fresh_id!(MessageId), text: "two".to_owned(), ..sent.clone() };
    assert!(matches!(house.write(room, Write::Post(other_text)).await, Err(StorageError::ClientIdReused)));
    let elsewhere = Message { id: fresh_id!(MessageId), ..sent };
    assert!(matches!(house.write(other_room, Write::Post(elsewhere)).await, Err(StorageError::ClientIdReused)));
    assert_eq!((house.head(room).await, house.head(other_room).await), (Seq(2), Seq(1)));
}

pub async fn two_people_may_use_one_client_id(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let (anna, ben) = (house.user("anna").await, house.user("ben").await);
    let room = house.room(&[&anna, &ben]).await;
    let of_anna = house.post(room, &anna, "mine").await;
    let of_ben = Message { client_id: of_anna.client_id, ..message(&ben, "mine") };
    let posted = house.write(room, Write::Post(of_ben)).await.unwrap().posted.unwrap();
    assert!(!posted.duplicate);
}

pub async fn a_removed_members_writes_are_refused(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let (anna, ben) = (house.user("anna").await, house.user("ben").await);
    let room = house.room(&[&anna, &ben]).await;
    let of_ben = house.post(room, &ben, "before").await;
    house.write(room, Write::Leave { user: ben.as_ref() }).await.unwrap();
    let writes = [
        Write::Post(message(&ben, "after")),
        edit(&of_ben, &ben, "changed"),
        delete(&of_ben, &ben),
        react(&of_ben, &ben, "👍", true),
    ];
    for write in writes {
        assert!(matches!(house.write(room, write).await, Err(StorageError::NotFound)));
    }
    assert_eq!(house.head(room).await, Seq(4));
}

pub async fn a_reply_names_a_message_of_the_same_conversation(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let anna = house.user("anna").await;
    let (room, other_room) = (house.room(&[&anna]).await, house.room(&[&anna]).await);
    let (here, there) = (house.post(room, &anna, "here").await, house.post(other_room, &anna, "there").await);
    let reply = async |to| {
        let reply = Message { reply_to: Some(to), ..message(&anna, "reply") };
        house.write(room, Write::Post(reply)).await
    };
    assert_eq!(reply(here.id).await.unwrap().seq, Seq(3));
    for elsewhere in [there.id, fresh_id!(MessageId)] {
        assert!(matches!(reply(elsewhere).await, Err(StorageError::NotFound)));
    }
}

pub async fn only_the_author_edits(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let (anna, ben) = (house.user("anna").await, house.user("ben").await);
    let room = house.room(&[&anna, &ben]).await;
    let sent = house.post(room, &anna, "first").await;
    assert!(matches!(house.write(room, edit(&sent, &ben, "mine now")).await, Err(StorageError::Forbidden)));
    let elsewhere = house.room(&[&anna]).await;
    assert!(matches!(house.write(elsewhere, edit(&sent, &anna, "x")).await, Err(StorageError::NotFound)));
    let edited = house.write(room, edit(&sent, &anna, "second")).await.unwrap();
    assert_eq!((edited.seq, edited.changed), (Seq(4), true));
    let shown = now(&house, room).await.remove(0);
    assert_eq!((text(&shown), shown.edited_at, shown.frame.seq), ("second", Some(at(2)), Seq(3)));
}

pub async fn an_edit_that_changes_nothing_makes_no_event(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let anna = house.user("anna").await;
    let room = house.room(&[&anna]).await;
    let sent = house.post(room, &anna, "same").await;
    let edited = house.write(room, edit(&sent, &anna, "same")).await.unwrap();
    assert_eq!((edited.seq, edited.changed), (Seq(2), false));
    assert_eq!(now(&house, room).await[0].edited_at, None);
}

pub async fn the_author_and_moderators_delete(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let (anna, ben) = (house.user("anna").await, house.user("ben").await);
    let room = house.room(&[&anna, &ben]).await;
    let (first, second) = (house.post(room, &anna, "one").await, house.post(room, &anna, "two").await);
    assert!(matches!(house.write(room, delete(&first, &ben)).await, Err(StorageError::Forbidden)));
    assert!(house.write(room, delete(&first, &anna)).await.unwrap().changed);
    let by_moderator = Write::Delete { message_id: second.id, by: ben.as_ref(), moderates: true };
    assert!(house.write(room, by_moderator.clone()).await.unwrap().changed);
    let again = house.write(room, by_moderator).await.unwrap();
    assert_eq!((again.changed, again.seq), (false, Seq(6)));
    assert!(now(&house, room).await.iter().all(|message| message.deleted && text(message).is_empty()));
}

/// An agent's message, and the result that repeats it.
fn answer(text: &str) -> (Message, Event) {
    let (id, run_id) = (fresh_id!(MessageId), fresh_id!(RunId));
    let author = crate::protocol::Author {
        id: UserId::of_agent("assistant"),
        name: "Assistant".to_owned(),
        emoji: Some("🐦".to_owned()),
    };
    let message = Message {
        id,
        sender: Sender::Agent,
        author,
        text: text.to_owned(),
        format: Format::Markdown,
        client_id: None,
        reply_to: None,
        run_id: Some(run_id),
        visibility: crate::protocol::Visibility::Public,
        partial: false,
    };
    let result = RunResult { run_id, content: text.to_owned(), format: Format::Markdown, message_id: id };
    (message, Event::Result(result))
}

fn moderate(message: &Message, by: &User) -> Write {
    Write::Delete { message_id: message.id, by: by.as_ref(), moderates: true }
}

async fn log_holds(house: &House, room: ConversationId, word: &str) -> bool {
    let page = house.storage.events(room, Seq::ZERO, u64::MAX, usize::MAX, Side::House).await.unwrap();
    page.frames.iter().any(|frame| frame.text.contains(word))
}

pub async fn deleting_blanks_every_trace_of_the_text(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let anna = house.user("anna").await;
    let room = house.room(&[&anna]).await;
    let sent = house.post(room, &anna, "secret one").await;
    house.write(room, edit(&sent, &anna, "secret two")).await.unwrap();
    house.write(room, edit(&sent, &anna, "secret three")).await.unwrap();
    house.write(room, react(&sent, &anna, "👍", true)).await.unwrap();
    let (message, result) = answer("secret four");
    house.server(room, Event::Message(message.clone())).await;
    house.server(room, result).await;
    let before = house.all(room).await;
    assert!(log_holds(&house, room, "secret").await);

    house.write(room, delete(&sent, &anna)).await.unwrap();
    house.write(room, moderate(&message, &anna)).await.unwrap();
    assert!(!log_holds(&house, room, "secret").await);
    let after = house.all(room).await;
    let kinds = |frames: &[crate::protocol::DurableFrame]| -> Vec<_> {
        frames.iter().map(|frame| (frame.seq, frame.timestamp, frame.event.kind())).collect()
    };
    assert_eq!(kinds(&after[..before.len()]), kinds(&before), "every event keeps its place");
    let left = now(&house, room).await;
    assert!(left.iter().all(|message| message.deleted && message.reactions.is_empty() && text(message).is_empty()));
    assert_eq!(house.storage.search(room, "secret", 10, Side::House).await.unwrap(), []);
}

pub async fn a_result_after_the_deletion_is_blank(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let anna = house.user("anna").await;
    let room = house.room(&[&anna]).await;
    let (message, result) = answer("secret");
    house.server(room, Event::Message(message.clone())).await;
    house.write(room, moderate(&message, &anna)).await.unwrap();
    house.server(room, result).await;
    assert!(!log_holds(&house, room, "secret").await);
}

pub async fn a_deleted_message_takes_nothing_more(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let anna = house.user("anna").await;
    let room = house.room(&[&anna]).await;
    let sent = house.post(room, &anna, "gone").await;
    house.write(room, delete(&sent, &anna)).await.unwrap();
    for write in [edit(&sent, &anna, "back"), react(&sent, &anna, "👍", true), react(&sent, &anna, "👍", false)] {
        assert!(matches!(house.write(room, write).await, Err(StorageError::NotFound)));
    }
    assert!(!house.write(room, delete(&sent, &anna)).await.unwrap().changed);
    assert_eq!(house.head(room).await, Seq(3));
}

pub async fn reactions_are_kept_by_emoji_and_person(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let (anna, ben) = (house.user("anna").await, house.user("ben").await);
    let room = house.room(&[&anna, &ben]).await;
    let sent = house.post(room, &anna, "hello").await;
    let toggle = async |by: &User, emoji, on| house.write(room, react(&sent, by, emoji, on)).await.unwrap().changed;
    assert!(toggle(&ben, "🐦", true).await);
    assert!(toggle(&ben, "👍", true).await);
    assert!(toggle(&anna, "👍", true).await);
    assert!(!toggle(&anna, "👍", true).await, "on twice");
    assert!(!toggle(&anna, "🐦", false).await, "off without on");
    assert!(toggle(&ben, "🐦", false).await);
    assert_eq!(house.head(room).await, Seq(7));
    let reactions = now(&house, room).await.remove(0).reactions;
    assert_eq!(reactions.len(), 1);
    assert_eq!((reactions[0].emoji.as_str(), names(&reactions[0].by)), ("👍", vec!["BEN", "ANNA"]));
}

pub async fn a_message_holds_so_many_kinds_of_reaction(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let (anna, ben) = (house.user("anna").await, house.user("ben").await);
    let room = house.room(&[&anna, &ben]).await;
    let sent = house.post(room, &anna, "hello").await;
    let kind = |i: usize| char::from_u32(0x1F600 + i as u32).unwrap().to_string();
    for i in 0..REACTIONS_PER_MESSAGE {
        house.write(room, react(&sent, &anna, &kind(i), true)).await.unwrap();
    }
    let one_more = react(&sent, &ben, &kind(REACTIONS_PER_MESSAGE), true);
    assert!(matches!(house.write(room, one_more.clone()).await, Err(StorageError::Full(_))));
    house.write(room, react(&sent, &ben, &kind(0), true)).await.unwrap();
    house.write(room, react(&sent, &anna, &kind(1), false)).await.unwrap();
    house.write(room, one_more).await.unwrap();
}

pub async fn pages_of_messages_go_back_in_time(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let anna = house.user("anna").await;
    let room = house.room(&[&anna]).await;
    for i in 0..7 {
        house.post(room, &anna, &i.to_string()).await;
    }
    let page = async |before, limit| {
        let page = house.storage.messages(room, before, limit, Side::House).await.unwrap();
        (page.messages.iter().map(|message| text(message).to_owned()).collect::<String>(), page.more)
    };
    assert_eq!(page(None, 3).await, ("456".to_owned(), true));
    assert_eq!(page(Some(Seq(6)), 3).await, ("123".to_owned(), true));
    assert_eq!(page(Some(Seq(3)), 3).await, ("0".to_owned(), false));
    assert_eq!(page(None, 7).await, ("0123456".to_owned(), false));
    assert_eq!(page(Some(Seq(u64::MAX)), u64::MAX).await, ("0123456".to_owned(), false));
}

async fn found(house: &House, room: ConversationId, query: &str) -> Vec<String> {
    let found = house.storage.search(room, query, 10, Side::House).await.unwrap();
    found.iter().map(|message| text(message).to_owned()).collect()
}

pub async fn search_finds_messages_with_every_word(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let anna = house.user("anna").await;
    let (room, other_room) = (house.room(&[&anna]).await, house.room(&[&anna]).await);
    for text in ["The red fox", "a red house, a Fox", "only red"] {
        house.post(room, &anna, text).await;
    }
    let (message, _) = answer("red fox of the agents");
    house.server(room, Event::Message(message)).await;
    house.post(other_room, &anna, "red fox elsewhere").await;
    let both = ["red fox of the agents", "a red house, a Fox", "The red fox"];
    assert_eq!(found(&house, room, " fox  RED ").await, both);
    assert_eq!(house.storage.search(room, "red", 2, Side::House).await.unwrap().len(), 2);
    assert!(found(&house, room, "red green").await.is_empty());
}

pub async fn search_forgets_edited_and_deleted_text(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let anna = house.user("anna").await;
    let room = house.room(&[&anna]).await;
    let sent = house.post(room, &anna, "old words").await;
    house.write(room, edit(&sent, &anna, "new words")).await.unwrap();
    assert!(found(&house, room, "old").await.is_empty());
    assert_eq!(found(&house, room, "new").await, ["new words"]);
    house.write(room, delete(&sent, &anna)).await.unwrap();
    assert!(found(&house, room, "new").await.is_empty() && found(&house, room, "words").await.is_empty());
}

pub async fn search_takes_any_text(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let anna = house.user("anna").await;
    let room = house.room(&[&anna]).await;
    house.post(room, &anna, "say \"hello\" to C++ NOT me").await;
    for query in ["\"hello\"", "hello NOT", "hello \u{1F426}", "c++", "NOT", "\"hello to\"\"", "hel\0lo hello"] {
        let found = house.storage.search(room, query, 10, Side::House).await;
        assert!(found.is_ok(), "{query:?}: {found:?}");
    }
    assert_eq!(found(&house, room, "\"hello\" NOT \u{1F426} +").await.len(), 1);
    for nothing in ["", "  ", "\"", "* AND (", "text:", "conversation : x", "\0", "hell*", "bye OR hello"] {
        assert!(found(&house, room, nothing).await.is_empty(), "{nothing:?}");
    }
}

pub async fn ones_own_post_is_read(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let (anna, ben) = (house.user("anna").await, house.user("ben").await);
    let room = house.room(&[&anna, &ben]).await;
    house.post(room, &ben, "hello").await;
    house.post(room, &anna, "hello").await;
    let positions: Vec<_> = house.storage.members(room).await.unwrap().iter().map(|member| member.up_to.0).collect();
    assert_eq!(positions, [4, 3]);
}
