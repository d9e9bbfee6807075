//! `MAGPIE_AGENTS_FILE`: a team of the operator's own, what it may use up, and the servers of tools beside ours.

pub mod mcp_server;

pub use mcp_server::{McpServer, McpTransport};
