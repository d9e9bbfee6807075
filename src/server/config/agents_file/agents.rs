//! `leader` and `[[agents]]`: who is in the team.

use std::{ops::Range, path::Path};

use toml::Spanned;

use super::{
    check::{Check, too_many},
    mcp::Servers,
    read_text,
    written::{self, Text},
};
use crate::{
    protocol::{limits, server::agent_handle},
    server::agents::team::{Agent, Team},
};

/// Names the team as a whole, whoever is in it.
const RESERVED_HANDLE: &str = "agents";
const USUAL_EMOJI: &str = "🤖";

/// Without `[[agents]]` the built-in team stays.
pub fn team(
    check: &mut Check,
    leader: Option<Text>,
    written: Vec<Spanned<written::Agent>>,
    folder: &Path,
    servers: &Servers,
) -> Team {
    if written.is_empty() {
        if let Some(leader) = leader {
            check.wrong(leader.span(), "leader", "there are no agents to lead; add [[agents]], or leave this out");
        }
        if check.is_clean() {
            unused(check, servers, &[]);
        }
        return Team::built_in();
    }
    if let Some(first) = written.get(limits::AGENTS) {
        check.wrong(first.span(), "agents", too_many("agents", limits::AGENTS));
    }
    let mut agents: Vec<(Agent, Range<usize>)> = Vec::new();
    for written in written.into_iter().take(limits::AGENTS) {
        let span = written.span();
        if let Some(agent) = agent(check, written, folder, servers)
            && is_new(check, &agent, span.clone(), &agents)
        {
            agents.push((agent, span));
        }
    }
    let mut agents: Vec<Agent> = agents.into_iter().map(|(agent, _)| agent).collect();
    // What is wrong with an agent was told; what would only follow from it is not.
    if !check.is_clean() {
        return Team::built_in();
    }
    unused(check, servers, &agents);
    let leads = leader.and_then(|leader| leading(check, &leader, &agents)).unwrap_or(0);
    let leader = agents.remove(leads);
    Team::of(leader, agents)
}

fn agent(check: &mut Check, written: Spanned<written::Agent>, folder: &Path, servers: &Servers) -> Option<Agent> {
    let span = written.span();
    let written = written.into_inner();
    let name = name(check, written.name, span.clone());
    let description = match written.description {
        Some(text) => check.line_of_text(&text, "agents.description", limits::AGENT_DESCRIPTION_CHARS),
        None => {
            let what = "is left out; say in a line what the agent is good for: the leader chooses by it";
            check.wrong(span.clone(), "agents.description", what);
            None
        }
    };
    let prompt = prompt(check, written.prompt, written.prompt_file, span, folder);
    let emoji = written.emoji.map(|text| emoji(check, &text)).unwrap_or_else(|| USUAL_EMOJI.to_owned());
    let model = written.model.and_then(|text| {
        check.line_of_text(&text, "agents.model", 200)?;
        Some(check.filled(&text, "agents.model").trim().to_owned())
    });
    let tools = check.list(written.tools, "agents.tools");
    for tool in &tools {
        known_server(check, tool, servers);
    }
    let tools: Vec<String> = tools.into_iter().map(Spanned::into_inner).collect();
    let ask_before = check.list(written.ask_before, "agents.ask_before");
    for tool in ask_before.iter().filter(|tool| !is_among(&tools, tool.get_ref())) {
        let what = format!("{:?} is none of the agent's tools; add it to tools, or leave it out here", tool.get_ref());
        check.wrong(tool.span(), "agents.ask_before", what);
    }
    let turns = 1..=limits::AGENT_TURNS_MAX.into();
    let max_turns = check.number(written.max_turns.as_ref(), "agents.max_turns", turns);
    let name = name?;
    Some(Agent {
        handle: agent_handle(&name),
        name,
        emoji,
        description: description.unwrap_or_default(),
        prompt,
        model,
        tools,
        ask_before: ask_before.into_iter().map(Spanned::into_inner).collect(),
        max_turns: max_turns.unwrap_or(limits::TURNS_PER_RUN),
    })
}

fn name(check: &mut Check, written: Option<Text>, span: Range<usize>) -> Option<String> {
    let Some(text) = written else {
        check.wrong(span, "agents.name", "is left out; add a line such as name = \"Analyst\"");
        return None;
    };
    let name = check.line_of_text(&text, "agents.name", limits::AGENT_NAME_CHARS)?;
    if !name.contains(char::is_alphanumeric) {
        check.wrong(text.span(), "agents.name", "has no letter and no digit; write one that people can type");
    } else if agent_handle(&name) == RESERVED_HANDLE {
        check.wrong(text.span(), "agents.name", "@agents speaks to the whole team; choose another name");
    } else {
        return Some(name);
    }
    None
}

