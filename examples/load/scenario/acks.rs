//! Senders that each wait for the ack of one message before they send the next. Each stands in a room of its own
//! and reads its own message there, as a person's browser does.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::task::JoinSet;

use crate::{
    Result,
    figures::{Figure, Figures, Times},
    frames::Frame,
    house::House,
    server::Server,
    shape::Shape,
    socket::Socket,
};

const WARM_UP: Duration = Duration::from_millis(500);

pub async fn many(server: &mut Server, shape: Shape) -> Result<Figures> {
    let (times, cpu) = run(server, shape, Readers::Themselves).await?;
    let rate = times.len() as f64 / shape.time.as_secs_f64();
    let each = cpu.as_secs_f64() * 1e6 / times.len() as f64;
    let times = Times::new(times);
    let (p50, p99) = (times.quantile_ms(0.5), times.quantile_ms(0.99));
    Ok(vec![(Figure::Acks, rate), (Figure::AckCpu, each), (Figure::AckP50, p50), (Figure::AckP99, p99)])
}

pub async fn in_one_room(server: &mut Server, shape: Shape) -> Result<Figures> {
    let (times, cpu) = run(server, shape, Readers::Nobody).await?;
    let rate = times.len() as f64 / shape.time.as_secs_f64();
    let each = cpu.as_secs_f64() * 1e6 / times.len() as f64;
    let p99 = Times::new(times).quantile_ms(0.99);
    Ok(vec![(Figure::RoomAcks, rate), (Figure::RoomAckCpu, each), (Figure::RoomAckP99, p99)])
}

pub async fn one(server: &mut Server, shape: Shape) -> Result<Figures> {
    let disk = server.fdatasync()?;
    let times = Times::new(run(server, shape, Readers::Themselves).await?.0);
    Ok(vec![
        (Figure::LoneAckP50, times.quantile_ms(0.5)),
        (Figure::LoneAckP99, times.quantile_ms(0.99)),
        (Figure::Fdatasync, disk.as_secs_f64() * 1_000.0),
    ])
}

/// Who reads what is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Readers {
    Themselves,
    Nobody,
}

/// How long each ack took, and the server's CPU time.
async fn run(server: &mut Server, shape: Shape, readers: Readers) -> Result<(Vec<Duration>, Duration)> {
    let house = Arc::new(server.house(shape).await?);
    let begin = Instant::now() + WARM_UP;
    let end = begin + shape.time;
    let mut tasks = JoinSet::new();
    for n in 0..shape.clients {
        let mut socket = Socket::open(&house, n).await?;
        let room = &house.rooms[shape.room_of(n)];
        if readers == Readers::Themselves {
            socket.subscribe(room, room.head, &mut |_| {}).await?;
        }
        tasks.spawn(send(Arc::clone(&house), shape.room_of(n), socket, begin, end));
    }
    tokio::time::sleep_until(begin.into()).await;
    let cpu = server.cpu()?;
    tokio::time::sleep_until(end.into()).await;
    let cpu = server.cpu()? - cpu;
    let mut times = Vec::new();
    while let Some(sent) = tasks.join_next().await {
        times.extend(sent??);
    }
    Ok((times, cpu))
}

async fn send(
    house: Arc<House>,
    room: usize,
    mut socket: Socket,
    begin: Instant,
    end: Instant,
) -> io::Result<Vec<Duration>> {
    let mut times = Vec::new();
    loop {
        let (_, chat) = house.chat(&house.rooms[room]);
        let sent = Instant::now();
        socket.write.send(&chat).await?;
        let mut acked = false;
        while !acked {
            let look = &mut |frame: Frame<'_>| match frame {
                Frame::Ack(_) => acked = true,
                Frame::Error(error) => eprintln!("{}", String::from_utf8_lossy(error)),
                _ => {}
            };
            socket.read.read(look).await?;
        }
        let now = Instant::now();
        if now >= end {
            return Ok(times);
        }
        if sent >= begin {
            times.push(now - sent);
        }
    }
}
