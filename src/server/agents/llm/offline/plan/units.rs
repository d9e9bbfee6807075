//! Finds what there is to convert: `26.2 miles in km`, `how many cups are in 2 litres`.

use serde_json::{Value, json};

use crate::server::agents::tools::convert_units::units;

pub fn read(sentence: &str) -> Option<Value> {
    let words = words(sentence);
    let (value, from, to) = how_many(&words).or_else(|| given(&words))?;
    Some(json!({ "value": value, "from": from, "to": to }))
}

type Conversion = (f64, String, String);

/// Words, with `100F` taken apart.
fn words(sentence: &str) -> Vec<String> {
    let mut words = Vec::new();
    for word in sentence.split_whitespace() {
        let word = word.trim_matches(['?', '!', ',', ';', ':', '"', '(', ')']);
        let digits = word.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | ',' | '-' | '+' | '−')));
        match digits {
            Some(at) if at > 0 && number(&word[..at]).is_some() && units::find(&word[at..]).is_some() => {
                words.push(word[..at].to_owned());
                words.push(word[at..].to_owned());
            }
            _ => words.push(word.to_owned()),
        }
    }
    words
}

fn number(word: &str) -> Option<f64> {
    match word.to_lowercase().as_str() {
        "a" | "an" | "one" => Some(1.0),
        "half" => Some(0.5),
        "two" => Some(2.0),
        "three" => Some(3.0),
        "ten" => Some(10.0),
        "hundred" => Some(100.0),
        other => {
            let digits = other.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '−' | '.' | '+'));
            let plain = other.replace(',', "").replace('−', "-");
            digits.then(|| plain.parse::<f64>().ok())?.filter(|value| value.is_finite())
        }
    }
}

/// The longest unit at the start of these words, and how many it takes.
fn unit(words: &[String]) -> Option<(String, usize)> {
    (1..=words.len().min(3)).rev().find_map(|length| {
        let name = words[..length].join(" ");
        units::find(&name).map(|_| (name, length))
    })
}

/// NUMBER UNIT (in | to …) UNIT.
fn given(words: &[String]) -> Option<Conversion> {
    (0..words.len()).find_map(|at| {
        let value = number(&words[at])?;
        let (from, length) = unit(&words[at + 1..])?;
        let rest = &words[at + 1 + length..];
        if !matches!(rest.first()?.to_lowercase().as_str(), "in" | "to" | "into" | "as" | "=" | "equals" | "is") {
            return None;
        }
        let fillers =
            rest[1..].iter().take_while(|word| matches!(word.as_str(), "how" | "many" | "much" | "the")).count();
        let (to, _) = unit(&rest[1 + fillers..])?;
        Some((value, from, to))
    })
}

/// How many UNIT (are there in | is …) [NUMBER] UNIT.
fn how_many(words: &[String]) -> Option<Conversion> {
    const JOINTS: [&str; 13] =
        ["is", "are", "there", "in", "make", "makes", "does", "do", "fit", "into", "have", "has", "per"];
    let lower: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    let start = lower.windows(2).position(|pair| pair[0] == "how" && pair[1] == "many")? + 2;
    let (to, length) = unit(&words[start..])?;
    let after = start + length;
    let joints = lower[after..].iter().take_while(|word| JOINTS.contains(&word.as_str())).count();
    if joints == 0 {
        return None;
    }
    let at = after + joints;
    let (value, skip) = lower.get(at).and_then(|word| number(word)).map_or((1.0, 0), |value| (value, 1));
    let (from, _) = unit(&words[at + skip..])?;
    Some((value, from, to))
}
