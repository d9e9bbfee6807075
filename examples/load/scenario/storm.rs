//! All clients lose their connection at once and come back as fast as they can, while messages go on. Each knows
//! the last seq it has; at the end each must have had every one, once.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
};

use crate::{
    Result,
    crowd::HANDSHAKES,
    figures::{Figure, Figures},
    frames::{self, Frame},
    house::House,
    server::Server,
    shape::Shape,
    socket::Socket,
};

/// Between two messages, of all rooms.
const EVERY: Duration = Duration::from_millis(10);
const PATIENCE: Duration = Duration::from_secs(60);
const RETRY: Duration = Duration::from_millis(50);

struct Storm {
    house: House,
    shape: Shape,
    doors: Semaphore,
    current: AtomicU64,
    back_at: Mutex<Vec<Instant>>,
    missing: AtomicU64,
    twice: AtomicU64,
    /// How far each client has come.
    cursors: Vec<AtomicU64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Before,
    Dropped,
}

pub async fn run(server: &mut Server, shape: Shape) -> Result<Figures> {
    let house = server.house(shape).await?;
    let cursors = (0..shape.clients).map(|n| AtomicU64::new(house.rooms[shape.room_of(n)].head)).collect();
    let storm = Arc::new(Storm {
        house,
        shape,
        doors: Semaphore::new(HANDSHAKES),
        current: AtomicU64::new(0),
        back_at: Mutex::default(),
        missing: AtomicU64::new(0),
        twice: AtomicU64::new(0),
        cursors,
    });
    let (phase, _) = watch::channel(Phase::Before);
    let mut clients = JoinSet::new();
    for n in 0..shape.clients {
        clients.spawn(client(Arc::clone(&storm), n, phase.subscribe()));
    }
    storm.wait_for(|storm| storm.current.load(Ordering::Relaxed) as usize >= shape.clients).await?;
    let (stop, stopped) = watch::channel(());
    let talk = tokio::spawn(talk(Arc::clone(&storm), stopped));
    tokio::time::sleep(shape.time).await;

    let dropped = Instant::now();
    phase.send_replace(Phase::Dropped);
    let all_back = |storm: &Storm| storm.back_at.lock().unwrap_or_else(PoisonError::into_inner).len() >= shape.clients;
    storm.wait_for(all_back).await?;
    let last = storm.back_at.lock().unwrap_or_else(PoisonError::into_inner).iter().max().copied();
    tokio::time::sleep(shape.time).await;

    drop(stop);
    let heads = talk.await??;
    let behind = |storm: &Storm| -> u64 {
        let of =
            |(n, cursor): (usize, &AtomicU64)| heads[shape.room_of(n)].saturating_sub(cursor.load(Ordering::Relaxed));
        storm.cursors.iter().enumerate().map(of).sum()
    };
    // Whoever has not come so far by then has lost it.
    let _ = tokio::time::timeout(RETRY * 40, storm.wait_for(|storm| behind(storm) == 0)).await;
    let missing = storm.missing.load(Ordering::Relaxed) + behind(&storm);
    Ok(vec![
        (Figure::Storm, last.map_or(f64::NAN, |last| (last - dropped).as_secs_f64())),
        (Figure::StormMissing, missing as f64),
        (Figure::StormTwice, storm.twice.load(Ordering::Relaxed) as f64),
    ])
}

impl Storm {
    async fn wait_for(&self, done: impl Fn(&Self) -> bool) -> Result<()> {
        let begun = Instant::now();
        while !done(self) {
            if begun.elapsed() > PATIENCE {
                return Err("the clients did not come back".into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Notes an event that came to client `n`.
    fn came(&self, n: usize, event: &[u8]) {
        let (seq, cursor) = (frames::seq(event), self.cursors[n].load(Ordering::Relaxed));
        if seq <= cursor {
            self.twice.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.missing.fetch_add(seq - cursor - 1, Ordering::Relaxed);
        self.cursors[n].store(seq, Ordering::Relaxed);
    }

    fn cursor(&self, n: usize) -> u64 {
        self.cursors[n].load(Ordering::Relaxed)
    }

    /// Opens client `n`'s socket, reads what it missed, returns when it is current.
    async fn connect(&self, n: usize) -> io::Result<Socket> {
        let door = self.doors.acquire().await.map_err(io::Error::other)?;
        let mut socket = Socket::open(&self.house, n).await?;
        let room = &self.house.rooms[self.shape.room_of(n)];
        let (head, is_current) = socket.subscribe(room, self.cursor(n), &mut |frame| self.frame(n, frame)).await?;
        drop(door);
        if is_current {
            // A server that keeps no log says so whatever was missed.
            let lost = head.saturating_sub(self.cursor(n));
            self.missing.fetch_add(lost, Ordering::Relaxed);
            self.cursors[n].fetch_max(head, Ordering::Relaxed);
        }
        while self.cursor(n) < head {
            socket.read.read(&mut |frame| self.frame(n, frame)).await?;
        }
        Ok(socket)
    }

    fn frame(&self, n: usize, frame: Frame<'_>) {
        if let Frame::Event(event) = frame {
            self.came(n, event);
        }
    }
}

async fn client(storm: Arc<Storm>, n: usize, mut phase: watch::Receiver<Phase>) {
    loop {
        let mut socket = loop {
            match storm.connect(n).await {
                Ok(socket) => break socket,
                Err(_) => tokio::time::sleep(RETRY).await,
            }
        };
        if *phase.borrow() == Phase::Dropped {
            storm.back_at.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
        }
        storm.current.fetch_add(1, Ordering::Relaxed);
        let note = &mut |frame: Frame<'_>| storm.frame(n, frame);
        loop {
            tokio::select! {
                read = socket.read.read(note) => if read.is_err() { break },
                _ = phase.changed() => break,
            }
        }
    }
}

/// Sends to one room after the other until told to stop, then waits for the acks. Returns each room's head.
async fn talk(storm: Arc<Storm>, stopped: watch::Receiver<()>) -> io::Result<Vec<u64>> {
    let house = &storm.house;
    let mut heads: Vec<_> = house.rooms.iter().map(|room| room.head).collect();
    let Socket { mut read, mut write } = Socket::open(house, 0).await?;
    let (mut sent, acked) = (0, AtomicU64::new(0));
    let mut clock = tokio::time::interval(EVERY);
    let count = &mut |frame: Frame<'_>| {
        acked.fetch_add(u64::from(matches!(frame, Frame::Ack(_))), Ordering::Relaxed);
    };
    while stopped.has_changed().is_ok() || acked.load(Ordering::Relaxed) < sent {
        tokio::select! {
            _ = clock.tick(), if stopped.has_changed().is_ok() => {
                let room = sent as usize % house.rooms.len();
                write.send(&house.chat(&house.rooms[room]).1).await?;
                heads[room] += 1;
                sent += 1;
            }
            read = read.read(count) => read?,
        }
    }
    Ok(heads)
}
