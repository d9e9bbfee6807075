//! Finds what is asked about days and the clock.

use serde_json::{Value, json};

use crate::server::agents::tools::date_time::dates::{Date, Found, scan};

pub fn read(sentence: &str) -> Option<Value> {
    span(sentence).or_else(|| shift(sentence)).or_else(|| weekday(sentence)).or_else(|| now(sentence))
}

fn has_any(text: &str, parts: &[&str]) -> bool {
    parts.iter().any(|part| text.contains(part))
}

/// One space between the words, one around them.
fn lowered(sentence: &str) -> String {
    let words: Vec<&str> = sentence.split_whitespace().collect();
    format!(" {} ", words.join(" ").to_lowercase().replace('’', "'"))
}

/// Days from one day to another.
pub fn span(sentence: &str) -> Option<Value> {
    let text = lowered(sentence);
    let difference = |from: &str, to: &str| Some(json!({ "operation": "difference", "from": from, "to": to }));
    let counted = has_any(&text, &["how many", "how long", "how far", "days"]);
    match &scan(sentence)[..] {
        [from, to] if counted && has_any(&text, &[" between ", " from ", " until ", " to "]) => {
            difference(&from.words, &to.words)
        }
        [only] if counted && has_any(&text, &[" until ", " till ", " to ", " before ", " away "]) => {
            difference("today", &only.words)
        }
        [only] if counted && has_any(&text, &[" since ", " ago "]) => difference(&only.words, "today"),
        _ => None,
    }
}

/// `90 days after 1 January`, `in 10 days`, `3 weeks ago`.
fn shift(sentence: &str) -> Option<Value> {
    const ASKED: [&str; 7] =
        ["what day", "which day", "what date", "what is the date", "what's the date", "when is", "date "];
    let text = lowered(sentence);
    let words: Vec<&str> = text.split_whitespace().map(|word| word.trim_matches(['?', ',', '.', '!'])).collect();
    let is_count =
        |pair: &[&str]| pair[0].parse::<i64>().is_ok() && matches!(pair[1], "day" | "days" | "week" | "weeks");
    let at = words.windows(2).position(is_count)?;
    let count: i64 = words[at].parse().ok()?;
    let days = if words[at + 1].starts_with("week") { count.checked_mul(7)? } else { count };
    let is_in = at > 0 && words[at - 1] == "in" && has_any(&text, &ASKED);
    let days = match words.get(at + 2).copied().unwrap_or_default() {
        "after" | "from" => days,
        "before" | "ago" => days.checked_neg()?,
        _ if is_in => days,
        _ => return None,
    };
    let from = scan(sentence).pop().map_or_else(|| "today".to_owned(), |found| found.words);
    Some(json!({ "operation": "shift", "from": from, "days": days }))
}

/// Which day a date is.
fn weekday(sentence: &str) -> Option<Value> {
    const ASKED: [&str; 8] =
        ["what day", "which day", "weekday", "day of the week", "what date", "when is", "when was", "when's"];
    let is_named = |found: &Found| found.date != Date::Relative(0);
    let found = scan(sentence).into_iter().find(is_named)?;
    let bare = sentence.trim().trim_end_matches('?') == found.words;
    (bare || has_any(&lowered(sentence), &ASKED)).then(|| json!({ "operation": "weekday", "from": found.words }))
}

fn now(sentence: &str) -> Option<Value> {
    const ASKED: [&str; 20] = [
        "what time",
        "what's the time",
        "what is the time",
        "the current time",
        "time is it",
        "time now",
        "what day is it",
        "what's the day",
        "what day is today",
        "what date",
        "what's the date",
        "what is the date",
        "today's date",
        "which day is it",
        "what is today",
        "what's today",
        "current date",
        "date today",
        "date and time",
        "what year is it",
    ];
    let text = lowered(sentence);
    let bare = matches!(text.trim().trim_end_matches('?'), "time" | "date" | "the time" | "the date" | "now");
    (bare || has_any(&text, &ASKED)).then(|| json!({ "operation": "now" }))
}
