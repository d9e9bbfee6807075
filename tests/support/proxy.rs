//! A network that fails: a TCP proxy before the server that delays, resets, truncates, falls silent, refuses,
//! and lets connections through in another order than they came, all by a seed.
//!
//! Each connection draws a [`Plan`] when it comes. Whoever holds the proxy can also end all connections, take
//! the network away for a while, or [`Proxy::heal`] it. Everything ends when the proxy is dropped.

mod connection;
mod plan;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use rand::{SeedableRng, rngs::StdRng};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{Notify, watch},
    task::{JoinHandle, JoinSet},
    time::Instant,
};

pub use plan::{End, Plan, Way, Weather};

/// Connections at one time; one more is reset at once.
const CONNECTIONS: usize = 64;
/// Bytes on their way to a client, as the kernel counts them.
const CLIENT_BUFFER: u32 = 16 * 1024;

pub struct Proxy {
    pub addr: SocketAddr,
    line: Arc<Line>,
    accepting: JoinHandle<()>,
}

/// What all connections share.
struct Line {
    upstream: watch::Sender<SocketAddr>,
    /// Grows when every connection is to end.
    cuts: watch::Sender<u64>,
    /// Nothing is forwarded before this moment.
    silent_until: watch::Sender<Instant>,
    /// New connections are reset before this moment.
    down_until: Mutex<Instant>,
    weather: Mutex<(Weather, StdRng)>,
    /// A connection reached the server: one that is held may follow.
    passed: Notify,
    counts: Counts,
}

/// How often each fault struck.
#[derive(Default)]
pub struct Counts {
    pub connections: AtomicU64,
    pub refused: AtomicU64,
    pub held: AtomicU64,
    pub delayed: AtomicU64,
    pub reset: AtomicU64,
    pub truncated: AtomicU64,
    pub half_open: AtomicU64,
    pub cut: AtomicU64,
}

impl Counts {
    /// Each with its name.
    pub fn all(&self) -> [(&'static str, u64); 8] {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        [
            ("proxy: connections", read(&self.connections)),
            ("proxy: refused", read(&self.refused)),
            ("proxy: held back", read(&self.held)),
            ("proxy: delayed", read(&self.delayed)),
            ("proxy: reset", read(&self.reset)),
            ("proxy: truncated", read(&self.truncated)),
            ("proxy: half-open", read(&self.half_open)),
            ("proxy: cut", read(&self.cut)),
        ]
    }

    fn note(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

impl Proxy {
    /// Listens on a free port of the loopback; connections lead to `upstream`.
    pub async fn start(upstream: SocketAddr, seed: u64, weather: Weather) -> Self {
        let listener = listen().expect("a free port");
        let addr = listener.local_addr().expect("an address");
        let line = Arc::new(Line {
            upstream: watch::Sender::new(upstream),
            cuts: watch::Sender::new(0),
            silent_until: watch::Sender::new(Instant::now()),
            down_until: Mutex::new(Instant::now()),
            weather: Mutex::new((weather, StdRng::seed_from_u64(seed))),
            passed: Notify::new(),
            counts: Counts::default(),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&line)));
        Self { addr, line, accepting }
    }

    /// From now on connections lead there; those that are open stay where they are.
    pub fn lead_to(&self, upstream: SocketAddr) {
        self.line.upstream.send_replace(upstream);
    }

    /// Resets every connection.
    pub fn cut(&self) {
        self.line.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// No network: every connection is reset, and so is each new one for so long.
    pub fn down_for(&self, time: Duration) {
        *self.line.down_until.lock() = Instant::now() + time;
        self.cut();
    }

    /// Nothing passes for so long, and nobody is told; then all goes on.
    pub fn silent_for(&self, time: Duration) {
        self.line.silent_until.send_replace(Instant::now() + time);
    }

    /// For connections to come.
    pub fn change_weather(&self, weather: Weather) {
        self.line.weather.lock().0 = weather;
    }

    /// From now on nothing fails. What was under way is reset: it may be silent for good.
    pub fn heal(&self) {
        self.line.weather.lock().0 = Weather::CALM;
        *self.line.down_until.lock() = Instant::now();
        self.line.silent_until.send_replace(Instant::now());
        self.cut();
    }

    pub fn counts(&self) -> &Counts {
        &self.line.counts
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // The connections are tasks of the accepting task: they end with it.
        self.accepting.abort();
    }
}

/// Its connections have the listener's buffer: small, so that the server feels a client that does not read.
fn listen() -> std::io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_send_buffer_size(CLIENT_BUFFER)?;
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    socket.listen(64)
}

async fn accept(listener: TcpListener, line: Arc<Line>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept() => {
                let Ok((client, _)) = accepted else { continue };
                Counts::note(&line.counts.connections);
                if connections.len() >= CONNECTIONS || Instant::now() < *line.down_until.lock() {
                    reset(&client);
                    continue;
                }
                let plan = line.draw();
                connections.spawn(connection::run(client, plan, Arc::clone(&line)));
            }
        }
    }
}

impl Line {
    fn draw(&self) -> Plan {
        let mut weather = self.weather.lock();
        let (weather, rng) = &mut *weather;
        weather.draw(rng)
    }
}

/// The end of this stream is an RST, and what it still had to say is lost.
fn reset(stream: &TcpStream) {
    let _ = stream.set_zero_linger();
}
