//! Questions that the operator's documents may answer.

use serde_json::{Value, json};

use super::{strip_prefix, without_courtesy};

/// Asks for the documents in so many words; what follows is looked for.
const SEARCHES: [&str; 16] = [
    "search the knowledge base for ",
    "search the documentation for ",
    "search the docs for ",
    "search the handbook for ",
    "look in the knowledge base for ",
    "look in the docs for ",
    "what does the knowledge base say about ",
    "what does the documentation say about ",
    "what does the handbook say about ",
    "what do the docs say about ",
    "according to the docs, ",
    "according to the docs ",
    "according to the documentation, ",
    "according to the documentation ",
    "according to the handbook, ",
    "according to the handbook ",
];
/// The same, anywhere in the question.
const MENTIONS: [&str; 8] = [
    "knowledge base",
    "according to the docs",
    "according to the documentation",
    "according to the handbook",
    "in the docs",
    "in the documentation",
    "in the handbook",
    "in our documents",
];
const QUESTIONS: [&str; 24] = [
    "what", "what's", "how", "where", "where's", "who", "who's", "when", "why", "which", "whose", "can", "could",
    "may", "does", "do", "did", "is", "are", "should", "must", "explain", "describe", "define",
];

/// Asked for in so many words: nothing else is meant.
pub fn explicit(sentence: &str) -> Option<Value> {
    let text = without_courtesy(sentence);
    if let Some(wanted) = SEARCHES.iter().find_map(|words| strip_prefix(text, words)) {
        return arguments(wanted);
    }
    let lower = text.to_lowercase();
    MENTIONS.iter().any(|mention| lower.contains(mention)).then(|| arguments(text)).flatten()
}

/// A question that no tool of its own answers.
pub fn question(message: &str) -> Option<Value> {
    let text = without_courtesy(message);
    let first =
        text.split_whitespace().next()?.trim_matches(|c: char| !c.is_alphanumeric() && c != '\'').to_lowercase();
    let asks = message.trim_end().ends_with('?') || QUESTIONS.contains(&first.as_str());
    let about = strip_prefix(text, "about ").is_some();
    if asks || about { arguments(text) } else { None }
}

fn arguments(wanted: &str) -> Option<Value> {
    let query = wanted.trim().trim_end_matches(['?', '.', '!']).trim().trim_matches('"');
    query.chars().any(char::is_alphanumeric).then(|| json!({ "query": query }))
}
