//! [`Caller`] as an argument of a handler: the route is for people who are signed in.

use axum::{
    extract::{FromRef, FromRequestParts},
    http::request::Parts,
};

use super::{AuthFailure, Caller, counts, presented};
use crate::{
    protocol::Problem,
    server::accounts::{Accounts, must_be_admin},
};

impl<S> FromRequestParts<S> for Caller
where
    S: Send + Sync,
    Accounts: FromRef<S>,
{
    type Rejection = Problem;

    /// 401 without a good token; 403 where a request that changes something has a cookie and comes from a
    /// page that is not ours.
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let accounts = Accounts::from_ref(state);
        let presented = presented(&parts.headers).ok_or(AuthFailure::Missing)?;
        if !parts.method.is_safe() {
            counts(&accounts, &parts.headers, &presented)?;
        }
        Ok(accounts.caller(presented.token).await?)
    }
}

/// An admin as an argument of a handler: nobody else's body is even read.
#[derive(Debug, Clone)]
pub struct Admin(pub Caller);

impl<S> FromRequestParts<S> for Admin
where
    S: Send + Sync,
    Accounts: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        must_be_admin(&caller.user)?;
        Ok(Self(caller))
    }
}
