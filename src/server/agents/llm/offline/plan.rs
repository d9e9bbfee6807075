//! From a question to the tools that answer it.
//!
//! A message is taken apart into sentences, a sentence into halves where each half is a question of its
//! own; each part is offered to the readers below, the surest first.

use serde_json::{Value, json};

use crate::{
    protocol::limits,
    server::agents::tools::{calculate, convert_units, date_time, make_chart, search_conversation},
};

mod arithmetic;
mod chart;
mod dates;
mod search;
mod units;

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
    let rest = match chart::read(&question) {
        Some(found) => {
            plan.push(Planned { tool: make_chart::NAME, arguments: found.arguments });
            found.rest
        }
        None => question,
    };
    for sentence in sentences(&rest) {
        plan.extend(of_sentence(sentence));
    }
    plan.dedup();
    plan.truncate(limits::CALLS_PER_TURN);
    plan
}

fn of_sentence(sentence: &str) -> Vec<Planned> {
    let halves: Vec<&str> = split_words(sentence, &[" and then ", " and also ", ", then ", " and ", ", "]);
    if halves.len() > 1 && search::explicit(sentence).is_none() && dates::span(sentence).is_none() {
        let plans: Vec<Planned> = halves.iter().filter_map(|half| of_part(half)).collect();
        if plans.len() == halves.len() {
            return plans;
        }
    }
    of_part(sentence).into_iter().collect()
}

fn of_part(part: &str) -> Option<Planned> {
    let planned = |tool| move |arguments: Value| Planned { tool, arguments };
    search::explicit(part)
        .map(planned(search_conversation::NAME))
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
            '?' | ';' | '\n' => true,
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

/// In any case, ASCII alone.
fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let head = text.get(..prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}
