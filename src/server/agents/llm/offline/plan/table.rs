//! CSV that somebody wants to know something about, rather than see drawn.

use serde_json::{Value, json};

use super::sentences;
use crate::server::agents::tools::csv;

pub struct SummaryRequest {
    pub arguments: Value,
    /// The message without it.
    pub rest: String,
}

const WANTED: [&str; 14] = [
    "summarize",
    "summarise",
    "summary",
    "describe",
    "analyze",
    "analyse",
    "statistics",
    "stats",
    "columns",
    "average",
    "averages",
    "mean",
    "total",
    "totals",
];
const GROUPINGS: [&str; 5] = [" grouped by ", " group by ", " for each ", " per ", " by "];

pub fn read(message: &str) -> Option<SummaryRequest> {
    let data = csv::in_message(message)?;
    let around = message.replace(data, "").replace("```csv", "").replace("```", "");
    if !is_wanted(&around) {
        return None;
    }
    let mut arguments = json!({ "data": data });
    if let Some(column) = grouping(&around, data) {
        arguments["group_by"] = json!(column);
    }
    let others: Vec<&str> = sentences(&around).into_iter().filter(|sentence| !is_wanted(sentence)).collect();
    Some(SummaryRequest { arguments, rest: others.join("\n") })
}

fn is_wanted(text: &str) -> bool {
    let lower = text.to_lowercase();
    lower.split(|c: char| !c.is_alphanumeric()).any(|word| WANTED.contains(&word))
}

/// The column that the words name after `by` and the like.
fn grouping(words: &str, data: &str) -> Option<String> {
    let header = csv::records(data.lines().next()?, csv::delimiter(data)?);
    let lower = words.to_lowercase();
    let named = |after: &str| {
        let fits = |name: &&String| !name.is_empty() && after.starts_with(&name.to_lowercase());
        header.first()?.iter().filter(fits).max_by_key(|name| name.len()).cloned()
    };
    GROUPINGS
        .iter()
        .find_map(|grouping| lower.match_indices(grouping).find_map(|(at, by)| named(&lower[at + by.len()..])))
}
