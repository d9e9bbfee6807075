//! How this server uses the WebSocket library: its buffers and bounds, and what its errors are on the wire.
//! Nothing of ours is spoken here, so that the stack can be tested by itself (`examples/echo.rs`).

use axum::extract::WebSocketUpgrade;

use crate::protocol::{CloseCode, limits};

/// The library's buffers are for few connections with much to say; ours are many and quiet.
pub fn tuned(upgrade: WebSocketUpgrade) -> WebSocketUpgrade {
    upgrade
        .read_buffer_size(limits::READ_BUFFER_BYTES)
        .write_buffer_size(limits::WRITE_BUFFER_BYTES)
        .max_message_size(limits::CLIENT_FRAME_BYTES)
        .max_frame_size(limits::CLIENT_FRAME_BYTES)
}

/// What the library calls wrong, as a close code.
pub fn close_code(error: axum::Error) -> CloseCode {
    use tungstenite::Error;
    let error = error.into_inner();
    match error.downcast_ref::<Error>() {
        Some(Error::Capacity(_)) => CloseCode::TooLarge,
        Some(Error::Utf8(_)) => CloseCode::BadUtf8,
        Some(Error::Protocol(_)) => CloseCode::ProtocolError,
        _ => CloseCode::GoingAway,
    }
}
