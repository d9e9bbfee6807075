use proptest::prelude::*;

use super::*;
use crate::protocol::limits;

const NOW: Timestamp = Timestamp(1_000_000);

fn at(ms: u64) -> Timestamp {
    Timestamp(NOW.0 + ms as i64)
}

fn closed(code: u16) -> Event {
    Event::Closed { code, reason: String::new() }
}

fn connected() -> Link {
    let mut link = Link::default();
    assert_eq!(link.handle(Event::Start { online: true }, NOW, 0), [Effect::Connect]);
    assert_eq!(link.state(), LinkState::Connecting);
    assert_eq!(link.handle(Event::Welcome, NOW, 0), [Effect::Resume]);
    assert_eq!(link.state(), LinkState::Connected);
    link
}

#[test]
fn a_dropped_socket_is_opened_again_after_a_random_time_and_resumed() {
    let mut link = connected();
    assert_eq!(link.handle(closed(1006), NOW, 200), []);
    assert_eq!(link.state(), LinkState::Waiting { until: at(200) });
    assert_eq!(link.handle(Event::Tick, at(199), 0), []);
    assert_eq!(link.handle(Event::Tick, at(200), 0), [Effect::Connect]);
    assert_eq!(link.handle(Event::Welcome, at(300), 0), [Effect::Resume]);
}

#[test]
fn the_time_between_attempts_doubles_up_to_the_cap() {
    let mut link = connected();
    let mut now = NOW;
    link.handle(closed(1006), now, u64::MAX);
    for failures in 0..20 {
        now = link.wake_at().unwrap();
        link.handle(Event::Tick, now, 0);
        let bound = (limits::BACKOFF_BASE_MS << failures).min(limits::BACKOFF_CAP_MS);
        assert_eq!(link.handle(closed(1006), now, bound), [Effect::Refresh]);
        assert_eq!(link.state(), LinkState::Waiting { until: Timestamp(now.0 + bound as i64) });
    }
}

#[test]
fn a_draining_server_says_when_to_come_back() {
    let mut link = connected();
    link.handle(Event::Closed { code: 4002, reason: "1234".into() }, NOW, 7);
    assert_eq!(link.state(), LinkState::Waiting { until: at(1_234) });
}

#[test]
fn an_expired_token_is_refreshed_before_the_next_attempt() {
    let mut link = connected();
    assert_eq!(link.handle(closed(4500), NOW, 0), [Effect::Refresh]);
    assert_eq!(link.handle(Event::Refreshed(Refreshed::Fresh), NOW, 0), [Effect::Connect]);
}

#[test]
fn the_end_of_a_session_leads_to_the_sign_in_page() {
    let mut link = connected();
    assert_eq!(link.handle(closed(4501), NOW, 0), [Effect::SignIn]);
    assert_eq!(link.state(), LinkState::SignedOut);
    let mut link = connected();
    link.handle(closed(4500), NOW, 0);
    assert_eq!(link.handle(Event::Refreshed(Refreshed::SignedOut), NOW, 0), [Effect::SignIn]);
    assert_eq!(link.handle(Event::Online, NOW, 0), []);
}

#[test]
fn what_the_server_forbids_is_not_tried_again() {
    let mut link = connected();
    assert_eq!(link.handle(closed(4504), NOW, 0), []);
    assert_eq!((link.state(), link.wake_at()), (LinkState::Stopped, None));
}

#[test]
fn offline_closes_and_online_connects_at_once() {
    let mut link = connected();
    assert_eq!(link.handle(Event::Offline, NOW, 0), [Effect::Close]);
    assert_eq!((link.state(), link.wake_at()), (LinkState::Offline, None));
    assert_eq!(link.handle(closed(1006), NOW, 0), [], "of the socket that was left");
    assert_eq!(link.handle(Event::Online, NOW, 0), [Effect::Connect]);
}

