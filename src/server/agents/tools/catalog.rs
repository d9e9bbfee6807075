//! Which tools there are, and by which names agents and models know them.
//!
//! Some are the server's own. Others come and go with a [`ToolSource`], such as an MCP server: the agents file
//! names those `docs/search`, or `docs/*` for all of them; to a model, whose provider allows fewer characters,
//! the same tool is `docs__search`.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use sha2::{Digest, Sha256};

use super::{Tool, ask_a_person, calculate, convert_units, date_time, make_chart, search_conversation, summarize_csv};
use crate::server::agents::llm::ToolDefinition;

/// Characters of a tool's name that every provider takes: `[a-zA-Z0-9_-]`.
const NAME_CHARS: usize = 64;
/// Between a source's name and its tool's, in the name that models see. No source has it in its name.
const JOINT: &str = "__";

/// Tools that come and go.
#[async_trait]
pub trait ToolSource: Send + Sync + 'static {
    /// As the agents file has it: the `docs` of `docs/*`. It fits [`is_source_name`].
    fn name(&self) -> &str;
    /// Those that are there at this moment, under their [`offered_name`].
    fn tools(&self) -> Vec<Arc<dyn Tool>>;
    /// Returns when the source has told once which tools it has, or is known not to answer.
    async fn ready(&self);
}

/// All tools, by name.
#[derive(Clone, Default)]
pub struct Tools {
    own: BTreeMap<String, Arc<dyn Tool>>,
    sources: Vec<Arc<dyn ToolSource>>,
}

impl Tools {
    /// Those that need nothing but the conversation.
    pub fn built_in() -> Self {
        Self::of([
            Arc::new(ask_a_person::AskAPerson) as Arc<dyn Tool>,
            Arc::new(calculate::Calculate),
            Arc::new(convert_units::ConvertUnits),
            Arc::new(date_time::DateTime),
            Arc::new(search_conversation::SearchConversation),
            Arc::new(make_chart::MakeChart),
            Arc::new(summarize_csv::SummarizeCsv),
        ])
    }

    pub fn of(tools: impl IntoIterator<Item = Arc<dyn Tool>>) -> Self {
        Self { own: tools.into_iter().map(|tool| (tool.name().to_owned(), tool)).collect(), sources: Vec::new() }
    }

    /// These and one more; it takes the place of one with its name.
    pub fn and(mut self, tool: impl Tool) -> Self {
        self.own.insert(tool.name().to_owned(), Arc::new(tool));
        self
    }

    /// These and what comes and goes with `source`.
    pub fn and_source(mut self, source: Arc<dyn ToolSource>) -> Self {
        self.sources.push(source);
        self
    }

    pub fn get(&self, name: &str) -> Option<Arc<dyn Tool>> {
        let own = self.own.get(name).cloned();
        own.or_else(|| {
            let source = self.sources.iter().find(|source| covers_all_of(source.name(), name))?;
            source.tools().into_iter().find(|tool| tool.name() == name)
        })
    }

    /// Whether an agent's list has this tool, `name` as models call it: by its name, as `docs/search`, or by
    /// `docs/*`. It says nothing of whether there is such a tool.
    pub fn allows(&self, names: &[String], name: &str) -> bool {
        names.iter().any(|entry| covers(entry, name))
    }

    /// Whether a person is asked before a call of this tool: the tool wants it so, or the agent's list has it.
    pub fn asks_first(&self, ask_before: &[String], name: &str) -> bool {
        self.allows(ask_before, name) || self.get(name).is_some_and(|tool| tool.asks_first())
    }

    /// As a model is told of them, each once, in the order of the names; one that stands for no tool is left out.
    pub fn definitions(&self, names: &[String]) -> Vec<ToolDefinition> {
        let mut found: Vec<Arc<dyn Tool>> = Vec::new();
        for tool in names.iter().flat_map(|entry| self.named(entry)) {
            if !found.iter().any(|before| before.name() == tool.name()) {
                found.push(tool);
            }
        }
        let definition = |tool: Arc<dyn Tool>| ToolDefinition {
            name: tool.name().to_owned(),
            description: tool.description().to_owned(),
            parameters: tool.parameters(),
        };
        found.into_iter().map(definition).collect()
    }

    /// Waits, before a run begins, for the sources of these names that are still starting.
    pub async fn ready(&self, names: &[String]) {
        let wanted = |source: &&Arc<dyn ToolSource>| {
            let prefix = format!("{}{JOINT}", source.name());
            names.iter().any(|entry| source_of(entry) == Some(source.name()) || entry.starts_with(&prefix))
        };
        futures_util::future::join_all(self.sources.iter().filter(wanted).map(|source| source.ready())).await;
    }

    /// The tools that one entry of an agent's list stands for.
    fn named(&self, entry: &str) -> Vec<Arc<dyn Tool>> {
        match source_of(entry) {
            Some(name) => {
                let source = self.sources.iter().find(|source| source.name() == name);
                let tools = source.map(|source| source.tools()).unwrap_or_default();
                tools.into_iter().filter(|tool| covers(entry, tool.name())).collect()
            }
            None => self.get(entry).into_iter().collect(),
        }
    }
}

/// Whether a source may have this name: 1 to 32 letters, digits, `-` and `_`. No two `_` in a row and none at
/// the end, so that where the name ends in `docs__search` there is no doubt.
pub fn is_source_name(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        && !name.contains(JOINT)
        && !name.ends_with('_')
}

