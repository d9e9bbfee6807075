//! The chaos test can fail: each kind of fault, planted in a client or in what came of a real run, is caught.

use std::sync::Arc;

use super::{
    book::Late,
    checker::{DeviceRecord, Record, check},
    device::Plant,
    house::{House, Logged},
    run::run,
    schedule::Schedule,
};

/// So many seeds may pass before a faulty client is caught. It takes one or two.
const TRIES: u64 = 20;

/// The first schedule with a removal and without what takes long.
fn plain_seed() -> u64 {
    let is_plain = |seed: &u64| {
        let schedule = Schedule::of(*seed);
        !schedule.removals.is_empty() && schedule.kills.is_empty() && schedule.flood.is_none()
    };
    (1..).find(is_plain).unwrap()
}

/// The device with the longest copy, and that copy.
fn longest(record: &mut Record) -> (&mut DeviceRecord, magpie::protocol::ConversationId) {
    let length = |device: &DeviceRecord| device.copies.values().map(Vec::len).max();
    let device = record.devices.iter_mut().max_by_key(|device| length(device)).unwrap();
    let room = *device.copies.iter().max_by_key(|(_, log)| log.len()).unwrap().0;
    (device, room)
}

fn copy(record: &mut Record) -> &mut Vec<Logged> {
    let (device, room) = longest(record);
    device.copies.get_mut(&room).unwrap()
}

/// The place of a message in a room's log that somebody has an ack for.
fn acked(record: &mut Record) -> (&mut Vec<Logged>, usize) {
    let ack = record.devices.iter().find_map(|device| device.acks.first()).unwrap().clone();
    (&mut record.rooms.get_mut(&ack.room).unwrap().log, ack.seq as usize - 1)
}

type Doctor = fn(&mut Record);

/// What is done to the record of a run, and what the checker says of it.
const DOCTORS: [(&str, Doctor); 11] = [
    ("lost", |record| {
        copy(record).remove(5);
    }),
    ("lost", |record| {
        copy(record).pop();
    }),
    ("duplicated", |record| {
        let again = copy(record)[5].clone();
        copy(record).insert(6, again);
    }),
    ("duplicated or reordered", |record| copy(record).swap(5, 6)),
    ("is not what the log has", |record| copy(record)[5].1 = "{}".into()),
    ("acked and not there", |record| {
        let (log, place) = acked(record);
        log[place].1 = log[place].1.replace("\"message\"", "\"hidden\"");
    }),
    ("stands at", |record| {
        let (log, place) = acked(record);
        log.remove(place);
    }),
    ("times", |record| {
        let (log, place) = acked(record);
        let again = (log.len() as u64 + 1, log[place].1.clone());
        log.push(again);
    }),
    ("reordered: Written", |record| {
        let device = record.devices.iter_mut().find(|device| device.written.len() > 1).unwrap();
        device.written.iter_mut().for_each(|written| written.was_out = false);
        device.written.reverse();
    }),
    ("nobody wrote", |record| record.devices.iter_mut().for_each(|device| device.written.clear())),
    ("after removal 0", |record| {
        let is_removal = |frame: &&Logged| frame.1.contains("\"change\":\"left\"");
        let removed = record.rooms.iter().find_map(|(id, room)| Some((*id, room.log.iter().find(is_removal)?.clone())));
        let (room, (seq, text)) = removed.unwrap();
        let device = record.devices.iter_mut().find(|device| text.contains(&device.user)).unwrap();
        device.late.push(Late { room, removal: 0, seq });
    }),
];

#[tokio::test(flavor = "multi_thread")]
async fn the_checker_sees_what_is_lost_doubled_reordered_or_shown_to_who_was_removed() {
    let house = Arc::new(House::open().await);
    let verdict = run(&house, plain_seed(), Plant::None).await;
    assert_eq!(verdict.wrong, [""; 0]);
    for (number, (sentence, doctor)) in DOCTORS.iter().enumerate() {
        let mut record = verdict.record.clone();
        doctor(&mut record);
        let wrong = check(&record);
        assert!(wrong.iter().any(|what| what.contains(sentence)), "{number}: no {sentence:?} in {wrong:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_with_a_fault_is_caught() {
    let house = Arc::new(House::open().await);
    for (plant, sentence) in [
        (Plant::NoDedupe, "duplicated"),
        (Plant::NoResume, "lost"),
        (Plant::NewIdOnRetry, "written twice"),
        (Plant::ForgetOnDrop, "never got there"),
    ] {
        let mut is_caught = false;
        for seed in 1..=TRIES {
            let verdict = run(&house, seed, plant).await;
            is_caught = verdict.wrong.iter().any(|what| what.contains(sentence));
            if is_caught {
                break;
            }
        }
        assert!(is_caught, "{plant:?} in {TRIES} seeds");
    }
}
