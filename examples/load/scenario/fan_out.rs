//! As many deliveries as go, to a thousand in one room. The senders wait for the readers: so many messages are on
//! their way at once, never more. With one at a time nothing can be put together, with many a server can.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    Result,
    crowd::{self, Board},
    figures::{Figure, Figures},
    frames::Frame,
    house::House,
    server::Server,
    shape::Shape,
    socket::Socket,
};

/// Sockets that messages are sent by.
const SENDERS: usize = 16;
/// Messages on their way at once. Less than half of what may wait for one reader.
const BATCHED: usize = 128;
const WARM_UP: Duration = Duration::from_millis(500);

pub async fn run(server: &mut Server, shape: Shape) -> Result<Figures> {
    let house = Arc::new(server.house(shape).await?);
    let clients = crowd::gather(&house, shape).await?;
    let flow = Arc::new(Flow { board: Board::default(), window: Semaphore::new(1), readers: clients.len() as u64 });
    let mut tasks = JoinSet::new();
    for socket in clients {
        tasks.spawn(listen(socket, Arc::clone(&flow)));
    }
    for n in 0..SENDERS {
        let Socket { mut read, mut write } = Socket::open(&house, n).await?;
        tasks.spawn(async move { while read.read(&mut |_| {}).await.is_ok() {} });
        let (house, flow) = (Arc::clone(&house), Arc::clone(&flow));
        tasks.spawn(async move {
            while let Ok(permit) = flow.window.acquire().await {
                permit.forget();
                if write.send(&next(&house)).await.is_err() {
                    return;
                }
            }
        });
    }
    let unbatched = flow.rate(shape.time / 2).await?;
    flow.window.add_permits(BATCHED - 1);
    let batched = flow.rate(shape.time).await?;
    Ok(vec![(Figure::FanOut, batched), (Figure::FanOutUnbatched, unbatched)])
}

fn next(house: &House) -> String {
    house.chat(&house.rooms[0]).1
}

struct Flow {
    board: Board,
    window: Semaphore,
    readers: u64,
}

impl Flow {
    /// Deliveries a second.
    async fn rate(&self, time: Duration) -> Result<f64> {
        tokio::time::sleep(WARM_UP).await;
        let (begun, before) = (std::time::Instant::now(), self.board.delivered());
        tokio::time::sleep(time).await;
        let delivered = self.board.delivered() - before;
        self.board.check()?;
        Ok(delivered as f64 / begun.elapsed().as_secs_f64())
    }
}

async fn listen(mut socket: Socket, flow: Arc<Flow>) {
    loop {
        let mut events = 0;
        let read = socket.read.read(&mut |frame| events += u64::from(matches!(frame, Frame::Event(_)))).await;
        let before = flow.board.delivered.fetch_add(events, Ordering::Relaxed);
        let complete = (before + events) / flow.readers - before / flow.readers;
        flow.window.add_permits(complete as usize);
        if let Err(error) = read {
            return flow.board.failed(&error);
        }
    }
}
