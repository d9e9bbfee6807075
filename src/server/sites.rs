//! Websites that embed the widget: made and changed by admins.

use std::sync::Arc;

use super::{
    accounts::must_be_admin,
    audit::Recorder,
    clock,
    config::{Origin, Secret},
    error,
    settings::AdminSettings,
    storage::{Storage, StorageError, desk::SiteRow},
    widget,
};
use crate::{
    fresh_id,
    protocol::{
        Code, ConversationId, Problem, SiteId,
        admin::AuditAction,
        http::User,
        limits,
        site::{Site, SiteForm, SiteMade},
    },
};

mod forms;

#[derive(Clone)]
pub struct Sites {
    storage: Arc<dyn Storage>,
    settings: AdminSettings,
    drafts: forms::Drafts,
}

impl Sites {
    pub fn new(storage: Arc<dyn Storage>, settings: AdminSettings) -> Self {
        Self { storage, settings, drafts: forms::Drafts::default() }
    }

    /// A fresh server has one already.
    pub async fn open(&self) -> Result<(), StorageError> {
        let id = SiteId::default_site();
        if self.storage.site(&id).await?.is_none() {
            // Its secret is sealed when an admin first asks for one.
            let site = Site::new(id, "This server");
            self.storage.make_site(SiteRow { site, secret: Vec::new() }, clock::now()).await?;
        }
        Ok(())
    }

    pub async fn list(&self, caller: &User) -> Result<Vec<Site>, Problem> {
        must_be_admin(caller)?;
        Ok(self.storage.sites().await?.into_iter().map(|row| row.site).collect())
    }

    /// Its secret is told now and never again.
    pub async fn create(&self, caller: &User, form: SiteForm) -> Result<SiteMade, Problem> {
        must_be_admin(caller)?;
        if form.name.is_none() {
            return Err(Problem::invalid("name", "missing"));
        }
        if self.storage.sites().await?.len() >= limits::SITES {
            return Err(Problem::invalid(
                "name",
                format!("there are {} sites, as many as there may be", limits::SITES),
            ));
        }
        let id = SiteId(fresh_id!(ConversationId).to_string().to_lowercase());
        let site = changed(Site::new(id, ""), form)?;
        let (secret, sealed) = self.fresh_secret(&site.id)?;
        self.storage.make_site(SiteRow { site: site.clone(), secret: sealed }, clock::now()).await?;
        let made = SiteMade { site, secret };
        tracing::info!(by = %caller.id, site = %made.site.id, "site made");
        self.audit().did(caller, AuditAction::SiteCreated, made.site.id.as_str(), &made.site.name).await;
        Ok(made)
    }

    /// Another secret in the place of the one that it has, which counts no more: for a site that has none yet, or
    /// whose secret is known to somebody.
    pub async fn new_secret(&self, caller: &User, id: &SiteId) -> Result<SiteMade, Problem> {
        must_be_admin(caller)?;
        let (secret, sealed) = self.fresh_secret(id)?;
        if !self.storage.replace_secret(id, sealed).await? {
            return Err(unknown());
        }
        let made = SiteMade { site: self.find(id).await?.site, secret };
        tracing::info!(by = %caller.id, site = %id, "a site's secret is another");
        self.audit().did(caller, AuditAction::SiteChanged, id.as_str(), "a new secret").await;
        Ok(made)
    }

    /// A secret, and what of it is kept.
    fn fresh_secret(&self, id: &SiteId) -> Result<(String, Vec<u8>), Problem> {
        let secret = widget::unguessable();
        let sealed = self.settings.vault().seal(&seal_name(id), secret.as_bytes());
        let sealed = sealed.map_err(|cause| error::internal("a site's secret could not be sealed", &cause))?;
        Ok((secret, sealed))
    }

    pub async fn patch(&self, caller: &User, id: &SiteId, form: SiteForm) -> Result<Site, Problem> {
        must_be_admin(caller)?;
        let site = changed(self.find(id).await?.site, form)?;
        if !self.storage.change_site(&site).await? {
            return Err(unknown());
        }
        tracing::info!(by = %caller.id, site = %site.id, "site changed");
        self.audit().did(caller, AuditAction::SiteChanged, site.id.as_str(), &site.name).await;
        Ok(site)
    }

    fn audit(&self) -> Recorder {
        Recorder::new(self.storage.clone())
    }

    pub(super) async fn find(&self, id: &SiteId) -> Result<SiteRow, Problem> {
        self.storage.site(id).await?.ok_or_else(unknown)
    }

    /// By what the site's host signs; `None`: it has none, or it cannot be read any more.
    pub(super) fn secret(&self, row: &SiteRow) -> Option<Secret> {
        self.settings.vault().unseal(&seal_name(&row.site.id), &row.secret).ok()
    }
}

fn unknown() -> Problem {
    Problem::new(Code::NotFound, "There is no such site.")
}

fn seal_name(id: &SiteId) -> String {
    format!("site.{id}.secret")
}

