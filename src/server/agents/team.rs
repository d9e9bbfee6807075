//! Who answers: the agents of this server, how they work together and what they may use up. Plain data: the
//! built-in team is in [`built_in`], one of the operator's own comes from `config::agents_file`.

use std::sync::Arc;

use crate::protocol::Author;

mod address;
mod built_in;
mod means;

pub use means::{Budget, Budgets, Price, Prices, Teamwork};

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

/// A leader, and members that it can send to work; with no members, the leader answers everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    leader: Arc<Agent>,
    members: Vec<Arc<Agent>>,
    pub teamwork: Teamwork,
    pub budgets: Budgets,
    pub prices: Prices,
}

impl Team {
    pub fn of(leader: Agent, members: impl IntoIterator<Item = Agent>) -> Self {
        Self {
            leader: Arc::new(leader),
            members: members.into_iter().map(Arc::new).collect(),
            teamwork: Teamwork::default(),
            budgets: Budgets::default(),
            prices: Prices::default(),
        }
    }

    /// Answers where nobody is named; in a team that works together, it decides and has the last word.
    pub fn leader(&self) -> &Arc<Agent> {
        &self.leader
    }

    /// All but the leader.
    pub fn members(&self) -> &[Arc<Agent>] {
        &self.members
    }

    /// All of them, the leader first.
    pub fn agents(&self) -> impl Iterator<Item = &Arc<Agent>> {
        std::iter::once(&self.leader).chain(&self.members)
    }

    /// In any case.
    pub fn by_handle(&self, handle: &str) -> Option<&Arc<Agent>> {
        let handle = handle.to_lowercase();
        self.agents().find(|agent| agent.handle == handle)
    }

    /// In any case.
    pub fn by_name(&self, name: &str) -> Option<&Arc<Agent>> {
        let name = name.to_lowercase();
        self.agents().find(|agent| agent.name.to_lowercase() == name)
    }

    /// What agents are to use and this server does not have, one sentence each: for the log, at start. Those of MCP
    /// servers come and go, and are not looked at.
    pub fn unknown_tools(&self, is_known: impl Fn(&str) -> bool) -> Vec<String> {
        self.agents()
            .flat_map(|agent| agent.tools.iter().map(move |tool| (agent, tool)))
            .filter(|(_, tool)| !tool.contains('/') && !is_known(tool))
            .map(|(agent, tool)| format!("{} is to use the tool {tool}, which this server does not have", agent.name))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_found_by_handle_and_name_in_any_case() {
        let team = Team::built_in();
        assert_eq!(team.by_handle("Market-Analyst").unwrap().name, "Market analyst");
        assert_eq!(team.by_name("MARKET ANALYST").unwrap().handle, "market-analyst");
        assert!(team.by_handle("nobody").is_none());
        assert_eq!(team.agents().count(), team.members().len() + 1);
    }

    #[test]
    fn an_agent_keeps_its_id_whatever_it_is_called() {
        assert_eq!(Team::built_in().answering("hi").author().id, crate::protocol::UserId::of_agent("assistant"));
    }

    #[test]
    fn a_tool_that_nobody_has_is_named_with_its_agent() {
        let tools = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let leader =
            Agent { tools: tools(&["calculate", "docs/*", "calculat"]), ..(**Team::built_in().leader()).clone() };
        let team = Team::of(leader, []);
        let unknown = team.unknown_tools(|tool| tool == "calculate");
        assert_eq!(unknown, ["Assistant is to use the tool calculat, which this server does not have"]);
    }
}
