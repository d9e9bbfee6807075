//! An origin as browsers send it: scheme, host, port, and nothing else.

use std::{fmt, str::FromStr};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    scheme: Scheme,
    /// Host and port in lower case; the scheme's own port is left out.
    host: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

/// A text that is no http or https origin; `null` is none either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidOrigin;

impl Origin {
    pub fn is_https(&self) -> bool {
        self.scheme == Scheme::Https
    }

    /// Whether a request with this `Host` header was sent to this origin. The header has no scheme: a proxy
    /// may have taken TLS away.
    pub fn is_host(&self, host: &str) -> bool {
        self.scheme.without_own_port(&host.to_ascii_lowercase()) == self.host
    }
}

impl Scheme {
    const fn own_port(self) -> &'static str {
        match self {
            Self::Http => ":80",
            Self::Https => ":443",
        }
    }

    fn without_own_port(self, host: &str) -> &str {
        host.strip_suffix(self.own_port()).unwrap_or(host)
    }
}

impl FromStr for Origin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let text = text.to_ascii_lowercase();
        let (scheme, rest) = match text.split_once("://") {
            Some(("http", rest)) => (Scheme::Http, rest),
            Some(("https", rest)) => (Scheme::Https, rest),
            _ => return Err(InvalidOrigin),
        };
        let host = rest.strip_suffix('/').unwrap_or(rest);
        // What only a path, a query, credentials, or a wildcard would bring.
        let strange = |c: char| c.is_whitespace() || c.is_control() || "/?#@*,\\".contains(c);
        if host.is_empty() || host.starts_with(':') || host.contains(strange) {
            return Err(InvalidOrigin);
        }
        Ok(Self { scheme, host: scheme.without_own_port(host).to_owned() })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_https() { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_read_as_browsers_write_it() {
        for (text, read) in [
            ("https://Chat.Example.com", Some("https://chat.example.com")),
            ("https://chat.example.com:443/", Some("https://chat.example.com")),
            ("http://127.0.0.1:3000", Some("http://127.0.0.1:3000")),
            ("http://[::1]:3000", Some("http://[::1]:3000")),
            ("null", None),
            ("*", None),
            ("https://*.example.com", None),
            ("https://", None),
            ("chat.example.com", None),
            ("ftp://chat.example.com", None),
            ("https://chat.example.com/path", None),
            ("https://user@chat.example.com", None),
        ] {
            assert_eq!(text.parse::<Origin>().ok().map(|origin| origin.to_string()).as_deref(), read, "{text}");
        }
    }
}
