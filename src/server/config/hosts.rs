//! Which hosts `fetch_page` may read, as `MAGPIE_FETCH_HOSTS` lists them.

use std::str::FromStr;

/// None by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FetchHosts(Vec<HostRule>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct HostRule {
    name: HostName,
    /// Named with its port: the operator means this very server, wherever its address lies.
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum HostName {
    Any,
    /// `*.example.com`: what lies below it, and not itself.
    Below(String),
    Exactly(String),
}

/// How far an allowed host may be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// At public addresses, on the usual ports of the web.
    Public,
    /// At private ones, too.
    Private,
}

/// The ports of `http` and `https`.
const USUAL_PORTS: [u16; 2] = [80, 443];

impl FetchHosts {
    pub fn of(rules: &str) -> Result<Self, String> {
        let rules = rules.split(',').map(str::trim).filter(|rule| !rule.is_empty());
        rules.map(|rule| rule.parse().map_err(|()| rule.to_owned())).collect::<Result<_, _>>().map(Self)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `None`: not allowed. `host` as a URL has it, an IPv6 address in brackets.
    pub fn reach(&self, host: &str, port: u16) -> Option<Reach> {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let named = self.0.iter().any(|rule| rule.port == Some(port) && rule.name.is(&host));
        let listed = self.0.iter().any(|rule| rule.port.is_none() && rule.name.is(&host));
        match (named, listed && USUAL_PORTS.contains(&port)) {
            (true, _) => Some(Reach::Private),
            (_, true) => Some(Reach::Public),
            _ => None,
        }
    }
}

impl HostName {
    fn is(&self, host: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Below(name) => host.strip_suffix(name.as_str()).is_some_and(|rest| rest.ends_with('.')),
            Self::Exactly(name) => host == name,
        }
    }
}

impl FromStr for HostRule {
    type Err = ();

    /// `*`, `example.com`, `*.example.com`, `wiki.internal:8080`, `[::1]:8080`.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, Some(port.parse::<u16>().map_err(|_| ())?)),
            _ => (text, None),
        };
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        let is_address = name.starts_with('[') && name.ends_with(']');
        let is_name = |name: &str| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        };
        let name = match name.strip_prefix("*.") {
            // Private addresses are opened one by one.
            _ if text == "*" => HostName::Any,
            Some(below) if is_name(below) && port.is_none() => HostName::Below(below.to_owned()),
            None if is_name(&name) || is_address => HostName::Exactly(name),
            _ => return Err(()),
        };
        Ok(Self { name, port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_reached_as_far_as_the_list_says() {
        let hosts = FetchHosts::of("example.com, *.wiki.org,intranet:8080,127.0.0.1:9000,[::1]:9000").unwrap();
        for (host, port, reach) in [
            ("example.com", 443, Some(Reach::Public)),
            ("EXAMPLE.com.", 80, Some(Reach::Public)),
            ("example.com", 8080, None),
            ("www.example.com", 443, None),
            ("badexample.com", 443, None),
            ("en.wiki.org", 443, Some(Reach::Public)),
            ("wiki.org", 443, None),
            ("evilwiki.org", 443, None),
            ("intranet", 8080, Some(Reach::Private)),
            ("intranet", 80, None),
            ("127.0.0.1", 9000, Some(Reach::Private)),
            ("127.0.0.1", 80, None),
            ("[::1]", 9000, Some(Reach::Private)),
        ] {
            assert_eq!(hosts.reach(host, port), reach, "{host}:{port}");
        }
        let any = FetchHosts::of("*").unwrap();
        assert_eq!(any.reach("anything.example", 443), Some(Reach::Public));
        assert_eq!(any.reach("anything.example", 22), None);
        assert_eq!(FetchHosts::of("").unwrap().reach("example.com", 443), None);
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for bad in
            ["http://example.com", "example.com/path", "a b", "*:80", "*.a:80", "host:port", "host:99999", "**", "*."]
        {
            assert_eq!(FetchHosts::of(bad), Err(bad.to_owned()), "{bad}");
        }
    }
}
