//! Which pages may speak to us with somebody's cookie: our own, the one people reach us by, and those that
//! the operator names.

use axum::http::{HeaderMap, header};

use crate::server::config::{Config, Origin};

/// Whether a page on the request's `Origin` may open a socket. A client that is no browser sends none.
pub fn allowed(headers: &HeaderMap, config: &Config) -> bool {
    !headers.contains_key(header::ORIGIN) || is_known(headers, config)
}

/// Whether a request that changes something may count its cookie: a browser sends the cookie for any page, so
/// the page must be shown to be one of ours.
pub fn allowed_with_cookie(headers: &HeaderMap, config: &Config) -> bool {
    if headers.contains_key(header::ORIGIN) {
        return is_known(headers, config);
    }
    // No script can set this one.
    text(headers, "sec-fetch-site") == Some("same-origin")
}

/// The page that asks, where a page asks.
pub enum Asking {
    /// No browser, or a page without an origin to speak of in this request.
    NoPage,
    OwnPage,
    Page(Origin),
    /// `null`, or no origin at all.
    Unreadable,
}

impl Asking {
    pub fn of(headers: &HeaderMap, config: &Config) -> Self {
        let Some(text) = text(headers, header::ORIGIN.as_str()) else { return Self::NoPage };
        match text.parse::<Origin>() {
            Ok(origin) if is_own(&origin, headers, config) => Self::OwnPage,
            Ok(origin) => Self::Page(origin),
            Err(_) => Self::Unreadable,
        }
    }
}

fn is_own(origin: &Origin, headers: &HeaderMap, config: &Config) -> bool {
    let is_host = text(headers, header::HOST.as_str()).is_some_and(|host| origin.is_host(host));
    is_host || config.server.public_url.as_ref() == Some(origin)
}

fn is_known(headers: &HeaderMap, config: &Config) -> bool {
    let origin = text(headers, header::ORIGIN.as_str()).and_then(|text| text.parse::<Origin>().ok());
    origin.is_some_and(|origin| is_own(&origin, headers, config) || config.auth.allowed_origins.contains(&origin))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;
    use crate::server::config::Settings;

    fn config() -> Config {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = Settings::in_dir(dir.path().to_str().unwrap());
        settings.public_url = Some("https://chat.example.com".into());
        settings.allowed_origins = Some("https://intranet.example.com, http://localhost:8080".into());
        Config::new(&settings).unwrap()
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let named = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(named).collect()
    }

    #[test]
    fn own_public_and_named_origins_are_allowed_and_no_others() {
        let config = config();
        for (origin, host, is_allowed) in [
            ("http://127.0.0.1:3000", "127.0.0.1:3000", true),
            ("http://LOCALHOST:3000", "localhost:3000", true),
            ("https://other.example.com", "other.example.com:443", true),
            ("https://other.example.com", "other.example.com", true),
            ("https://chat.example.com", "10.0.0.7:3000", true),
            ("https://intranet.example.com", "127.0.0.1:3000", true),
            ("http://localhost:8080", "127.0.0.1:3000", true),
            ("http://intranet.example.com", "127.0.0.1:3000", false),
            ("https://evil.example", "127.0.0.1:3000", false),
            ("http://127.0.0.1:3001", "127.0.0.1:3000", false),
            ("http://127.0.0.1", "127.0.0.1:3000", false),
            ("https://chat.example.com.evil.example", "127.0.0.1:3000", false),
            ("https://chat.example.com:8443", "127.0.0.1:3000", false),
            ("null", "127.0.0.1:3000", false),
            ("", "127.0.0.1:3000", false),
        ] {
            let headers = headers(&[("origin", origin), ("host", host)]);
            assert_eq!(allowed(&headers, &config), is_allowed, "{origin} at {host}");
            assert_eq!(allowed_with_cookie(&headers, &config), is_allowed, "{origin} at {host}");
        }
    }

    #[test]
    fn a_request_without_origin_may_open_a_socket_but_not_count_its_cookie() {
        let config = config();
        for (fetch_site, counts) in [(None, false), (Some("same-origin"), true), (Some("cross-site"), false)] {
            let mut sent = headers(&[("host", "127.0.0.1:3000")]);
            if let Some(site) = fetch_site {
                sent.insert("sec-fetch-site", HeaderValue::from_static(site));
            }
            assert!(allowed(&sent, &config));
            assert_eq!(allowed_with_cookie(&sent, &config), counts, "{fetch_site:?}");
        }
    }

    #[test]
    fn a_foreign_origin_is_not_saved_by_what_the_browser_says_of_the_site() {
        let sent = headers(&[
            ("origin", "https://evil.example"),
            ("host", "127.0.0.1:3000"),
            ("sec-fetch-site", "same-origin"),
        ]);
        assert!(!allowed_with_cookie(&sent, &config()));
    }
}
