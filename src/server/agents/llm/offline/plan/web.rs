//! Pages to be read, and prices to be looked up.

use serde_json::{Value, json};

use super::without_courtesy;

const READING: [&str; 9] = ["read", "open", "fetch", "get", "summarize", "summarise", "load", "visit", "say"];
const PRICES: [&str; 5] = ["price of ", "price for ", "quote for ", "quote of ", "cost of "];
const HISTORIES: [&str; 7] =
    ["history of ", "price history of ", "prices of ", "course of ", "chart of ", "how did ", "how has "];

/// `read https://example.com/page`, or the address alone.
pub fn page(sentence: &str) -> Option<Value> {
    let is_address = |word: &&str| word.starts_with("https://") || word.starts_with("http://");
    let url = sentence.split_whitespace().find(is_address)?;
    let mut words = sentence.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
    let alone = sentence.trim() == url;
    let wanted = alone || words.any(|word| READING.contains(&word.as_str()));
    wanted.then(|| json!({ "url": url.trim_end_matches(['.', ',', ')', '?', '!', '>']) }))
}

/// `price of AAPL`
pub fn price(sentence: &str) -> Option<Value> {
    symbol_after(sentence, &PRICES).map(|symbol| json!({ "symbol": symbol }))
}

/// `price history of AAPL`, `how did AAPL go?`
pub fn history(sentence: &str) -> Option<Value> {
    symbol_after(sentence, &HISTORIES).map(|symbol| json!({ "symbol": symbol }))
}

fn symbol_after(sentence: &str, phrases: &[&str]) -> Option<String> {
    let text = without_courtesy(sentence);
    let lower = text.to_ascii_lowercase();
    let after = phrases.iter().filter_map(|phrase| Some(lower.find(phrase)? + phrase.len())).min()?;
    let word = text.get(after..)?.split_whitespace().next()?.trim_end_matches(['?', ',', '!', ';']);
    let word = word.strip_suffix("'s").unwrap_or(word);
    is_symbol(word).then(|| word.to_owned())
}

/// As exchanges write them: capitals, at most with digits and a sign.
fn is_symbol(word: &str) -> bool {
    (1..=12).contains(&word.len())
        && word.bytes().any(|byte| byte.is_ascii_uppercase())
        && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b".-^=/:".contains(&byte))
}
