//! From a question to the tools that answer it.
//!
//! A message is taken apart into sentences, a sentence into halves where each half is a question of its
//! own; each part is offered to the readers below, the surest first.

use serde_json::{Value, json};

use crate::{
    protocol::limits,
    server::agents::tools::{
        ask_a_person, calculate, convert_units, date_time, fetch_page, make_chart, market, search_conversation,
        search_knowledge, summarize_csv,
    },
};

mod arithmetic;
mod chart;
mod dates;
mod knowledge;
mod person;
mod search;
mod table;
mod units;
mod web;

pub use chart::is_wanted as chart_is_wanted;

/// A tool and what it is to be given.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    pub tool: &'static str,
    pub arguments: Value,
}

/// Nothing, where no tool can help.
pub fn plan(question: &str) -> Vec<Planned> {
    let question = without_address(question);
    let mut plan = Vec::new();
    let summary = table::read(&question);
    if let Some(found) = &summary {
        plan.push(Planned { tool: summarize_csv::NAME, arguments: found.arguments.clone() });
    }
    // CSV that is to be summarized is drawn where that is asked for, too.
    let drawn = if summary.is_some() && !chart_is_wanted(&question) { None } else { chart::read(&question) };
    let rest = match drawn {
        Some(found) => {
            plan.push(Planned { tool: make_chart::NAME, arguments: found.arguments });
            found.rest
        }
        None => summary.map_or(question, |found| found.rest),
    };
    for sentence in sentences(&rest) {
        plan.extend(of_sentence(sentence));
    }
    if plan.is_empty() {
        let drawn = chart::anywhere(&rest);
        plan.extend(drawn.map(|found| Planned { tool: make_chart::NAME, arguments: found.arguments }));
    }
    plan.dedup();
    plan.truncate(limits::CALLS_PER_TURN);
    plan
}

/// A person, where a visitor asks for one, or `agrees` to be given one.
pub fn person(question: &str, agrees: bool) -> Option<Planned> {
    let is_wanted = agrees || person::is_wanted(&without_address(question));
    is_wanted.then(|| Planned { tool: ask_a_person::NAME, arguments: json!({}) })
}

/// Whether a search of the conversation is no more than a guess: what is looked for may stand in a document.
pub fn may_be_elsewhere(question: &str, plan: &[Planned]) -> bool {
    let asks_where = strip_prefix(without_courtesy(&without_address(question)), "where is ").is_some();
    asks_where && matches!(plan, [only] if only.tool == search_conversation::NAME)
}

/// A search of the operator's documents, for a question that [`plan`] has nothing for.
pub fn last_resort(question: &str) -> Option<Planned> {
    let question = without_address(question);
    knowledge::question(&question).map(|arguments| Planned { tool: search_knowledge::NAME, arguments })
}

fn of_sentence(sentence: &str) -> Vec<Planned> {
    let halves: Vec<&str> = split_words(sentence, &[" and then ", " and also ", ", then ", " and ", ", "]);
    let is_whole = search::explicit(sentence).is_some() || knowledge::explicit(sentence).is_some();
    if halves.len() > 1 && !is_whole && dates::span(sentence).is_none() {
        let plans: Vec<Planned> = halves.iter().filter_map(|half| of_part(half)).collect();
        if plans.len() == halves.len() {
            return plans;
        }
    }
    of_part(sentence).into_iter().collect()
}

fn of_part(part: &str) -> Option<Planned> {
    let planned = |tool| move |arguments: Value| Planned { tool, arguments };
    web::page(part)
        .map(planned(fetch_page::NAME))
        .or_else(|| knowledge::explicit(part).map(planned(search_knowledge::NAME)))
        .or_else(|| search::explicit(part).map(planned(search_conversation::NAME)))
        .or_else(|| web::price(part).map(planned(market::price::NAME)))
        .or_else(|| web::history(part).map(planned(market::history::NAME)))
        .or_else(|| dates::read(part).map(planned(date_time::NAME)))
        .or_else(|| units::read(part).map(planned(convert_units::NAME)))
        .or_else(|| {
            arithmetic::read(part).map(|expression| json!({ "expression": expression })).map(planned(calculate::NAME))
        })
        .or_else(|| search::find(part).map(planned(search_conversation::NAME)))
}

/// The question without `@assistant,` and the like.
fn without_address(question: &str) -> String {
    let mut text = question.trim();
    loop {
        let word = text.split_whitespace().next().unwrap_or_default();
        let bare = word.trim_end_matches([',', ':', '!', '.']).to_lowercase();
        match bare.as_str() {
            "@agents" | "@assistant" | "assistant" | "hey" | "hi" | "hello" | "please" if word.len() < text.len() => {
                text = text[word.len()..].trim_start();
            }
            _ if word.starts_with('@') && word.len() < text.len() => text = text[word.len()..].trim_start(),
            _ => break,
        }
    }
    text.replace("@assistant", "").replace("@agents", "").replace("@Assistant", "").trim().to_owned()
}

/// Ends at `?`, `;`, a line break, and at `.` and `!` where a space follows and no number goes on.
fn sentences(text: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    let mut from = 0;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        let after = text[at + c.len_utf8()..].chars().next().unwrap_or(' ');
        let ends = match c {
            // One of an address is none of the sentence's.
            '?' => !(after.is_alphanumeric() && is_in_address(&text[from..at])),
            ';' | '\n' => true,
            '.' => after.is_whitespace(),
            '!' => after.is_whitespace() && !before.is_ascii_digit() && before != ')',
            _ => false,
        };
        if ends {
            sentences.push(&text[from..at]);
            from = at + c.len_utf8();
        }
        before = c;
    }
    sentences.push(&text[from..]);
    sentences.into_iter().map(str::trim).filter(|sentence| !sentence.is_empty()).collect()
}

fn is_in_address(text: &str) -> bool {
    text.rsplit(char::is_whitespace).next().is_some_and(|word| word.contains("://"))
}

/// Splits at any of these words, in any case.
fn split_words<'a>(text: &'a str, separators: &[&str]) -> Vec<&'a str> {
    let lower = text.to_ascii_lowercase();
    let mut parts = Vec::new();
    let mut from = 0;
    while let Some((at, separator)) = separators
        .iter()
        .filter_map(|separator| Some((from + lower[from..].find(separator)?, separator)))
        .min_by_key(|(at, separator)| (*at, std::cmp::Reverse(separator.len())))
    {
        parts.push(&text[from..at]);
        from = at + separator.len();
    }
    parts.push(&text[from..]);
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// What stands in front of a request and means nothing.
fn without_courtesy(text: &str) -> &str {
    const COURTESIES: [&str; 15] = [
        "can you ",
        "could you ",
        "would you ",
        "will you ",
        "please ",
        "tell me ",
        "show me ",
        "i want to know ",
        "i would like to know ",
        "do you know ",
        "also ",
        "then ",
        "and ",
        "so ",
        "ok ",
    ];
    let mut text = text.trim();
    while let Some(rest) = COURTESIES.iter().find_map(|courtesy| strip_prefix(text, courtesy)) {
        text = rest.trim_start();
    }
    text
}

/// In lower case.
pub fn words(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

/// In any case, ASCII alone.
fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}
