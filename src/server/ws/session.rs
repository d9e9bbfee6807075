//! One socket from upgrade to close: reads frames, one at a time, while its lane is written out.

use std::{ops::ControlFlow, pin::Pin, sync::Arc, time::Duration};

use axum::extract::ws::{Message as WsMessage, WebSocket};
use tokio::{
    task::JoinHandle,
    time::{Instant, Sleep, sleep_until},
};

use super::{
    frames::{Dispatcher, Handled},
    heartbeat::{Beat, Heartbeat},
    looking, presence,
    upgrade::{Admitted, Version},
    wire,
    writer::Writer,
};
use crate::{
    fresh_id,
    protocol::{
        self, CloseCode, Code, ConnectionId, EphemeralFrame, Problem,
        http::Role,
        limits,
        server::{Connected, Status, TypingTimes},
    },
    server::{
        clock,
        hub::{
            Connection, Full,
            lane::{Close, Work},
        },
        payload::Encoding,
        state::AppState,
    },
};

type Handling = JoinHandle<Handled>;

pub(super) struct Session {
    state: Arc<AppState>,
    connection: Arc<Connection>,
    dispatcher: Arc<Dispatcher>,
    writer: Writer,
    heartbeat: Heartbeat,
    /// When to look whether the session's token has run out.
    expires: Instant,
    bad_frames: Vec<Instant>,
    rate_limited: u32,
    /// As the hub counted them before the token was looked at.
    closes: u64,
}

impl Session {
    pub(super) fn new(state: Arc<AppState>, admitted: Admitted, encoding: Encoding, socket: WebSocket) -> Self {
        let Admitted { caller, closes, home, origin } = admitted;
        let now = clock::now();
        let id = fresh_id!(ConnectionId);
        let (who, session, ends) = (caller.user.as_ref(), caller.session_id, caller.expires_at);
        let connection = Connection::new(id, who, session, now, ends, encoding);
        let connection = Arc::new(connection.for_a(caller.user.role).telling_runs(home.tells_runs).with_origin(origin));
        Self {
            dispatcher: Arc::new(Dispatcher::new(Arc::clone(&state), Arc::clone(&connection), caller.user, home)),
            writer: Writer::new(Arc::clone(&state), Arc::clone(&connection), socket),
            heartbeat: Heartbeat::new(Instant::now()),
            expires: Instant::now() + lifetime(&connection),
            bad_frames: Vec::new(),
            rate_limited: 0,
            closes,
            state,
            connection,
        }
    }

    pub(super) fn id(&self) -> ConnectionId {
        self.connection.id
    }

    pub(super) fn user(&self) -> protocol::UserId {
        self.connection.user.id
    }

    pub(super) async fn run(mut self, version: Version) {
        // Before the hub knows the connection: nothing else may come first.
        self.greet(version);
        match self.state.hub.connect(&self.connection) {
            Ok(changed) => {
                tracing::info!("connected");
                metrics::counter!("magpie_connections_total").increment(1);
                if let Some(changed) = changed {
                    presence::tell(&self.state, changed).await;
                }
                if self.state.shutdown.is_cancelled() {
                    self.connection.lane.close(CloseCode::Draining, limits::BACKOFF_BASE_MS.to_string());
                }
                if self.state.hub.closes() != self.closes {
                    end_if_outdated(&self.state, &self.connection, self.dispatcher.role()).await;
                }
                self.dispatcher.come_home().await;
            }
            Err(full) => {
                self.connection.send(&EphemeralFrame::Error(too_many(full).into_frame(None)));
                self.connection.lane.close(CloseCode::RateLimited, "too many connections");
            }
        }
        let close = self.serve().await;
        metrics::counter!("magpie_closes_total", "code" => close.code.as_u16().to_string()).increment(1);
        tracing::info!(code = close.code.as_u16(), reason = close.reason, "closed");
        // Whatever is still being done for it finds nobody to tell.
        self.connection.lane.cut(close.code);
        leave(&self.state, &self.connection, &self.dispatcher).await;
        // Boxed: no session needs the room for it but at its end.
        Box::pin(self.writer.finish(close)).await;
    }

    fn greet(&self, version: Version) {
        if version == Version::Unsupported {
            self.connection
                .lane
                .close(CloseCode::UnsupportedVersion, format!("this server speaks {}", protocol::VERSION));
            return;
        }
        self.connection.send(&EphemeralFrame::Status(Status {
            status: "connected".into(),
            message: format!("Welcome, {}.", self.connection.user.name),
            timestamp: clock::now(),
            run_id: None,
            expires_at: Some(self.connection.expires_at()),
            connected: Some(Connected {
                connection_id: self.connection.id,
                user: self.connection.user.clone(),
                protocol: protocol::VERSION.into(),
                heartbeat_ms: limits::HEARTBEAT_MS,
                typing: TypingTimes {
                    resend_ms: limits::TYPING_RESEND_MS,
                    stop_ms: limits::TYPING_STOP_MS,
                    expire_ms: limits::TYPING_EXPIRE_MS,
                },
            }),
        }));
    }

