//! `/auth/…`: the one place where the API sets and clears the cookie.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{address::ClientAddress, body::Body, problem::Failure};
use crate::{
    protocol::{
        Problem,
        http::{Login, Register, Role},
    },
    server::{
        accounts::{Accounts, Grant},
        auth::{AuthFailure, Caller, Presented, counts, presented},
    },
};

/// An admin who makes somebody else's account on a closed server stays signed in as themselves: they get the
/// token, the browser no cookie.
pub(super) async fn register(
    State(accounts): State<Accounts>,
    ClientAddress(from): ClientAddress,
    headers: HeaderMap,
    Body(body): Body<Register>,
) -> Result<Response, Problem> {
    let by = if accounts.is_open() { None } else { signed_in(&accounts, &headers).await };
    let grant = accounts.register(from, by.as_ref().map(|caller| &caller.user), body).await?;
    Ok(match by {
        None => granted(StatusCode::CREATED, grant),
        Some(_) => (StatusCode::CREATED, Json(grant.signed_in)).into_response(),
    })
}

pub(super) async fn login(
    State(accounts): State<Accounts>,
    ClientAddress(from): ClientAddress,
    Body(body): Body<Login>,
) -> Result<Response, Failure> {
    Ok(granted(StatusCode::OK, accounts.login(from, body).await?))
}

pub(super) async fn refresh(State(accounts): State<Accounts>, headers: HeaderMap) -> Result<Response, Problem> {
    let presented = counting(&accounts, &headers)?;
    Ok(granted(StatusCode::OK, accounts.refresh(presented.token).await?))
}

pub(super) async fn logout(State(accounts): State<Accounts>, headers: HeaderMap) -> Result<Response, Problem> {
    let presented = counting(&accounts, &headers)?;
    let cleared = accounts.logout(presented.token).await?;
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cleared)]).into_response())
}

/// The request's token, expired or not, if it counts for a change.
fn counting<'a>(accounts: &Accounts, headers: &'a HeaderMap) -> Result<Presented<'a>, Problem> {
    let presented = presented(headers).ok_or(AuthFailure::Missing)?;
    counts(accounts, headers, &presented)?;
    Ok(presented)
}

async fn signed_in(accounts: &Accounts, headers: &HeaderMap) -> Option<Caller> {
    let presented = counting(accounts, headers).ok()?;
    accounts.caller(presented.token).await.ok()
}

/// A visitor's token is the frame's own: in a cookie it would take the place of an operator's on the same browser.
fn granted(status: StatusCode, grant: Grant) -> Response {
    if grant.signed_in.user.role == Role::Visitor {
        return (status, Json(grant.signed_in)).into_response();
    }
    (status, [(header::SET_COOKIE, grant.cookie)], Json(grant.signed_in)).into_response()
}
