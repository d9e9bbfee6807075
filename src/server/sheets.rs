//! The pages of the settings that admins alone see, in words: what stands in their forms and tables.

use super::{functions, state::AppState};
use crate::protocol::{
    Problem,
    http::User,
    limits,
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

/// One's own password.
pub fn password_form() -> Form {
    let mut form = form(functions::PASSWORD_FORM, "Password", "Change password", "/fn/change_password");
    form.note =
        format!("At least {} characters. You stay signed in here and nowhere else.", limits::PASSWORD_CHARS_MIN);
    let fields = [("Current password", "current"), ("New password", "password")];
    form.fields = fields.map(|(label, name)| field(label, name, "password")).into();
    form
}

/// Somebody else's, who forgot it.
pub fn reset_form() -> Form {
    let mut form = form(functions::RESET_FORM, "Reset a password", "Set password", "/fn/reset_password");
    form.note =
        "For somebody who forgot theirs: it ends all their sessions. Tell them the new one; they can change it \
                 in their own settings."
            .into();
    form.fields =
        vec![field("Their username", "username", "text"), field("Their new password", "password", "password")];
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
