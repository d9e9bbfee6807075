//! Nothing acknowledged is lost, nothing comes twice, nothing out of order, nothing to who was removed:
//! whatever fails, and whenever.
//!
//! A seed makes a [`schedule`]: some people with some devices in some rooms of a real server process, each
//! device behind a proxy that fails; drops, kills, clock jumps, stalls, removals. The devices are real clients
//! of the wire. When all of it is over, everyone comes to rest and the [`checker`] compares every client's log
//! with the server's. What happens at the same time is the machine's affair: a seed replays the schedule, not
//! the interleaving.
//!
//! `make test` runs a few seeds; `make chaos SEEDS=1000` as many as one likes, from `FROM` on.

mod book;
mod checker;
mod clock;
mod copy;
mod device;
mod house;
mod membership;
mod person;
mod planted;
mod run;
mod schedule;
mod session;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use parking_lot::Mutex;

use self::{
    device::Plant,
    house::House,
    run::{Tally, run},
    schedule::Schedule,
};

/// Seeds that every test run has.
const SEEDS: u64 = 16;
/// At one time: each has a server of its own.
const JOBS: u64 = 2;
/// A person may be in a thousand conversations: then new people, a new server, a new file.
const SEEDS_PER_HOUSE: usize = 40;
/// Enough to see what is wrong.
const FAILURES: usize = 40;
/// Sentences about each.
const SENTENCES: usize = 12;

#[expect(clippy::disallowed_methods, reason = "a switch of the test, no setting of the server")]
fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|number| number.parse().ok()).unwrap_or(otherwise)
}

/// What all jobs of a run share.
#[derive(Default)]
struct Sum {
    next: AtomicU64,
    tally: Mutex<Tally>,
    failures: Mutex<Vec<String>>,
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_doubled_reordered_or_shown_to_who_was_removed_whatever_fails() {
    let (from, seeds) = (number("CHAOS_FROM", 1), number("CHAOS_SEEDS", SEEDS));
    let began = Instant::now();
    let sum = Arc::new(Sum::default());
    let jobs = (0..number("CHAOS_JOBS", JOBS)).map(|_| tokio::spawn(job(Arc::clone(&sum), from, seeds)));
    for job in futures_util::future::join_all(jobs).await {
        job.unwrap();
    }
    println!("\nchaos: seeds {from} to {} in {:.0?}", from + seeds - 1, began.elapsed());
    sum.tally.lock().iter().for_each(|(what, count)| println!("  {count:>9} {what}"));
    let failures = sum.failures.lock();
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

async fn job(sum: Arc<Sum>, from: u64, seeds: u64) {
    loop {
        let house = Arc::new(House::open().await);
        for _ in 0..SEEDS_PER_HOUSE {
            let done = sum.next.fetch_add(1, Ordering::Relaxed);
            if done >= seeds || sum.failures.lock().len() >= FAILURES {
                return;
            }
            sum.try_seed(&house, from + done).await;
            if (done + 1).is_multiple_of(50) {
                println!("chaos: {} of {seeds} seeds", done + 1);
            }
        }
    }
}

impl Sum {
    async fn try_seed(&self, house: &Arc<House>, seed: u64) {
        let began = Instant::now();
        let verdict = run(house, seed, Plant::None).await;
        let mut tally = self.tally.lock();
        for (what, count) in verdict.tally {
            *tally.entry(what).or_default() += count;
        }
        if number("CHAOS_VERBOSE", 0) > 0 {
            println!("seed {seed}: {:.0?}", began.elapsed());
        }
        if !verdict.wrong.is_empty() {
            let said = report(seed, &verdict.wrong);
            println!("{said}");
            self.failures.lock().push(said);
        }
    }
}

fn report(seed: u64, wrong: &[String]) -> String {
    let shown: Vec<_> = wrong.iter().take(SENTENCES).map(|what| format!("  - {what}")).collect();
    format!(
        "seed {seed}: {} things are wrong. Again: make chaos FROM={seed} SEEDS=1\n{}\n  {:?}",
        wrong.len(),
        shown.join("\n"),
        Schedule::of(seed)
    )
}
