//! Accounts by plain forms: sign in, create one, sign out, and what an admin does to others'.

use leptos::{prelude::*, server_fn::codec::PostUrl};
use serde::Serialize;
use serde_json::Value;

use super::ApiError;
use crate::{
    deserialize_by_reading,
    protocol::{
        http::User,
        read::{Read, field},
        settings::{Form, Notice},
    },
};

/// The settings page: oneself and, for admins, everybody.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Settings {
    pub me: User,
    pub users: Option<Vec<User>>,
    /// What came of a button beside somebody's name.
    pub told: Option<Notice>,
    /// What admins decide while the server runs.
    pub forms: Vec<Form>,
}

deserialize_by_reading!(Settings);

impl Read for Settings {
    fn read(value: &Value) -> Result<Self, serde_json::Error> {
        let (me, users) = (field(value, "me")?, field(value, "users")?);
        Ok(Self { me, users, told: field(value, "told")?, forms: field(value, "forms")? })
    }
}

#[server(prefix = "/fn", endpoint = "sign_in", input = PostUrl)]
pub async fn sign_in(username: String, password: String, #[server(default)] next: String) -> Result<(), ApiError> {
    use crate::{protocol::http::Login, server::functions};

    let back = functions::login_page(&next, &username);
    let accounts = functions::state().accounts;
    let granted = accounts.login(functions::address().await, Login { username, password }).await;
    Ok(functions::enter(granted, &next, &back)?)
}

#[server(prefix = "/fn", endpoint = "register", input = PostUrl)]
pub async fn register(username: String, password: String, #[server(default)] next: String) -> Result<(), ApiError> {
    use crate::{protocol::http::Register, server::functions};

    let back = functions::login_page(&next, &username);
    let accounts = functions::state().accounts;
    let body = Register { username, password, display_name: None };
    let granted = accounts.register(functions::address().await, None, body).await;
    Ok(functions::enter(granted, &next, &back)?)
}

/// Ends the session; who has none is signed out already.
#[server(prefix = "/fn", endpoint = "sign_out", input = PostUrl)]
pub async fn sign_out() -> Result<(), ApiError> {
    use crate::{protocol::Code, server::functions};

    let accounts = functions::state().accounts;
    let forgotten = match accounts.logout(&functions::token().unwrap_or_default()).await {
        Err(problem) if problem.code == Code::Unauthorized => Ok(accounts.forget()),
        other => other,
    };
    let left = forgotten.map(|cookie| {
        functions::set_cookie(cookie);
        functions::tell_of_sign_out();
    });
    Ok(functions::lead(left, |()| "/login".to_owned(), "/settings")?)
}

#[server(prefix = "/fn", endpoint = "settings", input = PostUrl)]
pub async fn load_settings() -> Result<Settings, ApiError> {
    use crate::{
        protocol::http::Role,
        server::{functions, sheets},
    };

    let (state, me) = functions::caller().await?;
    let word = state.settings.word(me.id);
    let notice = |form: &str| word.clone().filter(|(of, _)| *of == form).map(|(_, notice)| notice);
    let told = notice(functions::PEOPLE);
    let mut forms = vec![Form { notice: notice(functions::PASSWORD_FORM), ..sheets::password_form() }];
    if me.role != Role::Admin {
        return Ok(Settings { me, users: None, told, forms });
    }
    let users = state.accounts.users(&me).await.map_err(functions::failed)?;
    forms.push(Form { notice: notice(functions::RESET_FORM), ..sheets::reset_form() });
    forms.extend(state.settings.forms(me.id, word));
    Ok(Settings { users: Some(users), told, forms, me })
}

/// For admins: changes somebody's role, or shuts or opens their account.
#[server(prefix = "/fn", endpoint = "patch_user", input = PostUrl)]
pub async fn patch_user(
    username: String,
    #[server(default)] role: Option<crate::protocol::http::Role>,
    #[server(default)] disabled: Option<bool>,
) -> Result<(), ApiError> {
    use crate::{
        protocol::{http::PatchUser, settings::Notice},
        server::functions,
    };

    let (state, me) = functions::caller().await?;
    let patched = state.accounts.patch_user(&me, &username, PatchUser { role, disabled }).await;
    let told = patched.map(|user| {
        let text = match (disabled, role) {
            (Some(true), _) => {
                format!("{}’s account is disabled, and everybody signed in by it is signed out.", user.username)
            }
            (Some(false), _) => format!("{}’s account is open again.", user.username),
            (None, _) => format!("{}’s role is {} now.", user.username, user.role.as_str()),
        };
        Notice { is_good: true, text }
    });
    Ok(functions::tell(&state.settings, me.id, functions::PEOPLE, told)?)
}

/// One's own password; all other sessions end.
#[server(prefix = "/fn", endpoint = "change_password", input = PostUrl)]
pub async fn change_password(current: String, password: String) -> Result<(), ApiError> {
    use crate::{protocol::settings::Notice, server::functions};

    let (state, caller) = functions::session().await?;
    let changed = state.accounts.change_password(functions::address().await, &caller, current, password).await;
    let told = changed.map(|()| Notice {
        is_good: true,
        text: "Your password is another one now. Whoever was signed in as you elsewhere is signed out.".into(),
    });
    Ok(functions::tell(&state.settings, caller.user.id, functions::PASSWORD_FORM, told)?)
}

/// For admins: a new password for somebody who forgot theirs.
#[server(prefix = "/fn", endpoint = "reset_password", input = PostUrl)]
pub async fn reset_password(username: String, password: String) -> Result<(), ApiError> {
    use crate::{protocol::settings::Notice, server::functions};

    let (state, me) = functions::caller().await?;
    let reset = state.accounts.reset_password(functions::address().await, &me, &username, password).await;
    let told = reset.map(|user| Notice {
        is_good: true,
        text: format!("{} has a new password and is signed out everywhere.", user.username),
    });
    Ok(functions::tell(&state.settings, me.id, functions::RESET_FORM, told)?)
}
