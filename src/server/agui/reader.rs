//! One reader of one conversation, as a socket would be: bounded by its lane, ended with its token and by a
//! sign-out, let go where it does not read.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use axum::response::sse::Event as SseEvent;
use tokio::{
    select,
    sync::mpsc,
    time::{Instant, sleep_until, timeout},
};

use super::translate::{Told, Translator};
use crate::{
    fresh_id,
    protocol::{
        Code, ConnectionId, ConversationId, EphemeralFrame, Problem, Seq, ServerFrame, client::Cursor, limits, read,
        server::Mode,
    },
    server::{
        auth::Caller,
        clock,
        hub::{
            Connection, Origin,
            lane::{Frames, Item, Work},
        },
        payload::Encoding,
        state::AppState,
        ws,
    },
};

pub(super) struct Reader {
    state: Arc<AppState>,
    connection: Arc<Connection>,
    id: ConversationId,
    /// Frames that were read and not looked at, and how often anything had been taken back by then.
    waiting: VecDeque<Item>,
    recalls: u64,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.state.hub.disconnect(&self.connection);
    }
}

impl Reader {
    /// `closes`: as the hub counted them before the token was looked at.
    pub async fn open(
        state: AppState,
        caller: &Caller,
        closes: u64,
        origin: Origin,
        id: ConversationId,
        after: Seq,
    ) -> Result<Self, Problem> {
        let full = |_| Problem::new(Code::RateLimited, "You have as many streams open as you may.");
        let (who, session, ends) = (caller.user.as_ref(), caller.session_id, caller.expires_at);
        let connection = Connection::new(fresh_id!(ConnectionId), who, session, clock::now(), ends, Encoding::Plain)
            .for_a(caller.user.role);
        let connection = Arc::new(connection.for_a_stream().with_origin(origin));
        let came = state.hub.connect(&connection).map_err(full)?;
        let (state, recalls) = (Arc::new(state), connection.lane.recalls());
        let reader = Self { state, connection, id, waiting: VecDeque::new(), recalls };
        ws::came(&reader.state, &reader.connection, came, closes, caller.user.role).await;
        let cursor = Cursor { id, after: Some(after), log_epoch: None };
        ws::subscribe(&reader.state, &reader.connection, &cursor).await?;
        Ok(reader)
    }

    /// Tells the reader until the run is over, the reader is gone, or it may not read any more.
    pub async fn read(mut self, mut translator: Translator, events: mpsc::Sender<SseEvent>) {
        let stalled = Duration::from_millis(limits::AGUI_STALLED_MS);
        let mut told = vec![translator.begin()];
        loop {
            for Told { id, event } in told {
                let mut event = SseEvent::default().data(event.to_string());
                if let Some(id) = id {
                    event = event.id(id);
                }
                if !matches!(timeout(stalled, events.send(event)).await, Ok(Ok(()))) {
                    return;
                }
            }
            if translator.is_over() {
                return;
            }
            let (expires, connection) = (self.expires(), self.connection.clone());
            let frame = select! {
                frame = self.next() => frame,
                () = events.closed() => return,
                () = sleep_until(expires) => continue_or_end(&connection),
            };
            told = match frame {
                Next::Frame(frame) => translator.frame(&frame),
                Next::Nothing => Vec::new(),
                Next::End => translator.cut(),
            };
        }
    }

    /// When the token ends, which may be renewed until then.
    fn expires(&self) -> Instant {
        let left = self.connection.expires_at().as_ms() - clock::now().as_ms();
        Instant::now() + Duration::from_millis(u64::try_from(left).unwrap_or_default())
    }

    async fn next(&mut self) -> Next {
        if let Some(item) = self.waiting.pop_front() {
            if !self.connection.may_go(item.of, self.recalls) {
                return Next::Nothing;
            }
            return match read::parse::<ServerFrame>(&item.payload) {
                Ok(ServerFrame::Ephemeral(EphemeralFrame::Subscribed(now)))
                    if matches!(now.mode, Mode::Denied | Mode::Snapshot) =>
                {
                    // Too much came since, or nothing of it is for this reader.
                    Next::End
                }
                Ok(frame) => Next::Frame(Box::new(frame)),
                Err(_) => Next::Nothing,
            };
        }
        match self.connection.lane.work().await {
            Work::Frames(Frames { items, recalls }) => {
                self.recalls = recalls;
                self.waiting.extend(items);
            }
            Work::ReadOn(reading) => {
                self.recalls = self.connection.lane.recalls();
                let Some(items) = ws::read_on(&self.state, &self.connection, reading).await else { return Next::End };
                self.waiting.extend(items);
            }
            Work::Close(_) => return Next::End,
        }
        match self.connection.is_subscribed(self.id) {
            true => Next::Nothing,
            false => Next::End,
        }
    }
}

enum Next {
    Frame(Box<ServerFrame>),
    Nothing,
    End,
}

fn continue_or_end(connection: &Connection) -> Next {
    if connection.expires_at() > clock::now() { Next::Nothing } else { Next::End }
}
