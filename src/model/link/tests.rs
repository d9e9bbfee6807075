use proptest::prelude::*;

use super::*;
use crate::protocol::{http::ReconnectReason, limits};

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
        link.handle(Event::Refreshed(Refreshed::Unreachable), now, 0);
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
    assert_eq!((link.state(), link.wake_at()), (LinkState::Offline, Some(at(limits::OFFLINE_CHECK_MS))));
    assert_eq!(link.handle(closed(1006), NOW, 0), [], "of the socket that was left");
    assert_eq!(link.handle(Event::Online, NOW, 0), [Effect::Connect]);
}

#[test]
fn a_socket_that_died_in_its_sleep_is_noticed_within_the_ping_deadline() {
    let mut link = connected();
    let [Effect::Ping { nonce }] = link.handle(Event::Visible, NOW, 0)[..] else { panic!("no ping") };
    assert_eq!(link.handle(Event::Visible, NOW, 0), [], "one ping is enough");
    link.handle(Event::Pong { nonce }, NOW, 0);
    assert_eq!(link.wake_at(), Some(at(limits::QUIET_MS)));
    link.handle(Event::Visible, NOW, 0);
    link.handle(Event::Pong { nonce }, NOW, 0);
    assert_eq!(link.wake_at(), Some(at(limits::WAKE_PING_MS)), "that was the answer to the first");
    assert_eq!(link.handle(Event::Tick, at(limits::WAKE_PING_MS), 0), [Effect::Close, Effect::Connect]);
}

#[test]
fn a_connection_that_says_nothing_any_more_is_asked_whether_it_lives() {
    let mut link = connected();
    link.heard(at(10_000));
    assert_eq!(link.handle(Event::Tick, at(limits::QUIET_MS), 0), []);
    let quiet = at(10_000 + limits::QUIET_MS);
    assert_eq!(link.wake_at(), Some(quiet));
    let [Effect::Ping { nonce }] = link.handle(Event::Tick, quiet, 0)[..] else { panic!("no ping") };
    link.heard(quiet);
    link.handle(Event::Pong { nonce }, quiet, 0);
    let again = Timestamp(quiet.0 + limits::QUIET_MS as i64);
    assert!(matches!(link.handle(Event::Tick, again, 0)[..], [Effect::Ping { .. }]));
    let due = Timestamp(again.0 + limits::WAKE_PING_MS as i64);
    assert_eq!(link.handle(Event::Tick, due, 0), [Effect::Close, Effect::Connect]);
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
    let effects = link.handle(Event::Tick, at(limits::FIRST_CONNECT_TIMEOUT_MS), 100);
    assert_eq!(effects, [Effect::Close, Effect::Refresh]);
}

#[test]
fn where_sockets_hang_it_polls_within_13_s_and_then_has_more_patience() {
    let mut link = Link::default();
    link.handle(Event::Start { online: true }, NOW, 0);
    let mut now = NOW;
    while link.state() != LinkState::Polling {
        now = link.wake_at().unwrap();
        if link.handle(Event::Tick, now, u64::MAX).contains(&Effect::Refresh) {
            link.handle(Event::Refreshed(Refreshed::Fresh), now, 0);
        }
    }
    assert!(now <= at(13_000), "{now:?}");
    let began = loop {
        now = link.wake_at().unwrap();
        if link.handle(Event::Tick, now, 0).contains(&Effect::Connect) {
            break now;
        }
        link.handle(Event::Polled(true), now, 0);
    };
    let given_up = loop {
        now = link.wake_at().unwrap();
        if link.handle(Event::Tick, now, 0).contains(&Effect::Close) {
            break now;
        }
        link.handle(Event::Polled(true), now, 0);
    };
    assert_eq!(given_up.0 - began.0, limits::CONNECT_TIMEOUT_MS as i64);
}

