//! Finds what there is to draw: numbers after a word like "plot", or CSV, in a fenced block or as it was pasted.

use serde_json::{Value, json};

use super::{sentences, without_courtesy};
use crate::server::agents::tools::{csv, make_chart::data};

pub struct ChartRequest {
    pub arguments: Value,
    /// The message without it.
    pub rest: String,
}

const NOUNS: [&str; 5] = ["chart", "plot", "graph", "diagram", "visualize"];
const FILLERS: [&str; 30] = [
    "a",
    "an",
    "the",
    "of",
    "for",
    "from",
    "with",
    "me",
    "these",
    "this",
    "those",
    "it",
    "that",
    "them",
    "numbers",
    "values",
    "data",
    "following",
    "as",
    "in",
    "into",
    "bar",
    "line",
    "column",
    "show",
    "showing",
    "draw",
    "make",
    "create",
    "please",
];

pub fn read(message: &str) -> Option<ChartRequest> {
    fenced(message)
        .or_else(|| {
            let is_meant = |rest: &str| is_wanted(rest) || !rest.contains(char::is_alphanumeric);
            pasted(message).filter(|(_, around)| is_meant(around)).map(|(found, _)| found)
        })
        .or_else(|| in_words(message))
        .or_else(|| listed(message))
}

/// The same where nothing else in the message is a question for a tool: CSV below whatever words, and all numbers
/// of a message that wishes for a chart.
pub fn anywhere(message: &str) -> Option<ChartRequest> {
    let of_words = || {
        let data = is_wanted(message).then(|| numbers(message))??;
        Some(ChartRequest { arguments: arguments(&data, "", message), rest: String::new() })
    };
    pasted(message).map(|(found, _)| found).or_else(of_words)
}

/// A list in another sentence than the one that wishes for the chart.
fn listed(message: &str) -> Option<ChartRequest> {
    if !is_wanted(message) {
        return None;
    }
    let parts = message.split(['\n', '?', '!']).flat_map(|line| line.split(". "));
    let tails = parts.map(|part| part.rsplit_once(": ").map_or(part, |(_, tail)| tail).trim().trim_end_matches('.'));
    let data = tails.filter(|tail| data::parse(tail).is_ok()).max_by_key(|tail| tail.len())?;
    let around = message.replacen(data, "", 1);
    let others: Vec<&str> = sentences(&around).into_iter().filter(|sentence| !is_wanted(sentence)).collect();
    Some(ChartRequest { arguments: arguments(data, "", &around), rest: others.join("\n") })
}

/// CSV without lines of backticks, and the words around it.
fn pasted(message: &str) -> Option<(ChartRequest, String)> {
    let data = csv::in_message(message).filter(|data| data::parse(data).is_ok())?;
    let around = message.replacen(data, "", 1);
    let title = around.lines().find(|line| is_wanted(line)).map(titled).unwrap_or_default();
    let others: Vec<&str> = sentences(&around).into_iter().filter(|sentence| !is_wanted(sentence)).collect();
    Some((ChartRequest { arguments: arguments(data, &title, &around), rest: others.join("\n") }, around))
}

/// `I sold 3 apples and 5 pears` → `3, 5`.
fn numbers(message: &str) -> Option<String> {
    let is_around = |c: char| !c.is_alphanumeric() && !matches!(c, '-' | '$' | '€' | '%');
    let words = message.split_whitespace().map(|word| word.trim_matches(is_around));
    let all: Vec<String> = words.filter_map(data::number).map(|value| value.to_string()).collect();
    (all.len() > 1).then(|| all.join(", "))
}

/// Whether somebody wants a chart, with numbers or without.
pub fn is_wanted(message: &str) -> bool {
    keyword(message).is_some()
}

/// The first such word: where it begins and ends.
fn keyword(message: &str) -> Option<(usize, usize)> {
    let lower = message.to_ascii_lowercase();
    let is_edge = |c: Option<char>| !c.is_some_and(char::is_alphanumeric);
    let found = NOUNS.iter().flat_map(|noun| lower.match_indices(noun));
    found
        .map(|(at, noun)| {
            let end = at + noun.len();
            (at, end + usize::from(lower[end..].starts_with('s')))
        })
        .filter(|(at, end)| is_edge(lower[..*at].chars().next_back()) && is_edge(lower[*end..].chars().next()))
        .min()
}

