//! Into whose hands a dialog goes: pure, from how it stands and what somebody does to how it stands then.
//!
//! The epoch grows by one at each change of owner, and at nothing else. `None`: nothing changes.

use crate::protocol::{
    Code, Problem, UserRef,
    dialog::{ControlAction, ControlState, DialogStatus, Owner},
    http::{Role, User},
};

/// What a change depends on beside how the dialog stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scene {
    /// Whether agents answer on this site.
    pub has_agents: bool,
    /// The queue of this site.
    pub team: Option<String>,
    /// Who held it last, of people, where that operator is online.
    pub last_human: Option<UserRef>,
}

impl Scene {
    fn queue(&self) -> Owner {
        Owner::Queue { team: self.team.clone() }
    }

    /// Who takes a dialog up again that was resolved.
    fn who_returns(&self) -> Owner {
        match (&self.last_human, self.has_agents) {
            (Some(user), _) => Owner::Human { user: user.clone() },
            (None, true) => Owner::Ai,
            (None, false) => self.queue(),
        }
    }
}

/// A `control` frame. `to`: the operator that a `transfer` goes to.
///
/// # Errors
/// `forbidden`: not this role's to do. `stale_epoch`: somebody was faster. `invalid`: it cannot be done here.
pub fn control(
    now: &ControlState,
    scene: &Scene,
    by: &User,
    action: ControlAction,
    epoch: u64,
    to: Option<UserRef>,
) -> Result<Option<ControlState>, Problem> {
    may(by.role, action)?;
    if epoch != now.epoch {
        return Err(Problem::stale_epoch(now));
    }
    let owner = match action {
        ControlAction::Take => Owner::Human { user: by.as_ref() },
        ControlAction::Release => scene.queue(),
        // Somebody is there, or will be.
        ControlAction::RequestHuman if now.status == DialogStatus::Open && now.owner != Owner::Ai => return Ok(None),
        ControlAction::RequestHuman => scene.queue(),
        ControlAction::ReturnToAi if scene.has_agents => Owner::Ai,
        ControlAction::ReturnToAi => {
            return Err(Problem::invalid("action", "no agents answer on this site"));
        }
        ControlAction::Transfer => {
            let user = to.ok_or_else(|| Problem::invalid("to", "the username of an operator"))?;
            Owner::Human { user }
        }
        ControlAction::Resolve => return Ok(with_status(now, DialogStatus::Resolved)),
        ControlAction::Snooze => return Ok(with_status(now, DialogStatus::Snoozed)),
        ControlAction::Reopen => return Ok(with_status(now, DialogStatus::Open)),
    };
    Ok(with_owner(now, owner))
}

fn may(role: Role, action: ControlAction) -> Result<(), Problem> {
    match (role, action) {
        (Role::Operator | Role::Admin, _) | (Role::Visitor, ControlAction::RequestHuman) => Ok(()),
        _ => Err(Problem::forbidden("Only operators do that.")),
    }
}

/// A public reply by an operator: it takes the dialog from the AI and from the queue.
///
/// # Errors
/// `forbidden` in another operator's dialog.
pub fn reply(now: &ControlState, by: &UserRef) -> Result<Option<ControlState>, Problem> {
    match &now.owner {
        Owner::Human { user } if user.id != by.id && now.status != DialogStatus::Resolved => Err(Problem::new(
            Code::Forbidden,
            format!("{} has this dialog. Take it over before you reply, or write a note.", user.name),
        )),
        _ => Ok(with_owner(now, Owner::Human { user: by.clone() })),
    }
}

/// A visitor writes: what was put aside is open again.
pub fn visitor_wrote(now: &ControlState, scene: &Scene) -> Option<ControlState> {
    match now.status {
        DialogStatus::Open => None,
        DialogStatus::Snoozed => with_status(now, DialogStatus::Open),
        DialogStatus::Resolved => with_owner(now, scene.who_returns()),
    }
}

/// Nobody is left who holds it.
pub fn nobody(now: &ControlState, scene: &Scene) -> Option<ControlState> {
    with_owner(now, scene.queue())
}

/// In these hands, and open.
pub fn with_owner(now: &ControlState, owner: Owner) -> Option<ControlState> {
    let is_same = match (&now.owner, &owner) {
        (Owner::Human { user: was }, Owner::Human { user: is }) => was.id == is.id,
        (was, is) => was == is,
    };
    match is_same {
        true => with_status(now, DialogStatus::Open),
        false => Some(ControlState { owner, status: DialogStatus::Open, epoch: now.epoch + 1 }),
    }
}

fn with_status(now: &ControlState, status: DialogStatus) -> Option<ControlState> {
    (now.status != status).then(|| ControlState { status, ..now.clone() })
}

#[cfg(test)]
mod tests;
