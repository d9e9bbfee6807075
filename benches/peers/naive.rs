//! The naive form: axum as it comes, a broadcast channel per room, each frame encoded again for each who reads
//! it and flushed by itself. Nothing is stored: the ack only says that the frame was handed on.

use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;
use magpie::protocol::server::ServerFrame;

#[path = "wire.rs"]
mod wire;

#[derive(Clone)]
struct Naive(Arc<ServerFrame>);

impl wire::Parcel for Naive {
    const TUNED: bool = false;

    fn pack(frame: ServerFrame) -> Self {
        Self(Arc::new(frame))
    }

    fn text(self) -> Utf8Bytes {
        wire::encode(&self.0)
    }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    wire::serve::<Naive>().await
}
