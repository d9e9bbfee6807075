//! Who answers: the built-in team. A team read from a file takes the same shape.

use std::{collections::BTreeMap, sync::Arc};

use crate::protocol::{Author, agent::Usage, limits};

/// An agent: who it is, what it is told, what it may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// What it is addressed by, [`crate::protocol::server::agent_handle`] of its name: `@assistant`.
    pub handle: String,
    pub name: String,
    pub emoji: String,
    /// What it is good for, in a line: the orchestrator chooses by it.
    pub description: String,
    /// The system prompt.
    pub prompt: String,
    /// The provider's model that it thinks with; `None`: the one that is configured.
    pub model: Option<String>,
    /// Names of tools; `docs/*` stands for all of the MCP server `docs`.
    pub tools: Vec<String>,
    /// Names of those of them, in the same form, for which a person is asked before each call.
    pub ask_before: Vec<String>,
    /// Calls of the model in one answer.
    pub max_turns: u32,
}

impl Agent {
    pub fn author(&self) -> Author {
        Author::agent(&self.name, Some(self.emoji.clone()))
    }
}

/// Never empty.
#[derive(Clone, Debug)]
pub struct Team {
    /// Answers where nobody is named; in a team that works together, it leads.
    first: Arc<Agent>,
    others: Vec<Arc<Agent>>,
    pub teamwork: Teamwork,
    pub budgets: Budgets,
    pub prices: Prices,
}

/// How far the members work together on one question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Teamwork {
    /// Turns of the members on one question.
    pub max_turns: u32,
    /// Turns without progress after which the plan is made anew.
    pub max_stalls: u32,
    /// New plans on one question, after which the answer is what there is.
    pub max_replans: u32,
}

/// What runs may use up; `None`: as much as they like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budgets {
    pub run: Budget,
    /// Of all runs that one person asked for within a day (UTC).
    pub user_day: Budget,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Calls of a model.
    pub turns: Option<u32>,
    /// Read and written.
    pub tokens: Option<u64>,
    /// From the run's start; waiting for a person does not count.
    pub seconds: Option<u64>,
    /// Millionths of the price table's currency.
    pub cost_micros: Option<u64>,
}

/// What models cost, as the operator says: for a million tokens, in millionths of a currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prices {
    pub currency: String,
    pub by_model: BTreeMap<String, Price>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    pub input_micros: u64,
    pub output_micros: u64,
}

impl Prices {
    /// `None` where the table does not know the model.
    pub fn cost_micros(&self, model: &str, used: Usage) -> Option<u64> {
        let price = self.by_model.get(model)?;
        let of = |tokens: u64, micros: u64| u128::from(tokens) * u128::from(micros);
        let total = of(used.input_tokens, price.input_micros) + of(used.output_tokens, price.output_micros);
        Some(u64::try_from(total / 1_000_000).unwrap_or(u64::MAX))
    }
}

const PROMPT: &str = "You are Assistant, an AI agent in Magpie, a chat that people and agents share. Answer the \
last message, briefly and in Markdown. Use the tools for arithmetic, units, dates, charts and for what was said \
earlier, rather than guessing. Say plainly what you do not know, and never claim to have done what you did not do.";

impl Team {
    /// The first of them answers where nobody is named.
    pub fn of(first: Agent, others: impl IntoIterator<Item = Agent>) -> Self {
        Self {
            first: Arc::new(first),
            others: others.into_iter().map(Arc::new).collect(),
            teamwork: Teamwork { max_turns: 12, max_stalls: 3, max_replans: 2 },
            budgets: Budgets::default(),
            prices: Prices::default(),
        }
    }

    /// One agent that answers.
    pub fn built_in() -> Self {
        let assistant = Agent {
            handle: "assistant".into(),
            name: "Assistant".into(),
            emoji: "🐦".into(),
            description: "Answers most questions by itself.".into(),
            prompt: PROMPT.into(),
            model: None,
            ask_before: Vec::new(),
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
        assert_eq!(Team::built_in().answering("hi").author().id, crate::protocol::UserId::of_agent("assistant"));
    }
}
