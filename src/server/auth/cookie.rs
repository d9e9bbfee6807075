//! The browser's copy of the token: a cookie that no script can read.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::{
    protocol::{Problem, Timestamp, time::SECOND_MS},
    server::error,
};

pub const NAME: &str = "magpie_session";

/// The token in the request's cookie.
pub fn token(headers: &HeaderMap) -> Option<&str> {
    pairs(headers).find_map(|(name, value)| (name == NAME && !value.is_empty()).then_some(value))
}

/// Puts another token into the request's cookies, for whoever reads them next.
pub(super) fn replace(headers: &mut HeaderMap, token: &str) -> Option<()> {
    let others = pairs(headers).filter(|(name, _)| *name != NAME);
    let all: Vec<_> = others.chain([(NAME, token)]).map(|(name, value)| format!("{name}={value}")).collect();
    let all = HeaderValue::from_str(&all.join("; ")).ok()?;
    headers.insert(header::COOKIE, all);
    Some(())
}

fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='))
}

/// Whether the cookie is for https alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secure {
    Yes,
    No,
}

/// The `Set-Cookie` value that keeps the token for as long as its session lives: an expired token of a living
/// session can be refreshed.
pub fn set(token: &str, secure: Secure, now: Timestamp, session_ends: Timestamp) -> Result<HeaderValue, Problem> {
    let seconds = (session_ends.as_ms() - now.as_ms()).max(0) / SECOND_MS;
    let value = format!("{NAME}={token}; {}; Max-Age={seconds}", attributes(secure));
    HeaderValue::from_str(&value).map_err(|error| error::internal("a cookie was not made", &error))
}

/// The `Set-Cookie` value that takes it away.
pub fn clear(secure: Secure) -> HeaderValue {
    match secure {
        Secure::Yes => HeaderValue::from_static("magpie_session=; HttpOnly; SameSite=Lax; Path=/; Secure; Max-Age=0"),
        Secure::No => HeaderValue::from_static("magpie_session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0"),
    }
}

fn attributes(secure: Secure) -> &'static str {
    match secure {
        Secure::Yes => "HttpOnly; SameSite=Lax; Path=/; Secure",
        Secure::No => "HttpOnly; SameSite=Lax; Path=/",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_found_among_other_cookies() {
        for (cookies, found) in [
            (&["magpie_session=abc"][..], Some("abc")),
            (&["theme=dark; magpie_session=abc; x=y"], Some("abc")),
            (&["theme=dark", "magpie_session=abc"], Some("abc")),
            (&["magpie_session="], None),
            (&["not_magpie_session=abc"], None),
            (&[], None),
        ] {
            let mut headers = HeaderMap::new();
            for cookie in cookies {
                headers.append(header::COOKIE, HeaderValue::from_static(cookie));
            }
            assert_eq!(token(&headers), found, "{cookies:?}");
        }
    }

    #[test]
    fn a_renewed_token_takes_the_old_ones_place_alone() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("theme=dark; magpie_session=old"));
        headers.append(header::COOKIE, HeaderValue::from_static("x=y"));
        replace(&mut headers, "new").unwrap();
        assert_eq!(token(&headers), Some("new"));
        assert_eq!(headers[header::COOKIE], "theme=dark; x=y; magpie_session=new");
    }

    #[test]
    fn the_cookie_lives_as_long_as_the_session_and_is_secure_behind_https() {
        let (now, end) = (Timestamp::from_ms(1_000), Timestamp::from_ms(61_000));
        let plain = set("abc", Secure::No, now, end).unwrap();
        assert_eq!(plain, "magpie_session=abc; HttpOnly; SameSite=Lax; Path=/; Max-Age=60");
        let secure = set("abc", Secure::Yes, now, end).unwrap();
        assert_eq!(secure, "magpie_session=abc; HttpOnly; SameSite=Lax; Path=/; Secure; Max-Age=60");
        for kind in [Secure::Yes, Secure::No] {
            assert_eq!(clear(kind), format!("{NAME}=; {}; Max-Age=0", attributes(kind)));
        }
    }
}
