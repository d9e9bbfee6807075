//! The proxy of the chaos test does what it says: a fault that strikes nobody would prove nothing.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::{Instant, timeout},
};

use crate::support::proxy::{Proxy, Weather};

const PATIENCE: Duration = Duration::from_secs(10);
const SURE: Weather = Weather { within_bytes: 1_000, time: Duration::from_millis(60), ..Weather::CALM };

/// Says back what it hears, and tells of the first byte of each connection.
async fn echo() -> (SocketAddr, mpsc::Receiver<u8>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (tell, told) = mpsc::channel(16);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let tell = tell.clone();
            tokio::spawn(async move {
                let (mut bytes, mut is_first) = ([0; 1_024], true);
                while let Ok(read @ 1..) = stream.read(&mut bytes).await {
                    if std::mem::take(&mut is_first) {
                        let _ = tell.send(bytes[0]).await;
                    }
                    let _ = stream.write_all(&bytes[..read]).await;
                }
            });
        }
    });
    (addr, told)
}

async fn proxy(weather: Weather) -> (Proxy, mpsc::Receiver<u8>) {
    let (addr, told) = echo().await;
    (Proxy::start(addr, 7, weather).await, told)
}

/// Sends so many bytes; how many came back by the end, and whether that was a reset.
async fn send(proxy: &Proxy, bytes: usize) -> (usize, bool) {
    let mut stream = TcpStream::connect(proxy.addr).await.unwrap();
    let _ = stream.write_all(&vec![b'x'; bytes]).await;
    let _ = stream.shutdown().await;
    let mut heard = Vec::new();
    let ended = timeout(PATIENCE, stream.read_to_end(&mut heard)).await.expect("an end");
    (heard.len(), ended.is_err())
}

#[tokio::test]
async fn in_calm_weather_everything_passes() {
    let (proxy, _told) = proxy(Weather::CALM).await;
    assert_eq!(send(&proxy, 100_000).await, (100_000, false));
}

#[tokio::test]
async fn a_connection_is_cut_in_the_middle_of_what_is_said() {
    let (proxy, _told) = proxy(Weather { truncate: 1.0, ..SURE }).await;
    for _ in 0..10 {
        let (heard, _) = send(&proxy, 100_000).await;
        assert!(heard <= SURE.within_bytes, "{heard}");
    }
    assert_eq!(proxy.counts().all().iter().find(|(what, _)| what.contains("truncated")).unwrap().1, 10);
}

#[tokio::test]
async fn a_half_open_connection_is_silent_and_then_reset() {
    let (proxy, _told) = proxy(Weather { half_open: 1.0, ..SURE }).await;
    let began = Instant::now();
    let (heard, was_reset) = send(&proxy, 100_000).await;
    assert!(heard < 100_000 && was_reset, "{heard}");
    assert!(began.elapsed() >= SURE.time.mul_f64(0.05), "the silence lasts");
}

#[tokio::test]
async fn an_upgrade_is_refused_in_words() {
    let (proxy, _told) = proxy(Weather { refuse: 1.0, ..SURE }).await;
    let mut stream = TcpStream::connect(proxy.addr).await.unwrap();
    stream.write_all(b"GET /ws HTTP/1.1\r\nUpgrade: WebSocket\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.expect("an end").unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
}

#[tokio::test]
async fn a_connection_that_is_held_is_overtaken_by_the_next() {
    let (proxy, mut told) = proxy(Weather { hold: 1.0, time: PATIENCE, ..SURE }).await;
    let proxy = Arc::new(proxy);
    let mut first = TcpStream::connect(proxy.addr).await.unwrap();
    first.write_all(b"1").await.unwrap();
    let held = async {
        while proxy.counts().all().iter().all(|(what, count)| !what.contains("held") || *count == 0) {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, held).await.expect("the first is held");
    assert!(told.try_recv().is_err(), "it has not come through");
    proxy.change_weather(Weather::CALM);
    let mut second = TcpStream::connect(proxy.addr).await.unwrap();
    second.write_all(b"2").await.unwrap();
    let order = timeout(PATIENCE, async { [told.recv().await, told.recv().await] }).await.expect("both");
    // The second let the first through; which byte is heard first is then theirs to race for.
    assert!(order.contains(&Some(b'1')) && order.contains(&Some(b'2')), "{order:?}");
}

#[tokio::test]
async fn while_the_network_is_down_nobody_comes_through_and_after_it_everybody() {
    let (proxy, mut told) = proxy(Weather::CALM).await;
    let mut stream = TcpStream::connect(proxy.addr).await.unwrap();
    stream.write_all(b"1").await.unwrap();
    assert_eq!(told.recv().await, Some(b'1'));
    proxy.down_for(PATIENCE);
    let cut = async {
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await
    };
    timeout(PATIENCE, cut).await.expect("the open one is reset").unwrap_err();
    assert_eq!(send(&proxy, 10).await.0, 0);
    proxy.heal();
    assert_eq!(send(&proxy, 10).await, (10, false));
}

#[tokio::test]
async fn silence_holds_back_and_loses_nothing() {
    let (proxy, _told) = proxy(Weather::CALM).await;
    let began = Instant::now();
    proxy.silent_for(Duration::from_millis(50));
    assert_eq!(send(&proxy, 10_000).await, (10_000, false));
    assert!(began.elapsed() >= Duration::from_millis(50));
}