fn prompt(check: &mut Check, prompt: Option<Text>, file: Option<Text>, span: Range<usize>, folder: &Path) -> String {
    let (text, span, field) = match (prompt, file) {
        (Some(prompt), None) => {
            let span = prompt.span();
            (Ok(prompt.into_inner()), span, "agents.prompt")
        }
        (None, Some(file)) => {
            let path = folder.join(file.get_ref());
            let text = read_text(&path, limits::PROMPT_BYTES).map_err(|why| format!("{} {why}", path.display()));
            (text, file.span(), "agents.prompt_file")
        }
        (Some(_), Some(file)) => {
            (Err("stands beside a prompt; leave one of the two out".to_owned()), file.span(), "agents.prompt_file")
        }
        (None, None) => {
            (Err("is left out; write what the agent is told, or name a prompt_file".to_owned()), span, "agents.prompt")
        }
    };
    let what = match text {
        Err(what) => what,
        Ok(text) if text.trim().is_empty() => "is empty; write what the agent is told".to_owned(),
        Ok(text) if text.len() > limits::PROMPT_BYTES => {
            format!("has more than {} KiB; shorten it", limits::PROMPT_BYTES / 1024)
        }
        Ok(text) => return text.trim().to_owned(),
    };
    check.wrong(span, field, what);
    String::new()
}

fn emoji(check: &mut Check, text: &Text) -> String {
    let emoji = text.get_ref().trim();
    let plain = |c: char| c.is_alphabetic() || c.is_whitespace() || c.is_control();
    if emoji.is_empty() || emoji.len() > limits::EMOJI_BYTES || emoji.contains(plain) {
        check.wrong(text.span(), "agents.emoji", format!("takes one emoji, such as \"📊\"; it is {emoji:?}"));
    }
    emoji.to_owned()
}

/// A tool of a server is `SERVER/TOOL` or `SERVER/*`, and the server is in the file.
fn known_server(check: &mut Check, tool: &Text, servers: &Servers) {
    let name = tool.get_ref();
    let what = match name.split_once('/') {
        None if name.trim().is_empty() || name.contains(char::is_whitespace) || name.contains('*') => {
            format!("takes names of tools, such as \"calculate\" or \"docs/*\"; one is {name:?}")
        }
        None => return,
        Some((server, _)) if !servers.has(server) => {
            format!("{name:?} is of a server that is not in the file; add [[mcp]] with name = {server:?}")
        }
        Some((server, "")) => format!("{name:?} names no tool; write \"{server}/*\" for all of them"),
        Some(_) => return,
    };
    check.wrong(tool.span(), "agents.tools", what);
}

/// Whether the agent has this tool, by name or with all of its server's; all of a server are there where any is.
fn is_among(tools: &[String], tool: &str) -> bool {
    let server = tool.split_once('/').map(|(server, _)| server);
    tools.iter().any(|has| {
        has == tool
            || server.is_some_and(|server| {
                let of_server = has.strip_prefix(server).and_then(|rest| rest.strip_prefix('/'));
                of_server.is_some_and(|rest| rest == "*" || tool.ends_with("/*"))
            })
    })
}

fn is_new(check: &mut Check, agent: &Agent, span: Range<usize>, before: &[(Agent, Range<usize>)]) -> bool {
    let Some((_, first)) = before.iter().find(|(known, _)| known.handle == agent.handle) else { return true };
    let line = check.line(first.clone());
    let what = format!("@{} is the agent of line {line} already; choose another name", agent.handle);
    check.wrong(span, "agents.name", what);
    false
}

fn leading(check: &mut Check, leader: &Text, agents: &[Agent]) -> Option<usize> {
    let handle = agent_handle(leader.get_ref().trim().trim_start_matches('@'));
    let found = agents.iter().position(|agent| agent.handle == handle);
    if found.is_none() {
        let names: Vec<_> = agents.iter().map(|agent| format!("{:?}", agent.name)).collect();
        let what = format!("{:?} is none of the agents; write one of {}", leader.get_ref(), names.join(", "));
        check.wrong(leader.span(), "leader", what);
    }
    found
}

/// A server whose tools nobody has would be started for nothing.
fn unused(check: &mut Check, servers: &Servers, agents: &[Agent]) {
    for (name, span) in &servers.named {
        let of_server = |tool: &String| tool.split_once('/').is_some_and(|(server, _)| server == name);
        if !agents.iter().any(|agent| agent.tools.iter().any(of_server)) {
            let what = format!("no agent has its tools; add \"{name}/*\" to the tools of one in [[agents]]");
            check.wrong(span.clone(), "mcp.name", what);
        }
    }
}
