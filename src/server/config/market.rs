//! Where prices come from.

use reqwest::Url;

use super::{ConfigError, Secret, Settings};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarketConfig {
    /// With [`PLACES`] in it: `https://prices.example/{symbol}?from={from}&to={to}`.
    pub url: String,
    /// Put where `{key}` stands; where it stands nowhere, sent as a bearer token.
    pub api_key: Option<Secret>,
}

/// What is put in for each symbol: itself, the first and the last day (`2026-11-20`, `20261120`, seconds since
/// 1970), the key.
pub const PLACES: [&str; 8] = ["symbol", "from", "to", "from_compact", "to_compact", "from_unix", "to_unix", "key"];

impl MarketConfig {
    /// What the environment names.
    pub(super) fn of(settings: &Settings) -> Result<Option<Self>, ConfigError> {
        let (url, api_key) = settings.market();
        let Some(url) = url else {
            let alone =
                api_key.map(|_| ConfigError::Needs { variable: "MAGPIE_MARKET_API_KEY", needs: "MAGPIE_MARKET_URL" });
            return alone.map_or(Ok(None), Err);
        };
        // The address may hold a key: it is not repeated.
        let url = Self::url(url).map_err(|takes| ConfigError::invalid("MAGPIE_MARKET_URL", takes, "something else"))?;
        Ok(Some(Self { url, api_key: api_key.map(|key| Secret::new(key.as_bytes())) }))
    }

    /// What it takes where it is wrong.
    pub fn url(text: &str) -> Result<String, &'static str> {
        let takes = "an http or https address without a name or password in it, and with no other places than \
                     {symbol}, {from}, {to}, {from_compact}, {to_compact}, {from_unix}, {to_unix} and {key}";
        let text = text.trim();
        let filled = PLACES.iter().fold(text.to_owned(), |text, place| text.replace(&format!("{{{place}}}"), "0"));
        let url = Url::parse(&filled).map_err(|_| takes)?;
        let is_good = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
        if is_good && !filled.contains(['{', '}']) { Ok(text.to_owned()) } else { Err(takes) }
    }
}