/// The site with what the form says, if all of it can be.
fn changed(mut site: Site, form: SiteForm) -> Result<Site, Problem> {
    if let Some(name) = form.name {
        site.name = line("name", &name, 1..=limits::TITLE_CHARS)?;
    }
    if let Some(origins) = form.allowed_origins {
        site.allowed_origins = allowed_origins(&origins)?;
    }
    if let Some(greeting) = form.greeting {
        site.greeting = line("greeting", &greeting, 0..=limits::SITE_TEXT_CHARS)?;
    }
    if let Some(hours) = form.hours {
        site.hours = line("hours", &hours, 0..=limits::SITE_TEXT_CHARS)?;
    }
    if let Some(team) = form.team {
        site.team = line("team", &team, 0..=limits::TITLE_CHARS)?;
    }
    if let Some(color) = form.color {
        let digits = color.strip_prefix('#').unwrap_or_default();
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Problem::invalid("color", "a colour such as #4f46e5"));
        }
        site.color = color.to_ascii_lowercase();
    }
    site.agents = form.agents.unwrap_or(site.agents);
    site.auto_assign = form.auto_assign.unwrap_or(site.auto_assign);
    Ok(site)
}

fn line(field: &str, text: &str, chars: std::ops::RangeInclusive<usize>) -> Result<String, Problem> {
    let text = text.trim();
    if !chars.contains(&text.chars().count()) || text.chars().any(char::is_control) {
        let (least, most) = chars.into_inner();
        return Err(Problem::invalid(field, format!("{least} to {most} characters on one line")));
    }
    Ok(text.to_owned())
}

fn allowed_origins(given: &[String]) -> Result<Vec<String>, Problem> {
    if given.len() > limits::SITE_ORIGINS {
        return Err(Problem::invalid("allowed_origins", format!("at most {}", limits::SITE_ORIGINS)));
    }
    let mut origins = Vec::new();
    for text in given.iter().map(|text| text.trim()).filter(|text| !text.is_empty()) {
        let origin: Origin = text.parse().map_err(|_| {
            Problem::invalid("allowed_origins", format!("“{text}” is no origin; one looks like https://shop.example"))
        })?;
        let origin = origin.to_string();
        if !origins.contains(&origin) {
            origins.push(origin);
        }
    }
    Ok(origins)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::{
        config::{Config, Settings},
        state::AppState,
        storage::conformance::new_user,
    };

    fn site() -> Site {
        Site::new(SiteId::default_site(), "Shop")
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn whatever_else_changes_meanwhile_the_secret_that_was_told_last_counts() {
        let data = tempfile::tempdir().unwrap();
        let config = Config::new(&Settings::in_dir(data.path().to_str().unwrap())).unwrap();
        let state = AppState::open(config).await.unwrap();
        let admin = state.storage.create_user(new_user("anna")).await.unwrap();
        let (sites, id) = (&state.sites, SiteId::default_site());
        for n in 0..100 {
            let form = SiteForm { greeting: Some(n.to_string()), ..SiteForm::default() };
            let (made, changed) = tokio::join!(sites.new_secret(&admin, &id), sites.patch(&admin, &id, form));
            let row = sites.find(&id).await.unwrap();
            assert_eq!(sites.secret(&row).unwrap().expose(), made.unwrap().secret.as_bytes(), "after {n} times");
            assert_eq!(row.site.greeting, changed.unwrap().greeting);
        }
    }

    #[test]
    fn what_is_left_out_stays() {
        let form = SiteForm { color: Some("#ABCDEF".into()), agents: Some(false), ..SiteForm::default() };
        let after = changed(site(), form).unwrap();
        assert_eq!(after, Site { color: "#abcdef".into(), agents: false, ..site() });
    }

    #[test]
    fn origins_are_origins_each_once() {
        let origins = |texts: &[&str]| {
            let texts = texts.iter().map(|text| (*text).to_owned()).collect();
            changed(site(), SiteForm { allowed_origins: Some(texts), ..SiteForm::default() })
        };
        let after = origins(&["https://Shop.example/", " https://shop.example ", "", "http://localhost:8080"]).unwrap();
        assert_eq!(after.allowed_origins, ["https://shop.example", "http://localhost:8080"]);
        for bad in ["shop.example", "https://shop.example/page", "*", "https://*.example"] {
            let problem = origins(&[bad]).unwrap_err();
            assert!(problem.details.contains_key("allowed_origins"), "{bad}");
        }
        let many = vec!["https://a.example"; limits::SITE_ORIGINS + 1];
        assert!(origins(&many).is_err());
    }

    #[test]
    fn a_form_that_cannot_be_names_its_field() {
        let long = "x".repeat(limits::SITE_TEXT_CHARS + 1);
        for (form, field) in [
            (SiteForm { name: Some(" ".into()), ..SiteForm::default() }, "name"),
            (SiteForm { color: Some("red".into()), ..SiteForm::default() }, "color"),
            (SiteForm { greeting: Some(long.clone()), ..SiteForm::default() }, "greeting"),
            (SiteForm { hours: Some(long), ..SiteForm::default() }, "hours"),
        ] {
            assert!(changed(site(), form).unwrap_err().details.contains_key(field), "{field}");
        }
    }
}
