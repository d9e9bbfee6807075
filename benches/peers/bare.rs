//! The bare form, the reference of every ratio: what axum can do at best. Each frame is encoded once to shared
//! bytes, all that waits for a socket goes out with one flush, the buffers are small. Nothing is stored, nobody's
//! right is checked, no slow reader is bounded: the ack only says that the frame was handed on.

use axum::extract::ws::Utf8Bytes;
use magpie::protocol::server::ServerFrame;

#[path = "wire.rs"]
mod wire;

#[derive(Clone)]
struct Bare(Utf8Bytes);

impl wire::Parcel for Bare {
    const TUNED: bool = true;

    fn pack(frame: ServerFrame) -> Self {
        Self(wire::encode(&frame))
    }

    fn text(self) -> Utf8Bytes {
        self.0
    }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    wire::serve::<Bare>().await
}
