//! What storage keeps for dialogs: sites, visitors, and who holds what. The log itself is [`super::Storage`].

use async_trait::async_trait;

use super::{Appended, Result};
use crate::protocol::{
    ConversationId, Message, Seq, SiteId, Timestamp, UserId, UserRef,
    desk::Canned,
    dialog::{ControlState, Owner, VisitorDetails},
    http::User,
    site::Site,
};

#[derive(Debug, Clone)]
pub struct NewDialog {
    pub id: ConversationId,
    pub site: SiteId,
    pub visitor: UserId,
    pub title: String,
    pub agents: bool,
    /// The AI or the queue.
    pub owner: Owner,
    pub at: Timestamp,
}

/// A dialog as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct DialogRow {
    pub site_id: SiteId,
    pub visitor: UserRef,
    pub control: ControlState,
    /// Who held it last, of people.
    pub last_human: Option<UserId>,
    /// Whether agents take part.
    pub agents: bool,
    pub head: Seq,
}

#[derive(Debug, Clone)]
pub struct NewVisitor {
    pub id: UserId,
    pub site: SiteId,
    pub name: String,
    pub at: Timestamp,
}

/// What is told of a visitor anew; `None`: what is known stays.
#[derive(Debug, Clone, Default)]
pub struct VisitorNews {
    pub name: Option<String>,
    pub email: Option<String>,
    /// The host's id, and whether the site's secret vouches for it.
    pub external: Option<(String, bool)>,
    pub page: Option<String>,
    pub referrer: Option<String>,
    pub device: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisitorRow {
    pub user: User,
    pub site_id: SiteId,
    /// The host's id that the site's secret vouched for.
    pub verified_id: Option<String>,
}

/// A site and its sealed secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteRow {
    pub site: Site,
    pub secret: Vec<u8>,
}

/// SHA-256 of a visitor's token.
pub type TokenHash = [u8; 32];

#[async_trait]
pub trait Desk: Send + Sync + 'static {
    // ── Sites ───────────────────────────────────────────────────────────────────────────────────

    /// In the order in which they were made.
    async fn sites(&self) -> Result<Vec<SiteRow>>;
    async fn site(&self, id: &SiteId) -> Result<Option<SiteRow>>;
    /// One that is there already stays as it is.
    async fn make_site(&self, row: SiteRow, at: Timestamp) -> Result<()>;
    /// All of it but its secret, which is no part of the form: whoever changes the one knows nothing of the other.
    /// `false`: there is none.
    async fn change_site(&self, site: &Site) -> Result<bool>;
    /// Nothing but its secret. `false`: there is none.
    async fn replace_secret(&self, id: &SiteId, sealed: Vec<u8>) -> Result<bool>;

    // ── Visitors ────────────────────────────────────────────────────────────────────────────────

    /// A person with the role `visitor`, without a password. The first visitor is no first account.
    async fn create_visitor(&self, new: NewVisitor) -> Result<()>;
    async fn tell_of_visitor(&self, id: UserId, news: VisitorNews) -> Result<()>;
    /// Of those more than [`crate::protocol::limits::VISITOR_TOKENS`] the oldest go.
    async fn add_visitor_token(&self, id: UserId, hash: TokenHash, at: Timestamp) -> Result<()>;
    async fn visitor_by_token(&self, hash: TokenHash) -> Result<Option<VisitorRow>>;
    /// Somebody for whose id the site's secret vouched.
    async fn visitor_by_external_id(&self, site: &SiteId, external_id: &str) -> Result<Option<VisitorRow>>;
    /// What operators are told beside this dialog.
    async fn visitor_details(&self, dialog: ConversationId) -> Result<Option<VisitorDetails>>;

    // ── Dialogs ─────────────────────────────────────────────────────────────────────────────────

    /// With the visitor as its one member.
    async fn create_dialog(&self, new: NewDialog) -> Result<()>;
    /// `None`: no dialog.
    async fn dialog(&self, id: ConversationId) -> Result<Option<DialogRow>>;
    /// What became of this message when its author posted it before: looked at before anything is decided by it. The
    /// commit looks again.
    ///
    /// # Errors
    /// `ClientIdReused`, as for the post itself.
    async fn posted(&self, id: ConversationId, message: &Message) -> Result<Option<Appended>>;
    /// The newest that is not resolved.
    async fn open_dialog_of(&self, visitor: UserId) -> Result<Option<ConversationId>>;
    /// Open ones that people hold.
    async fn held_dialogs(&self) -> Result<Vec<(ConversationId, UserId)>>;
    /// Open ones in the queue, those that wait longest first; at most [`crate::protocol::limits::DIALOGS_LISTED`].
    async fn waiting_dialogs(&self) -> Result<Vec<ConversationId>>;
    /// Dialogs that were begun before that and in which nothing was said or done since, of visitors who have not come
    /// since either, each with its visitor: the first so many of them by id, after that one.
    async fn silent_dialogs(
        &self,
        before: Timestamp,
        after: Option<ConversationId>,
        most: u64,
    ) -> Result<Vec<(ConversationId, UserId)>>;
    /// Forgets those of these that are silent still, and whoever has no dialog left then, with their tokens and
    /// sessions; returns how many dialogs.
    async fn forget_silent(&self, dialogs: &[ConversationId], before: Timestamp) -> Result<u64>;
    /// Operators and admins, not disabled.
    async fn operators(&self) -> Result<Vec<User>>;

    // ── Canned replies ──────────────────────────────────────────────────────────────────────────

    /// In their order.
    async fn canned(&self) -> Result<Vec<Canned>>;
    /// These and no others; all of them or none.
    async fn put_canned(&self, canned: &[Canned]) -> Result<()>;
}
