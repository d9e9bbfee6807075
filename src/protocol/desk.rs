//! What operators work with beside the dialogs themselves: each other, and the answers that they give often.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ids::UserId, server::PresenceStatus};

/// Somebody that a dialog can be transferred to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Operator {
    pub id: UserId,
    /// What others see: the display name.
    pub name: String,
    /// What a `transfer` names.
    pub username: String,
    pub status: PresenceStatus,
}

/// `GET /operators`: operators and admins whose account is open, in the order in which they came.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Operators {
    pub operators: Vec<Operator>,
}

/// An answer that is given often, called up by its word.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Canned {
    /// 1 to [`super::limits::CANNED_SHORTCUT_CHARS`] letters, digits, dashes or underscores; no two are the same,
    /// whatever their case.
    pub shortcut: String,
    /// 1 to [`super::limits::CANNED_TEXT_CHARS`] characters. `{name}` stands for the visitor's name.
    pub text: String,
}

/// `GET /canned`, and `PUT /canned`, which replaces all of them; at most [`super::limits::CANNED`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CannedReplies {
    pub canned: Vec<Canned>,
}
