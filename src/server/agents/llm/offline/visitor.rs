//! What a website's visitor is told where no tool can help: friendly, a sentence or two, with the offer of a person.
//! A visitor reads nothing here of models, settings, timelines or how agents are addressed.

use super::plan;
use crate::server::agents::llm::ChatMessage;

/// Ends what is said where the assistant cannot help. Who agrees to it is given a person.
const OFFER: &str = "Would you like to talk to a person? Just say so.";

pub const WELCOME: &str = "You're welcome! Is there anything else?";
pub const CHART: &str = "I can draw that once I have at least two numbers, as in “Chart: Jan 3, Feb 5, Mar 2”.";

/// Words that agree, where few others are said.
const AGREES: [&str; 12] =
    ["yes", "yeah", "yep", "yup", "sure", "ok", "okay", "please", "ja", "oui", "absolutely", "definitely"];
const DISAGREES: [&str; 6] = ["no", "not", "nope", "don't", "dont", "nothing"];
/// How many words an agreement has at most.
const FEW: usize = 6;

pub fn help() -> String {
    "I answer questions as well as I can, and work with numbers, units and dates. If you would rather talk to a person, \
     just say so."
        .to_owned()
}

pub fn greeting() -> String {
    "Hello! What can I do for you? If you would rather talk to a person, just say so.".to_owned()
}

pub fn unknown() -> String {
    format!("I'm sorry, I have no answer to that. {OFFER}")
}

pub fn nothing_found() -> String {
    format!("I'm sorry, I found nothing about that. {OFFER}")
}

pub fn failed() -> String {
    format!("I'm sorry, I could not look that up just now. {OFFER}")
}

/// Whether these words take up the offer that the assistant made last.
pub fn agrees(before: &[ChatMessage], text: &str) -> bool {
    let said = before.iter().rev().find_map(|message| match message {
        ChatMessage::Assistant { text, .. } => Some(text.trim_end()),
        _ => None,
    });
    let words: Vec<String> = plan::words(text);
    let has = |wanted: &[&str]| words.iter().any(|word| wanted.contains(&word.as_str()));
    said.is_some_and(|said| said.ends_with(OFFER)) && words.len() <= FEW && has(&AGREES) && !has(&DISAGREES)
}
