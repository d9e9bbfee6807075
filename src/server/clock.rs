//! The time and fresh ids: the one place of the server that asks the machine for either.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::protocol::Timestamp;

/// Now, to the millisecond.
#[expect(clippy::disallowed_methods, reason = "here it is asked, and nowhere else")]
pub fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_ms(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

/// The parts of a fresh id: `MessageId::from_parts(ms, random)` takes them.
pub fn fresh() -> (u64, u128) {
    (now().as_ms().unsigned_abs(), rand::random())
}

/// A fresh id of any kind: `fresh_id!(MessageId)`.
#[macro_export]
macro_rules! fresh_id {
    ($kind:ty) => {{
        let (ms, random) = $crate::server::clock::fresh();
        <$kind>::from_parts(ms, random)
    }};
}
