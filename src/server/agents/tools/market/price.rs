//! What something costs now.

use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Days, Market, Told, date};
use crate::{
    protocol::Timestamp,
    server::agents::tools::{
        Class, Tool, ToolContext, ToolError, ToolOutput, calculate::number::significant, read, schema_of, short,
    },
};

pub struct MarketPrice(pub Arc<Market>);

pub const NAME: &str = "market_price";
/// Days in which markets were open at least twice, whatever the holidays.
const RECENT_DAYS: i64 = 12;

#[derive(Deserialize, JsonSchema)]
struct Arguments {
    /// As the provider of the prices writes it, such as `AAPL`, `BMW.DE`, `EURUSD=X`.
    symbol: String,
}

#[async_trait]
impl Tool for MarketPrice {
    fn name(&self) -> &str {
        NAME
    }

    fn description(&self) -> &str {
        "Tells the newest price of a share, fund, currency or index by its symbol, with its day and its change."
    }

    fn parameters(&self) -> Value {
        schema_of::<Arguments>()
    }

    fn class(&self) -> Class {
        Class::Read
    }

    fn activity(&self, arguments: &Value) -> String {
        short(&format!("Looking up the price of {}", arguments["symbol"].as_str().unwrap_or("a symbol")))
    }

    async fn call(&self, context: &ToolContext, arguments: Value) -> Result<ToolOutput, ToolError> {
        let Arguments { symbol } = read(arguments)?;
        let today = context.now.days();
        let told = self.0.prices(&symbol, Days { from: today - RECENT_DAYS, to: today }).await?;
        Ok(written(symbol.trim(), &told).into())
    }
}

fn written(symbol: &str, Told { series, by }: &Told) -> String {
    let currency = series.currency.as_ref().map(|currency| format!(" {}", short(currency))).unwrap_or_default();
    let (price, at, before) = match (series.now, series.closes.as_slice()) {
        (Some(quote), closes) => {
            let day = quote.at.map(Timestamp::days);
            let before = closes.iter().rev().find(|close| day.is_none_or(|day| close.day < day));
            (quote.price, quote.at.map(moment).unwrap_or_else(|| "now".into()), before)
        }
        (None, [.., before, last]) => (last.price, format!("close of {}", date(last.day)), Some(before)),
        (None, [last]) => (last.price, format!("close of {}", date(last.day)), None),
        (None, []) => return format!("{by} has no price of {symbol}."),
    };
    let change = before.filter(|before| before.price != 0.0).map(|before| {
        let percent = (price - before.price) / before.price * 100.0;
        format!(", {percent:+.2} % on the close of {} ({})", date(before.day), significant(before.price, 8))
    });
    format!("{symbol}: {}{currency} ({at}){}. Source: {by}.", significant(price, 8), change.unwrap_or_default())
}

fn moment(at: Timestamp) -> String {
    let civil = at.civil();
    match (civil.hour, civil.minute) {
        (0, 0) => date(at.days()),
        (hour, minute) => format!("{}, {hour:02}:{minute:02} UTC", date(at.days())),
    }
}
