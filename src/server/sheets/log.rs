//! What was done, by whom, in words: dialogs by their visitor, with the way there, sites by their name.

use std::collections::BTreeMap;

use super::{Query, sheet_of};
use crate::{
    protocol::{
        ConversationId, Problem,
        admin::{AuditAction, AuditEntry},
        dialog::ControlAction,
        http::User,
        sheet::{Cell, Link, Row, Sheet, Table},
    },
    server::state::AppState,
};

/// How what stands in an entry by its id is called, as far as it is still there.
struct Names {
    sites: BTreeMap<String, String>,
    /// Each dialog's visitor.
    dialogs: BTreeMap<String, String>,
}

pub(super) async fn audit(state: &AppState, me: &User, query: &Query) -> Result<Sheet, Problem> {
    let page = state.overseer.audit(me, query.before, None).await?;
    let note = "Sign-ins, accounts and roles, takeovers of dialogs, settings, sites, webhooks, broadcasts. The newest \
                come first; the oldest go when there are too many.";
    let mut sheet = sheet_of("Audit log", note);
    let oldest = page.entries.last().map(|entry| entry.id).filter(|_| page.more);
    let names = names(state, me, &page.entries).await?;
    let columns = ["When", "Who", "What", "To what", "Details", "From"];
    sheet.tables.push(Table {
        id: "audit".into(),
        title: "What was done".into(),
        columns: columns.map(str::to_owned).into(),
        rows: page.entries.iter().map(|entry| row(entry, &names)).collect(),
        empty: "Nothing yet.".into(),
        older: oldest.map(|id| Link { label: "Older".into(), href: format!("/settings/audit?before={id}") }),
    });
    Ok(sheet)
}

async fn names(state: &AppState, me: &User, entries: &[AuditEntry]) -> Result<Names, Problem> {
    let sites = state.storage.sites().await?.into_iter().map(|row| (row.site.id.to_string(), row.site.name)).collect();
    let mut dialogs = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.action == AuditAction::Control) {
        let Ok(id) = entry.subject.parse::<ConversationId>() else { continue };
        if !dialogs.contains_key(&entry.subject)
            && let Some(line) = state.storage.conversation_of(me.id, id).await?.and_then(|line| line.dialog)
        {
            dialogs.insert(entry.subject.clone(), line.visitor.name);
        }
    }
    Ok(Names { sites, dialogs })
}

fn row(entry: &AuditEntry, names: &Names) -> Row {
    let (what, details) = deed(entry);
    Row::of([
        entry.timestamp.into(),
        entry.by.as_ref().map_or("", |by| by.name.as_str()).into(),
        what.into(),
        subject(entry, names),
        details.into(),
        entry.address.as_deref().unwrap_or_default().into(),
    ])
}

/// What was done, and how.
fn deed(entry: &AuditEntry) -> (String, String) {
    let what = match entry.action {
        AuditAction::SignedIn => "Signed in",
        AuditAction::SignInFailed => "Failed to sign in",
        AuditAction::AccountCreated => "Made an account",
        AuditAction::RoleChanged => "Changed a role",
        AuditAction::PasswordChanged => "Changed a password",
        AuditAction::AccountDisabled => "Disabled an account",
        AuditAction::AccountEnabled => "Enabled an account",
        AuditAction::Control => return changed_hands(&entry.detail),
        AuditAction::SettingsChanged => "Changed settings",
        AuditAction::SiteCreated => "Added a website",
        AuditAction::SiteChanged => "Changed a website",
        AuditAction::WebhookCreated => "Made a webhook",
        AuditAction::WebhookChanged => "Changed a webhook",
        AuditAction::WebhookDeleted => "Deleted a webhook",
        AuditAction::DeliveryResent => return ("Sent a delivery again".to_owned(), String::new()),
        AuditAction::Broadcast => "Sent a broadcast",
        AuditAction::Disconnected => "Closed a connection",
    };
    (what.to_owned(), entry.detail.clone())
}

/// `take: with anna, open` → `Took over`, `now with anna, open`.
fn changed_hands(detail: &str) -> (String, String) {
    const DEEDS: [(ControlAction, &str); 8] = [
        (ControlAction::Take, "Took over"),
        (ControlAction::Release, "Put back into the queue"),
        (ControlAction::ReturnToAi, "Handed back to the AI"),
        (ControlAction::Transfer, "Transferred"),
        (ControlAction::Resolve, "Resolved"),
        (ControlAction::Reopen, "Reopened"),
        (ControlAction::Snooze, "Snoozed"),
        (ControlAction::RequestHuman, "Asked for a person"),
    ];
    let Some((did, now)) = detail.split_once(": ") else { return ("Changed hands".to_owned(), detail.to_owned()) };
    let known = DEEDS.iter().find(|(action, _)| action.as_str() == did);
    // A reason that is no action's word is one already, in words.
    let did = known.map_or(did, |(_, words)| words);
    let mut chars = did.chars();
    let did = chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect());
    (did, format!("now {now}"))
}

/// What it was done to.
fn subject(entry: &AuditEntry, names: &Names) -> Cell {
    let subject = entry.subject.as_str();
    match entry.action {
        AuditAction::Control => {
            let visitor = names.dialogs.get(subject);
            let label = visitor.map_or_else(|| "A dialog".to_owned(), |name| format!("Dialog with {name}"));
            let href = format!("/operator/{subject}");
            let links = if visitor.is_some() { vec![Link { label, href }] } else { return label.into() };
            Cell { links, ..Cell::default() }
        }
        AuditAction::SiteCreated | AuditAction::SiteChanged => {
            names.sites.get(subject).map_or(subject, String::as_str).into()
        }
        AuditAction::SettingsChanged if subject == "model" => "The model".into(),
        AuditAction::SettingsChanged if subject == "market" => "Market data".into(),
        // An id that stands nowhere else: the details say which.
        AuditAction::WebhookCreated
        | AuditAction::WebhookChanged
        | AuditAction::WebhookDeleted
        | AuditAction::DeliveryResent
        | AuditAction::Disconnected => "".into(),
        _ => subject.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_hands_is_told_in_words() {
        for (detail, what, details) in [
            ("take: with anna, open", "Took over", "now with anna, open"),
            ("return_to_ai: with the AI, open", "Handed back to the AI", "now with the AI, open"),
            ("anna replied: with anna, open", "Anna replied", "now with anna, open"),
            ("whatever", "Changed hands", "whatever"),
        ] {
            assert_eq!(changed_hands(detail), (what.to_owned(), details.to_owned()));
        }
    }
}
