//! The log is the source of truth: fold it, and the projections come out.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*, strategy::ValueTree, test_runner::TestRunner};

use super::{Backend, House, delete, edit, message, react};
use crate::protocol::{
    ConversationId, DurableFrame, Event, Message, MessageId, UserId, UserRef,
    http::{MessageNow, ReactionNow, User},
    server::{Membership, Reaction},
};
use crate::server::storage::Write;

/// What somebody tries; some of it is refused, some changes nothing.
#[derive(Clone, Debug)]
enum Try {
    Post { who: usize, text: u8 },
    Edit { who: usize, what: usize, text: u8 },
    Delete { who: usize, what: usize, moderates: bool },
    React { who: usize, what: usize, emoji: usize, on: bool },
    Join { who: usize },
    Leave { who: usize },
}

const PEOPLE: usize = 3;
const EMOJIS: [&str; 3] = ["👍", "🐦", "❤️"];

fn tries() -> impl Strategy<Value = Vec<Try>> {
    let who = 0..PEOPLE;
    let one = prop_oneof![
        4 => (who.clone(), 0..4u8).prop_map(|(who, text)| Try::Post { who, text }),
        3 => (who.clone(), 0..8usize, 0..4u8).prop_map(|(who, what, text)| Try::Edit { who, what, text }),
        2 => (who.clone(), 0..8usize, any::<bool>())
            .prop_map(|(who, what, moderates)| Try::Delete { who, what, moderates }),
        6 => (who.clone(), 0..8usize, 0..EMOJIS.len(), any::<bool>())
            .prop_map(|(who, what, emoji, on)| Try::React { who, what, emoji, on }),
        1 => who.clone().prop_map(|who| Try::Join { who }),
        1 => who.prop_map(|who| Try::Leave { who }),
    ];
    vec(one, 1..60)
}

/// A conversation as its log tells it.
#[derive(Default)]
struct Folded {
    messages: Vec<MessageNow>,
    members: Vec<UserId>,
}

impl Folded {
    fn of(log: &[DurableFrame]) -> Self {
        log.iter().fold(Self::default(), Self::apply)
    }

    fn apply(mut self, frame: &DurableFrame) -> Self {
        match &frame.event {
            Event::Message(_) => self.messages.push(MessageNow {
                frame: frame.clone(),
                edited_at: None,
                deleted: false,
                reactions: Vec::new(),
            }),
            Event::Edited(edited) => {
                let message = self.message(edited.message_id);
                message.edited_at = Some(frame.timestamp);
                *text(message) = edited.text.clone();
            }
            Event::Deleted(deleted) => {
                let message = self.message(deleted.message_id);
                message.deleted = true;
                message.reactions.clear();
                assert_eq!(text(message), "", "the log itself forgot it");
            }
            Event::Reaction(reaction) => self.message(reaction.message_id).react(reaction),
            Event::Member(change) => match change.change {
                Membership::Joined => self.members.push(change.user.id),
                Membership::Left => self.members.retain(|member| *member != change.user.id),
            },
            other => panic!("{} was not tried", other.kind()),
        }
        self
    }

    fn message(&mut self, id: MessageId) -> &mut MessageNow {
        let is_it = |message: &&mut MessageNow| matches!(&message.frame.event, Event::Message(it) if it.id == id);
        self.messages.iter_mut().find(is_it).unwrap()
    }
}

fn text(message: &mut MessageNow) -> &mut String {
    match &mut message.frame.event {
        Event::Message(message) => &mut message.text,
        other => panic!("a message, not {}", other.kind()),
    }
}

trait React {
    fn react(&mut self, reaction: &Reaction);
}

