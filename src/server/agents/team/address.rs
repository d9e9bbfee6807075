//! Whom a message speaks to.

use std::sync::Arc;

use super::{Agent, Team};

/// What names the team, whoever is in it: then the leader decides who answers.
const TEAM_HANDLES: [&str; 2] = ["agents", "assistant"];
/// What may stand before a name at the start of a message.
const GREETINGS: [&str; 7] = ["hey", "hi", "hello", "dear", "ok", "okay", "please"];

impl Team {
    /// Whether a message speaks to the agents: `@agents`, `@assistant`, `@` and an agent's handle or name; the
    /// leader's name as a word; a member's name at the start. ("Writer" and "analyst" are words that people use.)
    pub fn is_addressed(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        !self.mentions(&text).is_empty() || has_word(&text, &self.leader().name) || self.called(&text).is_some()
    }

    /// The one member that a message is for, which answers by itself. `None`: the leader decides, for nobody is
    /// named, or several are, or the leader or the team.
    pub fn addressed(&self, text: &str) -> Option<&Arc<Agent>> {
        let text = text.to_lowercase();
        let mentions = self.mentions(&text);
        let Some(first) = mentions.first() else { return self.called(&text) };
        let alone = mentions.iter().all(|mention| mention == first);
        let Mention::Agent(agent) = first else { return None };
        (alone && !Arc::ptr_eq(agent, self.leader())).then_some(agent)
    }

    /// Who answers where the team does not work together: the one that is named, else the leader.
    pub fn answering(&self, text: &str) -> Arc<Agent> {
        self.addressed(text).unwrap_or_else(|| self.leader()).clone()
    }

    /// The one agent whose handle or name stands in this text; of "market analyst" and "analyst", the longer.
    pub fn only_one_in(&self, text: &str) -> Option<&Arc<Agent>> {
        let text = text.to_lowercase();
        let named: Vec<_> = self
            .agents()
            .filter_map(|agent| Some((agent, self.names(agent).into_iter().find(|name| has_word(&text, name))?)))
            .collect();
        let (agent, longest) = named.iter().max_by_key(|(_, name)| name.len())?;
        named.iter().all(|(other, name)| Arc::ptr_eq(other, agent) || longest.contains(name)).then_some(agent)
    }

    /// All that stands behind an `@`, in a text in lower case.
    fn mentions(&self, text: &str) -> Vec<Mention<'_>> {
        let at_signs = text.match_indices('@').filter(|(at, _)| !text[..*at].ends_with(of_a_word));
        at_signs.filter_map(|(at, _)| self.mention(&text[at + 1..])).collect()
    }

    /// What is named at the start of this text: the longest of the names that fit.
    fn mention(&self, text: &str) -> Option<Mention<'_>> {
        let agents = self.agents().flat_map(|agent| self.names(agent).map(|name| (name, Mention::Agent(agent))));
        let team = TEAM_HANDLES.map(|handle| (handle.to_owned(), Mention::Team));
        // Of two of the same length the later one wins: an agent that is called like the team is meant itself.
        let all = team.into_iter().chain(agents);
        all.filter(|(name, _)| starts_with_word(text, name)).max_by_key(|(name, _)| name.len()).map(|(_, found)| found)
    }

    /// The member whose bare name opens a text in lower case: `analyst, …`, `hey analyst: …`.
    fn called(&self, text: &str) -> Option<&Arc<Agent>> {
        let mut text = text.trim_start();
        while let Some(greeting) = GREETINGS.iter().find(|greeting| starts_with_word(text, greeting)) {
            text = text[greeting.len()..].trim_start_matches([' ', ',', '!']);
        }
        let (agent, name) = self
            .members()
            .iter()
            .map(|agent| (agent, agent.name.to_lowercase()))
            .filter(|(_, name)| starts_with_word(text, name))
            .max_by_key(|(_, name)| name.len())?;
        let rest = text[name.len()..].trim_start();
        (rest.is_empty() || rest.starts_with([',', ':', '!', '?', '.', '–', '—'])).then_some(agent)
    }

    fn names(&self, agent: &Agent) -> [String; 2] {
        [agent.handle.clone(), agent.name.to_lowercase()]
    }
}

#[derive(Clone)]
enum Mention<'a> {
    Team,
    Agent(&'a Arc<Agent>),
}

impl PartialEq for Mention<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Team, Self::Team) => true,
            (Self::Agent(a), Self::Agent(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

fn of_a_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether `text` begins with `word` and no word goes on behind it, by a hyphen neither.
fn starts_with_word(text: &str, word: &str) -> bool {
    let Some(rest) = text.strip_prefix(word) else { return false };
    !word.is_empty() && !rest.trim_start_matches('-').starts_with(of_a_word) || rest.starts_with("--")
}

/// Whether `word` stands in `text`, which is in lower case, with nothing that belongs to a word on either side.
fn has_word(text: &str, word: &str) -> bool {
    let word = word.to_lowercase();
    !word.is_empty()
        && text
            .match_indices(&word)
            .any(|(at, _)| !text[..at].ends_with(of_a_word) && !text[at + word.len()..].starts_with(of_a_word))
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
    fn a_member_is_addressed_by_its_handle_anywhere_and_by_its_name_at_the_start() {
        let team = Team::built_in();
        for (text, name) in [
            ("@analyst what is 17 * 23?", "Analyst"),
            ("please, @Analyst: sum it up", "Analyst"),
            ("what does @market-analyst say?", "Market analyst"),
            ("@Market Analyst, how is gold?", "Market analyst"),
            ("(@writer)", "Writer"),
            ("@writer @writer!", "Writer"),
            ("Analyst, what is 17 * 23?", "Analyst"),
            ("hey market analyst: gold?", "Market analyst"),
            ("Writer", "Writer"),
        ] {
            assert!(team.is_addressed(text), "{text}");
            assert_eq!(team.addressed(text).map(|agent| agent.name.as_str()), Some(name), "{text}");
            assert_eq!(team.answering(text).name, name, "{text}");
        }
    }

    #[test]
    fn the_leader_decides_where_nobody_or_more_than_one_is_named() {
        let team = Team::built_in();
        for text in
            ["hi", "@agents hi", "@assistant hi", "@analyst and @writer: go", "@agents ask @analyst", "hey assistant"]
        {
            assert!(team.addressed(text).is_none(), "{text}");
            assert_eq!(team.answering(text).name, "Assistant", "{text}");
        }
    }

    #[test]
    fn a_word_that_people_use_calls_nobody() {
        let team = Team::built_in();
        for text in [
            "the writer of this book",
            "Writer's block again",
            "analyst jobs in Berlin",
            "@analyst-desk is closed",
            "ben@analyst.example_",
            "@analysts",
        ] {
            assert!(!team.is_addressed(text), "{text}");
            assert!(team.addressed(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_name_within_words_is_found_the_longer_one_of_two() {
        let team = Team::built_in();
        let found = |text| team.only_one_in(text).map(|agent| agent.name.as_str());
        assert_eq!(found("the Analyst should go on"), Some("Analyst"));
        assert_eq!(found("Market analyst 📈"), Some("Market analyst"));
        assert_eq!(found("Writer or Researcher"), None);
        assert_eq!(found("nobody"), None);
    }
}
