//! Ten messages a second to a thousand in one room: what a delivery costs, and when the last of them has it.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinSet;

use crate::{
    Result,
    crowd::{self, Board},
    figures::{Figure, Figures, Times},
    server::Server,
    shape::Shape,
    socket::Socket,
};

const EVERY: Duration = Duration::from_millis(100);

pub async fn run(server: &mut Server, shape: Shape) -> Result<Figures> {
    let house = server.house(shape).await?;
    let board = Arc::new(Board::default());
    let mut tasks = JoinSet::new();
    for socket in crowd::gather(&house, shape).await? {
        tasks.spawn(crowd::watch(socket, Arc::clone(&board)));
    }
    let Socket { mut read, mut write } = Socket::open(&house, 0).await?;
    tasks.spawn(async move { while read.read(&mut |_| {}).await.is_ok() {} });
    tokio::time::sleep(EVERY * 5).await;
    let (delivered, cpu) = (board.delivered(), server.cpu()?);
    let mut clock = tokio::time::interval(EVERY);
    for _ in 0..shape.time.as_millis() / EVERY.as_millis() {
        clock.tick().await;
        let (_, chat) = house.chat(&house.rooms[0]);
        board.sending();
        write.send(&chat).await?;
    }
    clock.tick().await;
    let (delivered, cpu) = (board.delivered() - delivered, server.cpu()? - cpu);
    board.check()?;
    let last = Times::new(board.until_the_last_of(shape.clients));
    Ok(vec![
        (Figure::CpuPerDelivery, cpu.as_secs_f64() * 1e6 / delivered as f64),
        (Figure::LastP50, last.quantile_ms(0.5)),
        (Figure::LastP99, last.quantile_ms(0.99)),
    ])
}
