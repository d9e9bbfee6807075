//! What admins see and do of the server at work, by plain forms. What came of one is told on the page that follows.

use leptos::{prelude::*, server_fn::codec::PostUrl};

use super::ApiError;
use crate::protocol::sheet::Sheet;

/// A page of the settings; `before` and `webhook` as its address has them.
#[server(prefix = "/fn", endpoint = "sheet", input = PostUrl)]
pub async fn load_sheet(
    page: String,
    #[server(default)] before: String,
    #[server(default)] webhook: String,
) -> Result<Sheet, ApiError> {
    use crate::server::{functions, sheets};

    let (state, me) = functions::caller().await?;
    let query = sheets::Query { before: before.parse().ok(), webhook };
    Ok(sheets::sheet(&state, &me, &page, &query).await.map_err(functions::failed)?)
}

#[server(prefix = "/fn", endpoint = "broadcast", input = PostUrl)]
pub async fn broadcast(message: String) -> Result<(), ApiError> {
    use crate::{protocol::settings::Notice, server::functions};

    let (state, me) = functions::caller().await?;
    let told = state.overseer.broadcast(&me, &message).await;
    let told = told.map(|count| Notice { is_good: true, text: format!("Sent to {count} connections.") });
    Ok(functions::tell_on("/settings/broadcast#broadcast", &state.settings, me.id, functions::BROADCAST_FORM, told)?)
}

#[server(prefix = "/fn", endpoint = "disconnect", input = PostUrl)]
pub async fn disconnect(id: String) -> Result<(), ApiError> {
    use crate::{
        protocol::{Problem, settings::Notice},
        server::functions,
    };

    let (state, me) = functions::caller().await?;
    let told = match id.parse() {
        Ok(id) => state.overseer.disconnect(&me, id).await,
        Err(_) => Err(Problem::not_found()),
    };
    let told = told.map(|()| Notice { is_good: true, text: "Disconnected.".into() });
    Ok(functions::tell_on("/settings/connections", &state.settings, me.id, functions::ROW, told)?)
}

/// Where registration is closed. The admin stays signed in as themselves.
#[server(prefix = "/fn", endpoint = "create_account", input = PostUrl)]
pub async fn create_account(username: String, password: String) -> Result<(), ApiError> {
    use crate::{
        protocol::{http::Register, settings::Notice},
        server::{accounts::must_be_admin, functions},
    };

    let (state, me) = functions::caller().await?;
    let made = match must_be_admin(&me) {
        Ok(()) => {
            let body = Register { username, password, display_name: None };
            state.accounts.register(functions::address().await, Some(&me), body).await
        }
        Err(problem) => Err(problem),
    };
    let told = made.map(|grant| {
        let text = format!("{} has an account now.", grant.signed_in.user.username);
        Notice { is_good: true, text }
    });
    Ok(functions::tell(&state.settings, me.id, functions::ACCOUNT_FORM, told)?)
}