/// What models call the tool `tool` of a source: 64 letters, digits, `_` and `-` at most. A name that had to
/// be cut ends with a part of its hash, so that two long names stay two.
pub fn offered_name(source: &str, tool: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' };
    let mut name: String = source.chars().chain(JOINT.chars()).chain(tool.chars()).map(plain).collect();
    if name.len() > NAME_CHARS {
        let hash = Sha256::digest(tool.as_bytes());
        name.truncate(NAME_CHARS - 9);
        name.push_str(&format!("_{:02x}{:02x}{:02x}{:02x}", hash[0], hash[1], hash[2], hash[3]));
    }
    name
}

/// The `docs` of `docs/*` and of `docs/search`.
fn source_of(entry: &str) -> Option<&str> {
    entry.split_once('/').map(|(source, _)| source)
}

fn covers(entry: &str, name: &str) -> bool {
    match entry.split_once('/') {
        None => entry == name,
        Some((source, "*")) => covers_all_of(source, name),
        Some((source, tool)) => offered_name(source, tool) == name,
    }
}

fn covers_all_of(source: &str, name: &str) -> bool {
    is_source_name(source) && name.strip_prefix(source).is_some_and(|rest| rest.starts_with(JOINT))
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;
    use serde_json::{Value, json};

    use super::*;
    use crate::server::agents::tools::{Class, ToolContext, ToolError, ToolOutput};

    struct Named(String, bool);

    #[async_trait]
    impl Tool for Named {
        fn name(&self) -> &str {
            &self.0
        }
        fn description(&self) -> &str {
            "A tool."
        }
        fn parameters(&self) -> Value {
            json!({ "type": "object" })
        }
        fn class(&self) -> Class {
            Class::Read
        }
        fn asks_first(&self) -> bool {
            self.1
        }
        fn activity(&self, _: &Value) -> String {
            String::new()
        }
        async fn call(&self, _: &ToolContext, _: Value) -> Result<ToolOutput, ToolError> {
            Ok(String::new().into())
        }
    }

    /// A source whose tools a test changes.
    struct Docs(Mutex<Vec<&'static str>>);

    #[async_trait]
    impl ToolSource for Docs {
        fn name(&self) -> &str {
            "docs"
        }
        fn tools(&self) -> Vec<Arc<dyn Tool>> {
            let tool = |name: &&str| Arc::new(Named(offered_name("docs", name), *name == "drop")) as Arc<dyn Tool>;
            self.0.lock().iter().map(tool).collect()
        }
        async fn ready(&self) {}
    }

    fn list(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn offered(tools: &Tools, names: &[&str]) -> Vec<String> {
        tools.definitions(&list(names)).into_iter().map(|tool| tool.name).collect()
    }

    #[test]
    fn tools_come_and_go_with_their_source() {
        let docs = Arc::new(Docs(Mutex::new(vec!["search", "drop"])));
        let tools = Tools::built_in().and_source(docs.clone());
        assert_eq!(offered(&tools, &["docs/*", "calculate"]), ["docs__search", "docs__drop", "calculate"]);
        assert_eq!(offered(&tools, &["docs/search", "docs/*"]), ["docs__search", "docs__drop"]);
        assert_eq!(offered(&tools, &["docs__search", "docs/nothing", "other/*"]), ["docs__search"]);
        assert!(tools.get("docs__search").is_some());
        docs.0.lock().clear();
        assert!(tools.get("docs__search").is_none());
        assert_eq!(offered(&tools, &["docs/*"]), [""; 0]);
    }

    #[test]
    fn an_agent_may_use_what_its_list_covers() {
        let tools = Tools::built_in();
        for (entry, name) in [
            ("calculate", "calculate"),
            ("docs/*", "docs__search"),
            ("docs/search", "docs__search"),
            ("docs/my.tool", "docs__my_tool"),
            ("docs__search", "docs__search"),
        ] {
            assert!(tools.allows(&list(&[entry]), name), "{entry} {name}");
        }
        for (entry, name) in [
            ("calculate", "date_time"),
            ("docs/*", "calculate"),
            ("docs/*", "docs_search"),
            ("doc/*", "docs__search"),
            ("docs/sea", "docs__search"),
            ("/*", "__search"),
            ("*", "calculate"),
            ("*/*", "docs__search"),
        ] {
            assert!(!tools.allows(&list(&[entry]), name), "{entry} {name}");
        }
    }

    #[test]
    fn a_source_has_a_name_that_cannot_be_taken_for_another() {
        for name in ["docs", "my_docs", "A-1", "_x"] {
            assert!(is_source_name(name), "{name}");
        }
        let long = "x".repeat(33);
        for name in ["", "docs_", "a__b", "a/b", "é", "a b", "*", &long] {
            assert!(!is_source_name(name), "{name}");
        }
    }

    #[test]
    fn a_person_is_asked_where_the_tool_or_the_agent_says_so() {
        let tools = Tools::built_in().and_source(Arc::new(Docs(Mutex::new(vec!["search", "drop"]))));
        assert!(tools.asks_first(&[], "docs__drop"));
        assert!(!tools.asks_first(&[], "docs__search"));
        assert!(tools.asks_first(&list(&["docs/*"]), "docs__search"));
        assert!(tools.asks_first(&list(&["calculate"]), "calculate"));
        assert!(!tools.asks_first(&[], "no_such_tool"));
    }

    #[test]
    fn every_name_fits_what_providers_take_and_stays_its_own() {
        let long = "x".repeat(200);
        let names = ["search", "my.tool", "a/b c", "ünï", &long, &format!("{long}y")].map(|n| offered_name("docs", n));
        for name in &names {
            assert!(name.len() <= NAME_CHARS, "{name}");
            assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'), "{name}");
        }
        assert_ne!(names[4], names[5]);
    }
}
