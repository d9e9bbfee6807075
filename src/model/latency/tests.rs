use proptest::prelude::*;

use super::*;
use crate::protocol::MessageId;

fn id(n: u64) -> ClientId {
    MessageId::from_parts(n, 1).into()
}

/// Our clock; the server's is `AHEAD_MS` further.
fn at(ms: i64) -> Timestamp {
    Timestamp(1_000_000 + ms)
}

const AHEAD_MS: i64 = 86_400_000;

fn server(ms: i64) -> Timestamp {
    Timestamp(at(ms).0 + AHEAD_MS)
}

#[test]
fn a_message_is_timed_from_its_sending_to_its_ack() {
    let mut latency = Latency::default();
    latency.sent(id(1), at(0));
    latency.sent(id(2), at(10));
    latency.acked(&id(1), server(4), false, at(8));
    latency.acked(&id(1), server(4), false, at(500));
    latency.acked(&id(2), server(12), false, at(14));
    assert_eq!(latency.ack(), Some(Summary { median_ms: 4, p95_ms: 8, count: 2 }));
    latency.acked(&id(9), server(0), false, at(20));
    assert_eq!(latency.ack().unwrap().count, 2, "of another tab");
}

#[test]
fn the_servers_clock_is_read_from_the_shortest_round_trip() {
    let mut latency = Latency::default();
    latency.painted(server(0), at(5));
    assert_eq!(latency.render(), None, "nothing is known of it yet");
    latency.round_trip(at(0), server(390), at(400));
    latency.round_trip(at(500), server(503), at(506));
    latency.round_trip(at(600), server(601), at(900));
    assert_eq!(latency.offset_ms(), Some(AHEAD_MS));
    latency.painted(server(1_000), at(1_017));
    assert_eq!(latency.render(), Some(Summary { median_ms: 17, p95_ms: 17, count: 1 }));
    latency.round_trip(at(2_000), server(0), at(1_000));
    assert_eq!(latency.offset_ms(), Some(AHEAD_MS), "a clock was put back in between");
}

#[test]
fn the_ack_of_a_duplicate_says_nothing_of_the_clock() {
    let mut latency = Latency::default();
    latency.sent(id(1), at(0));
    latency.acked(&id(1), server(-9_000), true, at(3));
    assert_eq!((latency.ack().unwrap().median_ms, latency.offset_ms()), (3, None));
}

#[test]
fn what_cannot_be_a_latency_is_none() {
    let mut latency = Latency::default();
    latency.round_trip(at(0), server(1), at(2));
    latency.painted(server(0), at(i64::from(limits::TIMING_MS) + 1));
    latency.sent(id(1), at(0));
    latency.acked(&id(1), server(0), false, at(-1));
    assert_eq!((latency.ack(), latency.render(), latency.take_report()), (None, None, None));
    latency.painted(server(100), at(98));
    assert_eq!(latency.render().unwrap().median_ms, 0, "within what the estimate may be wrong by");
}

#[test]
fn a_lost_connection_starts_the_watch_and_the_clock_anew() {
    let mut latency = Latency::default();
    latency.round_trip(at(0), server(1), at(2));
    latency.sent(id(1), at(10));
    latency.lost(ReconnectReason::Silent, at(20));
    latency.acked(&id(1), server(30), false, at(40));
    assert_eq!((latency.ack(), latency.offset_ms()), (None, None));
    assert_eq!(latency.take_report().unwrap().reconnects, [ReconnectReason::Silent]);
}

#[test]
fn a_report_has_what_is_new_and_there_is_none_of_nothing() {
    let mut latency = Latency::default();
    assert_eq!((latency.report_at(), latency.take_report()), (None, None));
    latency.round_trip(at(0), server(1), at(2));
    for n in 0..3 {
        latency.painted(server(n), at(n + 7));
    }
    assert_eq!(latency.report_at(), Some(at(7 + limits::TIMINGS_INTERVAL_MS as i64)));
    assert_eq!(latency.take_report().unwrap().render_ms, [7, 7, 7]);
    assert_eq!((latency.report_at(), latency.take_report()), (None, None));
    assert_eq!(latency.render().unwrap().count, 3, "what is shown stays");
}

proptest! {
    #[test]
    fn however_much_is_measured_little_is_kept(values in prop::collection::vec(0..=limits::TIMING_MS, 1..500)) {
        let mut latency = Latency::default();
        values.iter().for_each(|_| latency.lost(ReconnectReason::Other, at(0)));
        for (n, ms) in (0..).zip(&values) {
            latency.sent(id(2 * n), at(0));
            latency.sent(id(2 * n + 1), at(0));
            latency.acked(&id(2 * n + 1), server(0), false, at(i64::from(*ms)));
            latency.round_trip(at(0), server(0), at(0));
            latency.painted(server(0), at(i64::from(*ms)));
        }
        let last = &values[values.len().saturating_sub(limits::LATENCY_SAMPLES)..];
        let summary = latency.ack().unwrap();
        prop_assert_eq!(summary.count, values.len() as u64);
        let not_above = |bar: u32| last.iter().filter(|ms| **ms <= bar).count() as f64 / last.len() as f64;
        prop_assert!(last.contains(&summary.median_ms) && not_above(summary.median_ms) >= 0.5);
        prop_assert!(last.contains(&summary.p95_ms) && not_above(summary.p95_ms) >= 0.95);
        prop_assert!(latency.sent.len() <= limits::TIMED_MESSAGES && latency.trips.len() <= limits::CLOCK_SAMPLES);
        let report = latency.take_report().unwrap();
        for kept in [report.ack_ms.len(), report.render_ms.len(), report.reconnects.len()] {
            prop_assert_eq!(kept, values.len().min(limits::TIMINGS_PER_REPORT));
        }
    }
}
