//! Reads numbers out of a text: CSV, label and number pairs, or bare numbers.

use crate::{
    protocol::{agent::ChartTable, limits},
    server::agents::tools::{csv, shortened},
};

#[derive(Clone, Debug, PartialEq)]
pub struct Data {
    /// One for each point.
    pub labels: Vec<String>,
    pub series: Vec<Series>,
    /// The labels were given, not counted.
    pub named: bool,
    /// The series' names were given.
    pub named_series: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub name: String,
    /// A gap where a row has no number.
    pub values: Vec<Option<f64>>,
}

/// Beyond this a number is no use in a picture.
const LARGEST: f64 = 1e15;

impl Data {
    /// A title, where nobody gave one.
    pub fn name(&self) -> String {
        let names: Vec<&str> = self.series.iter().map(|series| series.name.as_str()).collect();
        if self.named_series { names.join(", ") } else { "Chart".to_owned() }
    }

    /// One row for each point, its label first.
    pub fn table(&self) -> ChartTable {
        let number = |value: f64| crate::server::agents::tools::calculate::number::significant(value, 12);
        let cell = |series: &Series, at: usize| series.values.get(at).copied().flatten().map(number);
        let row = |(at, label): (usize, &String)| {
            let cells = self.series.iter().map(|series| cell(series, at).unwrap_or_default());
            std::iter::once(label.clone()).chain(cells).collect()
        };
        ChartTable {
            columns: std::iter::once(String::new()).chain(self.series.iter().map(|one| one.name.clone())).collect(),
            rows: self.labels.iter().enumerate().map(row).collect(),
        }
    }

    fn checked(self) -> Result<Self, String> {
        let points = self.series.iter().map(|series| series.values.len()).sum::<usize>();
        let numbers = self.series.iter().map(|series| series.values.iter().flatten().count()).sum::<usize>();
        if points > limits::CHART_POINTS {
            return Err(format!("A chart has at most {} points; these are {points}.", limits::CHART_POINTS));
        }
        if numbers < 2 {
            return Err("A chart needs at least two numbers.".into());
        }
        Ok(self)
    }
}

impl Series {
    /// `3 values, lowest 2 (Mar), highest 5 (Feb), average 3.33`
    pub fn summary(&self, labels: &[String]) -> Option<String> {
        let points: Vec<(f64, &str)> = self
            .values
            .iter()
            .zip(labels)
            .filter_map(|(value, label)| value.map(|value| (value, label.as_str())))
            .collect();
        let lowest = points.iter().min_by(|a, b| a.0.total_cmp(&b.0))?;
        let highest = points.iter().max_by(|a, b| a.0.total_cmp(&b.0))?;
        let average = points.iter().map(|point| point.0).sum::<f64>() / points.len() as f64;
        let number = |value| crate::server::agents::tools::calculate::number::significant(value, 6);
        Some(format!(
            "{} values, lowest {} ({}), highest {} ({}), average {}",
            points.len(),
            number(lowest.0),
            lowest.1,
            number(highest.0),
            highest.1,
            crate::server::agents::tools::calculate::number::significant(average, 3),
        ))
    }
}

pub fn parse(text: &str) -> Result<Data, String> {
    if text.len() > limits::CHART_DATA_BYTES {
        return Err(format!("The numbers are longer than {} KiB.", limits::CHART_DATA_BYTES / 1024));
    }
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    match lines.as_slice() {
        [] => Err("There are no numbers.".into()),
        [line] => list(line),
        lines => table(lines).or_else(|error| list(&lines.join(", ")).map_err(|_| error)),
    }
}

/// `12`, `-3.5`, `1,200` (in quotes in CSV), `$4`, `15%`, `1e3`.
pub fn number(text: &str) -> Option<f64> {
    let bare = text.trim().trim_start_matches(['$', '€', '£']).trim_end_matches(['%', '€', '$']).trim();
    let bare = bare.replace([',', '_'], "");
    let starts = bare.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
    let value = if starts { bare.parse::<f64>().ok()? } else { return None };
    (value.is_finite() && value.abs() <= LARGEST).then_some(value)
}

/// `Jan 3, Feb 5`, `Jan: 3; Feb: 5`, `1, 4, 9`, `1 4 9`.
fn list(line: &str) -> Result<Data, String> {
    let mut parts: Vec<&str> = line.split([',', ';']).map(str::trim).filter(|part| !part.is_empty()).collect();
    if let [only] = parts[..] {
        parts = only.split_whitespace().collect();
    }
    let parts: Vec<&str> = parts.into_iter().flat_map(|part| part.split(" and ")).map(str::trim).collect();
    let mut labels = Vec::new();
    let mut values = Vec::new();
    let mut named = false;
    for (at, part) in parts.iter().enumerate() {
        let part = part.strip_prefix("and ").unwrap_or(part);
        let (label, value) = match number(part) {
            Some(value) => ((at + 1).to_string(), value),
            None => {
                named = true;
                pair(part).ok_or_else(|| format!("“{}” holds no number.", shortened(part, 40)))?
            }
        };
        labels.push(label);
        values.push(Some(value));
    }
    let series = vec![Series { name: "Value".into(), values }];
    Data { labels, series, named, named_series: false }.checked()
}

