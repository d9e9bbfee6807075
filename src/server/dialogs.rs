//! Dialogs between a visitor, the agents and operators: who may speak now, and how a dialog changes hands.
//!
//! [`hands`] decides, purely; here its decisions are made from how a dialog stands and committed only if it still
//! stands so. Before the AI loses a dialog its runs are stopped, so that what was written by then comes before the
//! change; whatever of them is late is refused by its epoch.

use std::sync::Arc;

use super::{
    agents::{Agents, Hold, run::UnderEpoch},
    clock,
    conversations::finish,
    hub::Hub,
    storage::{Append, Appended, DialogWrite, Storage, StorageError, Write, desk::DialogRow},
};
use crate::protocol::{
    Code, ConversationId, Message, Problem, Sender, Seq, SiteId, UserId, UserRef, Visibility,
    client::Control,
    dialog::{ControlAction, ControlChanged, ControlState, DialogStatus, Owner},
    http::{Role, User},
    limits,
    server::PresenceStatus,
    site::Site,
};

pub mod counter;
pub mod desk;
pub mod hands;
mod silent;
mod sweep;

use hands::Scene;

#[derive(Clone)]
pub struct Dialogs {
    storage: Arc<dyn Storage>,
    agents: Agents,
    hub: Arc<Hub>,
}

/// What somebody does, as it would be from how the dialog stands.
struct Step {
    control: Option<ControlChanged>,
    message: Option<Message>,
}

impl Dialogs {
    pub fn new(storage: Arc<dyn Storage>, agents: Agents, hub: Arc<Hub>) -> Self {
        Self { storage, agents, hub }
    }

    /// A message in a dialog: the visitor's, an operator's, or a note. Returns when it is on disk.
    pub async fn post(&self, caller: &User, id: ConversationId, message: Message) -> Result<Appended, Problem> {
        let (this, caller, asked) = (self.clone(), caller.clone(), message.clone());
        finish(async move {
            let (appended, standing) = match this.storage.posted(id, &message).await? {
                // However the dialog stands by now: a repeat takes it from nobody, and is refused by nobody.
                Some(earlier) => (earlier, this.standing(id).await?),
                None => this.take_step(id, |row, scene| this.said(&caller, row, scene, &message)).await?,
            };
            if asked.sender == Sender::Visitor && (appended.changed || this.is_unheard(id, &appended).await?) {
                this.ask(id, &asked).await;
                this.assign(id, &standing).await;
            }
            Ok(appended)
        })
        .await
    }

    fn said(&self, caller: &User, row: &DialogRow, scene: &Scene, message: &Message) -> Result<Step, Problem> {
        let now = &row.control;
        let (next, reason) = match (caller.role, message.visibility) {
            (Role::Visitor, Visibility::Note) => {
                return Err(Problem::forbidden("Notes are for operators."));
            }
            (Role::Visitor, Visibility::Public) => (hands::visitor_wrote(now, scene), "The visitor wrote again."),
            (_, Visibility::Note) => (None, ""),
            (_, Visibility::Public) => (hands::reply(now, &caller.as_ref())?, "Replied."),
        };
        let by = caller.as_ref();
        let control = next.map(|state| ControlChanged { state, by, reason: Some(reason.to_owned()) });
        Ok(Step { control, message: Some(message.clone()) })
    }

    /// Whether a message that came before is the newest there is, and no run knows of it: the server was killed in
    /// between.
    async fn is_unheard(&self, id: ConversationId, appended: &Appended) -> Result<bool, Problem> {
        let Some(posted) = &appended.posted else { return Ok(false) };
        let is_newest = self.storage.dialog(id).await?.is_some_and(|row| row.head == appended.seq);
        Ok(is_newest && self.storage.run_of(posted.message_id).await?.is_none())
    }

    /// The agents answer a visitor where the dialog is theirs.
    async fn ask(&self, id: ConversationId, message: &Message) {
        match self.with_ai(id).await {
            Ok(dialog) => self.agents.asked(id, message, dialog).await,
            Err(problem) if problem.code == Code::Forbidden => {}
            Err(problem) => tracing::error!(%problem, dialog = %id, "a visitor's question reached no agents"),
        }
    }

    async fn standing(&self, id: ConversationId) -> Result<ControlState, Problem> {
        Ok(self.storage.dialog(id).await?.ok_or_else(Problem::not_found)?.control)
    }

    /// For a run: the epoch that the AI holds the dialog under.
    ///
    /// # Errors
    /// `forbidden`: it is in other hands.
    pub async fn with_ai(&self, id: ConversationId) -> Result<UnderEpoch, Problem> {
        let row = self.storage.dialog(id).await?.ok_or_else(Problem::not_found)?;
        if !row.control.is_with_ai(row.control.epoch) {
            return Err(Problem::forbidden("The agents do not have this dialog now."));
        }
        Ok(UnderEpoch { epoch: row.control.epoch, team: self.team(&row.site_id).await })
    }

    /// A `control` frame. Returns the place of its event; where nothing changes, the head.
    pub async fn control(&self, caller: &User, frame: Control) -> Result<Seq, Problem> {
        let Control { conversation_id: id, action, epoch, to } = frame;
        let to = match (&to, action) {
            (Some(username), ControlAction::Transfer) => Some(self.colleague(username).await?),
            _ => None,
        };
        let (this, caller) = (self.clone(), caller.clone());
        finish(async move {
            let (appended, standing) = this
                .take_step(id, |row, scene| {
                    let next = hands::control(&row.control, scene, &caller, action, epoch, to.clone())?;
                    let reason = Some(action.as_str().to_owned());
                    let control = next.map(|state| ControlChanged { state, by: caller.as_ref(), reason });
                    Ok(Step { control, message: None })
                })
                .await?;
            if appended.changed {
                this.assign(id, &standing).await;
            }
            Ok(appended.seq)
        })
        .await
    }

