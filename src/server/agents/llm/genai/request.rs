//! A question as providers take it. They are strict where a conversation is not: turns alternate, a user speaks
//! first, and no text is empty.

use std::collections::BTreeSet;

use genai::chat::{ChatMessage as Turn, ContentPart, MessageContent, Tool, ToolCall, ToolResponse};
use serde_json::{Value, json};

use super::super::{ChatMessage, ChatRequest, ModelCall};
use crate::server::config::model::Provider;

/// Stands where a conversation's older part was left out and an agent's answer would come first.
const LEFT_OUT: &str = "(What was said before is left out.)";
/// What a model is told where several people speak: each of their messages begins with a name.
const SEVERAL: &str = "Several people speak in this conversation: each of their messages begins with its author's \
name and a colon. Do not begin your own answer so.";

pub(super) fn of(request: &ChatRequest, provider: Provider, with_tools: bool) -> genai::chat::ChatRequest {
    let several = people(&request.messages).len() > 1;
    let mut turns: Vec<Turn> = Vec::new();
    // Words of one side that follow each other go out as one turn.
    let mut said: Option<(Side, String)> = None;
    for message in &request.messages {
        let (side, text) = match message {
            ChatMessage::User { name, text } if several => (Side::User, format!("{}: {text}", in_a_line(name))),
            ChatMessage::User { text, .. } => (Side::User, text.clone()),
            ChatMessage::Assistant { text, calls } if calls.is_empty() => (Side::Assistant, text.clone()),
            ChatMessage::Assistant { text, calls } => {
                // What the assistant said just before belongs to the same turn.
                let before = said.take_if(|(side, _)| *side == Side::Assistant).map(|(_, before)| before);
                flush(&mut turns, &mut said);
                turns.push(calling(&[before.as_deref().unwrap_or_default(), text].join("\n\n"), calls));
                continue;
            }
            ChatMessage::Tool { call_id, tool_name, success, text } => {
                flush(&mut turns, &mut said);
                turns.push(returned(call_id, tool_name, *success, text));
                continue;
            }
        };
        if text.trim().is_empty() {
            continue;
        }
        match &mut said {
            Some((last, words)) if *last == side => *words = format!("{words}\n\n{text}"),
            _ => {
                flush(&mut turns, &mut said);
                said = Some((side, text));
            }
        }
    }
    flush(&mut turns, &mut said);
    if turns.first().is_none_or(|turn| !matches!(turn.role, genai::chat::ChatRole::User)) {
        turns.insert(0, Turn::user(LEFT_OUT));
    }
    let system = if several { format!("{}\n\n{SEVERAL}", request.system) } else { request.system.clone() };
    let asked = genai::chat::ChatRequest::new(turns);
    let asked = if system.trim().is_empty() { asked } else { asked.with_system(system.trim()) };
    let tools = if with_tools { tools(request, provider) } else { Vec::new() };
    if tools.is_empty() { asked } else { asked.with_tools(tools) }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    User,
    Assistant,
}

fn flush(turns: &mut Vec<Turn>, said: &mut Option<(Side, String)>) {
    turns.extend(said.take().map(|(side, text)| match side {
        Side::User => Turn::user(text),
        Side::Assistant => Turn::assistant(text),
    }));
}

fn people(messages: &[ChatMessage]) -> BTreeSet<&str> {
    messages
        .iter()
        .filter_map(|message| match message {
            ChatMessage::User { name, .. } => Some(name.as_str()),
            _ => None,
        })
        .collect()
}

/// A name cannot pass for the beginning of somebody else's message.
fn in_a_line(name: &str) -> String {
    name.chars().map(|c| if c.is_control() || c == ':' { ' ' } else { c }).collect()
}

fn calling(text: &str, calls: &[ModelCall]) -> Turn {
    let text = Some(text.trim()).filter(|text| !text.is_empty()).map(|text| ContentPart::Text(text.to_owned()));
    let calls = calls.iter().map(|call| {
        // Whatever the model wrote: what is no object, servers choke on.
        let fn_arguments = match &call.arguments {
            Value::Object(_) => call.arguments.clone(),
            other => json!({ "arguments": other }),
        };
        let (call_id, fn_name) = (call.id.clone(), call.tool_name.clone());
        ContentPart::ToolCall(ToolCall { call_id, fn_name, fn_arguments, thought_signatures: None })
    });
    Turn::assistant(MessageContent::from_parts(text.into_iter().chain(calls).collect::<Vec<_>>()))
}

fn returned(call_id: &str, tool_name: &str, success: bool, text: &str) -> Turn {
    let text = match (success, text.trim()) {
        (true, "") => "(nothing)".to_owned(),
        (true, text) => text.to_owned(),
        (false, text) => format!("The call failed: {text}"),
    };
    Turn::from(ToolResponse::new(call_id, text).with_fn_name(tool_name))
}

pub(super) fn has_calls(request: &ChatRequest) -> bool {
    request.messages.iter().any(|message| matches!(message, ChatMessage::Assistant { calls, .. } if !calls.is_empty()))
}

fn tools(request: &ChatRequest, provider: Provider) -> Vec<Tool> {
    let offered = request.tools.iter().map(|tool| {
        Tool::new(tool.name.as_str()).with_description(&tool.description).with_schema(tool.parameters.clone())
    });
    let offered: Vec<Tool> = offered.collect();
    if !offered.is_empty() || provider != Provider::Anthropic {
        return offered;
    }
    // Anthropic wants the tools of earlier calls defined, even where none may be called any more.
    let called = request.messages.iter().flat_map(|message| match message {
        ChatMessage::Assistant { calls, .. } => calls.as_slice(),
        _ => &[],
    });
    let called: BTreeSet<&str> = called.map(|call| call.tool_name.as_str()).collect();
    called.into_iter().map(|name| Tool::new(name).with_schema(json!({ "type": "object" }))).collect()
}

#[cfg(test)]
mod tests;
