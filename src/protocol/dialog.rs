//! Who holds a dialog with a visitor: the AI, the queue, or a person.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::server::UserRef;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Owner {
    Ai,
    Queue {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        team: Option<String>,
    },
    Human {
        user: UserRef,
    },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DialogStatus {
    #[default]
    Open,
    Snoozed,
    Resolved,
}

/// Who may write now. `epoch` grows by one at each change of owner.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ControlState {
    pub owner: Owner,
    pub status: DialogStatus,
    pub epoch: u64,
}

/// A change of [`ControlState`], as the log tells it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ControlChanged {
    #[serde(flatten)]
    pub state: ControlState,
    pub by: UserRef,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ControlAction {
    Take,
    Release,
    ReturnToAi,
    Transfer,
    Resolve,
    Reopen,
    Snooze,
    RequestHuman,
}
