//! Many clients at once.

use std::{
    io,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{
    Result,
    frames::{self, Frame},
    house::House,
    shape::Shape,
    socket::Socket,
};

/// Handshakes that go on at once: fewer than a listening socket's queue holds (1,024), so that none is lost there
/// and tried again by the kernel a second later.
pub const HANDSHAKES: usize = 512;

/// Opens all clients of this shape, each subscribed to its room, with nothing to catch up on.
pub async fn gather(house: &House, shape: Shape) -> io::Result<Vec<Socket>> {
    let open = |n| async move {
        let mut socket = Socket::open(house, n).await?;
        let room = &house.rooms[shape.room_of(n)];
        socket.subscribe(room, room.head, &mut |_| {}).await?;
        Ok(socket)
    };
    stream::iter((0..shape.clients).map(open)).buffer_unordered(HANDSHAKES).try_collect().await
}

/// What has come to whom, for all clients of a scenario.
#[derive(Default)]
pub struct Board {
    /// Events and frames of the moment.
    pub delivered: AtomicU64,
    sent: Mutex<Vec<Sent>>,
    delays: Mutex<Vec<Duration>>,
    failure: Mutex<Option<String>>,
}

struct Sent {
    at: Instant,
    last: Instant,
    copies: usize,
}

impl Board {
    /// Notes a message that goes out now: number 0, then 1, 2 …
    pub fn sending(&self) {
        let at = Instant::now();
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).push(Sent { at, last: at, copies: 0 });
    }

    /// Notes one message that came.
    pub fn came(&self, event: &[u8]) {
        let now = Instant::now();
        let number = frames::number(event, "number=").and_then(|number| usize::try_from(number).ok());
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(sent) = number.and_then(|number| sent.get_mut(number)) else { return };
        sent.last = now;
        sent.copies += 1;
        self.delays.lock().unwrap_or_else(PoisonError::into_inner).push(now - sent.at);
    }

    /// How long each message that came to all of these took to come to the last of them.
    pub fn until_the_last_of(&self, copies: usize) -> Vec<Duration> {
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.iter().filter(|sent| sent.copies == copies).map(|sent| sent.last - sent.at).collect()
    }

    pub fn delays(&self) -> Vec<Duration> {
        std::mem::take(&mut self.delays.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Relaxed)
    }

    pub fn failed(&self, error: &io::Error) {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| error.to_string());
    }

    /// An error if a client lost its connection.
    pub fn check(&self) -> Result<()> {
        match self.failure.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(failure) => Err(format!("a client lost its connection: {failure}").into()),
            None => Ok(()),
        }
    }
}

/// Reads for ever, counts everything, looks at each message's number.
pub async fn watch(mut socket: Socket, board: std::sync::Arc<Board>) {
    loop {
        let mut frames = 0;
        let count = &mut |frame: Frame<'_>| match frame {
            Frame::Event(event) => {
                frames += 1;
                board.came(event);
            }
            Frame::Moment => frames += 1,
            _ => {}
        };
        let read = socket.read.read(count).await;
        board.delivered.fetch_add(frames, Ordering::Relaxed);
        if let Err(error) = read {
            return board.failed(&error);
        }
    }
}
