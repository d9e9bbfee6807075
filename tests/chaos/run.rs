//! One seed, from its schedule to the checker's verdict.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use magpie::protocol::ConversationId;
use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::{
    sync::Notify,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    checker::{self, DeviceRecord, Record, RoomRecord},
    device::{Device, Plant, Shared},
    house::House,
    membership::{Register, Standing},
    person::Person,
    schedule::{Flood, Removals, Schedule, Who, micros},
};
use crate::support::proxy::{Proxy, Weather};

/// How long all may take to be up to date once nothing fails any more. Far more than it takes.
const SETTLING: Duration = Duration::from_secs(30);

/// What happened, counted.
pub type Tally = BTreeMap<&'static str, u64>;

pub struct Verdict {
    pub wrong: Vec<String>,
    pub tally: Tally,
    pub record: Record,
}

struct World {
    house: Arc<House>,
    schedule: Schedule,
    rooms: Vec<ConversationId>,
    register: Arc<Register>,
    devices: Vec<Arc<Device>>,
    /// Writes the flood; nothing fails for it.
    writer: Arc<Device>,
    sent: Arc<Notify>,
    tally: Tally,
}

pub async fn run(house: &Arc<House>, seed: u64, plant: Plant) -> Verdict {
    let mut world = World::open(Arc::clone(house), Schedule::of(seed), plant).await;
    let stop = CancellationToken::new();
    let mut links = world.connect(&stop);
    let followers = world.follow_the_server(&stop);
    world.live().await;
    let (record, lacking) = world.settle().await;
    stop.cancel();
    while links.join_next().await.is_some() {}
    followers.shutdown_all().await;
    world.verdict(record, lacking)
}

impl World {
    async fn open(house: Arc<House>, schedule: Schedule, plant: Plant) -> Self {
        let mut rooms = Vec::new();
        for members in &schedule.rooms {
            rooms.push(house.make_room(members).await);
        }
        let (register, sent) = (Arc::new(Register::default()), Arc::new(Notify::new()));
        let mut devices = Vec::new();
        let calm = Who {
            person: 0,
            weather: Weather::CALM,
            drops_every: Duration::MAX,
            is_late: false,
            has_small_buffer: false,
            compresses: false,
        };
        for (number, who) in schedule.devices.iter().chain([&calm]).enumerate() {
            let its_rooms = rooms.iter().zip(&schedule.rooms).filter(|(_, people)| people.contains(&who.person));
            let shared = Shared { register: Arc::clone(&register), sent: Arc::clone(&sent), plant };
            let proxy = Proxy::start(house.addr(), schedule.seed ^ (number as u64) << 32, who.weather).await;
            let (account, rooms) = (house.people[who.person].clone(), its_rooms.map(|(room, _)| *room).collect());
            devices.push(Arc::new(Device::new(number, who, account, proxy, rooms, shared)));
        }
        let writer = devices.pop().expect("the calm one");
        Self { house, schedule, rooms, register, devices, writer, sent, tally: Tally::new() }
    }

    fn everyone(&self) -> impl Iterator<Item = &Arc<Device>> {
        self.devices.iter().chain([&self.writer])
    }

    fn connect(&self, stop: &CancellationToken) -> JoinSet<()> {
        let mut links = JoinSet::new();
        for (number, device) in self.everyone().enumerate() {
            links.spawn(Arc::clone(device).run(self.schedule.seed + number as u64, stop.clone()));
        }
        links
    }

    /// After a restart the server is somewhere else: the proxies lead there.
    fn follow_the_server(&self, stop: &CancellationToken) -> Followers {
        let mut followers = JoinSet::new();
        let mut addresses = self.house.addresses();
        let devices: Vec<_> = self.everyone().cloned().collect();
        let stop = stop.clone();
        followers.spawn(async move {
            while let Some(Ok(())) = stop.run_until_cancelled(addresses.changed()).await {
                let addr = *addresses.borrow_and_update();
                devices.iter().for_each(|device| device.proxy.lead_to(addr));
            }
        });
        Followers(followers)
    }

    /// Everything at once, until everyone has done what the schedule has for them.
    async fn live(&mut self) {
        let (schedule, seed) = (self.schedule.clone(), self.schedule.seed);
        let mut busy = JoinSet::new();
        for (number, (device, who)) in self.devices.iter().zip(&schedule.devices).enumerate() {
            let person = Person::new(Arc::clone(device), who.clone(), seed.wrapping_mul(31) + number as u64);
            busy.spawn(person.live(schedule.lasts));
        }
        for (number, removals) in schedule.removals.iter().cloned().enumerate() {
            let rng = StdRng::seed_from_u64(seed.wrapping_mul(37) + number as u64);
            busy.spawn(remove_and_add(
                Arc::clone(&self.house),
                Arc::clone(&self.register),
                self.rooms[removals.room],
                removals,
                schedule.lasts,
                rng,
            ));
        }
        busy.spawn(jump(Arc::clone(&self.house), schedule.clock.clone()));
        let kills = kill(Arc::clone(&self.house), Arc::clone(&self.sent), schedule.kills.clone(), schedule.lasts);
        let flood = flood(Arc::clone(&self.writer), self.devices[0].clone(), self.rooms[0], schedule.flood);
        let (killed, ()) = tokio::join!(kills, flood);
        *self.tally.entry("kills").or_default() += killed;
        while let Some(ended) = busy.join_next().await {
            ended.expect("nobody panics");
        }
        *self.tally.entry("clock jumps").or_default() += schedule.clock.len() as u64;
        *self.tally.entry("removals").or_default() += schedule.removals.iter().map(|one| one.times as u64).sum::<u64>();
    }

