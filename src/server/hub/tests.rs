use std::sync::OnceLock;

use super::{
    lane::{Item, Reading, Work},
    *,
};
use crate::{
    fresh_id,
    protocol::{
        http::Kind,
        server::{MemberChanged, Mode, Subscribed},
    },
    server::payload::Encoding,
};

fn connection(user: &UserRef) -> Arc<Connection> {
    let now = clock::now();
    Arc::new(Connection::new(fresh_id!(ConnectionId), user.clone(), fresh_id!(SessionId), now, now, Encoding::Plain))
}

fn person(name: &str) -> UserRef {
    UserRef { id: fresh_id!(UserId), name: name.into() }
}

fn event(id: ConversationId, seq: u64, event: Event) -> BusMessage {
    let text = format!("{{\"seq\":{seq}}}").into();
    BusMessage::Durable(Arc::new(LoggedFrame {
        conversation_id: id,
        seq: Seq(seq),
        timestamp: Timestamp(1),
        kind: Kind::Room,
        audience: Audience::of(&event),
        event,
        payload: text,
        for_visitors: OnceLock::new(),
    }))
}

/// As the bus does: a removal is foreseen when it is queued, and comes by in its turn.
fn removal(hub: &Hub, id: ConversationId, seq: u64, user: &UserRef) -> BusMessage {
    let left = MemberChanged { user: user.clone(), change: Membership::Left };
    let message = event(id, seq, Event::Member(left));
    let BusMessage::Durable(frame) = &message else { unreachable!() };
    hub.foresee(frame);
    message
}

fn subscribe(hub: &Hub, connection: &Arc<Connection>, id: ConversationId, cursor: u64, head: u64) {
    assert!(hub.join(connection, id));
    let announced = hub.announce(connection, id, Seq(cursor), Seq(head), |typing| {
        EphemeralFrame::Subscribed(Subscribed {
            conversation_id: id,
            mode: Mode::Current,
            head: Seq(head),
            log_epoch: None,
            typing,
            presence: vec![],
            reads: vec![],
            streams: vec![],
            control: None,
            reference: None,
        })
    });
    assert!(announced);
}

/// What waits: `subscribed`, or the seq of an event.
fn waiting(connection: &Connection) -> Vec<String> {
    let mut seen = Vec::new();
    loop {
        match connection.lane.try_work() {
            Some(Work::Frames(frames)) => {
                for Item { payload, .. } in frames.items {
                    let value: serde_json::Value = serde_json::from_str(&payload).unwrap();
                    seen.push(value["type"].as_str().map_or_else(|| value["seq"].to_string(), str::to_owned));
                }
            }
            Some(Work::ReadOn(reading)) => {
                connection.lane.fall_behind(reading);
                return seen;
            }
            _ => return seen,
        }
    }
}

/// What the lane asks its writer to read on, once all that waits is written.
fn reading(connection: &Connection) -> Reading {
    match connection.lane.try_work() {
        Some(Work::ReadOn(reading)) => reading,
        other => panic!("a log to read, not {other:?}"),
    }
}

#[test]
fn a_live_reader_gets_each_event_once_and_in_order() {
    let (hub, id, reader) = (Hub::default(), fresh_id!(ConversationId), connection(&person("Anna")));
    subscribe(&hub, &reader, id, 4, 4);
    for seq in [4, 5, 5, 6] {
        hub.deliver(event(id, seq, Event::Hidden));
    }
    assert_eq!(waiting(&reader), ["subscribed", "5", "6"]);
}

#[test]
fn who_leaves_finds_nothing_more_of_it_waiting_whatever_comes_meanwhile() {
    for _ in 0..500 {
        let (hub, id, reader) = (Hub::default(), fresh_id!(ConversationId), connection(&person("Anna")));
        subscribe(&hub, &reader, id, 0, 0);
        std::thread::scope(|scope| {
            scope.spawn(|| (1..=100).for_each(|seq| hub.deliver(event(id, seq, Event::Hidden))));
            hub.unsubscribe(&reader, id);
        });
        assert_eq!(waiting(&reader), [""; 0]);
    }
}

