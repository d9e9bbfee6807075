//! Reads prices in the shapes that providers give them in: CSV with a header, JSON with an object for each day
//! (a list, or by date), JSON with a list for each column. Names are compared without case and signs.

use serde_json::{Map, Value};

use crate::{
    protocol::{Timestamp, limits, time::DAY_MS, time::days_from_civil},
    server::agents::tools::{csv, make_chart::data},
};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    pub currency: Option<String>,
    /// Ascending, one for each day.
    pub closes: Vec<Close>,
    /// Newer than the last close, where the provider tells it.
    pub now: Option<Quote>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Close {
    /// Days since 1970.
    pub day: i64,
    pub price: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quote {
    pub price: f64,
    pub at: Option<Timestamp>,
}

const DATES: [&str; 7] = ["date", "datetime", "timestamp", "time", "t", "day", "latesttradingday"];
/// The raw close first: an adjusted one is no price that anybody paid.
const CLOSES: [&str; 6] = ["close", "c", "price", "last", "value", "adjclose"];
const NOWS: [&str; 4] = ["regularmarketprice", "price", "last", "c"];
const NOW_TIMES: [&str; 5] = ["regularmarkettime", "t", "timestamp", "datetime", "latesttradingday"];
/// What an error is told under.
const COMPLAINTS: [&str; 7] = ["errormessage", "error", "message", "note", "information", "description", "detail"];

impl Series {
    pub fn is_empty(&self) -> bool {
        self.closes.is_empty() && self.now.is_none()
    }
}

/// An error holds what the provider itself said of it, where it said something.
pub fn read(body: &str) -> Result<Series, Option<String>> {
    let mut series = match serde_json::from_str::<Value>(body) {
        Ok(json) => of_json(&json)?,
        Err(_) => of_csv(body).ok_or(None)?,
    };
    series.closes.sort_by_key(|close| close.day);
    series.closes.dedup_by_key(|close| close.day);
    if series.closes.len() > limits::MARKET_DAYS {
        series.closes.drain(..series.closes.len() - limits::MARKET_DAYS);
    }
    Ok(series)
}

fn of_csv(body: &str) -> Option<Series> {
    let records = csv::records(body, csv::delimiter(body)?);
    let (header, rows) = records.split_first()?;
    let names: Vec<String> = header.iter().map(|name| plain(name)).collect();
    let place = |wanted: &[&str]| wanted.iter().find_map(|name| names.iter().position(|had| had == name));
    let (date, close) = (place(&DATES)?, place(&CLOSES)?);
    let row = |row: &Vec<String>| Some(Close { day: day_of(row.get(date)?)?, price: number(row.get(close)?)? });
    Some(Series { closes: rows.iter().filter_map(row).collect(), ..Series::default() })
}

fn of_json(json: &Value) -> Result<Series, Option<String>> {
    let mut found = Series { currency: text_under(json, &["currency"]), ..Series::default() };
    found.closes = closes(json, 0).unwrap_or_default();
    found.now = quote(json, 0);
    if found.is_empty() {
        return match complaint(json, 0) {
            Some(said) => Err(Some(said)),
            // A list with nothing in it is an answer, too.
            None if json.is_array() || has_empty_list(json) => Ok(found),
            None => Err(None),
        };
    }
    Ok(found)
}

/// How deep an answer is looked into.
const DEPTH: usize = 6;

/// The first part of the answer that is a series.
fn closes(json: &Value, depth: usize) -> Option<Vec<Close>> {
    if depth > DEPTH {
        return None;
    }
    match json {
        Value::Array(rows) => {
            let found: Vec<Close> = rows.iter().filter_map(|row| close(row.as_object()?)).collect();
            if found.is_empty() { rows.iter().find_map(|row| closes(row, depth + 1)) } else { Some(found) }
        }
        Value::Object(object) => by_columns(object)
            .or_else(|| by_date(object))
            .or_else(|| object.values().find_map(|value| closes(value, depth + 1))),
        _ => None,
    }
}

/// `{"date": "2026-11-20", "close": 12.5, …}`
fn close(row: &Map<String, Value>) -> Option<Close> {
    Some(Close { day: DATES.iter().find_map(|name| day(under(row, name)?))?, price: price_in(row)? })
}

/// `{"2026-11-20": {"4. close": "12.5"}, …}`, `{"2026-11-20": 12.5, …}`
fn by_date(object: &Map<String, Value>) -> Option<Vec<Close>> {
    let found = object.iter().filter_map(|(name, value)| {
        let price = match value {
            Value::Object(row) => price_in(row),
            value => as_number(value),
        };
        Some(Close { day: iso(name)?, price: price? })
    });
    let found: Vec<Close> = found.collect();
    (!found.is_empty()).then_some(found)
}

/// `{"timestamp": […], "indicators": {"quote": [{"close": […]}]}}`, `{"t": […], "c": […]}`
fn by_columns(object: &Map<String, Value>) -> Option<Vec<Close>> {
    let days = DATES.iter().find_map(|name| under(object, name)?.as_array())?;
    let prices = CLOSES.iter().find_map(|name| list_under(&Value::Object(object.clone()), name, 0))?;
    let pairs = days.iter().zip(prices.iter());
    let found: Vec<Close> =
        pairs.filter_map(|(at, price)| Some(Close { day: day(at)?, price: as_number(price)? })).collect();
    (!found.is_empty()).then_some(found)
}

fn list_under(json: &Value, name: &str, depth: usize) -> Option<Vec<Value>> {
    if depth > DEPTH {
        return None;
    }
    match json {
        Value::Object(object) => {
            let own = under(object, name).and_then(Value::as_array).cloned();
            own.or_else(|| object.values().find_map(|value| list_under(value, name, depth + 1)))
        }
        Value::Array(values) => values.iter().find_map(|value| list_under(value, name, depth + 1)),
        _ => None,
    }
}

/// A price that stands by itself: `{"price": 12.5}`, `{"Global Quote": {"05. price": "12.5"}}`, a chart's `meta`.
fn quote(json: &Value, depth: usize) -> Option<Quote> {
    if depth > DEPTH {
        return None;
    }
    match json {
        Value::Object(object) => {
            let price = NOWS.iter().find_map(|name| as_number(under(object, name)?));
            let at = || NOW_TIMES.iter().find_map(|name| moment(under(object, name)?));
            price.map(|price| Quote { price, at: at() }).or_else(|| {
                let parts = object.iter().filter(|(_, value)| value.is_object() || is_single(value));
                parts.into_iter().find_map(|(_, value)| quote(value, depth + 1))
            })
        }
        Value::Array(values) if values.len() == 1 => quote(&values[0], depth + 1),
        _ => None,
    }
}

fn is_single(value: &Value) -> bool {
    value.as_array().is_some_and(|values| values.len() == 1)
}

fn complaint(json: &Value, depth: usize) -> Option<String> {
    if depth > DEPTH {
        return None;
    }
    let object = json.as_object()?;
    let own = COMPLAINTS.iter().find_map(|name| under(object, name)?.as_str().map(str::to_owned));
    own.filter(|said| !said.is_empty()).or_else(|| object.values().find_map(|value| complaint(value, depth + 1)))
}

fn has_empty_list(json: &Value) -> bool {
    json.as_object().is_some_and(|object| object.values().any(|value| value.as_array().is_some_and(Vec::is_empty)))
}

fn text_under(json: &Value, names: &[&str]) -> Option<String> {
    match json {
        Value::Object(object) => {
            let own = names.iter().find_map(|name| under(object, name)?.as_str().map(str::to_owned));
            own.or_else(|| object.values().find_map(|value| text_under(value, names)))
        }
        Value::Array(values) => values.first().and_then(|value| text_under(value, names)),
        _ => None,
    }
}

fn under<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.iter().find(|(had, _)| plain(had) == name).map(|(_, value)| value)
}

