//! `MAGPIE_AGENTS_FILE`: a team of the operator's own, what it may use up, and the servers of tools beside ours.
//! `agents.example.toml` shows all of it.
//!
//! The file is read as it is [`written`], then checked as a whole: all mistakes are told at once, each with
//! file, line, field and what to write instead. Keys do not belong in it: `"${NAME}"` takes a variable of the
//! environment ([`variables`]).

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::ConfigError;
use crate::{protocol::limits, server::agents::team::Team};

mod agents;
mod check;
mod mcp;
pub mod mcp_server;
mod means;
mod variables;
mod written;

use check::Check;
pub use mcp_server::{McpServer, McpTransport};
pub use variables::process_environment;

/// What the file says, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentsFile {
    pub team: Team,
    pub mcp: Vec<McpServer>,
}

/// Looks a variable of the environment up.
type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Reads the file and the prompts that it names, beside it.
pub fn load(path: &Path) -> Result<AgentsFile, ConfigError> {
    let failed = |problems| ConfigError::AgentsFile { path: path.to_owned(), problems };
    let text = read_text(path, limits::AGENTS_FILE_BYTES).map_err(|why| failed(vec![format!("{why}.")]))?;
    let folder = path.parent().map(PathBuf::from).unwrap_or_default();
    parse(&text, &folder, &variables::of_the_process).map_err(failed)
}

/// The file's text; prompts of its own stand in `folder`. The error: the mistakes, in the order of their lines.
fn parse(text: &str, folder: &Path, variables: Variables) -> Result<AgentsFile, Vec<String>> {
    let written = written::parse(text)?;
    let mut check = Check::new(text, variables);
    let servers = mcp::servers(&mut check, written.mcp);
    let mut team = agents::team(&mut check, written.leader, written.agents, folder, &servers);
    team.teamwork = means::teamwork(&mut check, written.teamwork);
    team.budgets = means::budgets(&mut check, written.budget, written.prices.is_some());
    team.prices = means::prices(&mut check, written.prices);
    check.done(AgentsFile { team, mcp: servers.right })
}

/// A whole file of at most so many bytes; the error goes behind its name.
fn read_text(path: &Path, most: usize) -> Result<String, String> {
    let failed = |error: io::Error| format!("cannot be read: {error}");
    // Opening a pipe would wait for whoever writes into it.
    if !path.metadata().map_err(failed)?.is_file() {
        return Err("is not a file".to_owned());
    }
    let mut bytes = Vec::new();
    File::open(path).map_err(failed)?.take(most as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > most {
        return Err(format!("has more than {} KiB", most / 1024));
    }
    String::from_utf8(bytes).map_err(|_| "is not written in UTF-8".to_owned())
}

#[cfg(test)]
mod tests;
