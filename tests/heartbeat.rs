//! A socket that is silent, and one that is dead, over hours that pass in a moment: the clock stands still and
//! jumps to the next timer whenever everything waits.

use std::time::Duration;

use magpie::protocol::limits;
use tokio::{
    io::AsyncReadExt,
    time::{Instant, pause},
};

use crate::support::TestApp;

const PING: [u8; 2] = [0x89, 0];
const CLOSE: u8 = 0x88;

#[tokio::test]
async fn a_socket_that_answers_no_ping_is_closed_with_4003_after_two() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let silent_since = Instant::now();
    let mut wire = app.connect(&anna).await.into_wire();
    pause();
    for _ in 0..limits::UNANSWERED_PINGS {
        let mut frame = [0; 2];
        wire.read_exact(&mut frame).await.unwrap();
        assert_eq!(frame, PING);
    }
    let mut close = [0; 4];
    wire.read_exact(&mut close).await.unwrap();
    assert_eq!((close[0], u16::from_be_bytes([close[2], close[3]])), (CLOSE, 4003));
    let silence = Duration::from_millis(limits::HEARTBEAT_MS * (u64::from(limits::UNANSWERED_PINGS) + 1));
    assert!(silent_since.elapsed() >= silence, "{:?}", silent_since.elapsed());
}

#[tokio::test]
async fn a_socket_that_answers_pings_may_be_silent_for_long() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let mut socket = app.connect(&anna).await;
    pause();
    let silent_since = Instant::now();
    while silent_since.elapsed() < Duration::from_secs(6 * 60) {
        let message = socket.next_message().await.expect("an open socket");
        assert!(message.is_ping(), "{message:?}");
    }
    socket.settled().await;
}
