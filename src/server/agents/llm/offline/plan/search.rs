//! Finds what somebody wants to find again.

use serde_json::{Value, json};

use super::{strip_prefix, without_courtesy};

const SEARCHES: [&str; 14] = [
    "search this conversation for ",
    "search the conversation for ",
    "search this chat for ",
    "search the chat for ",
    "search our messages for ",
    "search messages for ",
    "search for ",
    "search ",
    "where did we talk about ",
    "when did we talk about ",
    "what did we say about ",
    "did anyone mention ",
    "has anyone mentioned ",
    "find messages about ",
];
const FINDS: [&str; 5] = ["find me ", "find ", "look for ", "look up ", "where is "];
const SAYING: [&str; 13] = [
    "say",
    "said",
    "write",
    "written",
    "wrote",
    "mention",
    "mentioned",
    "mentions",
    "tell",
    "told",
    "think",
    "post",
    "posted",
];
const AFTER_SAYING: [&str; 9] = ["anything", "something", "us", "me", "about", "on", "regarding", "of", "that"];
const ANYONE: [&str; 7] = ["anyone", "anybody", "somebody", "someone", "we", "people", "they"];

/// Asked for in so many words: nothing else is meant.
pub fn explicit(sentence: &str) -> Option<Value> {
    let text = without_courtesy(sentence);
    let searched = SEARCHES.iter().find_map(|words| strip_prefix(text, words));
    searched.and_then(|query| arguments(query, None)).or_else(|| said_by(text))
}

/// `find X`, which is a search where nothing else fits.
pub fn find(sentence: &str) -> Option<Value> {
    let text = without_courtesy(sentence);
    FINDS.iter().find_map(|words| strip_prefix(text, words)).and_then(|query| arguments(query, None))
}

/// `what did Anna say about X`, `who said X`.
fn said_by(text: &str) -> Option<Value> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let lower: Vec<String> =
        words.iter().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()).collect();
    let verb = lower.iter().position(|word| SAYING.contains(&word.as_str()))?;
    let skip = lower[verb + 1..].iter().take_while(|word| AFTER_SAYING.contains(&word.as_str())).count();
    let query = words[verb + 1 + skip..].join(" ");
    match lower.first()?.as_str() {
        "who" if verb == 1 => arguments(&query, None),
        "what" | "when" | "did" | "has" | "where" | "how" if verb >= 2 => {
            let from = 1 + usize::from(matches!(lower[1].as_str(), "did" | "has" | "does" | "else"));
            let name = lower.get(from..verb)?;
            match name {
                [] | [_, _, _, _, ..] => None,
                _ if name.iter().any(|word| matches!(word.as_str(), "i" | "you")) => None,
                [one] if ANYONE.contains(&one.as_str()) => arguments(&query, None),
                _ => arguments(&query, Some(words[from..verb].join(" ").trim_matches(['@', ',', '"']))),
            }
        }
        _ => None,
    }
}

fn arguments(query: &str, author: Option<&str>) -> Option<Value> {
    let query = cleaned(query);
    match author {
        Some(author) => Some(json!({ "query": query, "author": author })),
        None if query.is_empty() => None,
        None => Some(json!({ "query": query })),
    }
}

/// The words that matter.
fn cleaned(query: &str) -> String {
    const LEADING: [&str; 15] = [
        "the",
        "a",
        "an",
        "our",
        "my",
        "any",
        "all",
        "messages",
        "message",
        "about",
        "for",
        "everything",
        "anything",
        "mentions",
        "of",
    ];
    const TRAILING: [&[&str]; 6] = [
        &["in", "this", "conversation"],
        &["in", "the", "conversation"],
        &["in", "this", "chat"],
        &["in", "here"],
        &["here"],
        &["please"],
    ];
    let bare = query.split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()));
    let words: Vec<&str> = bare.filter(|word| !word.is_empty()).collect();
    let mut words = &words[..];
    while let [first, rest @ ..] = words
        && !rest.is_empty()
        && LEADING.contains(&first.to_lowercase().as_str())
    {
        words = rest;
    }
    for tail in TRAILING {
        let Some(from) = words.len().checked_sub(tail.len()).filter(|from| *from > 0) else { continue };
        if words[from..].iter().zip(tail).all(|(word, end)| word.eq_ignore_ascii_case(end)) {
            words = &words[..from];
        }
    }
    words.join(" ")
}
