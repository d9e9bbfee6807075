//! Puts out what a lane holds: all that waits, then one flush; and reads the log for a reader that is
//! behind, as fast as its socket drains and no faster.

use std::{iter, ops::ControlFlow, sync::Arc, time::Duration};

use axum::extract::ws::{CloseFrame, Message as WsMessage, WebSocket};
use futures_util::SinkExt;

use super::home;
use crate::{
    protocol::{CloseCode, Seq, limits},
    server::{
        hub::{
            Connection,
            lane::{Close, Item, Reading, Work, is_large},
        },
        state::AppState,
        storage::{self, Page},
    },
};

/// How long a reader may take nothing at all: as long as the heartbeat would.
const STALLED: Duration = Duration::from_millis(limits::HEARTBEAT_MS * (limits::UNANSWERED_PINGS as u64 + 1));

/// How long a write of so much may take: how far it has come cannot be seen from here.
fn patience(bytes: usize) -> Duration {
    STALLED + Duration::from_millis(bytes as u64 * 1_000 / limits::SLOWEST_READER_BYTES_PER_S)
}

pub(super) struct Writer {
    state: Arc<AppState>,
    connection: Arc<Connection>,
    pub(super) socket: WebSocket,
    /// What was fed and perhaps not flushed.
    buffered: usize,
}

impl Writer {
    pub(super) fn new(state: Arc<AppState>, connection: Arc<Connection>, socket: WebSocket) -> Self {
        Self { state, connection, socket, buffered: 0 }
    }

    /// Does this work and what waits behind it, then flushes once. One page of the log, or as much as a lane
    /// holds, is a turn: then the client's own frames, its pings and the clock have theirs.
    pub(super) async fn write(&mut self, work: Work) -> ControlFlow<Close> {
        let mut next = Some(work);
        let mut written = 0;
        while let Some(work) = next.take() {
            match work {
                Work::Frames(frames) => {
                    written += frames.items.iter().map(|item| item.payload.len()).sum::<usize>();
                    self.feed(frames.items, frames.recalls).await?;
                }
                Work::ReadOn(reading) => {
                    self.read_on(reading).await?;
                    break;
                }
                Work::Close(close) => {
                    self.flush().await?;
                    return ControlFlow::Break(close);
                }
            }
            if written < limits::LANE_BYTES {
                next = self.connection.lane.try_work();
            }
        }
        self.flush().await
    }

    pub(super) async fn ping(&mut self) -> ControlFlow<Close> {
        let (buffered, ping) = (self.buffered, self.socket.send(WsMessage::Ping(Vec::new().into())));
        patiently(&self.connection, buffered, CloseCode::Heartbeat, ping).await?;
        self.buffered = 0;
        ControlFlow::Continue(())
    }

    /// Says why, and gives the other end a moment to say that it heard.
    pub(super) async fn finish(mut self, Close { code, reason }: Close) {
        let grace_ms =
            if code == CloseCode::SlowReader { limits::SLOW_READER_GRACE_MS } else { limits::CLOSE_GRACE_MS };
        let frame = CloseFrame { code: code.as_u16(), reason: reason.into() };
        let closing = async {
            let said = self.socket.send(WsMessage::Close(Some(frame))).await.is_ok();
            if said && code == CloseCode::TooLarge {
                // The rest of the frame is unread: closing at once would reset the connection, and the
                // other end might never read why.
                std::future::pending::<()>().await;
            }
            // Where the other end closed first, reading on is what sends the library's answer to it.
            while matches!(self.socket.recv().await, Some(Ok(_))) {}
        };
        if tokio::time::timeout(Duration::from_millis(grace_ms), closing).await.is_err() {
            tracing::debug!("the other end did not answer the close");
        }
    }

