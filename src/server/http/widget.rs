//! `/widget/sessions`, which a website's page calls from its own origin, and `/sites`, which admins keep.

use axum::{
    Json,
    extract::{Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{AppendHeaders, IntoResponse},
};

use super::{address::ClientAddress, body::Body, problem::Failure};
use crate::{
    protocol::{
        Problem, SiteId,
        site::{OpenWidget, Site, SiteForm, SiteMade, Sites as SiteList, WidgetSession},
    },
    server::{
        auth::Admin,
        sites::Sites,
        widget::{From, Widget},
    },
};

type Cors = AppendHeaders<[(HeaderName, HeaderValue); 4]>;

/// Every page may ask; whether it is answered is the site's allow-list to say, which the call itself looks at. No
/// cookie goes with it either way.
fn cors(headers: &HeaderMap) -> Cors {
    let origin = headers.get(header::ORIGIN).cloned().unwrap_or(HeaderValue::from_static("null"));
    AppendHeaders([
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, origin),
        (header::VARY, HeaderValue::from_static("origin")),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("content-type")),
        (header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400")),
    ])
}

pub(super) async fn preflight(headers: HeaderMap) -> impl IntoResponse {
    let methods = [(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"))];
    (StatusCode::NO_CONTENT, cors(&headers), methods)
}

pub(super) async fn open(
    State(widget): State<Widget>,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    body: Result<Body<OpenWidget>, Failure>,
) -> (Cors, Result<Json<WidgetSession>, Failure>) {
    let opened = async {
        let Body(body) = body?;
        Ok(Json(widget.open(From { address, headers: &headers }, body).await?))
    };
    (cors(&headers), opened.await)
}

pub(super) async fn sites(Admin(caller): Admin, State(sites): State<Sites>) -> Result<Json<SiteList>, Problem> {
    Ok(Json(SiteList { sites: sites.list(&caller.user).await? }))
}

pub(super) async fn make_site(
    Admin(caller): Admin,
    State(sites): State<Sites>,
    Body(form): Body<SiteForm>,
) -> Result<(StatusCode, Json<SiteMade>), Failure> {
    Ok((StatusCode::CREATED, Json(sites.create(&caller.user, form).await?)))
}

pub(super) async fn patch_site(
    Admin(caller): Admin,
    State(sites): State<Sites>,
    Path(id): Path<String>,
    Body(form): Body<SiteForm>,
) -> Result<Json<Site>, Failure> {
    Ok(Json(sites.patch(&caller.user, &SiteId(id), form).await?))
}

pub(super) async fn new_secret(
    Admin(caller): Admin,
    State(sites): State<Sites>,
    Path(id): Path<String>,
) -> Result<Json<SiteMade>, Problem> {
    Ok(Json(sites.new_secret(&caller.user, &SiteId(id)).await?))
}