/// An answer that waits behind a large frame on a slow line: losing the connection for it again and again would
/// never let that frame through.
#[test]
fn who_lost_a_connection_to_an_unanswered_ping_waits_longer_for_the_next() {
    let mut link = connected();
    let mut now = 0;
    for round in 0..=limits::WAKE_PING_DOUBLINGS + 2 {
        now += limits::QUIET_MS;
        assert!(matches!(link.handle(Event::Tick, at(now), 0)[..], [Effect::Ping { .. }]));
        let patience = limits::WAKE_PING_MS << round.min(limits::WAKE_PING_DOUBLINGS);
        assert_eq!(link.handle(Event::Tick, at(now + patience - 1), 0), []);
        now += patience;
        assert_eq!(link.handle(Event::Tick, at(now), 0), [Effect::Close, Effect::Connect]);
        link.handle(Event::Welcome, at(now), 0);
    }
    let Some(Effect::Ping { nonce }) = link.handle(Event::Visible, at(now), 0).pop() else { panic!("no ping") };
    link.handle(Event::Pong { nonce }, at(now), 0);
    link.handle(Event::Visible, at(now), 0);
    assert_eq!(link.wake_at(), Some(at(now + limits::WAKE_PING_MS)));
}

/// When it wants to be asked next, as long as the server is heard all the time. Nothing but a renewal is due.
fn renewal(link: &mut Link, mut now: Timestamp) -> Timestamp {
    loop {
        link.heard(now);
        let next = link.wake_at().unwrap();
        if next != Timestamp(now.0 + limits::QUIET_MS as i64) {
            link.heard(next);
            return next;
        }
        now = Timestamp(next.0 - 1);
    }
}

#[test]
fn a_token_is_refreshed_before_it_runs_out_and_the_socket_stays() {
    let hour = limits::TOKEN_LIFETIME_MS as u64;
    for random in [0, 1, u64::MAX / 3, u64::MAX] {
        let mut link = connected();
        link.handle(Event::Lives { ms: hour }, NOW, random);
        let early = renewal(&mut link, NOW);
        let ahead = (at(hour).0 - early.0) as u64;
        assert!((limits::RENEW_LEAD_MS..=2 * limits::RENEW_LEAD_MS).contains(&ahead), "{ahead}");
        assert_eq!(link.handle(Event::Tick, early, 0), [Effect::Refresh]);
        assert_eq!(link.handle(Event::Unauthorized, early, 0), [], "one at a time");
        assert_eq!(link.handle(Event::Refreshed(Refreshed::Fresh), early, 0), []);
        assert_eq!(link.state(), LinkState::Connected);
        link.handle(Event::Lives { ms: hour }, early, 0);
        assert!(renewal(&mut link, early) > early);
    }
    let mut link = connected();
    link.handle(Event::Lives { ms: 8_000 }, NOW, u64::MAX);
    assert!((at(4_000)..=at(6_000)).contains(&link.wake_at().unwrap()), "a short one, too");
}

#[test]
fn a_refresh_that_fails_is_tried_again_while_the_token_holds() {
    let mut link = connected();
    link.handle(Event::Lives { ms: 3_600_000 }, NOW, 0);
    let early = renewal(&mut link, NOW);
    link.handle(Event::Tick, early, 0);
    assert_eq!(link.handle(Event::Refreshed(Refreshed::Unreachable), early, 0), []);
    assert_eq!(link.state(), LinkState::Connected);
    let again = renewal(&mut link, early);
    assert_eq!(again.0 - early.0, limits::RENEW_RETRY_MS as i64);
    assert_eq!(link.handle(Event::Tick, again, 0), [Effect::Refresh]);
}

#[test]
fn a_browser_that_wrongly_says_that_there_is_no_network_is_not_believed_for_long() {
    let mut link = Link::default();
    assert_eq!(link.handle(Event::Start { online: false }, NOW, 0), [Effect::Refresh]);
    assert_eq!(link.handle(Event::Refreshed(Refreshed::Unreachable), NOW, 0), []);
    assert_eq!(link.state(), LinkState::Offline);
    let later = link.wake_at().unwrap();
    assert!(later <= at(2 * limits::OFFLINE_CHECK_MS));
    assert_eq!(link.handle(Event::Tick, later, 0), [Effect::Refresh]);
    assert_eq!(link.handle(Event::Refreshed(Refreshed::Fresh), later, 0), [Effect::Connect]);
}

