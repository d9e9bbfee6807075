//! An ordinary day: two hundred rooms of twenty people. In each, every two seconds, somebody types and a moment
//! later sends; the other nineteen see it typed, then the message, then that the typing is over.

use std::{io, sync::Arc, time::Duration};

use tokio::task::JoinSet;

use crate::{
    Result,
    crowd::{self, Board},
    figures::{Figure, Figures, Times},
    frames::Frame,
    house::House,
    server::Server,
    shape::Shape,
    socket::{Socket, Writer},
};

const EVERY: Duration = Duration::from_secs(2);
const TYPES_FOR: Duration = Duration::from_millis(300);

pub async fn run(server: &mut Server, shape: Shape) -> Result<Figures> {
    let house = Arc::new(server.house(shape).await?);
    let board = Arc::new(Board::default());
    let mut tasks = JoinSet::new();
    for socket in crowd::gather(&house, Shape { clients: shape.clients - shape.rooms, ..shape }).await? {
        tasks.spawn(crowd::watch(socket, Arc::clone(&board)));
    }
    for n in 0..shape.rooms {
        let mut socket = Socket::open(&house, n).await?;
        socket.subscribe(&house.rooms[n], house.rooms[n].head, &mut |_| {}).await?;
        let Socket { mut read, write } = socket;
        let counted = Arc::clone(&board);
        tasks.spawn(async move {
            let count = &mut |frame: Frame<'_>| {
                if let Frame::Event(event) = frame {
                    counted.came(event);
                    counted.delivered.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                }
            };
            while read.read(count).await.is_ok() {}
        });
        let (house, board) = (Arc::clone(&house), Arc::clone(&board));
        let offset = EVERY * n as u32 / shape.rooms as u32;
        tasks.spawn(async move {
            if let Err(error) = speak(&house, n, write, &board, offset).await {
                board.failed(&error);
            }
        });
    }
    // The first round is the warm-up.
    tokio::time::sleep(EVERY).await;
    board.delays();
    let (delivered, cpu) = (board.delivered(), server.cpu()?);
    tokio::time::sleep(shape.time).await;
    let (delivered, cpu) = (board.delivered() - delivered, server.cpu()? - cpu);
    board.check()?;
    let delays = Times::new(board.delays());
    Ok(vec![
        (Figure::DayCpu, cpu.as_secs_f64() * 1e6 / delivered as f64),
        (Figure::DayP50, delays.quantile_ms(0.5)),
        (Figure::DayP99, delays.quantile_ms(0.99)),
    ])
}

async fn speak(house: &House, room: usize, mut write: Writer, board: &Board, offset: Duration) -> io::Result<()> {
    let room = &house.rooms[room];
    tokio::time::sleep(offset).await;
    let mut clock = tokio::time::interval(EVERY);
    loop {
        clock.tick().await;
        write.send(&house.typing(room)).await?;
        tokio::time::sleep(TYPES_FOR).await;
        let (_, chat) = house.chat(room);
        board.sending();
        write.send(&chat).await?;
    }
}