#[test]
fn a_reader_that_is_behind_reads_the_log_and_is_live_from_its_end_on() {
    let (hub, id, reader) = (Hub::default(), fresh_id!(ConversationId), connection(&person("Anna")));
    subscribe(&hub, &reader, id, 1, 3);
    assert_eq!(waiting(&reader), ["subscribed"]);
    let first = reading(&reader);
    assert_eq!(hub.cursor_behind(&reader, first), Some(Seq(1)));
    // An event comes while the log is read: it is in the next page, not in the lane.
    hub.deliver(event(id, 4, Event::Hidden));
    hub.caught_up(&reader, first, Seq(3), Seq(3));
    let second = reading(&reader);
    assert_eq!(hub.cursor_behind(&reader, second), Some(Seq(3)));
    hub.caught_up(&reader, second, Seq(4), Seq(4));
    assert_eq!(hub.cursor_behind(&reader, second), None);
    hub.deliver(event(id, 5, Event::Hidden));
    assert_eq!(waiting(&reader), ["5"]);
}

#[test]
fn an_event_that_was_lost_on_the_way_is_read_from_the_log() {
    let (hub, id, reader) = (Hub::default(), fresh_id!(ConversationId), connection(&person("Anna")));
    subscribe(&hub, &reader, id, 0, 0);
    assert_eq!(waiting(&reader), ["subscribed"]);
    hub.deliver(event(id, 2, Event::Hidden));
    assert_eq!(hub.cursor_behind(&reader, reading(&reader)), Some(Seq(0)));
}

/// The log is read for the subscription that asked for it, and for no later one of the same conversation: that
/// one begins elsewhere, after a `subscribed` of its own.
#[test]
fn who_subscribes_again_while_the_log_is_read_has_it_from_where_it_asked() {
    let (hub, id, reader) = (Hub::default(), fresh_id!(ConversationId), connection(&person("Anna")));
    subscribe(&hub, &reader, id, 50, 90);
    assert_eq!(waiting(&reader), ["subscribed"]);
    let first = reading(&reader);
    assert_eq!(hub.cursor_behind(&reader, first), Some(Seq(50)));
    subscribe(&hub, &reader, id, 10, 90);
    // The page that was under way goes out, and then what was asked for since.
    hub.caught_up(&reader, first, Seq(90), Seq(90));
    assert_eq!(hub.cursor_behind(&reader, first), None, "it may not go out before the second `subscribed`");
    assert_eq!(waiting(&reader), ["subscribed"]);
    let second = reading(&reader);
    assert_eq!(hub.cursor_behind(&reader, second), Some(Seq(10)));
    hub.unsubscribe(&reader, id);
    subscribe(&hub, &reader, id, 20, 90);
    assert_eq!(hub.cursor_behind(&reader, second), None, "nor after another way to it");
}

#[test]
fn nothing_goes_out_before_the_subscribed_frame() {
    let (hub, id, reader) = (Hub::default(), fresh_id!(ConversationId), connection(&person("Anna")));
    assert!(hub.join(&reader, id));
    hub.deliver(event(id, 1, Event::Hidden));
    assert_eq!(waiting(&reader), [""; 0]);
}

#[test]
fn from_the_removal_on_no_frame_goes_to_the_one_removed() {
    let (hub, id) = (Hub::default(), fresh_id!(ConversationId));
    let (anna, ben) = (person("Anna"), person("Ben"));
    let (annas, bens) = (connection(&anna), connection(&ben));
    for reader in [&annas, &bens] {
        subscribe(&hub, reader, id, 0, 0);
    }
    let queued = [event(id, 1, Event::Hidden), removal(&hub, id, 2, &ben), event(id, 3, Event::Hidden)];
    queued.into_iter().for_each(|message| hub.deliver(message));
    assert_eq!(waiting(&annas), ["subscribed", "1", "2", "3"]);
    assert_eq!(waiting(&bens), [""; 0]);
    assert_eq!(bens.subscriptions(), 0);
}