#[test]
fn what_ran_out_during_a_sleep_is_seen_to_at_once() {
    let hours = at(7_200_000);
    let mut connecting = Link::default();
    connecting.handle(Event::Start { online: true }, NOW, 0);
    assert_eq!(connecting.handle(Event::Visible, hours, 0), [Effect::Close, Effect::Refresh, Effect::Connect]);
    let mut waiting = connected();
    waiting.handle(closed(1006), NOW, 200);
    assert_eq!(waiting.handle(Event::Visible, hours, 0), [Effect::Connect]);
    let mut pinged = connected();
    pinged.handle(Event::Visible, NOW, 0);
    assert_eq!(pinged.handle(Event::Visible, hours, 0), [Effect::Close, Effect::Connect]);
    let mut asleep = connected();
    asleep.handle(Event::Lives { ms: 3_600_000 }, NOW, 0);
    asleep.heard(hours);
    assert!(matches!(asleep.handle(Event::Visible, hours, 0)[..], [Effect::Refresh, Effect::Ping { .. }]));
}

#[test]
fn a_clock_that_was_put_back_makes_nothing_wait_longer() {
    let back = Timestamp(NOW.0 - 3_600_000);
    let within = |link: &Link, ms: u64| link.wake_at().unwrap().0 - back.0 <= ms as i64;
    let mut link = connected();
    link.handle(closed(1006), NOW, 200);
    link.handle(Event::Tick, back, 0);
    assert!(within(&link, limits::BACKOFF_CAP_MS), "{:?}", link.state());
    let mut link = connected();
    link.handle(Event::Visible, NOW, 0);
    link.handle(Event::Tick, back, 0);
    assert!(within(&link, limits::WAKE_PING_MS));
}