    /// Waits until everyone has everything that the server has; what that is, and what is still missing when
    /// patience is at its end.
    async fn settle(&self) -> (Record, Option<String>) {
        self.everyone().for_each(|device| device.settle());
        let deadline = Instant::now() + SETTLING;
        loop {
            let heads = self.heads().await;
            let lacking = self.everyone().find_map(|device| device.lacks(&heads));
            let is_over = Instant::now() > deadline;
            if lacking.is_none() || is_over {
                let rooms = self.read_rooms().await;
                let devices = self.everyone().map(|device| self.record_of(device)).collect();
                // What a dead connection had still sent may have been taken meanwhile.
                if is_over || self.heads().await == heads {
                    return (Record { rooms, devices }, lacking);
                }
            }
            sleep(Duration::from_millis(10)).await;
        }
    }

    async fn heads(&self) -> Vec<(ConversationId, u64)> {
        let mut heads = Vec::new();
        for room in &self.rooms {
            heads.push((*room, self.house.head(*room).await));
        }
        heads
    }

    async fn read_rooms(&self) -> BTreeMap<ConversationId, RoomRecord> {
        let mut rooms = BTreeMap::new();
        for room in &self.rooms {
            let (log, messages) = (self.house.log(*room).await, self.house.messages(*room).await);
            rooms.insert(*room, RoomRecord { log, messages });
        }
        rooms
    }

    fn verdict(mut self, record: Record, lacking: Option<String>) -> Verdict {
        self.house.set_clock(0);
        for device in self.devices.iter().chain([&self.writer]) {
            for (what, count) in &device.book.lock().seen {
                *self.tally.entry(what).or_default() += count;
            }
            for (what, count) in device.proxy.counts().all() {
                *self.tally.entry(what).or_default() += count;
            }
        }
        *self.tally.entry("events").or_default() +=
            record.rooms.values().map(|room| room.log.len() as u64).sum::<u64>();
        let mut wrong = checker::check(&record);
        wrong.extend(lacking.map(|lacking| format!("not there after {SETTLING:?}: {lacking}")));
        Verdict { wrong, tally: self.tally, record }
    }

    fn record_of(&self, device: &Device) -> DeviceRecord {
        let book = device.book.lock();
        let is_in = |room: &&ConversationId| self.register.of(**room, device.person).standing == Standing::Member;
        DeviceRecord {
            name: device.name.clone(),
            user: device.account.signed_in.user.id.to_string(),
            copies: book.copies.iter().map(|(room, copy)| (*room, copy.log.clone())).collect(),
            member_of: device.rooms.iter().filter(is_in).copied().collect(),
            written: book.written.clone(),
            acks: book.acks.clone(),
            late: book.late.clone(),
            wrong: book.wrong.clone(),
        }
    }
}

struct Followers(JoinSet<()>);

impl Followers {
    async fn shutdown_all(mut self) {
        self.0.shutdown().await;
    }
}

async fn remove_and_add(
    house: Arc<House>,
    register: Arc<Register>,
    room: ConversationId,
    removals: Removals,
    lasts: Duration,
    mut rng: StdRng,
) {
    let person = removals.person;
    let pause = u64::try_from(lasts.as_micros()).unwrap_or(u64::MAX) / (removals.times as u64 * 2);
    for time in 1..=removals.times {
        sleep(micros(&mut rng, 0..pause * 2)).await;
        register.set(room, person, Standing::Leaving);
        house.remove(room, person).await;
        register.set(room, person, Standing::Gone);
        if time == removals.times && removals.stays_gone {
            return;
        }
        // Sometimes at once: what is on its way for the one meets the other.
        if rng.random_bool(0.7) {
            sleep(micros(&mut rng, 0..60_000)).await;
        }
        register.set(room, person, Standing::Returning);
        house.add(room, person).await;
        register.set(room, person, Standing::Member);
    }
}

async fn jump(house: Arc<House>, mut jumps: Vec<(Duration, i64)>) {
    jumps.sort();
    let began = Instant::now();
    for (at, seconds) in jumps {
        sleep((began + at).saturating_duration_since(Instant::now())).await;
        house.set_clock(seconds);
    }
}

/// How often the server was killed.
async fn kill(house: Arc<House>, sent: Arc<Notify>, kills: Vec<(u64, Duration)>, lasts: Duration) -> u64 {
    let mut killed = 0;
    for (messages, after) in kills {
        for _ in 0..messages {
            // The last who write may be done.
            let _ = timeout(lasts, sent.notified()).await;
        }
        sleep(after).await;
        house.kill_and_restart().await;
        killed += 1;
    }
    killed
}

async fn flood(writer: Arc<Device>, reader: Arc<Device>, room: ConversationId, flood: Option<Flood>) {
    let (messages, each) = match flood {
        None => return,
        Some(Flood::Events(messages)) => {
            reader.away_for(Duration::from_secs(60));
            (messages, 1)
        }
        Some(Flood::Bytes { messages, each }) => {
            reader.stall_for(Duration::from_secs(60));
            (messages, each)
        }
    };
    let numbered = (0..messages).map(|number| format!("flood {number} {}", "x".repeat(each.saturating_sub(20))));
    numbered.for_each(|text| writer.write(room, text.trim().to_owned()));
    while !writer.book.lock().outbox.is_empty() {
        sleep(Duration::from_millis(5)).await;
    }
}
