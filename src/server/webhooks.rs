//! Webhooks: where we tell of what happens in dialogs. Here admins keep them; [`worker`] moves events from the log
//! into a durable queue and sends what is in it, [`send`] makes one request, [`sign`] signs it.

use std::sync::Arc;

use reqwest::Url;

use super::{
    accounts::must_be_admin,
    agents::tools::fetch_page::addresses::may_reach,
    audit::Recorder,
    clock,
    config::{FetchHosts, Secret, hosts::Reach},
    error,
    settings::AdminSettings,
    storage::{
        Storage,
        webhooks::{Due, WebhookRow},
    },
    widget,
};
use crate::{
    fresh_id,
    protocol::{
        Code, DeliveryId, Problem, SiteId, WebhookId,
        admin::AuditAction,
        http::User,
        limits,
        webhook::{DeliveryPage, Webhook, WebhookEvent, WebhookForm, WebhookMade},
    },
};

mod send;
pub mod sign;
mod worker;

pub use worker::Nudge;

#[derive(Clone)]
pub struct Webhooks {
    storage: Arc<dyn Storage>,
    settings: AdminSettings,
    /// That may be told over http, and at private addresses: by name and port.
    hosts: FetchHosts,
    audit: Recorder,
    nudge: Nudge,
}

impl Webhooks {
    pub fn new(storage: Arc<dyn Storage>, settings: AdminSettings, hosts: FetchHosts, nudge: Nudge) -> Self {
        Self { audit: Recorder::new(storage.clone()), storage, settings, hosts, nudge }
    }

    pub async fn list(&self, caller: &User) -> Result<Vec<Webhook>, Problem> {
        must_be_admin(caller)?;
        Ok(self.storage.webhooks().await?.into_iter().map(|row| row.webhook).collect())
    }

    /// Its secret is told now and never again.
    pub async fn create(&self, caller: &User, form: WebhookForm) -> Result<WebhookMade, Problem> {
        must_be_admin(caller)?;
        if form.url.is_none() {
            return Err(Problem::invalid("url", "missing"));
        }
        if self.storage.webhooks().await?.len() >= limits::WEBHOOKS {
            let full = format!("there are {} webhooks, as many as there may be", limits::WEBHOOKS);
            return Err(Problem::invalid("url", full));
        }
        let webhook = Webhook {
            id: fresh_id!(WebhookId),
            url: String::new(),
            events: vec![WebhookEvent::Message, WebhookEvent::Control],
            site: None,
            enabled: true,
            created_at: clock::now(),
        };
        let webhook = self.changed(webhook, form).await?;
        let secret = format!("whsec_{}", widget::unguessable());
        let sealed = self.settings.vault().seal(&seal_name(webhook.id), secret.as_bytes());
        let sealed = sealed.map_err(|cause| error::internal("a webhook's secret could not be sealed", &cause))?;
        self.storage.put_webhook(WebhookRow { webhook: webhook.clone(), secret: sealed }).await?;
        tracing::info!(by = %caller.id, webhook = %webhook.id, "webhook made");
        self.audit.did(caller, AuditAction::WebhookCreated, &webhook.id.to_string(), &place(&webhook.url)).await;
        self.nudge.now();
        Ok(WebhookMade { webhook, secret })
    }

    pub async fn patch(&self, caller: &User, id: WebhookId, form: WebhookForm) -> Result<Webhook, Problem> {
        must_be_admin(caller)?;
        let WebhookRow { webhook, secret } = self.find(id).await?;
        let webhook = self.changed(webhook, form).await?;
        self.storage.put_webhook(WebhookRow { webhook: webhook.clone(), secret }).await?;
        let state = if webhook.enabled { "enabled" } else { "disabled" };
        let detail = format!("{}, {state}", place(&webhook.url));
        tracing::info!(by = %caller.id, webhook = %id, state, "webhook changed");
        self.audit.did(caller, AuditAction::WebhookChanged, &id.to_string(), &detail).await;
        self.nudge.now();
        Ok(webhook)
    }

    /// With all that waits for it.
    pub async fn delete(&self, caller: &User, id: WebhookId) -> Result<(), Problem> {
        must_be_admin(caller)?;
        let WebhookRow { webhook, .. } = self.find(id).await?;
        if !self.storage.delete_webhook(id).await? {
            return Err(unknown());
        }
        tracing::info!(by = %caller.id, webhook = %id, "webhook deleted");
        self.audit.did(caller, AuditAction::WebhookDeleted, &id.to_string(), &place(&webhook.url)).await;
        Ok(())
    }