/// A label and its number, in this order.
fn pair(text: &str) -> Option<(String, f64)> {
    let (label, value) = text.rsplit_once([' ', ':', '=', '\t'])?;
    let label = label.trim().trim_end_matches([':', '=', '-', '–']).trim();
    Some((shortened(label, limits::CHART_LABEL_CHARS), number(value)?))
}

/// Rows of cells. The first row names the columns if it is no row of numbers; the first column the rows.
fn table(lines: &[&str]) -> Result<Data, String> {
    let delimiter = ['\t', ';', ','].into_iter().find(|delimiter| lines.iter().all(|line| line.contains(*delimiter)));
    let mut rows: Vec<Vec<String>> = lines.iter().map(|line| cells(line, delimiter)).collect();
    let width = rows[0].len();
    let data_from = usize::from(width > 1);
    let is_header = rows[0][data_from..].iter().any(|cell| number(cell).is_none() && !cell.is_empty());
    let header = is_header.then(|| rows.remove(0));
    if width > 1 + limits::CHART_SERIES {
        return Err(format!("A chart has at most {} columns of numbers.", limits::CHART_SERIES));
    }
    if let Some(at) = rows.iter().position(|row| row.len() != width) {
        return Err(format!("Row {} has {} cells where the first has {width}.", at + 1, rows[at].len()));
    }
    let labels = rows.iter().enumerate().map(|(at, row)| match width {
        1 => (at + 1).to_string(),
        _ => shortened(&row[0], limits::CHART_LABEL_CHARS),
    });
    let labels = labels.collect();
    let series = (data_from..width).map(|column| Series {
        name: match &header {
            Some(names) => shortened(&names[column], limits::CHART_LABEL_CHARS),
            None => format!("Column {}", column + 1),
        },
        values: rows.iter().map(|row| number(&row[column])).collect(),
    });
    let series: Vec<Series> = series.filter(|series| series.values.iter().any(Option::is_some)).collect();
    if series.is_empty() {
        return Err("There is no column of numbers.".into());
    }
    Data { labels, series, named: width > 1, named_series: header.is_some() }.checked()
}

/// The cells of one line.
fn cells(line: &str, delimiter: Option<char>) -> Vec<String> {
    let records = csv::records(line, delimiter.unwrap_or('\0'));
    records.into_iter().next().unwrap_or_else(|| vec![String::new()])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbers(text: &str) -> Vec<f64> {
        let data = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        data.series.iter().flat_map(|series| series.values.iter().flatten().copied()).collect()
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (text, labels, values) in [
            ("Jan 3, Feb 5, Mar 2", vec!["Jan", "Feb", "Mar"], vec![3.0, 5.0, 2.0]),
            ("Jan: 3; Feb: 5 and Mar: 2", vec!["Jan", "Feb", "Mar"], vec![3.0, 5.0, 2.0]),
            ("1, 4, 9, 16", vec!["1", "2", "3", "4"], vec![1.0, 4.0, 9.0, 16.0]),
            ("1 4 9", vec!["1", "2", "3"], vec![1.0, 4.0, 9.0]),
            ("New York 8, Rome $3", vec!["New York", "Rome"], vec![8.0, 3.0]),
            ("month,sales\nJan,3\nFeb,5", vec!["Jan", "Feb"], vec![3.0, 5.0]),
            ("Jan,3\nFeb,5", vec!["Jan", "Feb"], vec![3.0, 5.0]),
            ("price\n3\n5", vec!["1", "2"], vec![3.0, 5.0]),
            ("a;b;c\nx;1;2\n\"y;z\";3;\"1,000\"", vec!["x", "y;z"], vec![1.0, 3.0, 2.0, 1000.0]),
            ("Jan 3\nFeb 5", vec!["Jan", "Feb"], vec![3.0, 5.0]),
        ] {
            assert_eq!(numbers(text), values, "{text}");
            assert_eq!(parse(text).map(|data| data.labels), Ok(labels.into_iter().map(str::to_owned).collect()));
        }
    }

    #[test]
    fn what_cannot_be_drawn_says_why() {
        let many = "1,".repeat(limits::CHART_POINTS + 1);
        let wide = format!("{}\n{}", "a,".repeat(20), "1,".repeat(20));
        let long = "1,".repeat(limits::CHART_DATA_BYTES);
        for (text, why) in [
            ("", "no numbers"),
            ("7", "two numbers"),
            ("one, two", "holds no number"),
            ("1e99, 2", "holds no number"),
            ("a,b\n1,2\n1,2,3", "cells"),
            (&many, "at most"),
            (&wide, "columns"),
            (&long, "longer"),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.contains(why), "{text:.40}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_brings_it_down(text in any::<String>()) {
            let _ = parse(&text);
        }

        #[test]
        fn no_table_brings_it_down(text in "[-0-9a-z,;\"\t\n. ]{0,200}") {
            let _ = parse(&text);
        }
    }
}