#[test]
fn it_remembers_when_why_and_for_how_long_a_connection_was_lost() {
    let mut link = connected();
    let mut now = NOW;
    for (event, reason) in [
        (closed(1006), ReconnectReason::ConnectionLost),
        (Event::Closed { code: 4002, reason: "0".into() }, ReconnectReason::ServerRestarted),
        (closed(4001), ReconnectReason::TooSlow),
        (closed(4003), ReconnectReason::Silent),
        (closed(4004), ReconnectReason::RateLimited),
        (closed(4500), ReconnectReason::TokenExpired),
        (closed(1011), ReconnectReason::Other),
        (Event::Offline, ReconnectReason::NetworkLost),
    ] {
        now = Timestamp(now.0 + 10_000);
        link.handle(event, now, 0);
        let newest = Reconnect { lost_at: now, reason, lasted_ms: None };
        assert_eq!(link.history().recent().next(), Some(newest));
        assert!(!reason_text(reason).is_empty());
        now = Timestamp(now.0 + 1_500);
        link.handle(Event::Online, now, 0);
        link.handle(Event::Refreshed(Refreshed::Fresh), now, 0);
        link.handle(Event::Welcome, now, 0);
        assert_eq!(link.state(), LinkState::Connected);
        assert_eq!(link.history().recent().next(), Some(Reconnect { lasted_ms: Some(1_500), ..newest }));
    }
    assert_eq!(link.history().recent().count(), limits::RECONNECTS_KEPT);
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
    link.handle(Event::Polled(true), now, 0);
    let mut seen = Vec::new();
    while !seen.contains(&Effect::Connect) || !seen.contains(&Effect::Poll) {
        now = link.wake_at().unwrap();
        seen.extend(link.handle(Event::Tick, now, 0));
    }
    assert_eq!(link.state(), LinkState::Polling, "also while it tries");
    assert_eq!(link.handle(Event::Welcome, now, 0), [Effect::Resume]);
    assert_eq!(link.state(), LinkState::Connected);
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

/// What happens to a page: the clock moves by so much, forwards mostly, and then this.
#[derive(Clone, Debug)]
struct Step {
    event: Event,
    clock_ms: i64,
    random: u64,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let event = prop_oneof![
        Just(Event::Welcome),
        prop::sample::select(vec![1000u16, 1001, 1006, 1009, 4001, 4002, 4003, 4004, 4500])
            .prop_map(|code| Event::Closed { code, reason: "900".into() }),
        (0..4u64).prop_map(|nonce| Event::Pong { nonce }),
        (0..4_000_000u64).prop_map(|ms| Event::Lives { ms }),
        Just(Event::Online),
        Just(Event::Offline),
        Just(Event::Visible),
        Just(Event::Overdue),
        prop::sample::select(vec![Refreshed::Fresh, Refreshed::Unreachable]).prop_map(Event::Refreshed),
        Just(Event::Unauthorized),
        any::<bool>().prop_map(Event::Polled),
        Just(Event::Tick),
    ];
    // Seconds pass; once in a while a machine sleeps, or somebody sets its clock.
    let clock_ms = prop_oneof![8 => 0..20_000i64, 1 => 0..100_000_000i64, 1 => -100_000_000..0i64];
    let step = (event, clock_ms, any::<u64>());
    prop::collection::vec(step.prop_map(|(event, clock_ms, random)| Step { event, clock_ms, random }), 0..120)
}

/// The world as the machine's effects make it.
#[derive(Default)]
struct World {
    sockets: i32,
    refreshes: i32,
}

impl World {
    /// Whether this can happen: a browser tells of the end of a socket that there is, greets through one, and
    /// answers what was asked.
    fn allows(&mut self, event: &Event) -> bool {
        match event {
            Event::Closed { .. } if self.sockets > 0 => self.sockets -= 1,
            Event::Refreshed(_) if self.refreshes > 0 => self.refreshes -= 1,
            Event::Welcome | Event::Lives { .. } | Event::Pong { .. } => return self.sockets > 0,
            Event::Closed { .. } | Event::Refreshed(_) => return false,
            _ => {}
        }
        true
    }

    fn perform(&mut self, effects: &[Effect]) {
        for effect in effects {
            match effect {
                Effect::Connect => self.sockets += 1,
                Effect::Close => self.sockets -= 1,
                Effect::Refresh => self.refreshes += 1,
                _ => {}
            }
            assert!((0..=1).contains(&self.sockets), "sockets: {}", self.sockets);
            assert!((0..=1).contains(&self.refreshes), "refreshes: {}", self.refreshes);
        }
    }
}

/// The longest that the machine ever waits for anything but the end of a token.
const PATIENCE_MS: i64 = 2 * limits::OFFLINE_CHECK_MS as i64;

proptest! {
    /// Over any order of events, under a clock that jumps either way, there is one socket at most and one
    /// refresh at most; and the link has a socket, or an answer to wait for, or a time soon at which it goes
    /// on by itself.
    #[test]
    fn there_are_never_two_sockets_and_it_always_heads_for_connected(steps in steps()) {
        let (mut link, mut world, mut now) = (Link::default(), World::default(), NOW);
        let start = Step { event: Event::Start { online: true }, clock_ms: 0, random: 0 };
        for Step { event, clock_ms, random } in std::iter::once(start).chain(steps) {
            now = Timestamp(now.0 + clock_ms);
            if !world.allows(&event) {
                continue;
            }
            world.perform(&link.handle(event, now, random));
            prop_assert_eq!(world.sockets == 1, matches!(link.state(), LinkState::Connected) || is_connecting(&link));
            let goes_on = link.wake_at().is_some_and(|at| at.0 - now.0 <= PATIENCE_MS);
            prop_assert!(link.state() == LinkState::Connected || goes_on || world.refreshes == 1, "{:?}", link);
            if let LinkState::Waiting { until } = link.state() {
                prop_assert!(until.0 - now.0 <= limits::BACKOFF_CAP_MS as i64);
            }
            prop_assert!(link.history().recent().count() <= limits::RECONNECTS_KEPT);
        }
        // And when the network is good, connected it is, by itself, within the patience of a person.
        let since = now;
        while link.state() != LinkState::Connected {
            if world.refreshes == 1 {
                world.refreshes = 0;
                world.perform(&link.handle(Event::Refreshed(Refreshed::Fresh), now, 0));
            } else if world.sockets == 1 {
                world.perform(&link.handle(Event::Welcome, now, 0));
            } else {
                // However far away a set clock made it look, the page's timer is never longer than this.
                now = link.wake_at().unwrap_or(now).clamp(now, Timestamp(now.0 + limits::TIMER_MS));
                world.perform(&link.handle(Event::Tick, now, 0));
            }
            prop_assert!(now.0 - since.0 <= PATIENCE_MS + limits::TIMER_MS, "{:?}", link);
        }
    }
}

/// Whether a socket is being opened, also behind polling.
fn is_connecting(link: &Link) -> bool {
    link.has_socket() && link.state() != LinkState::Connected
}
