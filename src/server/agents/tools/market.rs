//! Prices of shares, funds, currencies: from the HTTP API that the operator chooses.
//!
//! One address with places for symbol, days and key ([`MarketConfig`]) serves many providers; their answers are
//! told apart by their shape ([`series`]). The address and the key are asked for at each call, so that a change
//! in the settings counts at once.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, Response, StatusCode, Url, header, redirect};

use super::ToolError;
use crate::{
    protocol::{Timestamp, limits, time::DAY_MS},
    server::config::{MarketConfig, Secret, market::PLACES},
};

pub mod history;
pub mod price;
pub mod series;

pub use history::MarketHistory;
pub use price::MarketPrice;
use series::Series;

/// Who knows the operator's choice, as it is now.
pub trait MarketSource: Send + Sync + 'static {
    /// `None`: none is chosen.
    fn market(&self) -> Option<MarketConfig>;
}

impl MarketSource for Option<MarketConfig> {
    fn market(&self) -> Option<MarketConfig> {
        self.clone()
    }
}

/// Days since 1970, both counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days {
    pub from: i64,
    pub to: i64,
}

/// Asks the operator's API.
pub struct Market {
    source: Arc<dyn MarketSource>,
    /// `None`: none could be made that does as it is told; then nobody is asked.
    client: Option<Client>,
}

/// What an API said, and who it was.
pub struct Told {
    pub series: Series,
    /// The host alone.
    pub by: String,
}

impl Market {
    pub fn new(source: Arc<dyn MarketSource>) -> Self {
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .referer(false)
            .timeout(Duration::from_millis(limits::MARKET_MS))
            .user_agent(concat!("Magpie/", env!("CARGO_PKG_VERSION")))
            .build()
            .inspect_err(|error| tracing::error!(%error, "no client for the market API can be made"));
        Self { source, client: client.ok() }
    }

    /// The prices of these days. An error is a sentence that says what the operator does about it.
    pub async fn prices(&self, symbol: &str, days: Days) -> Result<Told, ToolError> {
        let symbol = checked(symbol)?;
        let api = self.source.market().ok_or_else(not_configured)?;
        let url: Url =
            filled(&api, symbol, days).parse().map_err(|_| operator("The address of the market API is none"))?;
        let by = url.host_str().unwrap_or_default().to_owned();
        let client = self.client.as_ref().ok_or_else(|| operator("No connection to a market API can be made"))?;
        let mut request = client.get(url);
        if let Some(key) = api.api_key.as_ref().filter(|_| !api.url.contains("{key}")) {
            request = request.bearer_auth(String::from_utf8_lossy(key.expose()));
        }
        let sent = request.header(header::ACCEPT, "application/json,text/csv;q=0.9,*/*;q=0.5").send().await;
        let response = sent.map_err(|error| {
            tracing::info!(host = %by, error = %error.without_url(), "the market API cannot be reached");
            operator(&format!("The market API at {by} cannot be reached"))
        })?;
        let body = body(response, symbol, &by).await?;
        match series::read(&body) {
            Ok(series) if series.is_empty() => {
                Err(ToolError(format!("{by} has no prices of {symbol} for these days.")))
            }
            Ok(series) => Ok(Told { series, by }),
            Err(Some(said)) => {
                let said = without_key(&super::short(&said), api.api_key.as_ref());
                Err(ToolError(format!("{by} answers for {symbol}: {said}")))
            }
            Err(None) => Err(operator(&format!("{by} answers something that holds no prices"))),
        }
    }
}

/// Letters, digits and what stands in symbols: `BRK-B`, `^GSPC`, `EURUSD=X`, `BTC/USD`.
fn checked(symbol: &str) -> Result<&str, ToolError> {
    let symbol = symbol.trim();
    let fits = (1..=limits::MARKET_SYMBOL_CHARS).contains(&symbol.len())
        && symbol.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-^=/:_&".contains(&byte));
    if fits {
        Ok(symbol)
    } else {
        Err(ToolError("That is no symbol: give one such as AAPL, BMW.DE or EURUSD=X.".into()))
    }
}