impl React for MessageNow {
    /// Emojis stand in the order of the earliest who still reacts so.
    fn react(&mut self, reaction: &Reaction) {
        let Reaction { by, emoji, on, .. } = reaction;
        let at = self.reactions.iter().position(|reaction| reaction.emoji == *emoji);
        match (at, on) {
            (Some(at), true) => self.reactions[at].by.push(by.clone()),
            (None, true) => self.reactions.push(ReactionNow { emoji: emoji.clone(), by: vec![by.clone()] }),
            (Some(at), false) => {
                self.reactions[at].by.retain(|person: &UserRef| person.id != by.id);
                self.reactions.retain(|reaction| !reaction.by.is_empty());
            }
            (None, false) => panic!("off without on makes no event"),
        }
    }
}

/// By emoji: the order among emojis is the fold's own affair, that among people is not.
fn sorted(mut messages: Vec<MessageNow>) -> Vec<MessageNow> {
    for message in &mut messages {
        message.reactions.sort_by(|a, b| a.emoji.cmp(&b.emoji));
    }
    messages
}

pub async fn the_log_folds_to_what_is_stored(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let people = [house.user("anna").await, house.user("ben").await, house.user("carla").await];
    let mut runner = TestRunner::deterministic();
    for _ in 0..40 {
        let tries = tries().new_tree(&mut runner).unwrap().current();
        let room = house.room(&[&people[0], &people[1]]).await;
        let unread = attempt(&house, room, &people, &tries).await;
        let folded = Folded::of(&house.all(room).await);
        let stored = house.storage.messages(room, None, 1_000).await.unwrap().messages;
        assert_eq!(sorted(stored), sorted(folded.messages), "{tries:?}");
        let members = house.storage.members(room).await.unwrap();
        assert_eq!(members.iter().map(|member| member.user.id).collect::<Vec<_>>(), folded.members, "{tries:?}");
        for (user, expected) in unread {
            let line = house.storage.conversation_of(user, room).await.unwrap();
            assert_eq!(line.map(|line| line.unread), Some(expected), "{tries:?}");
        }
    }
}

/// Tries it all; how much each who is a member at the end has not read.
async fn attempt(house: &House, room: ConversationId, people: &[User], tries: &[Try]) -> BTreeMap<UserId, u64> {
    let mut sent: Vec<Message> = Vec::new();
    for one in tries {
        let target = |what: usize, by: &User| sent.get(what).cloned().unwrap_or_else(|| message(by, "never sent"));
        let write = match *one {
            Try::Post { who, text } => {
                let posted = message(&people[who], &format!("text {text}"));
                sent.push(posted.clone());
                Write::Post(posted)
            }
            Try::Edit { who, what, text } => edit(&target(what, &people[who]), &people[who], &format!("text {text}")),
            Try::Delete { who, what, moderates: false } => delete(&target(what, &people[who]), &people[who]),
            Try::Delete { who, what, moderates: true } => {
                let message_id = target(what, &people[who]).id;
                Write::Delete { message_id, by: people[who].as_ref(), moderates: true }
            }
            Try::React { who, what, emoji, on } => react(&target(what, &people[who]), &people[who], EMOJIS[emoji], on),
            Try::Join { who } => Write::Join { user: people[who].as_ref() },
            Try::Leave { who } => Write::Leave { user: people[who].as_ref() },
        };
        let before = house.head(room).await;
        match house.write(room, write).await {
            Ok(appended) if appended.changed => assert_eq!(appended.seq, before.next()),
            Ok(appended) => assert_eq!((appended.seq, house.head(room).await), (before, before)),
            Err(_) => assert_eq!(house.head(room).await, before, "what is refused leaves no trace"),
        }
    }
    unread(house, room).await
}

/// Counted from messages and read positions, the slow way.
async fn unread(house: &House, room: ConversationId) -> BTreeMap<UserId, u64> {
    let messages = house.storage.messages(room, None, 1_000).await.unwrap().messages;
    let of_others = |user: UserId, after| {
        let counts = messages.iter().filter(|message| !message.deleted && message.frame.seq > after);
        counts.filter(|message| matches!(&message.frame.event, Event::Message(it) if it.author.id != user)).count()
    };
    let members = house.storage.members(room).await.unwrap();
    members.iter().map(|member| (member.user.id, of_others(member.user.id, member.up_to) as u64)).collect()
}