fn arguments(data: &str, title: &str, around: &str) -> Value {
    let lower = around.to_lowercase();
    let has = |wanted: &[&str]| lower.split(|c: char| !c.is_alphanumeric()).any(|word| wanted.contains(&word));
    let mut arguments = json!({ "data": data });
    if !title.is_empty() {
        arguments["title"] = json!(capital(title));
    }
    if has(&["bar", "bars", "column", "columns"]) {
        arguments["style"] = json!("bar");
    } else if has(&["line", "lines", "curve"]) {
        arguments["style"] = json!("line");
    }
    arguments
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// A block between ``` lines that holds numbers.
fn fenced(message: &str) -> Option<ChartRequest> {
    let (before, body) = message.split_once("```")?;
    let (language, body) = body.split_once('\n')?;
    let (block, after) = body.split_once("```").unwrap_or((body, ""));
    let rest = format!("{before}\n{after}");
    let is_csv = language.trim().eq_ignore_ascii_case("csv") && data::parse(block).is_ok();
    if !is_wanted(&rest) && !is_csv {
        return None;
    }
    // What asks for the chart is answered by it.
    let others: Vec<&str> = sentences(&rest).into_iter().filter(|sentence| !is_wanted(sentence)).collect();
    let rest_of_it = others.join("\n");
    Some(ChartRequest { arguments: arguments(block.trim(), &titled(before), &rest), rest: rest_of_it })
}

/// `a bar chart of sales` → `sales`.
fn titled(head: &str) -> String {
    let Some((_, end)) = keyword(head) else { return String::new() };
    let line = head[end..].lines().next().unwrap_or_default();
    stripped(line.trim().trim_end_matches([':', '.', ',', '?', '!'])).to_owned()
}

fn in_words(message: &str) -> Option<ChartRequest> {
    let (start, end) = keyword(message)?;
    let from = message[..start].rfind(['\n', '?', ';']).map_or(0, |at| at + 1);
    let to = extent(message, end);
    let (data, title) = after_keyword(&message[end..to]).or_else(|| before_keyword(&message[from..start]))?;
    let rest = format!("{}\n{}", &message[..from], &message[to..]);
    Some(ChartRequest { arguments: arguments(&data, &title, &message[from..to]), rest })
}

/// Where the request ends: with its sentence, or with the lines of numbers below it.
fn extent(message: &str, from: usize) -> usize {
    let line_end = message[from..].find('\n').map_or(message.len(), |at| from + at);
    let mut end = line_end;
    let mut at = line_end + 1;
    for line in message.get(at..).unwrap_or_default().split_inclusive('\n') {
        let is_row = line.chars().any(|c| c.is_ascii_digit() || matches!(c, ',' | ';' | '\t'));
        if !is_row || line.contains('?') {
            break;
        }
        at += line.len();
        end = at;
    }
    if end > line_end {
        return end;
    }
    let line = &message[from..line_end];

    from + first_sentence(line).len()
}

/// As in [`sentences`], but `;` may stand between the items of a list.
fn first_sentence(line: &str) -> &str {
    let end = line.char_indices().find(|(at, c)| {
        let after = line[at + c.len_utf8()..].chars().next().unwrap_or(' ');
        matches!(c, '?') || (matches!(c, '.' | '!') && after.is_whitespace())
    });
    end.map_or(line, |(at, _)| &line[..at])
}

fn after_keyword(text: &str) -> Option<(String, String)> {
    if let Some((first, table)) = text.split_once('\n')
        && data::parse(table).is_ok()
    {
        return Some((table.trim().to_owned(), stripped(first).trim_end_matches(':').trim().to_owned()));
    }
    if let Some((head, tail)) = text.split_once(':')
        && !head.chars().any(|c| c.is_ascii_digit())
        && is_uniform(tail.trim())
    {
        return Some((tail.trim().to_owned(), stripped(head).to_owned()));
    }
    let plain = stripped(text);
    data::parse(plain).is_ok().then(|| (plain.to_owned(), String::new()))
}

/// Whether all items have a label, or none: else the colon was the first item's own.
fn is_uniform(text: &str) -> bool {
    let counted = |(at, label): (usize, &String)| *label == (at + 1).to_string();
    data::parse(text).is_ok_and(|data| !data.named || !data.labels.iter().enumerate().any(counted))
}

/// `Jan 3, Feb 5 as a bar` chart.
fn before_keyword(text: &str) -> Option<(String, String)> {
    let mut text = stripped(without_courtesy(text));
    while let Some((head, word)) = text.rsplit_once(char::is_whitespace)
        && FILLERS.contains(&word.to_lowercase().as_str())
    {
        text = head.trim_end();
    }
    let text = text.trim_end_matches('.');
    if let Some((head, tail)) = text.split_once(':')
        && !head.chars().any(|c| c.is_ascii_digit())
        && is_uniform(tail.trim())
    {
        return Some((tail.trim().to_owned(), String::new()));
    }
    data::parse(text).is_ok().then(|| (text.to_owned(), String::new()))
}

/// Without words in front that say nothing of the data.
fn stripped(text: &str) -> &str {
    let mut text = text.trim_start_matches([':', ' ', '-', ',']).trim();
    loop {
        let word = text.split_whitespace().next().unwrap_or_default();
        let bare = word.trim_end_matches([':', ',']).to_lowercase();
        if word.is_empty() || !FILLERS.contains(&bare.as_str()) {
            return text;
        }
        text = text[word.len()..].trim_start();
    }
}