/// What an address is asked that has no place for the symbol.
const QUERY: &str = "symbol={symbol}&from={from}&to={to}";

fn filled(api: &MarketConfig, symbol: &str, days: Days) -> String {
    let escaped = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let key = api.api_key.as_ref().map(|key| escaped(&String::from_utf8_lossy(key.expose()))).unwrap_or_default();
    // The last day with all of its hours.
    let (from_unix, to_unix) = (days.from * DAY_MS / 1000, (days.to + 1) * DAY_MS / 1000 - 1);
    // In the order of `PLACES`.
    let values = [
        escaped(symbol),
        date(days.from),
        date(days.to),
        date(days.from).replace('-', ""),
        date(days.to).replace('-', ""),
        from_unix.to_string(),
        to_unix.to_string(),
        key,
    ];
    let template = match (api.url.contains("{symbol}"), api.url.contains('?')) {
        (true, _) => api.url.clone(),
        (false, true) => format!("{}&{QUERY}", api.url),
        (false, false) => format!("{}?{QUERY}", api.url),
    };
    let mut url = String::with_capacity(template.len() + 64);
    let mut rest = template.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        url.push_str(before);
        let place = PLACES
            .iter()
            .zip(&values)
            .find_map(|(place, value)| Some((value, after.strip_prefix(place)?.strip_prefix('}')?)));
        match place {
            Some((value, behind)) => {
                url.push_str(value);
                rest = behind;
            }
            None => {
                url.push('{');
                rest = after;
            }
        }
    }
    url.push_str(rest);
    url
}

async fn body(response: Response, symbol: &str, by: &str) -> Result<String, ToolError> {
    let status = response.status();
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            return Err(ToolError(format!(
                "{by} refuses ({status}). Its operator checks the key: MAGPIE_MARKET_API_KEY, or the settings page."
            )));
        }
        StatusCode::NOT_FOUND => return Err(ToolError(format!("{by} knows nothing of {symbol} ({status})."))),
        StatusCode::TOO_MANY_REQUESTS => {
            return Err(ToolError(format!("{by} is asked too often ({status}). Try again later.")));
        }
        _ if status.is_redirection() => return Err(operator(&format!("{by} sends to another address ({status})"))),
        _ if status.is_server_error() => return Err(ToolError(format!("{by} has a failure of its own ({status})."))),
        // What is wrong is often told in the body.
        _ => {}
    }
    let mut body = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| ToolError(format!("{by} broke off its answer. Try again.")))?;
        if body.len() + chunk.len() > limits::MARKET_BODY_BYTES {
            return Err(ToolError(format!("{by} answers more than {} KiB.", limits::MARKET_BODY_BYTES / 1024)));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(String::from_utf8_lossy(&body).into_owned())
}

fn not_configured() -> ToolError {
    ToolError(
        "No market data is set up on this server. Its operator chooses a provider with MAGPIE_MARKET_URL and, where \
         it wants one, MAGPIE_MARKET_API_KEY (or on the settings page)."
            .into(),
    )
}

fn operator(what: &str) -> ToolError {
    ToolError(format!("{what}. The operator of this server checks MAGPIE_MARKET_URL."))
}

fn without_key(text: &str, key: Option<&Secret>) -> String {
    let key = key.map(|key| String::from_utf8_lossy(key.expose()).into_owned()).filter(|key| !key.is_empty());
    key.map_or_else(|| text.to_owned(), |key| text.replace(&key, "…"))
}

/// `2026-11-20`.
pub fn date(day: i64) -> String {
    let civil = Timestamp::from_ms(day * DAY_MS).civil();
    format!("{:04}-{:02}-{:02}", civil.year, civil.month, civil.day)
}

#[cfg(test)]
mod tests;
