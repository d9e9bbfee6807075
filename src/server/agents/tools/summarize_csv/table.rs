//! Cells put into columns.

use super::{column::Column, csv, shown};
use crate::protocol::limits;

pub(super) struct Table {
    pub columns: Vec<Column>,
    rows: usize,
    /// Rows that have more or fewer cells than there are columns.
    uneven: usize,
}

impl Table {
    /// The first record names the columns, unless it is one of numbers.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let delimiter = csv::delimiter(text).unwrap_or(',');
        let mut records = csv::records(text, delimiter);
        let Some(first) = records.first() else { return Err("There is no CSV.".into()) };
        let width = first.len();
        if width > limits::CSV_COLUMNS {
            return Err(format!("A table has at most {} columns; this has {width}.", limits::CSV_COLUMNS));
        }
        let is_header = first.iter().all(|cell| !cell.starts_with(|c: char| c.is_ascii_digit() || c == '-'));
        let names: Vec<String> = match is_header {
            true => named(records.remove(0)),
            false => (1..=width).map(|at| format!("column {at}")).collect(),
        };
        if records.is_empty() {
            return Err("There are names of columns and no rows.".into());
        }
        let uneven = records.iter().filter(|record| record.len() != width).count();
        let (rows, mut cells) = (records.len(), vec![Vec::with_capacity(records.len()); width]);
        for record in records {
            let mut record = record.into_iter();
            for column in &mut cells {
                column.push(record.next().unwrap_or_default());
            }
        }
        let columns = names.into_iter().zip(cells).map(|(name, cells)| Column::of(name, cells, delimiter)).collect();
        Ok(Self { columns, rows, uneven })
    }

    pub(super) fn described(&self) -> String {
        let plural = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let mut text = format!("{}, {}.", plural(self.rows, "row"), plural(self.columns.len(), "column"));
        if self.uneven > 0 {
            let rows = plural(self.uneven, "row");
            text.push_str(&format!(
                " {rows} with more or fewer cells: what is missing is empty, what is more left out."
            ));
        }
        text
    }

    /// By its name, in any case.
    pub(super) fn column(&self, name: &str) -> Result<&Column, String> {
        let wanted = name.trim().to_lowercase();
        self.columns.iter().find(|column| column.name.to_lowercase() == wanted).ok_or_else(|| {
            let names: Vec<String> = self.columns.iter().map(|column| shown(&column.name)).collect();
            format!("There is no column “{}”; there are {}.", shown(name), names.join(", "))
        })
    }
}

/// Every column has a name.
fn named(header: Vec<String>) -> Vec<String> {
    let name = |(at, cell): (usize, String)| if cell.is_empty() { format!("column {}", at + 1) } else { cell };
    header.into_iter().enumerate().map(name).collect()
}
