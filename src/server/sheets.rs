//! The pages of the settings that admins alone see, in words: what stands in their forms and tables.

use super::{functions, state::AppState};
use crate::protocol::{
    Problem,
    http::User,
    settings::{Button, Field, Form},
    sheet::{RowAction, Sheet},
};

mod connections;
mod log;
mod webhooks;

pub use webhooks::EVERY_SITE;

/// What a page's address says beside its name.
#[derive(Debug, Default)]
pub struct Query {
    pub before: Option<u64>,
    pub webhook: String,
}

/// # Errors
/// `forbidden` for who is no admin, `not_found` for a page that is not there.
pub async fn sheet(state: &AppState, me: &User, page: &str, query: &Query) -> Result<Sheet, Problem> {
    let mut sheet = match page {
        "connections" => connections::connections(state, me)?,
        "broadcast" => connections::broadcast(me)?,
        "audit" => log::audit(state, me, query).await?,
        "webhooks" => webhooks::webhooks(state, me).await?,
        "deliveries" => webhooks::deliveries(state, me, query).await?,
        _ => return Err(Problem::not_found()),
    };
    if let Some((of, notice)) = state.settings.word(me.id) {
        match sheet.forms.iter_mut().find(|form| form.id == of) {
            Some(form) => form.notice = Some(notice),
            None => sheet.notice = Some(notice),
        }
    }
    Ok(sheet)
}

/// For a closed server: the account that an admin makes for somebody.
pub fn account_form() -> Form {
    let mut form = form(functions::ACCOUNT_FORM, "New account", "Create account", "/fn/create_account");
    form.note = "Registration is closed: accounts are made here. Tell the person their password; it is shown to \
                 nobody again."
        .into();
    form.fields = vec![field("Username", "username", "text"), field("Password", "password", "password")];
    form
}

fn form(id: &str, title: &str, button: &str, action: &str) -> Form {
    Form {
        id: id.to_owned(),
        title: title.to_owned(),
        note: String::new(),
        notice: None,
        fields: Vec::new(),
        buttons: vec![Button { label: button.to_owned(), action: action.to_owned() }],
    }
}

fn field(label: &str, name: &str, kind: &str) -> Field {
    let [label, name, kind] = [label, name, kind].map(str::to_owned);
    Field { label, name, kind, ..Field::default() }
}

fn sheet_of(title: &str, note: &str) -> Sheet {
    let [title, note] = [title, note].map(str::to_owned);
    Sheet { title, note, notice: None, forms: Vec::new(), tables: Vec::new(), refresh_ms: 0 }
}

fn action(label: &str, what: &str, action: &str, fields: &[(&str, &str)]) -> RowAction {
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let name = format!("{label} {what}");
    RowAction { label: label.to_owned(), name, action: action.to_owned(), fields, is_dangerous: false }
}
