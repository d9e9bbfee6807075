//! One tool of a server, as agents have it.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use rmcp::{
    model::{self, CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ResourceContents},
    service::ServiceError,
    transport::{DynamicTransportError, streamable_http_client::StreamableHttpError},
};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::server::Server;
use crate::{
    protocol::limits,
    server::agents::tools::{Class, Tool, ToolContext, ToolError, ToolOutput, catalog::offered_name, short, shortened},
};

pub(super) struct McpTool {
    server: Arc<Server>,
    /// As the server calls it.
    own_name: String,
    /// As models call it.
    name: String,
    description: String,
    parameters: Value,
    class: Class,
    asks_first: bool,
}

impl McpTool {
    /// `None`: what it says of itself is more than a model should read.
    pub(super) fn of(server: Arc<Server>, tool: model::Tool) -> Option<Self> {
        let mut parameters = Value::Object((*tool.input_schema).clone());
        if parameters.get("type").is_none() {
            parameters["type"] = json!("object");
        }
        if parameters.to_string().len() > limits::MCP_SCHEMA_BYTES || tool.name.trim().is_empty() {
            return None;
        }
        let config = &server.config;
        let read_only = tool.annotations.as_ref().and_then(|hints| hints.read_only_hint);
        let class = match read_only {
            Some(true) => Class::Read,
            Some(false) => Class::Write,
            None => config.class,
        };
        let asks_first = match &config.ask_before {
            Some(listed) => listed.iter().any(|name| name == "*" || *name == tool.name),
            // Nobody said: whoever changes something is asked about.
            None => class == Class::Write,
        };
        let described = tool.description.as_deref().or(tool.title.as_deref()).unwrap_or(&tool.name);
        Some(Self {
            name: offered_name(&config.name, &tool.name),
            description: shortened(described, limits::MCP_DESCRIPTION_CHARS),
            own_name: tool.name.into_owned(),
            parameters,
            class,
            asks_first,
            server,
        })
    }

    fn failed(&self, error: &ServiceError) -> ToolError {
        let server = &self.server.config.name;
        ToolError(match error {
            ServiceError::McpError(error) => short(&error.message),
            ServiceError::TransportSend(error) if is_too_large(error) => {
                format!("The MCP server {server} answered with more than {} MiB.", limits::MCP_JSON_BYTES >> 20)
            }
            _ => {
                self.server.doubt();
                format!("The MCP server {server} broke off. If it is down, it is started again soon.")
            }
        })
    }
}

#[async_trait]
impl Tool for McpTool {
    fn name(&self) -> &str {
        &self.name
    }

    fn description(&self) -> &str {
        &self.description
    }

    fn parameters(&self) -> Value {
        self.parameters.clone()
    }

    fn class(&self) -> Class {
        self.class
    }

    fn timeout(&self) -> Duration {
        // The call itself ends before: it tells the server.
        self.server.config.timeout + Duration::from_millis(limits::MCP_READY_MS)
    }

    fn asks_first(&self) -> bool {
        self.asks_first
    }

    fn activity(&self, _: &Value) -> String {
        short(&format!("Using {} of {}", self.own_name, self.server.config.name))
    }

    /// Dropping it tells the server that nobody waits any more.
    async fn call(&self, _: &ToolContext, arguments: Value) -> Result<ToolOutput, ToolError> {
        let arguments = match arguments {
            Value::Object(arguments) => arguments,
            Value::Null => serde_json::Map::new(),
            _ => return Err(ToolError("The arguments are no object.".into())),
        };
        let peer = self.server.peer().await.map_err(ToolError)?;
        let call = CallToolRequestParams::new(self.own_name.clone()).with_arguments(arguments);
        let patience = self.server.config.timeout;
        let Ok(answer) = timeout(patience, peer.call_tool_once(call)).await else {
            self.server.doubt();
            return Err(ToolError(format!("{} took longer than {} s and was stopped.", self.name, patience.as_secs())));
        };
        match answer.map_err(|error| self.failed(&error))? {
            CallToolResponse::Complete(result) => told(result),
            _ => Err(ToolError(format!("{} asks back, which cannot be answered here.", self.name))),
        }
    }
}

/// The answer was not read to its end.
fn is_too_large(error: &DynamicTransportError) -> bool {
    let error = error.error.downcast_ref::<StreamableHttpError<reqwest::Error>>();
    matches!(error, Some(StreamableHttpError::ResponseBodyTooLarge { .. }))
}

/// What a model reads of a result: its texts; what is no text is named.
fn told(result: CallToolResult) -> Result<ToolOutput, ToolError> {
    let parts: Vec<String> = result.content.iter().map(part).collect();
    let mut text = parts.join("\n");
    if text.trim().is_empty() {
        text = result.structured_content.map_or_else(|| "Done.".to_owned(), |value| value.to_string());
    }
    if result.is_error == Some(true) { Err(ToolError(text)) } else { Ok(text.into()) }
}

fn part(content: &ContentBlock) -> String {
    let kind = |kind: Option<&String>| kind.map_or("of an unknown type", String::as_str).to_owned();
    match content {
        ContentBlock::Text(text) => text.text.clone(),
        ContentBlock::Image(image) => format!("(a picture, {}, which cannot be shown here)", image.mime_type),
        ContentBlock::Audio(audio) => format!("(a sound, {}, which cannot be played here)", audio.mime_type),
        ContentBlock::ResourceLink(link) => format!("{}: {}", link.name, link.uri),
        ContentBlock::Resource(embedded) => match &embedded.resource {
            ResourceContents::TextResourceContents { text, .. } => text.clone(),
            ResourceContents::BlobResourceContents { uri, mime_type, .. } => {
                format!("({uri}, {}, which cannot be shown here)", kind(mime_type.as_ref()))
            }
            _ => "(something that cannot be shown here)".to_owned(),
        },
        _ => "(something that cannot be shown here)".to_owned(),
    }
}
