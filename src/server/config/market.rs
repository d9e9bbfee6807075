//! Where prices come from.

use reqwest::Url;

use super::{ConfigError, Secret, Settings};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarketConfig {
    pub url: Url,
    pub api_key: Option<Secret>,
}

impl MarketConfig {
    /// What the environment names.
    pub(super) fn of(settings: &Settings) -> Result<Option<Self>, ConfigError> {
        let (url, api_key) = settings.market();
        let Some(url) = url else {
            let alone =
                api_key.map(|_| ConfigError::Needs { variable: "MAGPIE_MARKET_API_KEY", needs: "MAGPIE_MARKET_URL" });
            return alone.map_or(Ok(None), Err);
        };
        let url = Self::url(url).map_err(|takes| ConfigError::invalid("MAGPIE_MARKET_URL", takes, "something else"))?;
        Ok(Some(Self { url, api_key: api_key.map(|key| Secret::new(key.as_bytes())) }))
    }

    /// What it takes where it is wrong.
    pub fn url(text: &str) -> Result<Url, &'static str> {
        let takes = "an http or https address without a name or password in it";
        let url = Url::parse(text).map_err(|_| takes)?;
        let is_good = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
        if is_good { Ok(url) } else { Err(takes) }
    }
}
