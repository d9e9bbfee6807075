//! The widget's session: from a website's page to a visitor, their dialog and their token.
//!
//! A visitor has no account. The launcher on the host's page keeps the visitor token, of which we keep the hash;
//! what the frame gets is a short JWT of a session like anybody's.

use std::{net::IpAddr, sync::Arc};

use axum::http::HeaderMap;
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;

use super::{
    accounts::{Accounts, Grant},
    auth::origin::Asking,
    clock,
    limits::Rates,
    sites::Sites,
    storage::{
        Storage,
        desk::{NewDialog, NewVisitor, SiteRow, TokenHash, VisitorNews, VisitorRow},
    },
};
use crate::{
    fresh_id,
    protocol::{
        Code, ConversationId, Problem, SiteId, UserId,
        dialog::Owner,
        http::{Role, User},
        limits,
        site::{MADE_UP_NAME, OpenWidget, PublicSite, WidgetSession},
    },
};

mod identity;

use identity::Known;

#[derive(Clone)]
pub struct Widget {
    storage: Arc<dyn Storage>,
    accounts: Accounts,
    sites: Sites,
    rates: Rates,
    /// Of two who come with the same token at once, one finds the dialog that the other began.
    alone: Arc<Mutex<()>>,
}

/// Where a request comes from.
pub struct From<'a> {
    pub address: IpAddr,
    pub headers: &'a HeaderMap,
}

impl Widget {
    pub fn new(storage: Arc<dyn Storage>, accounts: Accounts, sites: Sites, rates: Rates) -> Self {
        Self { storage, accounts, sites, rates, alone: Arc::default() }
    }

    /// The same visitor's open dialog, or a new one.
    ///
    /// # Errors
    /// `not_found`: no such site. `forbidden`: it does not allow the page's origin. `rate_limited`. `invalid`: an
    /// identity whose signature is wrong.
    pub async fn open(&self, from: From<'_>, body: OpenWidget) -> Result<WidgetSession, Problem> {
        self.rates.widget_from(from.address)?;
        let row = self.sites.find(&SiteId(body.site_id.clone())).await?;
        self.must_allow(&row, from.headers)?;
        let known = match body.identity.clone() {
            Some(given) => identity::check(given, self.sites.secret(&row).as_ref(), clock::now())?,
            None => Known::default(),
        };
        let _alone = self.alone.lock().await;
        let (visitor, visitor_token) = self.visitor(&row, &body, &known).await?;
        self.storage.tell_of_visitor(visitor.id, news(&body, known, from.headers)).await?;
        let dialog_id = self.dialog(&row, &visitor, body.fresh).await?;
        let Grant { signed_in, .. } = self.accounts.visit(visitor).await?;
        Ok(WidgetSession {
            visitor_token,
            token: signed_in.token,
            expires_at: signed_in.expires_at,
            dialog_id,
            visitor_id: signed_in.user.id,
            visitor_name: signed_in.user.display_name,
            site: PublicSite::from(&row.site),
        })
    }

    /// What the frame may know before it has a session: how the site looks, and who may frame it.
    pub async fn site(&self, id: &SiteId) -> Result<SiteRow, Problem> {
        self.sites.find(id).await
    }

    /// A client that is no browser sends no origin, and could send any.
    fn must_allow(&self, row: &SiteRow, headers: &HeaderMap) -> Result<(), Problem> {
        let is_allowed = match Asking::of(headers, self.accounts.config()) {
            Asking::NoPage => true,
            Asking::OwnPage if row.site.id == SiteId::default_site() => true,
            Asking::OwnPage | Asking::Unreadable => false,
            Asking::Page(origin) => row.site.allowed_origins.contains(&origin.to_string()),
        };
        let origin = || headers.get("origin").and_then(|value| value.to_str().ok());
        let is_named =
            || origin().is_some_and(|origin| row.site.allowed_origins.iter().any(|allowed| allowed == origin));
        if is_allowed || is_named() {
            return Ok(());
        }
        // For who put the tag into the page: the visitor is told less.
        let origin: String = origin().unwrap_or("of no origin").chars().take(limits::PREVIEW_CHARS).collect();
        Err(Problem::new(
            Code::Forbidden,
            format!(
                "The site “{}” does not allow the widget on pages of {origin}. An admin adds that origin in Settings, at \
                 Website: {}, Allowed origins.",
                row.site.name, row.site.name
            ),
        ))
    }

