//! Where time and chance come from: the browser's, or a test's.

use crate::protocol::{ClientId, MessageId, Timestamp};

#[derive(Clone, Copy, Debug)]
pub struct Env {
    pub now: fn() -> Timestamp,
    pub random: fn() -> u64,
}

impl Env {
    pub const fn browser() -> Self {
        Self { now: browser_now, random: browser_random }
    }

    /// A new name for a message of one's own.
    pub fn fresh_client_id(self) -> ClientId {
        let random = u128::from((self.random)()) << 64 | u128::from((self.random)());
        let ms = u64::try_from((self.now)().as_ms()).unwrap_or_default();
        MessageId::from_parts(ms, random).into()
    }
}

fn browser_now() -> Timestamp {
    Timestamp(js_sys::Date::now() as i64)
}

/// `crypto.randomUUID` is missing on plain http hosts; `getRandomValues` is not.
fn browser_random() -> u64 {
    let mut bytes = [0u8; 8];
    let crypto = web_sys::window().and_then(|window| window.crypto().ok());
    if let Some(crypto) = crypto {
        let _ = crypto.get_random_values_with_u8_array(&mut bytes);
    }
    u64::from_le_bytes(bytes)
}
