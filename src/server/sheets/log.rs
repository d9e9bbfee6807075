//! What was done, by whom.

use super::{Query, sheet_of};
use crate::{
    protocol::{
        Problem,
        admin::AuditEntry,
        http::User,
        sheet::{Link, Row, Sheet, Table},
    },
    server::state::AppState,
};

pub(super) async fn audit(state: &AppState, me: &User, query: &Query) -> Result<Sheet, Problem> {
    let page = state.overseer.audit(me, query.before, None).await?;
    let note = "Sign-ins, accounts and roles, takeovers of dialogs, settings, sites, webhooks, broadcasts. The newest \
                come first; the oldest go when there are too many.";
    let mut sheet = sheet_of("Audit log", note);
    let oldest = page.entries.last().map(|entry| entry.id).filter(|_| page.more);
    let columns = ["When", "Who", "What", "To what", "Details", "From"];
    sheet.tables.push(Table {
        id: "audit".into(),
        title: "What was done".into(),
        columns: columns.map(str::to_owned).into(),
        rows: page.entries.iter().map(row).collect(),
        empty: "Nothing yet.".into(),
        older: oldest.map(|id| Link { label: "Older".into(), href: format!("/settings/audit?before={id}") }),
    });
    Ok(sheet)
}

fn row(entry: &AuditEntry) -> Row {
    let AuditEntry { timestamp, action, by, subject, detail, address, .. } = entry;
    Row::of([
        (*timestamp).into(),
        by.as_ref().map_or("", |by| by.name.as_str()).into(),
        action.as_str().replace('_', " ").into(),
        subject.as_str().into(),
        detail.as_str().into(),
        address.as_deref().unwrap_or_default().into(),
    ])
}
