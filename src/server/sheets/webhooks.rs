//! Webhooks, and what became of telling them.

use super::{Query, action, field, form, sheet_of};
use crate::{
    protocol::{
        Problem,
        http::User,
        settings::{Field, Form},
        sheet::{Cell, Link, Row, Sheet, Table},
        webhook::{Delivery, Webhook, WebhookEvent},
    },
    server::{functions, state::AppState},
};

pub(super) async fn webhooks(state: &AppState, me: &User) -> Result<Sheet, Problem> {
    let webhooks = state.webhooks.list(me).await?;
    let sites = state.sites.list(me).await?;
    let note = "Servers of yours that are told of what happens in dialogs: signed, in order, again until they answer.";
    let mut sheet = sheet_of("Webhooks", note);
    sheet.tables.push(Table {
        id: "webhooks".into(),
        title: "Who is told".into(),
        columns: ["Address", "Events", "Site", "State", "Deliveries", "Change"].map(str::to_owned).into(),
        rows: webhooks.iter().map(row).collect(),
        empty: "Nobody yet.".into(),
        older: None,
    });
    sheet.forms.push(new_webhook(sites.into_iter().map(|site| site.id.0)));
    Ok(sheet)
}

fn new_webhook(sites: impl Iterator<Item = String>) -> Form {
    let mut new = form(functions::WEBHOOK_FORM, "New webhook", "Add webhook", "/fn/create_webhook");
    new.note =
        "An https address. Its secret, the key of the signatures, is shown once, when the webhook was made.".into();
    new.fields.push(Field { placeholder: "https://hooks.example.com/magpie".into(), ..field("URL", "url", "url") });
    new.fields.extend(WebhookEvent::ALL.map(|event| {
        let label = match event {
            WebhookEvent::Message => "Public messages",
            WebhookEvent::Control => "Who holds a dialog",
            WebhookEvent::Note => "Operators' notes",
        };
        let is_checked = event != WebhookEvent::Note;
        Field { value: "yes".into(), is_checked, ..field(label, event.as_str(), "checkbox") }
    }));
    let options = std::iter::once(EVERY_SITE.to_owned()).chain(sites).collect();
    new.fields.push(Field { value: EVERY_SITE.into(), options, ..field("Site", "site", "text") });
    new
}

/// In the form's list; no site's id has a space.
pub const EVERY_SITE: &str = "every site";

fn row(webhook: &Webhook) -> Row {
    let id = webhook.id.to_string();
    let words: Vec<_> = webhook.events.iter().map(|event| event.as_str()).collect();
    let (label, value) = if webhook.enabled { ("Disable", "false") } else { ("Enable", "true") };
    let mut delete = action("Delete", &webhook.url, "/fn/delete_webhook", &[("id", &id)]);
    delete.is_dangerous = true;
    let change = vec![action(label, &webhook.url, "/fn/set_webhook", &[("id", &id), ("enabled", value)]), delete];
    let deliveries = Link { label: "Deliveries".into(), href: format!("/settings/deliveries?webhook={id}") };
    Row::of([
        webhook.url.as_str().into(),
        words.join(", ").into(),
        webhook.site.as_ref().map_or(EVERY_SITE, |site| site.as_str()).into(),
        if webhook.enabled { "enabled" } else { "disabled" }.into(),
        Cell { links: vec![deliveries], ..Cell::default() },
        Cell { actions: change, ..Cell::default() },
    ])
}

pub(super) async fn deliveries(state: &AppState, me: &User, query: &Query) -> Result<Sheet, Problem> {
    let id = query.webhook.parse().map_err(|_| Problem::not_found())?;
    let page = state.webhooks.deliveries(me, id, query.before, None).await?;
    let note = "What this webhook was told, the newest first. Sending again keeps the delivery's id.";
    let mut sheet = sheet_of("Deliveries", note);
    let oldest = page.deliveries.last().map(|delivery| delivery.place).filter(|_| page.more);
    let older = |place| format!("/settings/deliveries?webhook={id}&before={place}");
    sheet.tables.push(Table {
        id: "deliveries".into(),
        title: "Deliveries".into(),
        columns: ["When", "Event", "Dialog", "State", "Tries", "Answer", "Again"].map(str::to_owned).into(),
        rows: page.deliveries.iter().map(delivery).collect(),
        empty: "Nothing yet.".into(),
        older: oldest.map(|place| Link { label: "Older".into(), href: older(place) }),
    });
    Ok(sheet)
}

fn delivery(delivery: &Delivery) -> Row {
    let Delivery { dialog_id, seq, event, status, tries, created_at, answer_status, answer, .. } = delivery;
    let answer = match (answer_status, answer.as_deref().unwrap_or_default()) {
        (Some(status), text) => format!("{status} {}", text.chars().take(ANSWER_CHARS).collect::<String>()),
        (None, text) => text.to_owned(),
    };
    let (id, webhook) = (delivery.id.to_string(), delivery.webhook_id.to_string());
    let what = format!("{} {seq} of {dialog_id}", event.as_str());
    Row::of([
        (*created_at).into(),
        event.as_str().into(),
        format!("{dialog_id}, {seq}").into(),
        status.as_str().into(),
        tries.to_string().into(),
        answer.trim().into(),
        action("Send again", &what, "/fn/resend_delivery", &[("id", &id), ("webhook", &webhook)]).into(),
    ])
}

/// Of what was said, in the table.
const ANSWER_CHARS: usize = 120;