#[test]
fn what_the_writer_has_in_hand_at_the_removal_does_not_go_out_either() {
    let (hub, id, other) = (Hub::default(), fresh_id!(ConversationId), fresh_id!(ConversationId));
    let ben = person("Ben");
    let (live, behind) = (connection(&ben), connection(&ben));
    subscribe(&hub, &live, id, 0, 0);
    subscribe(&hub, &behind, id, 0, 9);
    hub.deliver(event(id, 1, Event::Hidden));
    let Some(Work::Frames(in_hand)) = live.lane.try_work() else { panic!("nothing waits") };
    assert_eq!(waiting(&behind), ["subscribed"]);
    let (recalls, page) = (behind.lane.recalls(), reading(&behind));
    assert!(hub.cursor_behind(&behind, page).is_some());
    assert!(live.may_go(Some(id), in_hand.recalls) && behind.may_go(Some(id), recalls));
    hub.deliver(removal(&hub, id, 10, &ben));
    assert!(!live.may_go(Some(id), in_hand.recalls) && !behind.may_go(Some(id), recalls));
    subscribe(&hub, &live, other, 0, 0);
    assert!(live.may_go(Some(other), in_hand.recalls) && live.may_go(None, in_hand.recalls));
}

#[test]
fn a_reading_that_is_given_up_ends_no_later_subscription() {
    let (hub, id, reader) = (Hub::default(), fresh_id!(ConversationId), connection(&person("Anna")));
    subscribe(&hub, &reader, id, 0, 9);
    assert_eq!(waiting(&reader), ["subscribed"]);
    let old = reading(&reader);
    subscribe(&hub, &reader, id, 9, 9);
    hub.give_up(&reader, old);
    hub.deliver(event(id, 10, Event::Hidden));
    assert_eq!(waiting(&reader), ["subscribed", "10"]);
    assert!(reader.is_subscribed(id));
}

#[test]
fn who_was_added_again_before_the_old_removal_came_by_stays() {
    let (hub, id, ben) = (Hub::default(), fresh_id!(ConversationId), person("Ben"));
    let bens = connection(&ben);
    subscribe(&hub, &bens, id, 4, 4);
    hub.deliver(removal(&hub, id, 3, &ben));
    hub.deliver(event(id, 4, Event::Member(MemberChanged { user: ben, change: Membership::Joined })));
    hub.deliver(event(id, 5, Event::Hidden));
    assert_eq!(waiting(&bens), ["subscribed", "5"]);
}

#[test]
fn a_connection_that_was_never_taken_in_takes_nobody_offline() {
    let (hub, anna) = (Hub::default(), person("Anna"));
    let (taken, refused) = (connection(&anna), connection(&anna));
    assert!(hub.connect(&taken).is_ok());
    hub.disconnect(&refused);
    let later = Timestamp::from_ms(clock::now().as_ms() + limits::OFFLINE_AFTER_MS as i64 + 1_000);
    assert_eq!(hub.sweep_presence(later), []);
}

#[test]
fn who_is_gone_joins_no_room_any_more() {
    let (hub, id, reader) = (Hub::default(), fresh_id!(ConversationId), connection(&person("Anna")));
    assert!(hub.connect(&reader).is_ok());
    subscribe(&hub, &reader, id, 0, 0);
    hub.disconnect(&reader);
    assert!(!hub.join(&reader, id), "a task that still works for it");
    assert_eq!(hub.rooms.lock().get(&id).map_or(0, |room| room.lock().readers()), 0);
}

#[test]
fn who_is_only_joining_learns_of_nobodys_presence() {
    let (hub, id, eve) = (Hub::default(), fresh_id!(ConversationId), connection(&person("Eve")));
    assert!(hub.join(&eve, id));
    let presence = crate::protocol::server::Presence {
        user: person("Anna"),
        status: PresenceStatus::Online,
        conversation_id: None,
    };
    let frame = EncodedFrame::of(&EphemeralFrame::Presence(presence));
    hub.deliver(BusMessage::Conversations { ids: vec![id], frame });
    assert_eq!(waiting(&eve), [""; 0]);
}

#[test]
fn a_connection_stands_in_a_bounded_number_of_rooms() {
    let (hub, reader) = (Hub::default(), connection(&person("Anna")));
    for _ in 0..limits::SUBSCRIPTIONS_PER_CONNECTION {
        assert!(hub.join(&reader, fresh_id!(ConversationId)));
    }
    assert!(!hub.join(&reader, fresh_id!(ConversationId)));
}