    /// Reads and writes until there is a reason to close.
    async fn serve(&mut self) -> Close {
        let mut timer = std::pin::pin!(sleep_until(self.next_deadline()));
        let mut handling: Option<Handling> = None;
        let connection = Arc::clone(&self.connection);
        loop {
            self.rearm(timer.as_mut());
            let flow = tokio::select! {
                work = connection.lane.work() => self.write(work).await,
                handled = finished(&mut handling) => {
                    handling = None;
                    self.handled(handled)
                }
                message = self.writer.socket.recv(), if handling.is_none() => match self.read(message) {
                    ControlFlow::Continue(started) => {
                        handling = started;
                        ControlFlow::Continue(())
                    }
                    ControlFlow::Break(close) => ControlFlow::Break(close),
                },
                () = timer.as_mut() => self.on_timer().await,
            };
            if let ControlFlow::Break(close) = flow {
                return close;
            }
        }
    }

    fn next_deadline(&self) -> Instant {
        self.heartbeat.due().min(self.expires)
    }

    fn rearm(&self, mut timer: Pin<&mut Sleep>) {
        let deadline = self.next_deadline();
        if timer.deadline() != deadline {
            timer.as_mut().reset(deadline);
        }
    }

    async fn write(&mut self, work: Work) -> ControlFlow<Close> {
        self.writer.write(work).await
    }

    async fn on_timer(&mut self) -> ControlFlow<Close> {
        let now = Instant::now();
        if now >= self.expires {
            let left = lifetime(&self.connection);
            if left.is_zero() {
                return close(CloseCode::TokenExpired);
            }
            // It was refreshed meanwhile.
            self.expires = now + left;
        }
        match self.heartbeat.beat(now) {
            None => ControlFlow::Continue(()),
            Some(Beat::GiveUp) => close(CloseCode::Heartbeat),
            Some(Beat::Ping) => self.writer.ping().await,
        }
    }

    /// Starts what a message from the client asks for.
    fn read(&mut self, message: Option<Result<WsMessage, axum::Error>>) -> ControlFlow<Close, Option<Handling>> {
        self.heartbeat.heard(Instant::now());
        match message {
            Some(Ok(WsMessage::Text(text))) => {
                let dispatcher = Arc::clone(&self.dispatcher);
                // A task of its own: it goes on while the lane is written, whatever it holds.
                ControlFlow::Continue(Some(tokio::spawn(async move { dispatcher.handle(&text).await })))
            }
            Some(Ok(WsMessage::Binary(_))) => {
                let problem = Problem::new(Code::BadFrame, "A frame is text: JSON.");
                self.connection.send(&EphemeralFrame::Error(problem.into_frame(None)));
                self.handled(Handled::Bad).map_continue(|()| None)
            }
            Some(Ok(WsMessage::Ping(_) | WsMessage::Pong(_))) => ControlFlow::Continue(None),
            Some(Ok(WsMessage::Close(_))) | None => close(CloseCode::Normal),
            Some(Err(error)) => close(wire::close_code(error)),
        }
    }

    fn handled(&mut self, handled: Handled) -> ControlFlow<Close> {
        match handled {
            Handled::Done => {
                // A frame passes now and then, however many are refused: forgiven is one for one.
                self.rate_limited = self.rate_limited.saturating_sub(1);
                ControlFlow::Continue(())
            }
            Handled::RateLimited => {
                self.rate_limited += 1;
                if self.rate_limited >= limits::RATE_LIMITED_FRAMES {
                    return close(CloseCode::RateLimited);
                }
                ControlFlow::Continue(())
            }
            Handled::Bad => {
                let now = Instant::now();
                self.bad_frames.retain(|at| now.duration_since(*at) < Duration::from_secs(60));
                self.bad_frames.push(now);
                if self.bad_frames.len() >= limits::BAD_FRAMES_PER_MINUTE {
                    // What was answered so far goes out before the close.
                    self.connection.lane.close(CloseCode::ProtocolViolation, "too many bad frames");
                }
                ControlFlow::Continue(())
            }
        }
    }
}

/// What is left of the newest token of this connection's session.
fn lifetime(connection: &Connection) -> Duration {
    let left_ms = connection.expires_at().as_ms() - clock::now().as_ms();
    Duration::from_millis(u64::try_from(left_ms).unwrap_or(0))
}

/// A sign-out or a change of role between the check of the token and the entry in the hub found no socket to
/// close.
pub(super) async fn end_if_outdated(state: &AppState, connection: &Connection, role: Role) {
    match state.storage.session(connection.session, clock::now()).await {
        Ok(Some(session)) if session.user.role == role => {}
        Ok(Some(_)) => connection.lane.cut(CloseCode::TokenExpired),
        Ok(None) => connection.lane.cut(CloseCode::SignedOut),
        Err(error) => tracing::error!(%error, "cannot look at the session again"),
    }
}

async fn leave(state: &AppState, connection: &Connection, dispatcher: &Dispatcher) {
    let left = state.hub.disconnect(connection);
    for (id, audience) in left.stopped {
        dispatcher.tell_typing_stopped(id, audience).await;
    }
    for id in left.subscriptions {
        looking::stopped(state, connection, id).await;
    }
}

/// The handling that is on; pends for ever where there is none.
async fn finished(handling: &mut Option<Handling>) -> Handled {
    match handling {
        Some(handling) => handling.await.unwrap_or(Handled::Done),
        None => std::future::pending().await,
    }
}

fn close<C>(code: CloseCode) -> ControlFlow<Close, C> {
    ControlFlow::Break(Close { code, reason: code.as_str().into() })
}

fn too_many(full: Full) -> Problem {
    let detail = match full {
        Full::Server => "The server has as many connections as it takes. Try again later.",
        Full::User => "You have as many connections as one person may have. Close some of them.",
    };
    Problem { retry_after_ms: Some(limits::BACKOFF_CAP_MS), ..Problem::new(Code::RateLimited, detail) }
}
