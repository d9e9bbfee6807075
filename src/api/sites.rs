//! Websites that embed the widget: how their frame looks, and what admins decide of them by plain forms.

// The macro makes a function of its own of each, with the fields of the form.
#![allow(clippy::too_many_arguments)]

use leptos::{prelude::*, server_fn::codec::PostUrl};

use super::ApiError;
use crate::protocol::site::{PublicSite, SiteSection};

/// How a site's frame looks, before anybody has a session in it. `not_found`, with status 404: no such site.
#[server(prefix = "/fn", endpoint = "widget_site", input = PostUrl)]
pub async fn widget_site(id: String) -> Result<PublicSite, ApiError> {
    use crate::{protocol::SiteId, server::functions};

    let row = functions::state().widget.site(&SiteId(id)).await.map_err(functions::failed)?;
    Ok(PublicSite::from(&row.site))
}

/// For admins: every site, and the form for a new one. For others there are none.
#[server(prefix = "/fn", endpoint = "sites", input = PostUrl)]
pub async fn load_sites() -> Result<Vec<SiteSection>, ApiError> {
    use crate::{protocol::http::Role, server::functions};

    let (state, me) = functions::caller().await?;
    if me.role != Role::Admin {
        return Ok(Vec::new());
    }
    Ok(state.sites.sections(&me, &functions::own_origin()).await.map_err(functions::failed)?)
}

/// Makes a site, where there is no `id`; else changes what the form says of it. A box that is not ticked is not sent.
#[server(prefix = "/fn", endpoint = "save_site", input = PostUrl)]
pub async fn save_site(
    #[server(default)] id: String,
    name: String,
    #[server(default)] allowed_origins: String,
    #[server(default)] greeting: String,
    #[server(default)] hours: String,
    #[server(default)] color: String,
    #[server(default)] team: String,
    #[server(default)] agents: Option<String>,
    #[server(default)] auto_assign: Option<String>,
) -> Result<(), ApiError> {
    use crate::{protocol::site::SiteForm, server::functions};

    let (state, me) = functions::caller().await?;
    // A new one is made with its name alone.
    let form = match id.as_str() {
        "" => SiteForm { name: Some(name), ..SiteForm::default() },
        _ => SiteForm {
            name: Some(name),
            allowed_origins: Some(allowed_origins.lines().map(|line| line.trim().to_owned()).collect()),
            greeting: Some(greeting),
            color: Some(color),
            hours: Some(hours),
            agents: Some(agents.is_some()),
            team: Some(team),
            auto_assign: Some(auto_assign.is_some()),
        },
    };
    let sent = state.sites.sent(&me, &id, form).await;
    // One that was made shows itself, with its secret.
    let section = functions::site_section(sent.as_ref().map_or(&id, |made| &made.0));
    Ok(functions::back_to(&section, sent.map(|_| ()))?)
}

/// Another secret for a site, told once on the page that follows.
#[server(prefix = "/fn", endpoint = "new_site_secret", input = PostUrl)]
pub async fn new_site_secret(id: String) -> Result<(), ApiError> {
    use crate::server::functions;

    let (state, me) = functions::caller().await?;
    let sent = state.sites.sent_for_secret(&me, &id).await;
    Ok(functions::back_to(&functions::site_section(&id), sent.map(|_| ()))?)
}
