//! What the five endpoints differ in: the conversation that a socket begins with, and nothing else.

use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::{
    protocol::{
        ConversationId, EphemeralFrame, Event, Problem, UserId,
        http::{Kind, Role, User},
        read,
        server::{DurableFrame, Status},
    },
    server::{payload::Payload, state::AppState},
};

/// Where a socket begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Home {
    /// Subscribed at connect, and meant where a frame names none.
    pub conversation: Option<ConversationId>,
    /// Each `agent_run` is followed by a `status`.
    pub tells_runs: bool,
    /// `{"message":"…"}` is a `chat`.
    pub takes_bare: bool,
}

/// An endpoint, as its address names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    App,
    /// The caller's own conversation with the agents.
    Stream,
    /// The same, for the user of this id alone.
    StreamOf(String),
    /// An operator's.
    Dialog(String),
    /// Its visitor's.
    Widget(String),
}

const TITLE: &str = "Assistant";

impl Endpoint {
    /// As the router has it.
    pub(super) const fn route(&self) -> &'static str {
        match self {
            Self::App => "/ws",
            Self::Stream => "/ws/stream",
            Self::StreamOf(_) => "/api/v1/ws/{user_id}",
            Self::Dialog(_) => "/ws/dialogs/{id}",
            Self::Widget(_) => "/ws/widget/dialogs/{id}",
        }
    }

    /// # Errors
    /// `not_found`: no such conversation, or none that the caller may see. `forbidden`: not the caller's endpoint.
    pub(super) async fn home(self, state: &AppState, caller: &User) -> Result<Home, Problem> {
        match self {
            Self::App => Ok(Home::default()),
            Self::Stream => Ok(Home { tells_runs: true, ..personal(state, caller).await? }),
            Self::StreamOf(id) => {
                if id.parse() != Ok(caller.id) {
                    return Err(Problem::forbidden("This is another user's address."));
                }
                Ok(Home { tells_runs: true, takes_bare: true, ..personal(state, caller).await? })
            }
            Self::Dialog(id) => {
                let home = dialog(state, caller, &id).await?;
                match caller.role {
                    Role::Operator | Role::Admin => Ok(home),
                    Role::Member | Role::Visitor => Err(Problem::forbidden("This address is for operators.")),
                }
            }
            Self::Widget(id) => {
                let home = dialog(state, caller, &id).await?;
                match caller.role {
                    Role::Visitor => Ok(home),
                    _ => Err(Problem::forbidden("This address is for the dialog's visitor.")),
                }
            }
        }
    }
}

/// The caller's personal conversation with the agents, made on first use.
async fn personal(state: &AppState, caller: &User) -> Result<Home, Problem> {
    let id = personal_id(caller.id);
    state.conversations.own(caller, id, TITLE).await?;
    Ok(Home { conversation: Some(id), ..Home::default() })
}

/// The same at all times.
fn personal_id(user: UserId) -> ConversationId {
    let hash = Sha256::new().chain_update(b"personal").chain_update(user.to_bytes()).finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    ConversationId::from_bytes(bytes)
}

async fn dialog(state: &AppState, caller: &User, id: &str) -> Result<Home, Problem> {
    let id = ConversationId::from_str(id).map_err(|_| Problem::not_found())?;
    let access = state.conversations.access(caller, id).await?;
    match access.kind {
        Kind::Dialog => Ok(Home { conversation: Some(id), ..Home::default() }),
        Kind::Room => Err(Problem::not_found()),
    }
}

/// What an `agent_run` frame says, as a `status`.
pub(super) fn status_of_run(payload: &Payload) -> Option<Payload> {
    if !payload.contains(r#""type":"agent_run""#) {
        return None;
    }
    let frame: DurableFrame = read::parse(payload).ok()?;
    let Event::AgentRun(run) = frame.event else { return None };
    let status = EphemeralFrame::Status(Status {
        status: run.status.as_str().into(),
        message: run.message.unwrap_or_default(),
        timestamp: frame.timestamp,
        run_id: Some(run.run_id),
        expires_at: None,
        connected: None,
    });
    Some(serde_json::to_string(&status).ok()?.into())
}
