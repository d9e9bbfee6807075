//! Of dialogs, the sites they come from, and the visitors in them.

use super::Rate;

pub const SITES: usize = 100;
pub const SITE_ORIGINS: usize = 32;
/// A greeting, or the hours, in characters.
pub const SITE_TEXT_CHARS: usize = 400;
/// An address of a host's page, as it is kept, and what a browser says of itself.
pub const VISITOR_TEXT_BYTES: usize = 512;
/// What a host page says of its visitor's person, each.
pub const IDENTITY_CHARS: usize = 200;
/// Tokens by which one visitor is known again, one a device; the oldest goes.
pub const VISITOR_TOKENS: usize = 20;
/// Dialogs in an operator's list: the newest, those that are not resolved first.
pub const DIALOGS_LISTED: u64 = 500;
/// Of a visitor's other dialogs.
pub const PAST_DIALOGS: u64 = 20;
/// Widgets that are opened from one address: an office full of visitors passes, a script that makes visitors does not.
pub const WIDGETS_PER_ADDRESS: Rate = Rate { burst: 100, every_ms: 500 };
/// Dialogs that one visitor begins.
pub const DIALOGS_PER_VISITOR: Rate = Rate { burst: 10, every_ms: 60_000 };
/// After its operator was gone for so long an open dialog goes back to the queue.
pub const OPERATOR_GONE_MS: i64 = 60_000;
/// How often that is looked at.
pub const DIALOG_SWEEP_MS: u64 = 5_000;
/// How long a change of hands waits for the agents to let go. Whoever has not by then is refused by its epoch.
pub const SILENCE_MS: u64 = 150;
/// How often a change is tried again that somebody else's change came before.
pub const CONTROL_TRIES: usize = 8;
/// Changes of dialogs that wait to be told to the operators' lists; past them the lists are told of later ones.
pub const DESK_QUEUE: usize = 4_096;
/// How long changes of one dialog are gathered before the lists hear of them.
pub const DESK_GATHER_MS: u64 = 100;
/// Who opened a widget, wrote nothing and has not come again for so long is forgotten, and the dialog with them.
pub const VISITOR_SILENT_MS: i64 = 7 * 24 * 60 * 60 * 1_000;
/// How often that is looked at, and how many dialogs are forgotten in one transaction.
pub const VISITOR_SWEEP_MS: u64 = 60 * 60 * 1_000;
pub const VISITORS_PER_SWEEP: u64 = 500;
