//! Who is calling: from what a request carries to a [`Caller`], for HTTP and the socket alike.
//!
//! What accounts are, and signing in, is in [`super::accounts`]; here a token is found and believed or not.

use axum::http::{HeaderMap, HeaderValue, header};

use super::accounts::Accounts;
use crate::protocol::{Code, Problem, SessionId, Timestamp, VERSION, http::User};

pub mod cookie;
mod extractor;
pub mod jwt;
pub mod origin;
pub mod password;

pub use extractor::Admin;

/// Somebody whose token is good, now: the user as storage knows them, not as the token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub user: User,
    pub session_id: SessionId,
    /// When the token ends; the session may go on.
    pub expires_at: Timestamp,
}

/// Why nobody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthFailure {
    /// No token at all.
    Missing,
    /// Not ours, of an unknown or revoked session, or of somebody disabled.
    Invalid,
    /// Genuine, and over: it may be refreshed.
    Expired,
    /// The database did not answer.
    Unavailable,
}

impl AuthFailure {
    /// A word for logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing token",
            Self::Invalid => "invalid token",
            Self::Expired => "expired token",
            Self::Unavailable => "database unavailable",
        }
    }
}

impl From<AuthFailure> for Problem {
    fn from(failure: AuthFailure) -> Self {
        let (code, detail) = match failure {
            AuthFailure::Missing => (Code::Unauthorized, "Sign in to do this."),
            AuthFailure::Invalid => (Code::Unauthorized, "This sign-in is not valid. Sign in again."),
            AuthFailure::Expired => (Code::Unauthorized, "This token has expired. Refresh it."),
            AuthFailure::Unavailable => (Code::Unavailable, "The server cannot reach its database. Try again."),
        };
        Self::new(code, detail)
    }
}

/// A token as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presented<'a> {
    pub token: &'a str,
    pub by: By,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Put there by whoever wrote the request.
    Hand,
    /// Put there by the browser, whichever page made the request.
    Cookie,
}

/// The token of an HTTP request: `Authorization: Bearer`, else the cookie.
pub fn presented(headers: &HeaderMap) -> Option<Presented<'_>> {
    bearer(headers).or_else(|| cookie::token(headers).map(|token| Presented { token, by: By::Cookie }))
}

/// The token of a socket's handshake: a browser cannot set headers there, so `?token=` and the subprotocol
/// pair `magpie.v1, bearer.<jwt>` count too. Nowhere else: query strings end up in logs and histories.
pub fn presented_by_socket<'a>(headers: &'a HeaderMap, query_token: Option<&'a str>) -> Option<Presented<'a>> {
    let by_hand = |token| Presented { token, by: By::Hand };
    bearer(headers)
        .or_else(|| query_token.filter(|token| !token.is_empty()).map(by_hand))
        .or_else(|| subprotocol_token(headers).map(by_hand))
        .or_else(|| presented(headers))
}

/// Who makes this HTTP request. The rules for cookies of requests that change something are the extractor's
/// ([`Caller`] as an argument of a handler) and [`counts`].
pub async fn authenticate(accounts: &Accounts, headers: &HeaderMap) -> Result<Caller, AuthFailure> {
    accounts.caller(presented(headers).ok_or(AuthFailure::Missing)?.token).await
}

/// Who opens this socket.
pub async fn authenticate_socket(
    accounts: &Accounts,
    headers: &HeaderMap,
    query_token: Option<&str>,
) -> Result<Caller, AuthFailure> {
    accounts.caller(presented_by_socket(headers, query_token).ok_or(AuthFailure::Missing)?.token).await
}

/// Whether a token that came like this counts for a request that changes something.
pub fn counts(accounts: &Accounts, headers: &HeaderMap, presented: &Presented<'_>) -> Result<(), Problem> {
    match presented.by {
        By::Hand => Ok(()),
        By::Cookie if origin::allowed_with_cookie(headers, accounts.config()) => Ok(()),
        By::Cookie => Err(Problem::forbidden("This request came from another site.")),
    }
}

/// For a page: a browser whose cookie's token is over, or soon will be, while its session lives, gets a fresh
/// one, in the request (so that what follows sees it) and as the `Set-Cookie` value that is returned.
pub async fn renew(accounts: &Accounts, headers: &mut HeaderMap) -> Option<(Caller, HeaderValue)> {
    let token = cookie::token(headers)?;
    let (caller, grant) = accounts.renew(token).await?;
    cookie::replace(headers, &grant.signed_in.token)?;
    Some((caller, grant.cookie))
}

fn bearer(headers: &HeaderMap) -> Option<Presented<'_>> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(Presented { token: token.trim(), by: By::Hand })
}

fn subprotocol_token(headers: &HeaderMap) -> Option<&str> {
    let offered = || {
        let values = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
        values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).map(str::trim)
    };
    offered().find(|protocol| *protocol == VERSION)?;
    offered().find_map(|protocol| protocol.strip_prefix("bearer."))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let named = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(named).collect()
    }

    #[test]
    fn a_request_carries_its_token_in_the_header_or_the_cookie() {
        for (sent, found) in [
            (&[("authorization", "Bearer abc")][..], Some(("abc", By::Hand))),
            (&[("authorization", "bearer abc")], Some(("abc", By::Hand))),
            (&[("authorization", "Basic abc"), ("cookie", "magpie_session=def")], Some(("def", By::Cookie))),
            (&[("authorization", "Bearer abc"), ("cookie", "magpie_session=def")], Some(("abc", By::Hand))),
            (&[("sec-websocket-protocol", "magpie.v1, bearer.abc")], None),
            (&[], None),
        ] {
            let sent = headers(sent);
            assert_eq!(presented(&sent).map(|presented| (presented.token, presented.by)), found, "{sent:?}");
        }
    }

    #[test]
    fn a_socket_may_carry_it_in_the_query_or_the_subprotocol_too() {
        let pair = ("sec-websocket-protocol", "magpie.v1, bearer.abc");
        for (sent, query, found) in [
            (&[pair][..], None, Some("abc")),
            (&[pair], Some("query"), Some("query")),
            (&[pair, ("authorization", "Bearer header")], Some("query"), Some("header")),
            (&[("cookie", "magpie_session=cookie"), pair], None, Some("abc")),
            (&[("cookie", "magpie_session=cookie")], Some(""), Some("cookie")),
            (&[("sec-websocket-protocol", "bearer.abc")], None, None),
            (&[], None, None),
        ] {
            let sent = headers(sent);
            let token = presented_by_socket(&sent, query).map(|presented| presented.token);
            assert_eq!(token, found, "{sent:?} {query:?}");
        }
    }
}