    async fn colleague(&self, username: &str) -> Result<UserRef, Problem> {
        let user = self.storage.user_by_name(username.trim()).await?.filter(|user| !user.disabled);
        let user = user.filter(|user| matches!(user.role, Role::Operator | Role::Admin));
        let user = user.ok_or_else(|| Problem::new(Code::UnknownUser, "There is no operator of that name."))?;
        Ok(user.as_ref())
    }

    /// Decides from how the dialog stands and commits, again where somebody else's change came in between. Returns
    /// how the dialog stood when it was committed, too.
    async fn take_step(
        &self,
        id: ConversationId,
        decide: impl Fn(&DialogRow, &Scene) -> Result<Step, Problem>,
    ) -> Result<(Appended, ControlState), Problem> {
        let mut hold: Option<Hold> = None;
        for _ in 0..limits::CONTROL_TRIES {
            let row = self.storage.dialog(id).await?.ok_or_else(Problem::not_found)?;
            let scene = self.scene(&row).await?;
            let Step { control, message } = decide(&row, &scene)?;
            if control.is_none() && message.is_none() {
                return Ok((Appended { seq: row.head, posted: None, changed: false }, row.control));
            }
            let silences = control
                .as_ref()
                .is_some_and(|change| row.control.owner == Owner::Ai && !change.state.is_with_ai(row.control.epoch));
            if silences && hold.is_none() {
                hold = Some(self.agents.hold(id).await);
            }
            let standing = control.as_ref().map_or_else(|| row.control.clone(), |change| change.state.clone());
            let write = Write::Dialog(DialogWrite { from: row.control, control, message });
            match self.storage.append(Append { conversation_id: id, at: clock::now(), write }).await {
                Err(StorageError::StaleEpoch(_)) => continue,
                appended => return Ok((appended?, standing)),
            }
        }
        Err(Problem::new(Code::Unavailable, "This dialog changes hands too often right now. Try again."))
    }

    async fn scene(&self, row: &DialogRow) -> Result<Scene, Problem> {
        let last_human = match row.last_human {
            Some(id) if self.is_here(id) => self.operator(id).await?,
            _ => None,
        };
        Ok(Scene { has_agents: row.agents, team: self.team(&row.site_id).await, last_human })
    }

    fn is_here(&self, id: UserId) -> bool {
        self.hub.presence(id) != PresenceStatus::Offline
    }

    async fn operator(&self, id: UserId) -> Result<Option<UserRef>, Problem> {
        Ok(self.storage.operators().await?.iter().find(|user| user.id == id).map(User::as_ref))
    }

    async fn site(&self, id: &SiteId) -> Option<Site> {
        match self.storage.site(id).await {
            Ok(row) => row.map(|row| row.site),
            Err(error) => {
                tracing::error!(%error, "a site could not be read");
                None
            }
        }
    }

    async fn team(&self, id: &SiteId) -> Option<String> {
        self.site(id).await.map(|site| site.team).filter(|team| !team.is_empty())
    }

    /// Gives what waits to whoever is online by now.
    async fn assign_what_waits(&self) -> Result<(), Problem> {
        if !self.storage.sites().await?.iter().any(|row| row.site.auto_assign) {
            return Ok(());
        }
        for id in self.storage.waiting_dialogs().await? {
            if let Some(row) = self.storage.dialog(id).await? {
                self.assign(id, &row.control).await;
            }
        }
        Ok(())
    }

    /// Gives a dialog that waits to the least busy operator who is online, where the site wants it so.
    pub async fn assign(&self, id: ConversationId, standing: &ControlState) {
        if !matches!(standing.owner, Owner::Queue { .. }) || standing.status != DialogStatus::Open {
            return;
        }
        if let Err(problem) = self.try_to_assign(id, standing.epoch).await {
            tracing::error!(%problem, dialog = %id, "a dialog could not be assigned");
        }
    }

    async fn try_to_assign(&self, id: ConversationId, epoch: u64) -> Result<(), Problem> {
        let row = self.storage.dialog(id).await?.ok_or_else(Problem::not_found)?;
        if !self.site(&row.site_id).await.is_some_and(|site| site.auto_assign) {
            return Ok(());
        }
        let held = self.storage.held_dialogs().await?;
        let here = self.storage.operators().await?;
        let here = here.iter().filter(|user| self.hub.presence(user.id) == PresenceStatus::Online);
        let busy = |user: &&User| held.iter().filter(|(_, holder)| *holder == user.id).count();
        let Some(least) = here.min_by_key(busy).map(User::as_ref) else { return Ok(()) };
        let assigned = self.take_step(id, |row, _| {
            let is_waiting = row.control.epoch == epoch;
            let next = is_waiting.then(|| hands::with_owner(&row.control, Owner::Human { user: least.clone() }));
            let reason = Some("Assigned.".to_owned());
            let control = next.flatten().map(|state| ControlChanged { state, by: server(), reason });
            Ok(Step { control, message: None })
        });
        assigned.await.map(drop)
    }
}

/// Who does what nobody did.
pub fn server() -> UserRef {
    UserRef { id: UserId::of_agent("magpie"), name: "Magpie".into() }
}

#[cfg(test)]
mod tests;
