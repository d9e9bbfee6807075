//! What every page and every server function wants first: somebody who is signed in, with a token that
//! still holds, and for a form a page of our own.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::{
    auth::{self, AuthFailure},
    state::AppState,
};
use crate::protocol::Problem;

mod widget;

pub use widget::FrameAncestors;

/// What needs no escape in a query's value.
const QUERY_VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Leads who is signed out to `/login?next=…`, and who is signed in away from there.
pub(super) async fn page(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    // The framework mounts the server functions among the pages.
    if request.uri().path().starts_with("/fn/") {
        return function(State(state), request, next).await;
    }
    // For the router, which names the page's files by it.
    if let Some(build) = state.builds.readable().await {
        request.extensions_mut().insert(build);
    }
    if let Some(site) = request.uri().path().strip_prefix("/widget/") {
        let site = site.to_owned();
        return widget::page(&state, site, request, next).await;
    }
    let renewed = renew(&state, request.headers_mut()).await;
    let is_login = request.uri().path() == "/login";
    match auth::authenticate(&state.accounts, request.headers()).await {
        Err(AuthFailure::Unavailable) => return Problem::from(AuthFailure::Unavailable).into_response(),
        Err(_) if !is_login => return Redirect::to(&login(request.uri())).into_response(),
        Ok(_) if is_login && request.method() == Method::GET => {
            return with_cookie(Redirect::to(&after_login(request.uri())).into_response(), renewed);
        }
        _ => {}
    }
    with_cookie(next.run(request).await, renewed)
}

/// A page that no route knows is shown, and is not there.
pub(super) async fn not_found(mut response: Response) -> Response {
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

/// Keeps other sites from calling server functions in somebody's name.
pub(super) async fn function(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    if !auth::origin::allowed_with_cookie(request.headers(), &state.config) {
        return Problem::forbidden("This request came from another site.").into_response();
    }
    let renewed = renew(&state, request.headers_mut()).await;
    with_cookie(next.run(request).await, renewed)
}

async fn renew(state: &AppState, headers: &mut HeaderMap) -> Option<HeaderValue> {
    auth::renew(&state.accounts, headers).await.map(|(_, cookie)| cookie)
}

/// The answer, with the fresh cookie unless the page set one of its own.
fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie
        && !response.headers().contains_key(header::SET_COOKIE)
    {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// The sign-in page, which leads back to where somebody wanted to go.
fn login(wanted: &Uri) -> String {
    let wanted = wanted.path_and_query().map_or("/", |path| path.as_str());
    format!("/login?next={}", utf8_percent_encode(wanted, QUERY_VALUE))
}

/// Where a sign-in page leads who is signed in already.
fn after_login(uri: &Uri) -> String {
    let next = uri.query().unwrap_or("").split('&').find_map(|pair| pair.strip_prefix("next="));
    let next = percent_decode_str(next.unwrap_or("/")).decode_utf8_lossy();
    super::functions::local_path(&next).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sign_in_page_leads_back_to_where_somebody_wanted_to_go() {
        assert_eq!(login(&Uri::from_static("/c/01J?a=1&b=2")), "/login?next=/c/01J%3Fa%3D1%26b%3D2");
        assert_eq!(after_login(&Uri::from_static("/login?next=/c/01J%3Fa%3D1%26b%3D2")), "/c/01J?a=1&b=2");
        assert_eq!(after_login(&Uri::from_static("/login")), "/");
        assert_eq!(after_login(&Uri::from_static("/login?next=https%3A%2F%2Fevil.example")), "/");
        assert_eq!(after_login(&Uri::from_static("/login?next=%2F%2Fevil.example")), "/");
    }
}
