//! [`Desk`], by its nouns.

use async_trait::async_trait;

use super::{SqliteStorage, batch::Work, canned, dialogs, posts, silent, sites, visitors};
use crate::{
    protocol::{
        ConversationId, Message, SiteId, Timestamp, UserId, desk::Canned, dialog::VisitorDetails, http::User,
        site::Site,
    },
    server::storage::{
        Appended, Result,
        desk::{Desk, DialogRow, NewDialog, NewVisitor, SiteRow, TokenHash, VisitorNews, VisitorRow},
    },
};

#[async_trait]
impl Desk for SqliteStorage {
    async fn sites(&self) -> Result<Vec<SiteRow>> {
        sites::all(&self.read).await
    }

    async fn site(&self, id: &SiteId) -> Result<Option<SiteRow>> {
        sites::find(&self.read, id).await
    }

    async fn make_site(&self, row: SiteRow, at: Timestamp) -> Result<()> {
        sites::make(&self.write, row, at).await
    }

    async fn change_site(&self, site: &Site) -> Result<bool> {
        sites::change(&self.write, site).await
    }

    async fn replace_secret(&self, id: &SiteId, sealed: Vec<u8>) -> Result<bool> {
        sites::replace_secret(&self.write, id, sealed).await
    }

    async fn create_visitor(&self, new: NewVisitor) -> Result<()> {
        visitors::create(&self.write, new).await
    }

    async fn tell_of_visitor(&self, id: UserId, news: VisitorNews) -> Result<()> {
        visitors::tell(&self.write, id, news).await
    }

    async fn add_visitor_token(&self, id: UserId, hash: TokenHash, at: Timestamp) -> Result<()> {
        visitors::add_token(&self.write, id, hash, at).await
    }

    async fn visitor_by_token(&self, hash: TokenHash) -> Result<Option<VisitorRow>> {
        visitors::by_token(&self.read, hash).await
    }

    async fn visitor_by_external_id(&self, site: &SiteId, external_id: &str) -> Result<Option<VisitorRow>> {
        visitors::by_external_id(&self.read, site, external_id).await
    }

    async fn visitor_details(&self, dialog: ConversationId) -> Result<Option<VisitorDetails>> {
        visitors::details(&self.read, dialog).await
    }

    async fn create_dialog(&self, new: NewDialog) -> Result<()> {
        self.queue.write(Work::FoundDialog(new)).await.map(drop)
    }

    async fn dialog(&self, id: ConversationId) -> Result<Option<DialogRow>> {
        dialogs::find(&self.read, id).await
    }

    async fn posted(&self, id: ConversationId, message: &Message) -> Result<Option<Appended>> {
        posts::posted(&self.read, id, message).await
    }

    async fn open_dialog_of(&self, visitor: UserId) -> Result<Option<ConversationId>> {
        dialogs::open_of(&self.read, visitor).await
    }

    async fn held_dialogs(&self) -> Result<Vec<(ConversationId, UserId)>> {
        dialogs::held(&self.read).await
    }

    async fn waiting_dialogs(&self) -> Result<Vec<ConversationId>> {
        dialogs::waiting(&self.read).await
    }

    async fn silent_dialogs(
        &self,
        before: Timestamp,
        after: Option<ConversationId>,
        most: u64,
    ) -> Result<Vec<(ConversationId, UserId)>> {
        silent::dialogs(&self.read, before, after, most).await
    }

    async fn forget_silent(&self, dialogs: &[ConversationId], before: Timestamp) -> Result<u64> {
        silent::forget(&self.write, dialogs, before).await
    }

    async fn operators(&self) -> Result<Vec<User>> {
        dialogs::operators(&self.read).await
    }

    async fn canned(&self) -> Result<Vec<Canned>> {
        canned::all(&self.read).await
    }

    async fn put_canned(&self, canned: &[Canned]) -> Result<()> {
        canned::put(&self.write, canned).await
    }
}
