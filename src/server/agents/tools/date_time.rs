//! The date and the time, and what lies between two days. All in UTC: the server knows no other zone.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Class, Tool, ToolContext, ToolError, ToolOutput, read, schema_of};
use crate::protocol::{Timestamp, time::DAY_MS};

pub mod dates;

pub struct DateTime;

pub const NAME: &str = "date_time";

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Operation {
    /// The date and time of this moment.
    Now,
    /// Which day of the week `from` is.
    Weekday,
    /// Days from `from` to `to`.
    Difference,
    /// The day that lies `days` after `from` (before it, where negative).
    Shift,
}

#[derive(Deserialize, JsonSchema)]
struct Arguments {
    operation: Operation,
    /// `2026-12-24`, `24 December 2026`, `today`, `tomorrow`, `next Friday`; today where left out.
    from: Option<String>,
    /// As `from`.
    to: Option<String>,
    days: Option<i64>,
}

/// Days that a date may be shifted by: ten thousand years.
const FARTHEST_DAYS: i64 = 3_652_425;

#[async_trait]
impl Tool for DateTime {
    fn name(&self) -> &str {
        NAME
    }

    fn description(&self) -> &str {
        "Tells the date and time (UTC), the weekday of a date, the days between two dates, or the date some days away."
    }

    fn parameters(&self) -> Value {
        schema_of::<Arguments>()
    }

    fn class(&self) -> Class {
        Class::Read
    }

    fn activity(&self, arguments: &Value) -> String {
        let part = |name: &str| arguments[name].as_str().unwrap_or("today");
        super::short(&match arguments["operation"].as_str() {
            Some("weekday") => format!("Looking up which day {} is", part("from")),
            Some("difference") => format!("Counting the days from {} to {}", part("from"), part("to")),
            Some("shift") => format!("Counting {} days from {}", arguments["days"], part("from")),
            _ => "Looking at the clock".to_owned(),
        })
    }

    async fn call(&self, context: &ToolContext, arguments: Value) -> Result<ToolOutput, ToolError> {
        answer(read(arguments)?, context.now).map(Into::into).map_err(ToolError)
    }
}

fn answer(Arguments { operation, from, to, days }: Arguments, now: Timestamp) -> Result<String, String> {
    let today = now.days();
    let day = |text: Option<String>| match text {
        None => Ok(today),
        Some(text) => dates::find(&text)
            .ok_or_else(|| format!("“{}” is no date that I can read.", super::short(&text)))?
            .on(today)
            .ok_or_else(|| format!("“{}” is not in the calendar.", super::short(&text))),
    };
    Ok(match operation {
        Operation::Now => {
            let civil = now.civil();
            format!("It is {}, {:02}:{:02} UTC.", dated(today), civil.hour, civil.minute)
        }
        Operation::Weekday => {
            let day = day(from)?;
            let be = if day < today { "was" } else { "is" };
            format!("{} {be} a {}{}.", date(day), weekday(day), away(day - today))
        }
        Operation::Difference => {
            let (from, to) = (day(from)?, day(to)?);
            format!("From {} to {}: {}.", dated(from), dated(to), span((to - from).abs()))
        }
        Operation::Shift => {
            let days = days.ok_or("`days` is missing.")?;
            if days.abs() > FARTHEST_DAYS {
                return Err("That is too many days away.".into());
            }
            let from = day(from)?;
            let word = if days < 0 { "before" } else { "after" };
            format!("{} {word} {} is {}.", plural(days.abs(), "day"), date(from), dated(from + days))
        }
    })
}

fn weekday(day: i64) -> &'static str {
    const NAMES: [&str; 7] = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];
    NAMES[day.rem_euclid(7) as usize]
}

/// `24 December 2026`.
pub fn date(day: i64) -> String {
    let civil = Timestamp::from_ms(day * DAY_MS).civil();
    format!("{} {} {}", civil.day, dates::MONTHS[civil.month as usize - 1], civil.year)
}

fn dated(day: i64) -> String {
    format!("{}, {}", weekday(day), date(day))
}

fn plural(count: i64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn away(days: i64) -> String {
    match days {
        0 => ": that is today".to_owned(),
        1 => ", tomorrow".to_owned(),
        -1 => ", yesterday".to_owned(),
        2.. => format!(", in {days} days"),
        _ => format!(", {} days ago", -days),
    }
}

fn span(days: i64) -> String {
    let whole = plural(days, "day");
    match (days / 7, days % 7) {
        (0, _) => whole,
        (weeks, 0) => format!("{whole}, that is {}", plural(weeks, "week")),
        (weeks, rest) => format!("{whole}, that is {} and {}", plural(weeks, "week"), plural(rest, "day")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn said(arguments: Value) -> String {
        // A Friday.
        let now: Timestamp = "2026-11-20T08:12:30.000Z".parse().expect("a time");
        let arguments = serde_json::from_value(arguments).expect("arguments");
        answer(arguments, now).unwrap_or_else(|error| format!("! {error}"))
    }

    #[test]
    fn dates_and_times_are_told() {
        for (arguments, text) in [
            (json!({"operation": "now"}), "It is Friday, 20 November 2026, 08:12 UTC."),
            (json!({"operation": "weekday", "from": "2026-12-24"}), "24 December 2026 is a Thursday, in 34 days."),
            (
                json!({"operation": "weekday", "from": "1 January 2000"}),
                "1 January 2000 was a Saturday, 9820 days ago.",
            ),
            (
                json!({"operation": "difference", "to": "christmas"}),
                "From Friday, 20 November 2026 to Friday, 25 December 2026: 35 days, that is 5 weeks.",
            ),
            (
                json!({"operation": "difference", "from": "2024-02-28", "to": "2024-03-01"}),
                "From Wednesday, 28 February 2024 to Friday, 1 March 2024: 2 days.",
            ),
            (
                json!({"operation": "shift", "from": "2026-01-01", "days": 90}),
                "90 days after 1 January 2026 is Wednesday, 1 April 2026.",
            ),
            (json!({"operation": "shift", "days": -1}), "1 day before 20 November 2026 is Thursday, 19 November 2026."),
        ] {
            assert_eq!(said(arguments), text);
        }
    }

    #[test]
    fn what_is_no_date_says_so() {
        for arguments in [
            json!({"operation": "weekday", "from": "30 February 2026"}),
            json!({"operation": "weekday", "from": "blue"}),
            json!({"operation": "shift"}),
            json!({"operation": "shift", "days": i64::MIN + 1}),
            json!({"operation": "shift", "days": 99_999_999}),
        ] {
            assert!(said(arguments.clone()).starts_with("! "), "{arguments}");
        }
    }

    proptest! {
        #[test]
        fn no_text_brings_it_down(from in any::<String>(), days in -3_652_425i64..3_652_425) {
            said(json!({"operation": "weekday", "from": from}));
            said(json!({"operation": "shift", "from": "9999-12-31", "days": days}));
        }

        #[test]
        fn no_date_brings_it_down(from in "[0-9a-z., -]{0,30}") {
            said(json!({"operation": "difference", "from": from}));
        }
    }
}
