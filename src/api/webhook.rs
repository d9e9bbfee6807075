//! Webhooks by plain forms. What came of one is told on the page that follows; a secret there and nowhere else.

use leptos::{prelude::*, server_fn::codec::PostUrl};

use super::ApiError;

/// A box that is not ticked is not sent.
#[server(prefix = "/fn", endpoint = "create_webhook", input = PostUrl)]
pub async fn create_webhook(
    url: String,
    #[server(default)] message: String,
    #[server(default)] control: String,
    #[server(default)] note: String,
    #[server(default)] site: String,
) -> Result<(), ApiError> {
    use crate::{
        protocol::{
            settings::Notice,
            webhook::{WebhookEvent, WebhookForm},
        },
        server::{functions, sheets::EVERY_SITE},
    };

    let (state, me) = functions::caller().await?;
    let ticked = [(message, WebhookEvent::Message), (control, WebhookEvent::Control), (note, WebhookEvent::Note)];
    let events = ticked.into_iter().filter(|(box_, _)| !box_.is_empty()).map(|(_, event)| event).collect();
    let site = Some(site).filter(|site| site != EVERY_SITE);
    let form = WebhookForm { url: Some(url), events: Some(events), site, enabled: None };
    let told = state.webhooks.create(&me, form).await.map(|made| {
        let text = format!("Made. Its secret, shown this once: {}", made.secret);
        Notice { is_good: true, text }
    });
    Ok(functions::tell_on("/settings/webhooks#new-webhook", &state.settings, me.id, functions::WEBHOOK_FORM, told)?)
}

#[server(prefix = "/fn", endpoint = "set_webhook", input = PostUrl)]
pub async fn set_webhook(id: String, enabled: bool) -> Result<(), ApiError> {
    use crate::{
        protocol::{Problem, settings::Notice, webhook::WebhookForm},
        server::functions,
    };

    let (state, me) = functions::caller().await?;
    let form = WebhookForm { enabled: Some(enabled), ..WebhookForm::default() };
    let told = match id.parse() {
        Ok(id) => state.webhooks.patch(&me, id, form).await,
        Err(_) => Err(Problem::not_found()),
    };
    let text = if enabled { "Enabled." } else { "Disabled." };
    let told = told.map(|_| Notice { is_good: true, text: text.into() });
    Ok(functions::tell_on("/settings/webhooks", &state.settings, me.id, functions::ROW, told)?)
}

#[server(prefix = "/fn", endpoint = "delete_webhook", input = PostUrl)]
pub async fn delete_webhook(id: String) -> Result<(), ApiError> {
    use crate::{
        protocol::{Problem, settings::Notice},
        server::functions,
    };

    let (state, me) = functions::caller().await?;
    let told = match id.parse() {
        Ok(id) => state.webhooks.delete(&me, id).await,
        Err(_) => Err(Problem::not_found()),
    };
    let told = told.map(|()| Notice { is_good: true, text: "Deleted.".into() });
    Ok(functions::tell_on("/settings/webhooks", &state.settings, me.id, functions::ROW, told)?)
}

/// `webhook`: whose page is led back to.
#[server(prefix = "/fn", endpoint = "resend_delivery", input = PostUrl)]
pub async fn resend_delivery(id: String, webhook: String) -> Result<(), ApiError> {
    use crate::{
        protocol::{Problem, WebhookId, settings::Notice},
        server::functions,
    };

    let (state, me) = functions::caller().await?;
    let told = match id.parse() {
        Ok(id) => state.webhooks.resend(&me, id).await,
        Err(_) => Err(Problem::not_found()),
    };
    let told = told.map(|_| Notice { is_good: true, text: "It is sent again.".into() });
    let back = match webhook.parse::<WebhookId>() {
        Ok(webhook) => format!("/settings/deliveries?webhook={webhook}"),
        Err(_) => "/settings/webhooks".into(),
    };
    Ok(functions::tell_on(&back, &state.settings, me.id, functions::ROW, told)?)
}
