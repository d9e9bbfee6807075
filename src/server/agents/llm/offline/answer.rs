//! Writes an answer from what tools returned.

use serde_json::Value;

use super::visitor;
use crate::{
    protocol::Side,
    server::agents::{
        llm::{ChatMessage, ModelCall},
        tools::{calculate, convert_units, date_time, make_chart, search_conversation, search_knowledge},
    },
};

/// One paragraph for each call, in their order; what was looked for in vain is left out where a visitor reads
/// something else.
pub fn from_results(side: Side, messages: &[ChatMessage]) -> String {
    let calls: Vec<&ModelCall> = messages
        .iter()
        .filter_map(|message| match message {
            ChatMessage::Assistant { calls, .. } => Some(calls),
            _ => None,
        })
        .flatten()
        .collect();
    let paragraphs: Vec<String> = messages
        .iter()
        .filter_map(|message| match message {
            ChatMessage::Tool { call_id, tool_name, success, text } => {
                let arguments = calls.iter().find(|call| call.id == *call_id).map(|call| &call.arguments);
                let arguments = arguments.unwrap_or(&Value::Null);
                match side {
                    Side::House => Some(paragraph(tool_name, arguments, *success, text)),
                    Side::Visitor if is_in_vain(tool_name, *success, text) => None,
                    Side::Visitor => Some(paragraph(tool_name, arguments, *success, text)),
                }
            }
            _ => None,
        })
        .collect();
    let failed = |message: &ChatMessage| matches!(message, ChatMessage::Tool { success: false, .. });
    match paragraphs.is_empty() {
        true if messages.iter().any(failed) => visitor::failed(),
        true => visitor::nothing_found(),
        false => paragraphs.join("\n\n"),
    }
}

/// A search that found nothing or did not come about.
fn is_in_vain(tool: &str, success: bool, text: &str) -> bool {
    match tool {
        search_knowledge::NAME => !success || !text.contains(PASSAGES),
        search_conversation::NAME => !success || !text.contains(":\n"),
        _ => false,
    }
}

fn paragraph(tool: &str, arguments: &Value, success: bool, text: &str) -> String {
    if !success {
        return failed(tool, arguments, text);
    }
    match tool {
        calculate::NAME | convert_units::NAME => emphasised(text),
        date_time::NAME if arguments["operation"] == "now" => {
            format!("{text} My clock runs in UTC; I do not know your time zone.")
        }
        search_conversation::NAME => found(arguments, text),
        search_knowledge::NAME => quoted(arguments, text),
        make_chart::NAME => drawn(text),
        _ => text.to_owned(),
    }
}

/// `17 × 23 = **391**`
fn emphasised(text: &str) -> String {
    for sign in [" = ", " ≈ "] {
        if let Some((left, right)) = text.rsplit_once(sign) {
            return format!("{left}{sign}**{right}**");
        }
    }
    text.to_owned()
}

fn failed(tool: &str, arguments: &Value, error: &str) -> String {
    let error = error.trim_end_matches('.');
    match tool {
        calculate::NAME => {
            let expression = arguments["expression"].as_str().unwrap_or("that");
            format!("I could not work out {}: {error}.", calculate::pretty(expression))
        }
        make_chart::NAME => format!("I could not draw that chart. {error}."),
        search_knowledge::NAME => format!("I could not search the knowledge base. {error}."),
        search_conversation::NAME => format!("I could not search this conversation. {error}."),
        _ => format!("That did not work out. {error}."),
    }
}

fn found(arguments: &Value, text: &str) -> String {
    let query = arguments["query"].as_str().unwrap_or_default();
    let by = arguments["author"].as_str().map(|author| format!(" by {author}")).unwrap_or_default();
    let about = if query.is_empty() { String::new() } else { format!(" with “{query}”") };
    let Some((count, lines)) = text.split_once(":\n") else {
        return format!("I found no message{by}{about} in this conversation. I look for whole words, all of them.");
    };
    let quotes: Vec<String> =
        lines.lines().filter_map(|line| line.strip_prefix("- ")).map(|line| format!("> {line}")).collect();
    format!("{count}{by}{about}, the newest first:\n\n{}", quotes.join("\n\n"))
}

/// Stands above the first passage.
const PASSAGES: &str = ":\n\n[";

/// Passages that are quoted; of the others only the source is named.
const QUOTED: usize = 2;

/// What the documents say, in their own words, each with its source.
fn quoted(arguments: &Value, text: &str) -> String {
    let Some((head, passages)) = text.split_once(PASSAGES) else {
        let query = arguments["query"].as_str().unwrap_or_default();
        return format!(
            "The knowledge base has nothing for “{query}”, and no other tool of mine fits. No language model is \
             configured here, so I look for the words of a question: try others, or `help`."
        );
    };
    let passages: Vec<&str> = passages.split("\n\n[").collect();
    let quotes = passages.iter().take(QUOTED).filter_map(|passage| {
        let (source, quote) = passage.split_once('\n')?;
        Some(format!("From [{source}:\n\n{quote}"))
    });
    let mut answer = quotes.collect::<Vec<_>>().join("\n\n");
    if let Some(word) = head.strip_prefix(search_knowledge::ONLY).and_then(|rest| rest.split('”').next()) {
        answer = format!("I found no answer to all of that. This is what there is on {word}”:\n\n{answer}");
    }
    let others: Vec<String> =
        passages.iter().skip(QUOTED).filter_map(|passage| Some(format!("[{}", passage.lines().next()?))).collect();
    if !others.is_empty() {
        answer.push_str(&format!("\n\nSee also {}.", others.join(", ")));
    }
    answer
}

fn drawn(text: &str) -> String {
    let (summary, url) = text.rsplit_once("\nPicture: ").unwrap_or((text, ""));
    let mut lines = summary.lines();
    let mut answer = lines.next().unwrap_or_default().replacen("Drew", "I drew", 1);
    if !url.is_empty() {
        answer.push_str(&format!(" [Open the picture]({url})."));
    }
    for line in lines {
        answer.push_str("\n\n");
        answer.push_str(line);
        answer.push('.');
    }
    answer
}
