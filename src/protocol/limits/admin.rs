//! Of what admins see and do of the server at work, and of webhooks.

// ── What admins see ──────────────────────────────────────────────────────────────────────────────

/// Connections in one answer of `GET /ws/connections`.
pub const CONNECTIONS_LISTED: usize = 500;
/// How often a page that shows them reads them again.
pub const CONNECTIONS_REFRESH_MS: u32 = 3_000;
/// Lines of the audit log that are kept, and, apart from them, of sign-ins that failed: whoever tries passwords
/// pushes nothing out of it. The oldest go.
pub const AUDIT_ENTRIES: u64 = 10_000;
pub const AUDIT_FAILED_SIGN_INS: u64 = 1_000;
/// Of one line: what was done, in words.
pub const AUDIT_DETAIL_CHARS: usize = 200;
/// Lines in one answer of `GET /audit`, and what it gives where `limit` is left out.
pub const AUDIT_PER_PAGE: u64 = 200;
pub const AUDIT_PER_PAGE_DEFAULT: u64 = 50;

// ── Webhooks ─────────────────────────────────────────────────────────────────────────────────────

pub const WEBHOOKS: usize = 20;
pub const WEBHOOK_URL_BYTES: usize = 2_048;
/// Events of the log that are looked at in one transaction.
pub const PUMP_EVENTS: u64 = 500;
/// Deliveries that wait for one webhook; what comes on top has failed at once, and can be sent by hand.
pub const DELIVERIES_PENDING: u64 = 10_000;
/// Deliveries under way at once, to all webhooks and to one.
pub const DELIVERIES_AT_ONCE: usize = 16;
pub const DELIVERIES_AT_ONCE_PER_WEBHOOK: usize = 4;
/// What is sent, at most: the text of a longer message is cut, and the body says so.
pub const DELIVERY_TEXT_BYTES: usize = 256 * 1024;
/// How long one try may take, and the connection for it.
pub const DELIVERY_MS: u64 = 10_000;
pub const DELIVERY_CONNECT_MS: u64 = 5_000;
/// What is kept of an answer.
pub const DELIVERY_ANSWER_BYTES: usize = 1_024;
/// The pause before the next try, doubled each time up to the second, less up to half of it by chance.
pub const DELIVERY_RETRY_MS: u64 = 1_000;
pub const DELIVERY_RETRY_MAX_MS: u64 = 60 * 60 * 1_000;
/// Tries, and time since it was put into the queue, after which a delivery has failed.
pub const DELIVERY_TRIES: u32 = 16;
pub const DELIVERY_AGE_MS: i64 = 24 * 60 * 60 * 1_000;
/// The longest that the queue is not looked at, whatever it is told.
pub const DELIVERY_LOOK_MS: u64 = 30_000;
/// How long what was delivered or has failed can be looked at, and how much of it.
pub const DELIVERY_KEPT_MS: i64 = 7 * 24 * 60 * 60 * 1_000;
pub const DELIVERIES_KEPT: u64 = 20_000;
/// How often the others are thrown away.
pub const DELIVERY_SWEEP_MS: u64 = 60 * 60 * 1_000;
/// Lines in one answer of `GET /webhooks/{id}/deliveries`, and what it gives where `limit` is left out.
pub const DELIVERIES_PER_PAGE: u64 = 200;
pub const DELIVERIES_PER_PAGE_DEFAULT: u64 = 50;