#[test]
fn a_room_that_everyone_left_is_forgotten() {
    let (hub, id, reader) = (Hub::default(), fresh_id!(ConversationId), connection(&person("Anna")));
    assert!(hub.connect(&reader).is_ok());
    subscribe(&hub, &reader, id, 0, 0);
    assert!(hub.start_typing(id, &reader.user, Some(reader.id), Audience::Everyone));
    let left = hub.disconnect(&reader);
    assert_eq!((left.stopped, left.subscriptions), (vec![(id, Audience::Everyone)], vec![id]));
    assert!(hub.rooms.lock().is_empty());
    assert_eq!(hub.connections(), 0);
}

#[test]
fn who_is_shown_typing_is_not_told_of_at_each_key() {
    let (hub, id, anna) = (Hub::default(), fresh_id!(ConversationId), person("Anna"));
    assert!(hub.start_typing(id, &anna, None, Audience::Everyone));
    assert!(!hub.start_typing(id, &anna, None, Audience::Everyone));
    assert_eq!(hub.stop_typing(id, anna.id, None), Some(Audience::Everyone));
    assert!(hub.start_typing(id, &anna, None, Audience::Everyone), "a stop in between is news");
}

#[test]
fn typing_ends_when_nothing_is_heard_any_more() {
    let (hub, id, anna) = (Hub::default(), fresh_id!(ConversationId), person("Anna"));
    assert!(hub.start_typing(id, &anna, None, Audience::Everyone));
    assert_eq!(hub.expire_typing(clock::now()), []);
    let later = Timestamp::from_ms(clock::now().as_ms() + limits::TYPING_EXPIRE_MS as i64 + 1);
    assert_eq!(
        hub.expire_typing(later),
        [TypingEnded {
            typing: UserTyping { conversation_id: id, user: anna },
            connection: None,
            audience: Audience::Everyone
        }]
    );
}

#[test]
fn a_person_and_a_server_have_a_bounded_number_of_connections() {
    let hub = Hub::default();
    let crowd = |count: usize| {
        let user = person("Anna");
        let taken = (0..count).map(|_| hub.connect(&connection(&user)));
        (user.clone(), taken.filter(Result::is_err).count())
    };
    let (anna, refused) = crowd(limits::CONNECTIONS_PER_USER);
    assert_eq!((refused, hub.connect(&connection(&anna)).err()), (0, Some(Full::User)));
    let (_, refused) = crowd(limits::CONNECTIONS_PER_USER);
    assert_eq!(refused, 0, "another person has places of their own");
    let (ben, refused) = crowd(limits::CONNECTIONS - 2 * limits::CONNECTIONS_PER_USER);
    assert_eq!((refused, hub.connect(&connection(&ben)).err()), (0, Some(Full::Server)));
}

#[test]
fn a_person_has_so_many_streams_however_they_come_and_sockets_beside_them() {
    let (hub, anna) = (Hub::default(), person("anna"));
    let now = clock::now();
    let fresh = || {
        let (id, session) = (fresh_id!(ConnectionId), fresh_id!(SessionId));
        Connection::new(id, anna.clone(), session, now, now, Encoding::Plain)
    };
    let streams: Vec<_> = (0..=limits::AGUI_STREAMS_PER_USER).map(|_| Arc::new(fresh().for_a_stream())).collect();
    // All at once: each is looked at and taken in by one step.
    let taken = std::thread::scope(|scope| {
        let coming: Vec<_> = streams.iter().map(|one| scope.spawn(|| hub.connect(one).is_ok())).collect();
        coming.into_iter().map(|one| usize::from(one.join().unwrap())).sum::<usize>()
    });
    assert_eq!(taken, limits::AGUI_STREAMS_PER_USER);
    assert!(hub.connect(&Arc::new(fresh())).is_ok(), "a socket has a bound of its own");
    for stream in &streams {
        hub.disconnect(stream);
    }
    assert!(hub.connect(&streams[0]).is_ok());
}
