//! Of the operators' desk.

/// Replies that are kept for all operators. All of them at their longest fit into one request.
pub const CANNED: usize = 50;
pub const CANNED_SHORTCUT_CHARS: usize = 32;
pub const CANNED_TEXT_CHARS: usize = 500;
/// Changes of hands of one dialog that an operator's page keeps: the newest.
pub const HANDS_IN_MEMORY: usize = 200;
/// Dialogs that were left and that an operator's page still has: going back to one shows it at once.
pub const DIALOGS_LEFT: usize = 8;
/// Of those that match what was typed, in the list over the composer.
pub const CANNED_SHOWN: usize = 8;
/// How often the waiting times on the screen move on.
pub const WAITING_TICK_MS: u64 = 5_000;
