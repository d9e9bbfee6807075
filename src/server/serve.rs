//! From a listener to the last closed socket. The caller chooses port and signal.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::serve::ListenerExt;
use tokio::net::{TcpListener, TcpSocket};

use super::{router::router, state::AppState, ws};
use crate::protocol::limits;

/// Listens with room for a crowd: after a restart everybody comes back at once, and who finds no room tries again
/// only after a second.
pub fn listen(addr: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(limits::LISTEN_BACKLOG)
}

/// Serves until `shutdown` is ready, then drains: no new sockets, runs ended, clients asked to come back,
/// what was acknowledged is on disk anyway. Returns within [`limits::DRAIN_DEADLINE_MS`] and
/// [`limits::CLOSE_STORAGE_MS`], which are less than 10 s together.
pub async fn serve(
    listener: TcpListener,
    state: AppState,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    ws::presence::start_sweeping(Arc::new(state.clone()));
    let service = router(state.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot turn Nagle's algorithm off");
        }
    });
    let stopping = state.shutdown.clone();
    let server =
        axum::serve(listener, service).with_graceful_shutdown(async move { stopping.cancelled().await }).into_future();
    let mut server = tokio::spawn(server);
    tokio::select! {
        ended = &mut server => return ended.map_err(std::io::Error::other)?,
        () = shutdown => {}
    }
    let drained = tokio::time::timeout(Duration::from_millis(limits::DRAIN_DEADLINE_MS), drain(&state, server)).await;
    let closed = tokio::time::timeout(Duration::from_millis(limits::CLOSE_STORAGE_MS), state.storage.close()).await;
    if drained.is_err() || closed.is_err() {
        tracing::warn!("some connections did not end in time");
    }
    Ok(())
}

async fn drain(state: &AppState, server: tokio::task::JoinHandle<std::io::Result<()>>) {
    tracing::info!(connections = state.hub.connections(), "stopping");
    state.shutdown.cancel();
    state.agents.drain().await;
    // While the clients are asked to come back.
    let ended = tokio::spawn({
        let mcp = state.mcp.clone();
        async move { mcp.close().await }
    });
    state.hub.drain();
    state.sockets.close();
    // One who does not read must not hold up the restart for the others.
    let grace = Duration::from_millis(limits::CLOSE_GRACE_MS);
    if tokio::time::timeout(grace, state.sockets.wait()).await.is_err() {
        state.hub.cut_all();
        state.sockets.wait().await;
    }
    if let Ok(Err(error)) = server.await {
        tracing::warn!(%error, "the listener ended with an error");
    }
    let _ = ended.await;
}
