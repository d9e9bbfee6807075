//! The server's own socket stack, which says back what it hears: for the Autobahn test suite
//! (`scripts/autobahn.sh`), which knows no frames of ours. Takes the address to listen on.

use axum::{
    Router,
    extract::{
        WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket},
    },
    response::Response,
    routing::any,
};
use magpie::server::ws::wire;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let addr = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let listener = TcpListener::bind(addr).await?;
    println!("echo is at ws://{}", listener.local_addr()?);
    axum::serve(listener, Router::new().route("/", any(echo))).await
}

async fn echo(upgrade: WebSocketUpgrade) -> Response {
    wire::tuned(upgrade).on_upgrade(say_back)
}

async fn say_back(mut socket: WebSocket) {
    loop {
        let said = match socket.recv().await {
            Some(Ok(message @ (Message::Text(_) | Message::Binary(_)))) => socket.send(message).await,
            // The library answers pings.
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
            Some(Ok(Message::Close(_))) | None => break,
            Some(Err(error)) => {
                let code = wire::close_code(error);
                let frame = CloseFrame { code: code.as_u16(), reason: code.as_str().into() };
                let _ = socket.send(Message::Close(Some(frame))).await;
                break;
            }
        };
        if said.is_err() {
            break;
        }
    }
    // Reading on is what sends the library's own answer to a close, and waits for the other end's.
    while matches!(socket.recv().await, Some(Ok(_))) {}
}