    /// Somebody the site vouches for, else who has the token, else somebody new.
    async fn visitor(&self, row: &SiteRow, body: &OpenWidget, known: &Known) -> Result<(User, String), Problem> {
        let site = &row.site.id;
        let by_token = match &body.visitor_token {
            Some(token) => self.storage.visitor_by_token(hash_of(token)).await?.filter(|found| found.site_id == *site),
            None => None,
        };
        if let Some(id) = known.verified_id() {
            if let Some(found) = self.storage.visitor_by_external_id(site, id).await? {
                return match (by_token, &body.visitor_token) {
                    (Some(same), Some(token)) if same.user.id == found.user.id => Ok((same.user, token.clone())),
                    _ => self.with_token(found.user).await,
                };
            }
            // A browser that somebody else of this site was signed in with is not theirs.
            let is_others = |found: &VisitorRow| found.verified_id.as_deref().is_some_and(|other| other != id);
            if by_token.as_ref().is_some_and(is_others) {
                return self.new_visitor(site).await;
            }
        }
        match (by_token, &body.visitor_token) {
            (Some(found), Some(token)) => Ok((found.user, token.clone())),
            _ => self.new_visitor(site).await,
        }
    }

    async fn new_visitor(&self, site: &SiteId) -> Result<(User, String), Problem> {
        let id = fresh_id!(UserId);
        let text = id.to_string();
        let name = [MADE_UP_NAME, &text[text.len() - 4..]].concat();
        let new = NewVisitor { id, site: site.clone(), name: name.clone(), at: clock::now() };
        self.storage.create_visitor(new).await?;
        tracing::info!(visitor = %id, %site, "a new visitor");
        let username = format!("visitor-{id}");
        self.with_token(User { id, username, display_name: name, role: Role::Visitor, disabled: false }).await
    }

    async fn with_token(&self, user: User) -> Result<(User, String), Problem> {
        let token = unguessable();
        self.storage.add_visitor_token(user.id, hash_of(&token), clock::now()).await?;
        Ok((user, token))
    }

    async fn dialog(&self, row: &SiteRow, visitor: &User, fresh: bool) -> Result<ConversationId, Problem> {
        if !fresh && let Some(id) = self.storage.open_dialog_of(visitor.id).await? {
            return Ok(id);
        }
        self.rates.dialog_of(visitor.id)?;
        let site = &row.site;
        let team = (!site.team.is_empty()).then(|| site.team.clone());
        let new = NewDialog {
            id: fresh_id!(ConversationId),
            site: site.id.clone(),
            visitor: visitor.id,
            title: visitor.display_name.clone(),
            agents: site.agents,
            owner: if site.agents { Owner::Ai } else { Owner::Queue { team } },
            at: clock::now(),
        };
        let id = new.id;
        self.storage.create_dialog(new).await?;
        Ok(id)
    }
}

/// 256 random bits, in hexadecimal digits.
pub(super) fn unguessable() -> String {
    format!("{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>())
}

fn hash_of(token: &str) -> TokenHash {
    Sha256::digest(token).into()
}

fn news(body: &OpenWidget, known: Known, headers: &HeaderMap) -> VisitorNews {
    let kept = |text: &str| text[..text.floor_char_boundary(limits::VISITOR_TEXT_BYTES)].to_owned();
    let device = headers.get("user-agent").and_then(|value| value.to_str().ok()).map(kept);
    let of = |text: &Option<String>| text.as_deref().filter(|text| !text.is_empty()).map(kept);
    let Known { id, name, email, verified } = known;
    VisitorNews {
        name,
        email,
        external: id.map(|id| (id, verified)),
        page: of(&body.page),
        referrer: of(&body.referrer),
        device,
    }
}
