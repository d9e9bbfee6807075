//! What the operator's documents say.

use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Class, Tool, ToolContext, ToolError, ToolOutput, read, schema_of};
use crate::{
    protocol::limits,
    server::knowledge::{Found, Knowledge, Search},
};

pub struct SearchKnowledge {
    knowledge: Arc<dyn Knowledge>,
}

pub const NAME: &str = "search_knowledge";
/// What it says where nothing fits.
pub const NOTHING: &str = "No passage of the knowledge base fits.";

#[derive(Deserialize, JsonSchema)]
struct Arguments {
    /// What to look for: a question, or the words that matter.
    query: String,
    /// Passages at most, 1 to 10; 5 where left out.
    #[serde(default)]
    limit: Option<usize>,
}

impl SearchKnowledge {
    pub fn new(knowledge: Arc<dyn Knowledge>) -> Self {
        Self { knowledge }
    }
}

#[async_trait]
impl Tool for SearchKnowledge {
    fn name(&self) -> &str {
        NAME
    }

    fn description(&self) -> &str {
        "Finds passages in this house's own documents (its knowledge base), the best first, each quoted below a \
         Markdown link to its source. Quote what you use, with that link as it is."
    }

    fn parameters(&self) -> Value {
        schema_of::<Arguments>()
    }

    fn class(&self) -> Class {
        Class::Read
    }

    fn activity(&self, arguments: &Value) -> String {
        let query = arguments["query"].as_str().unwrap_or_default();
        super::short(&format!("Searching the knowledge base for “{query}”"))
    }

    async fn call(&self, _: &ToolContext, arguments: Value) -> Result<ToolOutput, ToolError> {
        let Arguments { query, limit } = read(arguments)?;
        if !query.chars().any(char::is_alphanumeric) {
            return Err(ToolError("There is no word to search for.".into()));
        }
        let limit = limit.unwrap_or(limits::KNOWLEDGE_RESULTS).clamp(1, limits::KNOWLEDGE_RESULTS_MAX);
        let search = self.knowledge.search(&query, limit).await.map_err(|error| {
            tracing::error!(%error, "the search in the knowledge base failed");
            ToolError("The knowledge base cannot be searched now.".into())
        })?;
        Ok(written(&search).into())
    }
}

/// Begins what it says where passages have one word of the query only, which follows in “ ”.
pub const ONLY: &str = "No passage has enough of these words; by the word ";

/// `[Title › Heading](link)`, and the quote below it.
fn written(search: &Search) -> String {
    let Search { found, only } = search;
    if found.is_empty() {
        return NOTHING.to_owned();
    }
    let passages: Vec<String> = found.iter().map(passage).collect();
    let count = super::counted(found.len(), "passage");
    let head = only.as_ref().map_or(count.clone(), |word| format!("{ONLY}“{word}” alone, {count}"));
    format!("{head}:\n\n{}", passages.join("\n\n"))
}

fn passage(found: &Found) -> String {
    let place = match found.heading.as_str() {
        "" => found.title.clone(),
        heading => format!("{} › {heading}", found.title),
    };
    let place = super::short(&place).replace(['[', ']', '\\', '`', '*', '_'], "");
    let quote: Vec<String> = found.quote.lines().map(|line| format!("> {line}").trim_end().to_owned()).collect();
    format!("[{}]({})\n{}", place.trim(), found.link(), quote.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passage_is_quoted_below_its_source() {
        let found = Found {
            path: "ops/a (b).md".into(),
            title: "All [of] it".into(),
            heading: "Part".into(),
            anchor: "part".into(),
            quote: "One.\n\nTwo.".into(),
        };
        assert_eq!(
            written(&Search { found: vec![found.clone()], only: None }),
            "1 passage:\n\n[All of it › Part](/api/v1/knowledge/ops/a%20%28b%29.md#part)\n> One.\n>\n> Two."
        );
        let two = vec![found.clone(), found];
        assert!(written(&Search { found: two.clone(), only: None }).starts_with("2 passages:\n\n["));
        assert_eq!(
            written(&Search { found: two, only: Some("part".into()) }).split_once(":\n\n[").unwrap().0,
            "No passage has enough of these words; by the word “part” alone, 2 passages"
        );
        assert_eq!(written(&Search::default()), NOTHING);
    }
}
