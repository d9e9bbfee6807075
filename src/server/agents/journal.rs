//! What a run was told, kept so that another life of the server can tell it the same.
//!
//! The question's text is not in it: it is read where it lies, so that it is gone when its author deletes it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    run::{RunEvent, RunMachine, RunSpec},
    team::Team,
};
use crate::protocol::Timestamp;

/// The first entry of a journal.
#[derive(Serialize, Deserialize)]
struct Opening {
    /// The server that wrote it, and its team: another one may decide otherwise from the same events.
    version: String,
    team: String,
    spec: RunSpec,
}

/// Every other entry.
#[derive(Serialize, Deserialize)]
struct Told {
    at: Timestamp,
    event: RunEvent,
}

/// # Panics
/// Never: these types have no map with keys that are not strings.
pub fn opening(spec: &RunSpec, team: &Team) -> String {
    let mut spec = spec.clone();
    spec.question.text.clear();
    let opening = Opening { version: env!("CARGO_PKG_VERSION").into(), team: digest(team), spec };
    serde_json::to_string(&opening).expect("an opening encodes")
}

/// # Panics
/// Never, as above.
pub fn told(at: Timestamp, event: &RunEvent) -> String {
    serde_json::to_string(&Told { at, event: event.clone() }).expect("an entry encodes")
}

/// The same for the same team, whichever process asks.
fn digest(team: &Team) -> String {
    let hash = Sha256::digest(format!("{team:?}"));
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A run where its journal leaves it.
pub struct Replayed {
    /// Without the question's text.
    pub spec: RunSpec,
    pub machine: RunMachine,
    /// This server may go on with it.
    pub is_ours: bool,
}

/// `None`: there is no journal, or it cannot be read.
pub fn replay(entries: &[String], team: &Arc<Team>) -> Option<Replayed> {
    let (first, rest) = entries.split_first()?;
    let Opening { version, team: wrote, spec } = serde_json::from_str(first).ok()?;
    let mut machine = RunMachine::new(spec.clone(), team.clone());
    let mut is_ours = version == env!("CARGO_PKG_VERSION") && wrote == digest(team);
    for entry in rest {
        match serde_json::from_str(entry) {
            Ok(Told { at, event }) => drop(machine.handle(event, at)),
            Err(error) => {
                tracing::warn!(%error, run = %spec.run_id, "an entry of a run's journal cannot be read");
                is_ours = false;
                break;
            }
        }
    }
    Some(Replayed { spec, machine, is_ours })
}
