//! One column: of which kind its cells are, and their figures.

use std::collections::HashMap;

use super::shown;
use crate::server::agents::tools::{calculate::number::significant, make_chart::data};

/// Digits that count in a figure.
const DIGITS: usize = 8;
/// Cells that say that there is nothing.
const NOTHING: [&str; 8] = ["", "-", "–", "na", "n/a", "nan", "null", "none"];

pub struct Column {
    pub name: String,
    pub cells: Vec<String>,
    pub kind: Kind,
    /// With `Integer` and `Number`, one for each row.
    pub numbers: Vec<Option<f64>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Empty,
    Integer,
    Number,
    Date,
    Boolean,
    Text,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Date => "date",
            Self::Boolean => "boolean",
            Self::Text => "text",
        }
    }
}

impl Column {
    /// Where no comma stands between the cells, one in a number may be its point.
    pub fn of(name: String, cells: Vec<String>, delimiter: char) -> Self {
        let given: Vec<&str> = cells.iter().map(String::as_str).filter(|cell| !is_missing(cell)).collect();
        let has_points = given.iter().any(|cell| cell.contains('.'));
        let has_fractions = given.iter().any(|cell| is_fraction_by_comma(cell));
        let by_comma = delimiter != ',' && !has_points && has_fractions;
        let number = |cell: &str| match by_comma {
            true => data::number(&cell.replace(',', ".")),
            false => data::number(cell),
        };
        let is_integer = |cell: &&str| number(cell).is_some_and(|number| number.fract() == 0.0);
        let is_boolean = |cell: &&str| matches!(cell.to_lowercase().as_str(), "true" | "false" | "yes" | "no");
        let kind = match &given[..] {
            [] => Kind::Empty,
            cells if cells.iter().all(|cell| is_date(cell)) => Kind::Date,
            cells if cells.iter().all(is_integer) => Kind::Integer,
            cells if cells.iter().all(|cell| number(cell).is_some()) => Kind::Number,
            cells if cells.iter().all(is_boolean) => Kind::Boolean,
            _ => Kind::Text,
        };
        let numbers = match kind {
            Kind::Integer | Kind::Number => {
                cells.iter().map(|cell| if is_missing(cell) { None } else { number(cell) }).collect()
            }
            _ => Vec::new(),
        };
        Self { name, cells, kind, numbers }
    }

    /// As a row of the summary.
    pub fn row(&self) -> String {
        let given: Vec<&str> = self.cells.iter().map(String::as_str).filter(|cell| !is_missing(cell)).collect();
        let (count, missing) = (given.len(), self.cells.len() - given.len());
        let figures = match self.kind {
            Kind::Empty => [const { String::new() }; 5],
            Kind::Integer | Kind::Number => self.figures(),
            Kind::Date => {
                let edge = |found: Option<&&str>| shown(found.copied().unwrap_or_default());
                [edge(given.iter().min()), edge(given.iter().max()), String::new(), String::new(), String::new()]
            }
            Kind::Boolean | Kind::Text => words(&given),
        };
        let (name, kind) = (shown(&self.name), self.kind.as_str());
        format!("| {name} | {kind} | {count} | {missing} | {} |", figures.join(" | "))
    }

    /// Minimum, maximum, mean, median, sum.
    fn figures(&self) -> [String; 5] {
        let mut numbers: Vec<f64> = self.numbers.iter().copied().flatten().collect();
        numbers.sort_by(f64::total_cmp);
        let (Some(least), Some(most)) = (numbers.first(), numbers.last()) else { return Default::default() };
        let (sum, half) = (numbers.iter().sum::<f64>(), numbers.len() / 2);
        let median =
            if numbers.len() % 2 == 1 { numbers[half] } else { f64::midpoint(numbers[half - 1], numbers[half]) };
        [*least, *most, sum / numbers.len() as f64, median, sum].map(figure)
    }
}

/// How many different ones there are and which is there most, in the place of minimum and maximum.
fn words(given: &[&str]) -> [String; 5] {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for cell in given {
        *counts.entry(cell).or_default() += 1;
    }
    let different = format!("{} different", counts.len());
    let most = counts.iter().max_by_key(|(cell, count)| (**count, std::cmp::Reverse(**cell)));
    let most = most.filter(|(_, count)| **count > 1).map(|(cell, count)| format!("mostly {} ({count})", shown(cell)));
    [different, most.unwrap_or_default(), String::new(), String::new(), String::new()]
}

pub fn figure(value: f64) -> String {
    significant(value, DIGITS)
}

pub fn is_missing(cell: &str) -> bool {
    cell.len() <= 4 && NOTHING.contains(&cell.to_lowercase().as_str())
}

/// `2026-11-20`, with a time or without.
fn is_date(cell: &str) -> bool {
    let bytes = cell.as_bytes();
    let digits = |from: usize, to: usize| bytes.get(from..to).is_some_and(|part| part.iter().all(u8::is_ascii_digit));
    digits(0, 4)
        && digits(5, 7)
        && digits(8, 10)
        && bytes[4] == b'-'
        && bytes[7] == b'-'
        && bytes.get(10).is_none_or(|after| matches!(after, b'T' | b' '))
}

/// `12,5`, which is no thousand.
fn is_fraction_by_comma(cell: &str) -> bool {
    let bare = cell.trim_start_matches(['-', '+', '€', '$']).trim_end_matches(['€', '%', ' ']);
    bare.split_once(',').is_some_and(|(whole, part)| {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits(whole) && digits(part) && part.len() != 3
    })
}
