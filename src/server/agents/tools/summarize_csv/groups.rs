//! Rows put together by the value of one column.

use std::collections::BTreeMap;

use super::{
    column::{Column, Kind, figure},
    shown,
    table::Table,
};
use crate::protocol::limits;

/// Columns of numbers that are summed up.
const SUMMED: usize = 8;

#[derive(Default)]
struct Group {
    rows: usize,
    /// Sum and count, one for each column that is summed up.
    sums: Vec<(f64, usize)>,
}

/// As a Markdown table, the largest sum first; where there are no numbers, the most rows.
pub(super) fn by(table: &Table, name: &str) -> Result<String, String> {
    let key = table.column(name)?;
    let is_number = |column: &&Column| matches!(column.kind, Kind::Integer | Kind::Number);
    let summed: Vec<&Column> =
        table.columns.iter().filter(|column| !std::ptr::eq(*column, key)).filter(is_number).take(SUMMED).collect();
    let mut groups: BTreeMap<&str, Group> = BTreeMap::new();
    for (at, cell) in key.cells.iter().enumerate() {
        let group = groups.entry(cell).or_default();
        group.rows += 1;
        group.sums.resize(summed.len(), (0.0, 0));
        for (sum, column) in group.sums.iter_mut().zip(&summed) {
            if let Some(number) = column.numbers[at] {
                (sum.0, sum.1) = (sum.0 + number, sum.1 + 1);
            }
        }
    }
    let mut groups: Vec<(&str, Group)> = groups.into_iter().collect();
    let size = |group: &Group| group.sums.first().map_or(group.rows as f64, |sum| sum.0);
    groups.sort_by(|(_, a), (_, b)| size(b).total_cmp(&size(a)));
    Ok(written(key, &summed, &groups))
}

fn written(key: &Column, summed: &[&Column], groups: &[(&str, Group)]) -> String {
    let mut text = format!("By {}: {} groups", shown(&key.name), groups.len());
    if groups.len() > limits::CSV_GROUPS {
        text.push_str(&format!(", the first {} of them", limits::CSV_GROUPS));
    }
    let columns: String =
        summed.iter().map(|column| format!(" sum of {0} | mean of {0} |", shown(&column.name))).collect();
    text.push_str(&format!(
        ".\n\n| {} | rows |{columns}\n|---|---|{}\n",
        shown(&key.name),
        "---|---|".repeat(summed.len())
    ));
    for (value, group) in groups.iter().take(limits::CSV_GROUPS) {
        let value = if value.is_empty() { "(empty)".to_owned() } else { shown(value) };
        text.push_str(&format!("| {value} | {} |", group.rows));
        for (sum, count) in &group.sums {
            let mean = if *count == 0 { String::new() } else { figure(sum / *count as f64) };
            text.push_str(&format!(" {} | {mean} |", figure(*sum)));
        }
        text.push('\n');
    }
    text
}