/// `4. close` → `close`, `Adj Close` → `adjclose`.
fn plain(name: &str) -> String {
    let name = name
        .split_once(". ")
        .map_or(name, |(number, rest)| if number.bytes().all(|byte| byte.is_ascii_digit()) { rest } else { name });
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn price_in(row: &Map<String, Value>) -> Option<f64> {
    CLOSES.iter().find_map(|name| as_number(under(row, name)?))
}

fn as_number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64().filter(|number| number.is_finite()),
        Value::String(text) => number(text),
        _ => None,
    }
}

fn number(text: &str) -> Option<f64> {
    data::number(text)
}

fn day(value: &Value) -> Option<i64> {
    moment(value).map(Timestamp::days)
}

/// A date, or seconds or milliseconds since 1970.
fn moment(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => day_of(text).map(|day| Timestamp::from_ms(day * DAY_MS)),
        Value::Number(number) => {
            let number = number.as_f64().filter(|number| (1e6..1e14).contains(number))?;
            Some(Timestamp::from_ms(if number < 1e11 { number * 1000.0 } else { number } as i64))
        }
        _ => None,
    }
}

/// `2026-11-20`, `2026-11-20 16:00:00`, `20261120`, or seconds since 1970.
fn day_of(text: &str) -> Option<i64> {
    let text = text.trim();
    iso(text).or_else(|| match (text.len(), text.parse::<i64>()) {
        (8, Ok(_)) => civil(text.get(..4)?, text.get(4..6)?, text.get(6..)?),
        (9.., Ok(number)) => moment(&Value::from(number)).map(Timestamp::days),
        _ => None,
    })
}

fn iso(text: &str) -> Option<i64> {
    let text = text.trim();
    let dashes = text.as_bytes().get(4) == Some(&b'-') && text.as_bytes().get(7) == Some(&b'-');
    if dashes { civil(text.get(..4)?, text.get(5..7)?, text.get(8..10)?) } else { None }
}

fn civil(year: &str, month: &str, day: &str) -> Option<i64> {
    let (year, month, day) = (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    let fits = (1..=12).contains(&month) && (1..=31).contains(&day) && (1000..3000).contains(&year);
    fits.then(|| days_from_civil(year, month, day))
}
