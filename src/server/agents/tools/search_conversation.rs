//! What was said earlier in this conversation.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Class, Tool, ToolContext, ToolError, ToolOutput, date_time::date, read, schema_of};
use crate::{
    protocol::{Event, Message, Sender, Side, Timestamp, http::MessageNow, limits},
    server::storage::MessagePage,
};

pub struct SearchConversation;

pub const NAME: &str = "search_conversation";

#[derive(Deserialize, JsonSchema)]
struct Arguments {
    /// Words that the message holds, all of them; may be empty where an author is named.
    #[serde(default)]
    query: String,
    /// Only what this person said.
    #[serde(default)]
    author: Option<String>,
    /// What agents said, too.
    #[serde(default)]
    include_agents: bool,
}

/// Messages looked at for those that fit.
const CANDIDATES: u64 = 100;

#[async_trait]
impl Tool for SearchConversation {
    fn name(&self) -> &str {
        NAME
    }

    fn description(&self) -> &str {
        "Finds messages of this conversation by their words, the newest first, with author, time and text."
    }

    fn parameters(&self) -> Value {
        schema_of::<Arguments>()
    }

    fn class(&self) -> Class {
        Class::Read
    }

    fn activity(&self, arguments: &Value) -> String {
        let query = arguments["query"].as_str().unwrap_or_default();
        super::short(&match arguments["author"].as_str() {
            Some(author) => format!("Searching what {author} said about “{query}”"),
            None => format!("Searching this conversation for “{query}”"),
        })
    }

    async fn call(&self, context: &ToolContext, arguments: Value) -> Result<ToolOutput, ToolError> {
        let Arguments { query, author, include_agents } = read(arguments)?;
        let (storage, conversation) = (&context.storage, context.conversation_id);
        let found = match (query.trim(), &author) {
            ("", None) => return Err(ToolError("There is no word to search for.".into())),
            ("", Some(_)) => storage.messages(conversation, None, CANDIDATES, Side::Visitor).await.map(newest_first),
            (query, _) => storage.search(conversation, query, CANDIDATES, Side::Visitor).await,
        };
        let found = found.map_err(|error| {
            tracing::error!(%error, "the search failed");
            ToolError("The search did not work.".into())
        })?;
        let fits = |message: &Message| {
            message.id != context.question
                && (include_agents || message.sender != Sender::Agent)
                && author.as_deref().is_none_or(|name| is_named(message, name))
        };
        let lines: Vec<String> = found.iter().filter_map(|now| quote(now, fits)).collect();
        if lines.is_empty() {
            return Ok("No message was found.".to_owned().into());
        }
        let count = super::counted(lines.len(), "message");
        let count = match lines.len() > limits::SEARCH_RESULTS {
            true => format!("The newest {} of {count}", limits::SEARCH_RESULTS),
            false => count,
        };
        let shown = lines.into_iter().take(limits::SEARCH_RESULTS).collect::<Vec<_>>().join("\n");
        Ok(format!("{count}:\n{shown}").into())
    }
}

fn newest_first(page: MessagePage) -> Vec<MessageNow> {
    page.messages.into_iter().rev().filter(|now| !now.deleted).collect()
}

/// Whether this is the author's name, or its first word.
fn is_named(message: &Message, name: &str) -> bool {
    let (full, name) = (message.author.name.to_lowercase(), name.to_lowercase());
    full == name || full.split_whitespace().next() == Some(&name)
}

/// `- **Anna** (20 November 2026, 09:12 UTC): text`, on one line.
fn quote(now: &MessageNow, fits: impl Fn(&Message) -> bool) -> Option<String> {
    let Event::Message(message) = &now.frame.event else { return None };
    fits(message).then(|| {
        let text = super::shortened(&message.text, limits::SEARCH_QUOTE_CHARS);
        format!("- **{}** ({}): {text}", message.author.name, moment(now.frame.timestamp))
    })
}

fn moment(at: Timestamp) -> String {
    let civil = at.civil();
    format!("{}, {:02}:{:02} UTC", date(at.days()), civil.hour, civil.minute)
}
