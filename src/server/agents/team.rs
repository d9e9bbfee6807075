//! Who answers: the built-in team. A team read from a file takes the same shape.

use std::sync::Arc;

use crate::protocol::{Author, UserId, limits};

/// An agent: who it is, what it is told, what it may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// What it is addressed by, in lower case: `@assistant`.
    pub handle: String,
    pub name: String,
    pub emoji: String,
    /// The system prompt.
    pub prompt: String,
    /// Names of tools.
    pub tools: Vec<String>,
    pub max_turns: u32,
}

impl Agent {
    pub fn author(&self) -> Author {
        Author { id: UserId::of_agent(&self.handle), name: self.name.clone(), emoji: Some(self.emoji.clone()) }
    }
}

/// Never empty.
#[derive(Clone, Debug)]
pub struct Team {
    first: Arc<Agent>,
    others: Vec<Arc<Agent>>,
}

const PROMPT: &str = "You are Assistant, an AI agent in Magpie, a chat that people and agents share. Answer the \
last message, briefly and in Markdown. Use the tools for arithmetic, units, dates, charts and for what was said \
earlier, rather than guessing. Say plainly what you do not know, and never claim to have done what you did not do.";

impl Team {
    /// The first of them answers where nobody is named.
    pub fn of(first: Agent, others: impl IntoIterator<Item = Agent>) -> Self {
        Self { first: Arc::new(first), others: others.into_iter().map(Arc::new).collect() }
    }

    /// One agent that answers.
    pub fn built_in() -> Self {
        let assistant = Agent {
            handle: "assistant".into(),
            name: "Assistant".into(),
            emoji: "🐦".into(),
            prompt: PROMPT.into(),
            tools: ["calculate", "convert_units", "date_time", "search_conversation", "make_chart"]
                .map(Into::into)
                .into(),
            max_turns: limits::TURNS_PER_RUN,
        };
        Self::of(assistant, [])
    }

    /// Whether a message speaks to the agents: `@agents`, `@assistant`, or an agent's name, as a word.
    pub fn is_addressed(&self, text: &str) -> bool {
        has_word(text, "@agents") || has_word(text, "@assistant") || self.named_in(text).is_some()
    }

    /// Who answers: the one that is named, else the first.
    pub fn answering(&self, text: &str) -> Arc<Agent> {
        self.named_in(text).unwrap_or(&self.first).clone()
    }

    fn named_in(&self, text: &str) -> Option<&Arc<Agent>> {
        std::iter::once(&self.first)
            .chain(&self.others)
            .find(|agent| has_word(text, &agent.name) || has_word(text, &agent.handle))
    }
}

/// Whether `word` stands in `text` with nothing that belongs to a word on either side, in any case.
fn has_word(text: &str, word: &str) -> bool {
    let (text, word) = (text.to_lowercase(), word.to_lowercase());
    let of_a_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(&word).any(|(at, _)| {
        !text[..at].chars().next_back().is_some_and(of_a_word)
            && !text[at + word.len()..].chars().next().is_some_and(of_a_word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_addressed_by_its_name_as_a_word() {
        let team = Team::built_in();
        for text in ["@agents what is up", "hey @Assistant!", "ASSISTANT, 2+2?", "ask (assistant).", "@assistant"] {
            assert!(team.is_addressed(text), "{text}");
        }
        for text in ["hello Ben", "the assistants left", "me@agents.example_", "reassistant", "@agentsmith", ""] {
            assert!(!team.is_addressed(text), "{text}");
        }
    }

    #[test]
    fn an_agent_keeps_its_id_whatever_it_is_called() {
        assert_eq!(Team::built_in().answering("hi").author().id, UserId::of_agent("assistant"));
    }
}
