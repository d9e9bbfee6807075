//! One connection through the proxy, from its arrival to the end that its plan has for it.

use std::{sync::Arc, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    sync::watch,
    time::{Instant, sleep, sleep_until, timeout},
};

use super::{Counts, End, Line, Plan, Way, reset};

/// Bytes forwarded at a time.
const CHUNK: usize = 4 * 1024;
/// What the kernel keeps of the server's words for a client that does not read: little, so that the server
/// notices it soon.
const UPSTREAM_BUFFER: u32 = 8 * 1024;
/// How long a refused client may take to say what it wants.
const REQUEST: Duration = Duration::from_millis(500);

/// The connection ends here, by a reset.
struct Cut;

pub(super) async fn run(mut client: TcpStream, plan: Plan, line: Arc<Line>) {
    let mut cuts = line.cuts.subscribe();
    let counts = &line.counts;
    if plan.end == End::Refused {
        Counts::note(&counts.refused);
        refuse(&mut client).await;
        return;
    }
    if let Some(hold) = plan.hold {
        Counts::note(&counts.held);
        let _ = timeout(hold, line.passed.notified()).await;
    }
    let upstream = *line.upstream.borrow();
    let Ok(mut server) = dial(upstream).await else {
        reset(&client);
        return;
    };
    line.passed.notify_waiters();
    if plan.delay.is_some() {
        Counts::note(&counts.delayed);
    }
    let _ = client.set_nodelay(true);
    let ended = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let up = pump(from_client, to_server, &plan, Way::Up, &line);
        let down = pump(from_server, to_client, &plan, Way::Down, &line);
        tokio::select! {
            ended = async { tokio::try_join!(up, down) } => ended.map(|_| ()),
            _ = cuts.changed() => {
                Counts::note(&counts.cut);
                Err(Cut)
            }
        }
    };
    if ended.is_err() {
        reset(&client);
        reset(&server);
    }
}

async fn dial(upstream: std::net::SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(UPSTREAM_BUFFER)?;
    let stream = socket.connect(upstream).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn refuse(client: &mut TcpStream) {
    let mut request = [0; CHUNK];
    let read = timeout(REQUEST, client.read(&mut request)).await;
    let said = read.ok().and_then(Result::ok).unwrap_or(0);
    let asks = String::from_utf8_lossy(&request[..said]).to_ascii_lowercase();
    if asks.contains("upgrade: websocket") {
        let answer = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        let _ = client.write_all(answer).await;
        let _ = client.shutdown().await;
    } else {
        reset(client);
    }
}

/// Forwards one way, until the sender ends it or the plan does.
async fn pump(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    plan: &Plan,
    way: Way,
    line: &Line,
) -> Result<(), Cut> {
    let counts = &line.counts;
    let mut silent_until = line.silent_until.subscribe();
    let mut chunk = [0; CHUNK];
    let mut forwarded = 0;
    loop {
        let read = from.read(&mut chunk).await.map_err(|_| Cut)?;
        if read == 0 {
            return to.shutdown().await.map_err(|_| Cut);
        }
        if let Some(delay) = plan.delay {
            sleep(delay).await;
        }
        until_heard(&mut silent_until).await;
        let (passes, end) = passes(plan.end, way, forwarded, read);
        to.write_all(&chunk[..passes]).await.map_err(|_| Cut)?;
        forwarded += passes;
        match end {
            None => {}
            Some(Fall::Reset) => {
                Counts::note(if passes < read { &counts.truncated } else { &counts.reset });
                // What was forwarded gets there: a reset at once may overtake it.
                let _ = to.flush().await;
                sleep(Duration::from_millis(1)).await;
                return Err(Cut);
            }
            Some(Fall::Silence(lasts)) => {
                Counts::note(&counts.half_open);
                sleep(lasts).await;
                return Err(Cut);
            }
        }
    }
}

async fn until_heard(silent_until: &mut watch::Receiver<Instant>) {
    loop {
        let until = *silent_until.borrow_and_update();
        if until <= Instant::now() {
            return;
        }
        tokio::select! {
            () = sleep_until(until) => {}
            _ = silent_until.changed() => {}
        }
    }
}

enum Fall {
    Reset,
    Silence(Duration),
}

/// How much of the next `read` bytes passes, and what comes then.
fn passes(end: End, way: Way, forwarded: usize, read: usize) -> (usize, Option<Fall>) {
    let left = |after: usize| after.saturating_sub(forwarded);
    match end {
        End::Reset { way: which, after } if which == way && read >= left(after) => (read, Some(Fall::Reset)),
        End::Truncated { way: which, after } if which == way && read > left(after) => (left(after), Some(Fall::Reset)),
        End::HalfOpen { way: which, after, lasts } if which.is_none_or(|which| which == way) && read > left(after) => {
            (left(after), Some(Fall::Silence(lasts)))
        }
        _ => (read, None),
    }
}
