//! A server of tools that speaks the Model Context Protocol, as the operator names it.

use std::{collections::BTreeMap, fmt, time::Duration};

use crate::server::{agents::tools::Class, config::Secret};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct McpServer {
    /// Letters, digits, `-` and `_`: agents use its tools as `NAME/TOOL`, and all of them as `NAME/*`.
    pub name: String,
    pub transport: McpTransport,
    /// Those of its tools, by their own names, for which a person is asked before each call; `*` for all. `None`:
    /// those that change something.
    pub ask_before: Option<Vec<String>>,
    /// What its tools do to the world, where they do not say so themselves.
    pub class: Class,
    /// How long one call may take.
    pub timeout: Duration,
}

#[derive(Clone, PartialEq, Eq)]
pub enum McpTransport {
    /// A process that this server starts. Its environment is `env` and what a process needs, never ours.
    Stdio { command: String, args: Vec<String>, env: BTreeMap<String, Secret> },
    /// Streamable HTTP; an absolute `http` or `https` URL.
    Http { url: String, headers: BTreeMap<String, Secret> },
}

/// Arguments and addresses may hold keys, too: neither is shown.
impl fmt::Debug for McpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdio { command, .. } => f.debug_struct("Stdio").field("command", command).finish_non_exhaustive(),
            Self::Http { .. } => f.debug_struct("Http").finish_non_exhaustive(),
        }
    }
}