    /// The newest first.
    pub async fn deliveries(
        &self,
        caller: &User,
        id: WebhookId,
        before: Option<u64>,
        limit: Option<u64>,
    ) -> Result<DeliveryPage, Problem> {
        must_be_admin(caller)?;
        self.find(id).await?;
        let limit = limit.unwrap_or(limits::DELIVERIES_PER_PAGE_DEFAULT).clamp(1, limits::DELIVERIES_PER_PAGE);
        // One more than is told, to see whether there is one.
        let mut deliveries = self.storage.deliveries(id, before, limit + 1).await?;
        let more = deliveries.len() as u64 > limit;
        deliveries.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(DeliveryPage { deliveries, more })
    }

    /// Once more, whatever came of it: with the same id, before what waits for the same dialog.
    pub async fn resend(&self, caller: &User, id: DeliveryId) -> Result<WebhookId, Problem> {
        must_be_admin(caller)?;
        let webhook = self.storage.resend_delivery(id, clock::now()).await?;
        let webhook = webhook.ok_or_else(|| Problem::new(Code::NotFound, "There is no such delivery."))?;
        self.audit.did(caller, AuditAction::DeliveryResent, &id.to_string(), &format!("webhook {webhook}")).await;
        self.nudge.now();
        Ok(webhook)
    }

    async fn find(&self, id: WebhookId) -> Result<WebhookRow, Problem> {
        self.storage.webhook(id).await?.ok_or_else(unknown)
    }

    /// The key of its signatures; `None`: it cannot be read any more.
    fn secret(&self, due: &Due) -> Option<Secret> {
        self.settings.vault().unseal(&seal_name(due.webhook_id), &due.secret).ok()
    }

    /// The webhook with what the form says, if all of it can be.
    async fn changed(&self, mut webhook: Webhook, form: WebhookForm) -> Result<Webhook, Problem> {
        if let Some(url) = form.url {
            webhook.url = checked(&self.hosts, url.trim()).map_err(|why| Problem::invalid("url", why))?;
        }
        if let Some(events) = form.events {
            webhook.events = WebhookEvent::ALL.into_iter().filter(|event| events.contains(event)).collect();
            if webhook.events.is_empty() {
                return Err(Problem::invalid("events", "at least one of message, control, note"));
            }
        }
        if let Some(site) = form.site {
            let site = Some(SiteId(site.trim().to_owned())).filter(|site| !site.as_str().is_empty());
            if let Some(site) = &site
                && self.storage.site(site).await?.is_none()
            {
                return Err(Problem::invalid("site", "there is no such site"));
            }
            webhook.site = site;
        }
        webhook.enabled = form.enabled.unwrap_or(webhook.enabled);
        Ok(webhook)
    }
}

fn unknown() -> Problem {
    Problem::new(Code::NotFound, "There is no such webhook.")
}

fn seal_name(id: WebhookId) -> String {
    format!("webhook.{id}.secret")
}

/// An address without its path and query, which may hold what is nobody's business.
fn place(url: &str) -> String {
    url.parse::<Url>().map(|url| url.origin().ascii_serialization()).unwrap_or_default()
}

/// How far this address may be reached: any https one at a public address, and what the operator listed by name and
/// port wherever it is, over http too. An error is a sentence.
fn reach(hosts: &FetchHosts, url: &Url) -> Result<Reach, String> {
    let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
        return Err("an address with a host, such as https://hooks.example.com/magpie".into());
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err("an address without a user name or a password in it".into());
    }
    let is_listed = hosts.reach(host, port) == Some(Reach::Private);
    match url.scheme() {
        "https" | "http" if is_listed => Ok(Reach::Private),
        "https" => Ok(Reach::Public),
        _ => Err(format!("an https address; the operator allows another with MAGPIE_WEBHOOK_HOSTS={host}:{port}")),
    }
}

fn checked(hosts: &FetchHosts, text: &str) -> Result<String, String> {
    if text.len() > limits::WEBHOOK_URL_BYTES {
        return Err(format!("at most {} bytes", limits::WEBHOOK_URL_BYTES));
    }
    let takes = "an address such as https://hooks.example.com/magpie";
    let url: Url = text.parse().map_err(|_| takes.to_owned())?;
    let reach = reach(hosts, &url)?;
    // A name is looked up when it is asked; an address says already where it leads.
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    if let Ok(address) = host.parse()
        && !may_reach(address, reach)
    {
        return Err("a server at a public address; the operator allows others with MAGPIE_WEBHOOK_HOSTS".into());
    }
    Ok(url.into())
}

#[cfg(test)]
mod tests;
