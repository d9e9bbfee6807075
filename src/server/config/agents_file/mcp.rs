//! `[[mcp]]`: servers of tools beside ours.

use std::{collections::BTreeMap, ops::Range, time::Duration};

use axum::http::{HeaderName, HeaderValue};
use toml::Spanned;

use super::{
    McpServer, McpTransport,
    check::{Check, too_many},
    written::{self, Text, TextTable},
};
use crate::{
    protocol::limits,
    server::{
        agents::tools::{Class, catalog::is_source_name},
        config::Secret,
    },
};

/// Those that are right, and what all of them are called, with their place.
#[derive(Default)]
pub struct Servers {
    pub right: Vec<McpServer>,
    pub named: Vec<(String, Range<usize>)>,
    /// Names that none may have: told where they stand, and not once more where an agent has its tools.
    misnamed: Vec<String>,
}

impl Servers {
    pub fn has(&self, name: &str) -> bool {
        self.named.iter().any(|(known, _)| known == name) || self.misnamed.iter().any(|known| known == name)
    }
}

pub fn servers(check: &mut Check, written: Vec<Spanned<written::Server>>) -> Servers {
    let mut servers = Servers::default();
    if let Some(first) = written.get(limits::MCP_SERVERS) {
        check.wrong(first.span(), "mcp", too_many("servers", limits::MCP_SERVERS));
    }
    for written in written.into_iter().take(limits::MCP_SERVERS) {
        let (span, written) = (written.span(), written.into_inner());
        let name = name(check, written.name.as_ref(), span.clone(), &mut servers);
        servers.named.extend(name.clone().map(|name| (name, span.clone())));
        let server = server(check, written, span);
        servers.right.extend(name.zip(server).map(|(name, server)| McpServer { name, ..server }));
    }
    servers
}

fn name(check: &mut Check, written: Option<&Text>, span: Range<usize>, before: &mut Servers) -> Option<String> {
    let Some(text) = written else {
        check.wrong(span, "mcp.name", "is left out; add a line such as name = \"docs\"");
        return None;
    };
    let name = text.get_ref();
    if !is_source_name(name) {
        let what = format!("takes up to 32 letters, digits, - and single _, such as \"docs\"; it is {name:?}");
        check.wrong(text.span(), "mcp.name", what);
        before.misnamed.push(name.clone());
    } else if let Some((_, first)) = before.named.iter().find(|(known, _)| known == name) {
        let line = check.line(first.clone());
        check.wrong(text.span(), "mcp.name", format!("is the name of the server of line {line}, too; choose another"));
    } else {
        return Some(name.clone());
    }
    None
}

/// All but its name.
fn server(check: &mut Check, written: written::Server, span: Range<usize>) -> Option<McpServer> {
    let class = written.class.map_or(Some(Class::Write), |class| class_of(check, &class));
    let timeout = 1..=limits::MCP_TIMEOUT_MAX_S.into();
    let timeout_s: Option<u32> = check.number(written.timeout_s.as_ref(), "mcp.timeout_s", timeout);
    let is_told = written.ask_before.is_some();
    let ask_before = check.list(written.ask_before, "mcp.ask_before");
    for tool in ask_before.iter().filter(|tool| tool.get_ref().is_empty() || tool.get_ref().contains('/')) {
        let what = "takes the server's own names of its tools, without the server's, or \"*\" for all of them";
        check.wrong(tool.span(), "mcp.ask_before", what);
    }
    let transport = match (written.command, written.url) {
        (Some(command), None) => {
            not_here(check, written.headers.map(|table| table.span()), "mcp.headers", "url");
            stdio(check, &command, written.args, written.env)
        }
        (None, Some(url)) => {
            not_here(check, written.args.map(|list| list.span()), "mcp.args", "command");
            not_here(check, written.env.map(|table| table.span()), "mcp.env", "command");
            http(check, &url, written.headers)
        }
        (Some(_), Some(url)) => {
            check.wrong(url.span(), "mcp.url", "stands beside a command; leave one of the two out");
            None
        }
        (None, None) => {
            let what = "is left out; write the command that starts the server, or the url where it answers";
            check.wrong(span, "mcp.command", what);
            None
        }
    };
    Some(McpServer {
        name: String::new(),
        transport: transport?,
        ask_before: is_told.then(|| ask_before.into_iter().map(Spanned::into_inner).collect()),
        class: class?,
        timeout: Duration::from_secs(timeout_s.unwrap_or(limits::MCP_TIMEOUT_S).into()),
    })
}

fn not_here(check: &mut Check, span: Option<Range<usize>>, field: &str, belongs_to: &str) {
    if let Some(span) = span {
        check.wrong(span, field, format!("belongs to a server with a {belongs_to}; leave it out"));
    }
}

fn class_of(check: &mut Check, class: &Text) -> Option<Class> {
    match class.get_ref().as_str() {
        "read" => Some(Class::Read),
        "write" => Some(Class::Write),
        "costly" => Some(Class::Costly),
        other => {
            let what = format!("takes \"read\", \"write\" or \"costly\"; it is {other:?}");
            check.wrong(class.span(), "mcp.class", what);
            None
        }
    }
}

fn stdio(
    check: &mut Check,
    command: &Text,
    args: Option<written::Texts>,
    env: Option<TextTable>,
) -> Option<McpTransport> {
    let program = check.line_of_text(command, "mcp.command", 1_000)?;
    let args = check.list(args, "mcp.args");
    let args = args.iter().map(|text| check.filled(text, "mcp.args")).collect();
    let mut variables = BTreeMap::new();
    for (name, value) in check.table(env, "mcp.env") {
        let field = format!("mcp.env.{name}");
        let filled = check.filled(&value, &field);
        if name.is_empty() || name.contains(['=', '\0']) || filled.contains('\0') {
            check.wrong(value.span(), &field, "takes a name without = and a value without a NUL");
        }
        variables.insert(name, Secret::new(filled.as_bytes()));
    }
    Some(McpTransport::Stdio { command: program, args, env: variables })
}

fn http(check: &mut Check, url: &Text, headers: Option<TextTable>) -> Option<McpTransport> {
    let address = check.filled(url, "mcp.url");
    // An address may hold a key: it is not repeated.
    let right =
        reqwest::Url::parse(&address).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if !right && !address.is_empty() {
        check.wrong(url.span(), "mcp.url", "takes an address such as \"https://mcp.example.com/mcp\"");
    }
    let mut sent = BTreeMap::new();
    for (name, value) in check.table(headers, "mcp.headers") {
        let field = format!("mcp.headers.{name}");
        let filled = check.filled(&value, &field);
        if HeaderName::try_from(&name).is_err() || HeaderValue::try_from(&filled).is_err() {
            check.wrong(value.span(), &field, "is no HTTP header; write a name and a value on one line");
        }
        sent.insert(name, Secret::new(filled.as_bytes()));
    }
    right.then_some(McpTransport::Http { url: address, headers: sent })
}