#[test]
fn a_socket_that_died_in_its_sleep_is_noticed_within_the_ping_deadline() {
    let mut link = connected();
    let [Effect::Ping { nonce }] = link.handle(Event::Visible, NOW, 0)[..] else { panic!("no ping") };
    assert_eq!(link.handle(Event::Visible, NOW, 0), [], "one ping is enough");
    link.handle(Event::Pong { nonce }, NOW, 0);
    assert_eq!(link.wake_at(), None);
    link.handle(Event::Visible, NOW, 0);
    link.handle(Event::Pong { nonce }, NOW, 0);
    assert_eq!(link.wake_at(), Some(at(limits::WAKE_PING_MS)), "that was the answer to the first");
    assert_eq!(link.handle(Event::Tick, at(limits::WAKE_PING_MS), 0), [Effect::Close, Effect::Connect]);
}

#[test]
fn an_overdue_answer_makes_an_open_socket_prove_that_it_lives() {
    let mut link = connected();
    assert!(matches!(link.handle(Event::Overdue, NOW, 0)[..], [Effect::Ping { .. }]));
    assert_eq!(link.handle(Event::Tick, at(limits::WAKE_PING_MS), 0), [Effect::Close, Effect::Connect]);
    assert_eq!(link.handle(Event::Overdue, at(limits::WAKE_PING_MS), 0), [], "that one is being opened");
}

#[test]
fn a_poll_that_is_never_answered_ends_the_polling() {
    let mut link = Link::default();
    link.handle(Event::Start { online: true }, NOW, 0);
    for _ in 0..limits::ATTEMPTS_BEFORE_POLLING {
        link.handle(closed(1006), NOW, 0);
        link.handle(Event::Refreshed(Refreshed::Fresh), NOW, 0);
        link.handle(Event::Tick, NOW, 0);
    }
    assert_eq!(link.state(), LinkState::Polling);
    link.handle(Event::Polled(true), NOW, 0);
    let second = at(limits::POLL_INTERVAL_MS);
    assert_eq!(link.handle(Event::Tick, second, 0), [Effect::Poll]);
    let due = at(limits::POLL_INTERVAL_MS + limits::POLL_TIMEOUT_MS);
    link.handle(Event::Tick, Timestamp(due.0 - 1), 0);
    assert_eq!(link.state(), LinkState::Polling);
    link.handle(Event::Tick, due, 0);
    assert_ne!(link.state(), LinkState::Polling);
}

#[test]
fn an_attempt_that_hangs_is_given_up() {
    let mut link = Link::default();
    link.handle(Event::Start { online: true }, NOW, 0);
    let effects = link.handle(Event::Tick, at(limits::CONNECT_TIMEOUT_MS), 100);
    assert_eq!(effects, [Effect::Close, Effect::Refresh]);
}

#[test]
fn where_only_http_gets_through_it_polls_and_keeps_trying() {
    let mut link = Link::default();
    link.handle(Event::Start { online: true }, NOW, 0);
    let mut now = NOW;
    for attempt in 1..=limits::ATTEMPTS_BEFORE_POLLING {
        assert_eq!(link.handle(closed(1006), now, u64::MAX / 2), [Effect::Refresh]);
        let effects = link.handle(Event::Refreshed(Refreshed::Fresh), now, 0);
        if attempt < limits::ATTEMPTS_BEFORE_POLLING {
            assert_eq!(effects, []);
            now = link.wake_at().unwrap();
            assert_eq!(link.handle(Event::Tick, now, 0), [Effect::Connect]);
        } else {
            assert_eq!(effects, [Effect::Poll]);
        }
    }
    assert_eq!(link.state(), LinkState::Polling);
    let mut seen = Vec::new();
    while !seen.contains(&Effect::Connect) || !seen.contains(&Effect::Poll) {
        now = link.wake_at().unwrap();
        seen.extend(link.handle(Event::Tick, now, 0));
    }
    assert_eq!(link.state(), LinkState::Polling, "also while it tries");
    assert_eq!(link.handle(Event::Welcome, now, 0), [Effect::Resume]);
    assert_eq!((link.state(), link.wake_at()), (LinkState::Connected, None));
}