    /// Writes one page of a conversation's log to a reader that is behind.
    async fn read_on(&mut self, reading: Reading) -> ControlFlow<Close> {
        let recalls = self.connection.lane.recalls();
        match next_page(&self.state, &self.connection, reading).await {
            Ok(Some(Behind { items, up_to, head })) => {
                self.feed(items, recalls).await?;
                self.state.hub.caught_up(&self.connection, reading, up_to, head);
                ControlFlow::Continue(())
            }
            Ok(None) => ControlFlow::Continue(()),
            Err(_) => {
                let delay_ms = limits::SEND_RETRY_MS.to_string();
                ControlFlow::Break(Close { code: CloseCode::Draining, reason: delay_ms })
            }
        }
    }

    /// Into the socket's buffer, and from there out as it fills. The reader may take its time, and lose access
    /// meanwhile: what it may not see any more stays here.
    async fn feed(&mut self, items: impl IntoIterator<Item = Item>, recalls: u64) -> ControlFlow<Close> {
        let (connection, socket) = (&self.connection, &mut self.socket);
        for Item { payload, of } in items {
            if !connection.may_go(of, recalls) {
                continue;
            }
            if is_large(payload.len()) {
                connection.lane.writes_a_large_frame();
            }
            let also = connection.tells_runs.then(|| home::status_of_run(&payload)).flatten();
            for payload in iter::once(payload).chain(also) {
                self.buffered += payload.len();
                let fed = socket.feed(payload.message(connection.encoding));
                patiently(connection, self.buffered, CloseCode::SlowReader, fed).await?;
            }
        }
        ControlFlow::Continue(())
    }

    async fn flush(&mut self) -> ControlFlow<Close> {
        patiently(&self.connection, self.buffered, CloseCode::SlowReader, self.socket.flush()).await?;
        self.buffered = 0;
        ControlFlow::Continue(())
    }
}

/// What a reader that is behind has next: a page of the log, the place it ends at, and the log's end. Once it is
/// written the hub is told, by `caught_up`.
pub(super) struct Behind {
    pub(super) items: Vec<Item>,
    pub(super) up_to: Seq,
    pub(super) head: Seq,
}

/// `None`: nothing is to be read any more; where the reader may not see this conversation, its subscription ends
/// here. Access is asked for after the page was read, so that no event after a removal is ever in it.
pub(super) async fn next_page(
    state: &AppState,
    connection: &Connection,
    reading: Reading,
) -> storage::Result<Option<Behind>> {
    let Some(cursor) = state.hub.cursor_behind(connection, reading) else { return Ok(None) };
    let (id, storage) = (reading.conversation, &state.storage);
    let read: storage::Result<Option<Page>> = async {
        let (events, bytes) = (limits::REPLAY_PAGE_EVENTS, limits::REPLAY_PAGE_BYTES);
        let page = storage.events(id, cursor, events, bytes, connection.side).await?;
        Ok(storage.access(connection.user.id, id).await?.map(|_| page))
    }
    .await;
    let read = read.inspect_err(|error| tracing::error!(%error, conversation = %id, "cannot read the log"));
    let Some(page) = read? else {
        state.hub.give_up(connection, reading);
        return Ok(None);
    };
    let up_to = page.frames.last().map_or(cursor, |frame| frame.seq);
    let items = page.frames.into_iter().map(|frame| Item { payload: frame.text.into(), of: Some(id) });
    Ok(Some(Behind { items: items.collect(), up_to, head: page.head }))
}

/// Waits for a slow reader, but not for a stalled one, and not when the connection is to be cut.
async fn patiently(
    connection: &Connection,
    bytes: usize,
    stalled: CloseCode,
    write: impl Future<Output = Result<(), axum::Error>>,
) -> ControlFlow<Close> {
    tokio::select! {
        biased;
        written = write => match written {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(Close { code: CloseCode::GoingAway, reason: "the other end is gone".into() }),
        },
        close = connection.lane.cut_off() => ControlFlow::Break(close),
        // Made when it is first needed: most writes never wait.
        () = async { tokio::time::sleep(patience(bytes)).await } => {
            ControlFlow::Break(Close { code: stalled, reason: stalled.as_str().into() })
        }
    }
}
