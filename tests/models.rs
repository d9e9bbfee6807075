//! Models over a real socket, on a server that follows a script.

#[path = "models/endless.rs"]
mod endless;
#[path = "models/providers.rs"]
mod providers;
#[path = "models/retry.rs"]
mod retry;
#[path = "models/room.rs"]
mod room;
#[path = "models/stream.rs"]
mod stream;

use std::time::Duration;

use futures_util::StreamExt;
use magpie::{
    protocol::Side,
    server::{
        agents::llm::{ChatMessage, ChatRequest, Delta, LlmClient, LlmError, ToolDefinition, genai::GenaiClient},
        config::model::{GivenModel, ModelChoice},
    },
};
use serde_json::json;

use crate::support::model::ModelServer;

/// A client of this server, as this provider.
fn client(server: &ModelServer, provider: &str, api_key: &str) -> GenaiClient {
    let base_url = match provider {
        "openai" => server.base_url(),
        _ => format!("http://{}", server.addr),
    };
    client_at(provider, &base_url, api_key)
}

fn client_at(provider: &str, base_url: &str, api_key: &str) -> GenaiClient {
    let given = GivenModel { provider, base_url: Some(base_url), api_key: Some(api_key), model: Some("scripted") };
    match ModelChoice::of(given).unwrap() {
        ModelChoice::Remote(remote) => GenaiClient::new(remote).unwrap(),
        ModelChoice::Offline => panic!("offline"),
    }
}

fn question(text: &str) -> ChatRequest {
    ChatRequest {
        system: "Be brief.".into(),
        messages: vec![ChatMessage::User { name: "Anna".into(), text: text.into() }],
        tools: Vec::new(),
        model: None,
        schema: None,
        audience: Side::House,
    }
}

fn with_tools(text: &str) -> ChatRequest {
    let tool = |name: &str| ToolDefinition {
        name: name.into(),
        description: "Does it.".into(),
        parameters: json!({ "type": "object", "properties": {} }),
    };
    ChatRequest { tools: vec![tool("calculate"), tool("date_time")], ..question(text) }
}

/// All that an answer brings, up to its end or its first error.
async fn answer(client: &dyn LlmClient, request: ChatRequest) -> Result<Vec<Delta>, LlmError> {
    let whole = async {
        let mut deltas = Vec::new();
        let mut stream = client.chat(request).await?;
        while let Some(delta) = stream.next().await {
            deltas.push(delta?);
        }
        Ok(deltas)
    };
    tokio::time::timeout(Duration::from_secs(20), whole).await.expect("an end")
}

fn text(deltas: &[Delta]) -> String {
    deltas.iter().filter_map(|delta| if let Delta::Text(text) = delta { Some(text.as_str()) } else { None }).collect()
}
