//! How a price went, with a chart.

use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Days, Market, date, series::Close};
use crate::{
    protocol::limits,
    server::agents::tools::{
        Chart, Class, Tool, ToolContext, ToolError, ToolOutput,
        calculate::number::significant,
        date_time::dates,
        make_chart::{
            Style,
            data::{Data, Series},
            draw,
        },
        read, schema_of, short, shortened,
    },
};

pub struct MarketHistory(pub Arc<Market>);

pub const NAME: &str = "market_history";
/// Where nobody says how many.
const DAYS: i64 = 30;
/// Closes that are told one by one.
const TOLD: usize = 12;

#[derive(Deserialize, JsonSchema)]
struct Arguments {
    /// As the provider of the prices writes it, such as `AAPL`, `BMW.DE`, `EURUSD=X`.
    symbol: String,
    /// How many days back; 30 where this and `from` are left out.
    #[serde(default)]
    days: Option<i64>,
    /// The first day, such as `2026-01-02`.
    #[serde(default)]
    from: Option<String>,
    /// The last day; today where left out.
    #[serde(default)]
    to: Option<String>,
}

#[async_trait]
impl Tool for MarketHistory {
    fn name(&self) -> &str {
        NAME
    }

    fn description(&self) -> &str {
        "Shows how the price of a share, fund, currency or index went over some days, by its symbol: first, last, \
         lowest and highest close, and a chart in the conversation."
    }

    fn parameters(&self) -> Value {
        schema_of::<Arguments>()
    }

    fn class(&self) -> Class {
        Class::Read
    }

    fn activity(&self, arguments: &Value) -> String {
        short(&format!("Looking up how {} went", arguments["symbol"].as_str().unwrap_or("a symbol")))
    }

    async fn call(&self, context: &ToolContext, arguments: Value) -> Result<ToolOutput, ToolError> {
        let arguments: Arguments = read(arguments)?;
        let days = span(&arguments, context.now.days())?;
        let symbol = arguments.symbol.trim().to_owned();
        let told = self.0.prices(&symbol, days).await?;
        // Some providers give what they have, whatever was asked for.
        let within = |close: &&Close| (days.from..=days.to).contains(&close.day);
        let closes: Vec<Close> = told.series.closes.iter().filter(within).copied().collect();
        if closes.is_empty() {
            let (from, to) = (date(days.from), date(days.to));
            return Err(ToolError(format!("{} has no prices of {symbol} from {from} to {to}.", told.by)));
        }
        let text = written(&symbol, told.series.currency.as_deref(), &told.by, &closes);
        if closes.len() < 2 {
            return Ok(text.into());
        }
        let drawn = tokio::task::spawn_blocking(move || chart(symbol, &closes)).await;
        let chart = drawn.map_err(|error| error.to_string()).and_then(|drawn| drawn);
        let chart = chart.map_err(|error| ToolError(format!("The chart could not be drawn: {error}")))?;
        Ok(ToolOutput { chart: Some(chart), ..ToolOutput::from(text) })
    }
}

fn span(arguments: &Arguments, today: i64) -> Result<Days, ToolError> {
    let day = |text: &str| {
        let found = dates::find(text).and_then(|found| found.on(today));
        found.ok_or_else(|| ToolError(format!("“{}” is no date that I can read.", short(text))))
    };
    let to = arguments.to.as_deref().map(day).transpose()?.unwrap_or(today).min(today);
    let from = match (&arguments.from, arguments.days) {
        (Some(from), _) => day(from)?,
        (None, days) => to - days.unwrap_or(DAYS).clamp(1, i64::try_from(limits::MARKET_DAYS).unwrap_or(DAYS)),
    };
    if from > to {
        return Err(ToolError("The first day lies after the last.".into()));
    }
    Ok(Days { from, to })
}

fn written(symbol: &str, currency: Option<&str>, by: &str, closes: &[Close]) -> String {
    let currency = currency.map(|currency| format!(" {}", short(currency))).unwrap_or_default();
    let number = |price: f64| significant(price, 8);
    let (Some(first), Some(last)) = (closes.first(), closes.last()) else { return String::new() };
    let edge = |a: &&Close, b: &&Close| a.price.total_cmp(&b.price);
    let (lowest, highest) = (closes.iter().min_by(edge).unwrap_or(first), closes.iter().max_by(edge).unwrap_or(last));
    let change = match first.price {
        0.0 => String::new(),
        from => format!(" ({:+.2} %)", (last.price - from) / from * 100.0),
    };
    let mut text = format!(
        "{symbol} from {} to {}, {} closes: {}{currency} to {}{currency}{change}, lowest {} on {}, highest {} on {}. \
         Source: {by}.\n\n| day | close |\n|---|---|\n",
        date(first.day),
        date(last.day),
        closes.len(),
        number(first.price),
        number(last.price),
        number(lowest.price),
        date(lowest.day),
        number(highest.price),
        date(highest.day),
    );
    for close in thinned(closes, TOLD) {
        text.push_str(&format!("| {} | {} |\n", date(close.day), number(close.price)));
    }
    text.trim_end().to_owned()
}

fn chart(symbol: String, closes: &[Close]) -> Result<Chart, String> {
    let points = thinned(closes, limits::CHART_POINTS);
    let title = match (points.first(), points.last()) {
        (Some(first), Some(last)) => format!("{symbol}, {} to {}", date(first.day), date(last.day)),
        _ => symbol.clone(),
    };
    let title = shortened(&title, limits::CHART_LABEL_CHARS);
    let series = Series { name: symbol.clone(), values: points.iter().map(|close| Some(close.price)).collect() };
    let labels = points.iter().map(|close| date(close.day)).collect();
    let data = Data { labels, series: vec![series], named: true, named_series: true };
    Ok(Chart { svg: draw::svg(&title, Style::Line, &data)?, table: data.table(), title, symbol: Some(symbol) })
}

/// So many of them at most, evenly, the first and the last among them.
fn thinned(closes: &[Close], most: usize) -> Vec<Close> {
    if closes.len() <= most {
        return closes.to_vec();
    }
    (0..most).map(|at| closes[at * (closes.len() - 1) / (most - 1)]).collect()
}
