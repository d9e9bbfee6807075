//! From one unit to another of the same kind.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Class, Tool, ToolContext, ToolError, ToolOutput, calculate::number::significant, read, schema_of};

pub mod units;

pub struct ConvertUnits;

pub const NAME: &str = "convert_units";

#[derive(Deserialize, JsonSchema)]
struct Arguments {
    value: f64,
    /// Such as `mi`, `miles`, `°F`, `GiB`, `km/h`.
    from: String,
    to: String,
}

#[async_trait]
impl Tool for ConvertUnits {
    fn name(&self) -> &str {
        NAME
    }

    fn description(&self) -> &str {
        "Converts a value between units of length, mass, temperature, volume, area, time, data size, speed and energy."
    }

    fn parameters(&self) -> Value {
        schema_of::<Arguments>()
    }

    fn class(&self) -> Class {
        Class::Read
    }

    fn activity(&self, arguments: &Value) -> String {
        let part = |name: &str| arguments[name].as_str().map_or_else(|| arguments[name].to_string(), str::to_owned);
        super::short(&format!("Converting {} {} to {}", part("value"), part("from"), part("to")))
    }

    async fn call(&self, _: &ToolContext, arguments: Value) -> Result<ToolOutput, ToolError> {
        let Arguments { value, from, to } = read(arguments)?;
        let unit = |name: &str| {
            units::find(name).ok_or_else(|| ToolError(format!("“{}” is no unit known here.", super::short(name))))
        };
        let (from, to) = (unit(&from)?, unit(&to)?);
        let result = units::convert(value, from, to).map_err(ToolError)?;
        let ((given, _), (converted, exact)) = (written(value), written(result));
        let sign = if exact { '=' } else { '≈' };
        Ok(format!("{given} {} {sign} {converted} {}", from.symbol, to.symbol).into())
    }
}

/// Six digits that count, more where the number is whole or large; and whether that is all of it.
fn written(value: f64) -> (String, bool) {
    if (value - value.round()).abs() <= value.abs() * 1e-12 && value.abs() < 1e15 {
        return (format!("{}", value.round() + 0.0), true);
    }
    let whole_digits = value.abs().max(1.0).log10().floor().clamp(0.0, 12.0) as usize + 1;
    let text = significant(value, std::cmp::max(6, whole_digits + 2));
    let exact = text.parse::<f64>().is_ok_and(|read| (read - value).abs() <= value.abs() * 1e-12);
    (text, exact)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(value: f64, from: &str, to: &str) -> String {
        let find = |name| units::find(name).unwrap_or_else(|| panic!("{name}"));
        units::convert(value, find(from), find(to)).map_or_else(|error| error, |result| written(result).0)
    }

    #[test]
    fn units_convert_as_the_tables_say() {
        for (value, from, to, result) in [
            (26.2, "miles", "km", "42.1648"),
            (100.0, "F", "°C", "37.7778"),
            (-40.0, "celsius", "fahrenheit", "-40"),
            (0.0, "K", "C", "-273.15"),
            (1.0, "GiB", "bytes", "1073741824"),
            (1.0, "pound", "g", "453.592"),
            (2.0, "cups", "ml", "473.176"),
            (1.0, "week", "hours", "168"),
            (100.0, "km/h", "mph", "62.1371"),
            (6.0, "ft", "cm", "182.88"),
            (12.0, "in", "ft", "1"),
            (1.0, "acre", "m2", "4046.86"),
            (8.0, "Mbit", "MB", "1"),
            (3.0, "nautical miles", "metres", "5556"),
        ] {
            assert_eq!(said(value, from, to), result, "{value} {from} in {to}");
        }
    }

    #[test]
    fn what_cannot_be_converted_says_why() {
        assert!(said(1.0, "kg", "m").contains("mass"));
        assert!(said(-1.0, "K", "C").contains("absolute zero"));
        assert!(said(f64::MAX, "km", "nm").contains("too large"));
        assert!(units::find("parsnips").is_none());
    }
}
