//! Connections that are authenticated and subscribed, and do nothing: how fast they come, what each holds.

use std::time::{Duration, Instant};

use crate::{
    Result, crowd,
    figures::{Figure, Figures},
    server::Server,
    shape::Shape,
};

/// Clients that come and go before anything is measured, so that what the server makes once is made.
const WARM_UP: usize = 100;
const SETTLE: Duration = Duration::from_secs(1);

pub async fn run(server: &mut Server, shape: Shape) -> Result<Figures> {
    tokio::time::sleep(SETTLE).await;
    let idle = server.resident()?;
    let house = server.house(shape).await?;
    drop(crowd::gather(&house, Shape { clients: WARM_UP, rooms: 1, ..shape }).await?);
    tokio::time::sleep(SETTLE).await;
    let before = server.resident()?;
    let begun = Instant::now();
    let clients = crowd::gather(&house, shape).await?;
    let time = begun.elapsed();
    tokio::time::sleep(SETTLE).await;
    let held = server.resident()?.saturating_sub(before) as f64;
    let count = clients.len() as f64;
    Ok(vec![
        (Figure::IdleServer, idle as f64 / 1_048_576.0),
        (Figure::PerConnection, held / count / 1_024.0),
        (Figure::ConnectRate, count / time.as_secs_f64()),
    ])
}
