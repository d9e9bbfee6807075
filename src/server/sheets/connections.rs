//! Who is connected, and what everybody is told.

use super::{action, field, form, sheet_of};
use crate::{
    protocol::{
        Problem,
        admin::ConnectionLine,
        http::User,
        limits,
        sheet::{Cell, Row, Sheet, Table},
    },
    server::{accounts::must_be_admin, functions, state::AppState},
};

pub(super) fn connections(state: &AppState, me: &User) -> Result<Sheet, Problem> {
    let list = state.overseer.connections(me)?;
    let mut sheet = sheet_of("Live connections", "Who is connected now. The list is read again every few seconds.");
    sheet.refresh_ms = limits::CONNECTIONS_REFRESH_MS;
    let shown = list.connections.len() as u64;
    let title = match shown < list.total {
        true => format!("Connections: {shown} of {}", list.total),
        false => format!("Connections: {}", list.total),
    };
    let columns = ["Who", "Role", "Since", "From", "Endpoint", "Listens to", "Waiting", "Disconnect"];
    sheet.tables.push(Table {
        id: "connections".into(),
        title,
        columns: columns.map(str::to_owned).into(),
        rows: list.connections.iter().map(row).collect(),
        empty: "Nobody is connected.".into(),
        older: None,
    });
    Ok(sheet)
}

fn row(line: &ConnectionLine) -> Row {
    let ConnectionLine { id, user, role, since, address, endpoint, subscriptions, waiting_bytes } = line;
    let mut disconnect = action("Disconnect", &user.name, "/fn/disconnect", &[("id", &id.to_string())]);
    disconnect.is_dangerous = true;
    Row::of([
        user.name.as_str().into(),
        role.as_str().into(),
        (*since).into(),
        address.as_deref().unwrap_or("unknown").into(),
        endpoint.as_str().into(),
        subscriptions.to_string().into(),
        Cell::from(format!("{waiting_bytes} B")),
        disconnect.into(),
    ])
}

pub(super) fn broadcast(me: &User) -> Result<Sheet, Problem> {
    must_be_admin(me)?;
    let mut sheet = sheet_of("Broadcast", "Every open page shows it as a banner, until the reader dismisses it.");
    let mut form = form(functions::BROADCAST_FORM, "To everybody", "Send broadcast", "/fn/broadcast");
    form.note = "Visitors of websites read it, too.".into();
    form.fields = vec![field("Message", "message", "text")];
    sheet.forms.push(form);
    Ok(sheet)
}
