//! Finds dates in a text, as people write them.

use crate::protocol::time::days_from_civil;

pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["thursday", "friday", "saturday", "sunday", "monday", "tuesday", "wednesday"];

/// A date as it was written: which day it is may depend on today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Date {
    Full {
        year: i64,
        month: u32,
        day: u32,
    },
    /// The next such day, today included.
    Yearly {
        month: u32,
        day: u32,
    },
    /// Days from today.
    Relative(i64),
    /// The next such weekday, today left out; days since a Thursday.
    Weekday(i64),
}

impl Date {
    /// Days since 1970; `None` for the thirtieth of February.
    pub fn on(self, today: i64) -> Option<i64> {
        match self {
            Self::Full { year, month, day } => real(year, month, day),
            Self::Relative(days) => Some(today + days),
            Self::Weekday(wanted) => Some(today + 1 + (wanted - today - 1).rem_euclid(7)),
            Self::Yearly { month, day } => {
                let year = 1970 + today.div_euclid(365);
                // A leap day may be eight years away, and the estimate of the year one too late.
                (year - 2..=year + 9).filter_map(|year| real(year, month, day)).find(|found| *found >= today)
            }
        }
    }
}

fn real(year: i64, month: u32, day: u32) -> Option<i64> {
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let length = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    ((1..=9999).contains(&year) && (1..=length).contains(&day)).then(|| days_from_civil(year, month, day))
}

/// The first date in a text.
pub fn find(text: &str) -> Option<Date> {
    scan(text).first().map(|found| found.date)
}

/// A date, and its words in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub date: Date,
    pub words: String,
}

/// Every date in a text, in order.
pub fn scan(text: &str) -> Vec<Found> {
    let words: Vec<&str> = text.split_whitespace().map(bare).filter(|word| !word.is_empty()).collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        match read(&words[at..]) {
            Some((date, length)) => {
                found.push(Found { date, words: words[at..at + length].join(" ") });
                at += length;
            }
            None => at += 1,
        }
    }
    found
}

fn bare(word: &str) -> &str {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    word.strip_suffix("'s").or_else(|| word.strip_suffix("’s")).unwrap_or(word)
}

/// A date at the start of these words, and how many it takes.
fn read(words: &[&str]) -> Option<(Date, usize)> {
    let lower = words[0].to_lowercase();
    let next = |at: usize| words.get(at).copied().unwrap_or_default();
    if let Some(date) = numeric(&lower) {
        return Some((date, 1));
    }
    if let Some(date) = named(&lower, &next(1).to_lowercase()) {
        return Some(date);
    }
    if let (Some(day), of) = (ordinal(&lower), usize::from(next(1) == "of"))
        && let Some(month) = month(next(1 + of))
    {
        return Some(with_year(month, day, next(2 + of), 2 + of));
    }
    if let Some(month) = month(&lower) {
        let the = usize::from(next(1) == "the");
        let day = ordinal(&next(1 + the).to_lowercase())?;
        return Some(with_year(month, day, next(2 + the), 2 + the));
    }
    None
}

fn with_year(month: u32, day: u32, year: &str, length: usize) -> (Date, usize) {
    match year.parse::<i64>() {
        Ok(year) if (1000..=9999).contains(&year) => (Date::Full { year, month, day }, length + 1),
        _ => (Date::Yearly { month, day }, length),
    }
}

/// `2026-12-24`, `2026/12/24`, `24.12.2026`.
fn numeric(word: &str) -> Option<Date> {
    let parts: Vec<&str> = word.split(['-', '/', '.']).collect();
    let [a, b, c] = parts[..] else { return None };
    let (a, b, c) = (a.parse::<u32>().ok()?, b.parse::<u32>().ok()?, c.parse::<u32>().ok()?);
    match (parts[0].len(), parts[2].len()) {
        (4, _) => Some(Date::Full { year: a.into(), month: b, day: c }),
        (_, 4) if word.contains('.') => Some(Date::Full { year: c.into(), month: b, day: a }),
        _ => None,
    }
}

fn named(word: &str, next: &str) -> Option<(Date, usize)> {
    let weekday = |word: &str| WEEKDAYS.iter().position(|name| *name == word).map(|at| Date::Weekday(at as i64));
    match word {
        "today" | "now" => Some((Date::Relative(0), 1)),
        "tomorrow" => Some((Date::Relative(1), 1)),
        "yesterday" => Some((Date::Relative(-1), 1)),
        "christmas" if next == "eve" => Some((Date::Yearly { month: 12, day: 24 }, 2)),
        "christmas" | "xmas" => Some((Date::Yearly { month: 12, day: 25 }, 1 + usize::from(next == "day"))),
        "new" if matches!(next, "year" | "years") => Some((Date::Yearly { month: 1, day: 1 }, 2)),
        "halloween" => Some((Date::Yearly { month: 10, day: 31 }, 1)),
        "next" => weekday(next).map(|date| (date, 2)),
        _ => weekday(word).map(|date| (date, 1)),
    }
}

/// `December`, `Dec`, `Sept`.
fn month(word: &str) -> Option<u32> {
    let word = word.to_lowercase();
    let fits = |name: &&str| {
        let name = name.to_lowercase();
        name == word || (matches!(word.len(), 3 | 4) && name.starts_with(&word))
    };
    MONTHS.iter().position(fits).map(|at| at as u32 + 1)
}

/// `24`, `24th`.
fn ordinal(word: &str) -> Option<u32> {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    matches!(&word[digits.len()..], "" | "st" | "nd" | "rd" | "th")
        .then(|| digits.parse().ok())?
        .filter(|day| (1..=31).contains(day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_found_as_people_write_them() {
        let full = |year, month, day| Date::Full { year, month, day };
        for (text, date) in [
            ("2026-12-24", full(2026, 12, 24)),
            ("on 24.12.2026?", full(2026, 12, 24)),
            ("24 December 2026", full(2026, 12, 24)),
            ("the 24th of December, 2026", full(2026, 12, 24)),
            ("December 24th, 2026", full(2026, 12, 24)),
            ("Dec 24", Date::Yearly { month: 12, day: 24 }),
            ("may the 4th", Date::Yearly { month: 5, day: 4 }),
            ("Christmas Eve", Date::Yearly { month: 12, day: 24 }),
            ("today's date", Date::Relative(0)),
            ("next Friday", Date::Weekday(1)),
        ] {
            assert_eq!(find(text), Some(date), "{text}");
        }
        for text in ["may I ask", "24", "3-4", "1.5", "", "marching 4"] {
            assert_eq!(find(text), None, "{text}");
        }
    }

    #[test]
    fn a_date_without_a_year_is_the_next_one() {
        let friday = days_from_civil(2026, 11, 20);
        assert_eq!(Date::Yearly { month: 11, day: 20 }.on(friday), Some(friday));
        assert_eq!(Date::Yearly { month: 11, day: 19 }.on(friday), Some(days_from_civil(2027, 11, 19)));
        assert_eq!(Date::Yearly { month: 2, day: 29 }.on(friday), Some(days_from_civil(2028, 2, 29)));
        assert_eq!(Date::Yearly { month: 2, day: 30 }.on(friday), None);
        assert_eq!(Date::Weekday(1).on(friday), Some(friday + 7));
        assert_eq!(Date::Weekday(2).on(friday), Some(friday + 1));
    }
}