#[test]
fn a_server_that_is_down_altogether_is_not_polled() {
    let mut link = Link::default();
    link.handle(Event::Start { online: true }, NOW, 0);
    let mut now = NOW;
    for _ in 0..10 {
        link.handle(closed(1006), now, 77);
        link.handle(Event::Refreshed(Refreshed::Unreachable), now, 0);
        assert!(matches!(link.state(), LinkState::Waiting { .. }));
        now = link.wake_at().unwrap();
        assert_eq!(link.handle(Event::Tick, now, 0), [Effect::Connect]);
    }
}

#[test]
fn the_indicator_says_what_product_md_says() {
    let until = at(3_001);
    for (state, outbox, text) in [
        (LinkState::Idle, 0, "Connecting…"),
        (LinkState::Connecting, 0, "Connecting…"),
        (LinkState::Connected, 2, "Connected"),
        (LinkState::Waiting { until }, 0, "Reconnecting in 4 s"),
        (LinkState::Waiting { until: NOW }, 0, "Reconnecting in 1 s"),
        (LinkState::Offline, 0, "You're offline."),
        (LinkState::Offline, 1, "You're offline. 1 message will be sent when you're back."),
        (LinkState::Offline, 3, "You're offline. 3 messages will be sent when you're back."),
        (LinkState::Polling, 0, "Polling"),
    ] {
        assert_eq!(status_text(&state, outbox, NOW), text);
    }
}

fn events() -> impl Strategy<Value = Vec<(Event, u16, u64)>> {
    let event = prop_oneof![
        Just(Event::Welcome),
        prop::sample::select(vec![1000u16, 1001, 1006, 1009, 4001, 4002, 4003, 4500])
            .prop_map(|code| Event::Closed { code, reason: "900".into() }),
        (0..4u64).prop_map(|nonce| Event::Pong { nonce }),
        Just(Event::Online),
        Just(Event::Offline),
        Just(Event::Visible),
        Just(Event::Overdue),
        prop::sample::select(vec![Refreshed::Fresh, Refreshed::Unreachable]).prop_map(Event::Refreshed),
        any::<bool>().prop_map(Event::Polled),
        Just(Event::Tick),
    ];
    prop::collection::vec((event, 0..20_000u16, any::<u64>()), 0..120)
}

proptest! {
    /// Over any order of events there is one socket at most, and as long as the network is there the link
    /// has a socket or a time at which it goes on.
    #[test]
    fn there_are_never_two_sockets_and_it_always_heads_for_connected(events in events()) {
        let mut link = Link::default();
        let mut sockets = 0;
        let mut now = NOW;
        let start = (Event::Start { online: true }, 0, 0);
        for (event, ms, random) in std::iter::once(start).chain(events) {
            now = Timestamp(now.0 + i64::from(ms));
            // A browser tells of the end of a socket that there is, and greets through one.
            match event {
                Event::Closed { .. } if sockets == 0 => continue,
                Event::Closed { .. } => sockets -= 1,
                Event::Welcome if sockets == 0 => continue,
                _ => {}
            }
            for effect in link.handle(event, now, random) {
                match effect {
                    Effect::Connect => sockets += 1,
                    Effect::Close => sockets -= 1,
                    _ => {}
                }
                prop_assert!((0..=1).contains(&sockets));
            }
            let heads_on = sockets == 1 || link.wake_at().is_some() || link.state() == LinkState::Offline;
            prop_assert!(heads_on, "{:?}", link);
            if matches!(link.state(), LinkState::Waiting { .. }) {
                let wait = link.wake_at().unwrap().0 - now.0;
                prop_assert!(wait <= limits::BACKOFF_CAP_MS as i64);
            }
        }
        // And when the network is good, connected it is.
        link.handle(Event::Online, now, 0);
        for _ in 0..4 {
            now = link.wake_at().map_or(now, |at| at.max(now));
            link.handle(Event::Tick, now, 0);
            link.handle(Event::Refreshed(Refreshed::Fresh), now, 0);
            link.handle(Event::Welcome, now, 0);
        }
        prop_assert_eq!(link.state(), LinkState::Connected);
    }
}
