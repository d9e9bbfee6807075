//! One small question to a model, made once.

use std::sync::Arc;

use futures_util::StreamExt;

use crate::{
    protocol::{Side, limits},
    server::{
        agents::llm::{ChatMessage, ChatRequest, Delta, LlmClient, LlmError, genai::GenaiClient},
        config::ModelChoice,
    },
};

/// What the model said, or why it did not.
pub(super) async fn ask(choice: &ModelChoice) -> Result<String, String> {
    let ModelChoice::Remote(remote) = choice else {
        return Ok("No model is set: the built-in planner answers, without a key and without a network.".into());
    };
    let client: Arc<dyn LlmClient> = Arc::new(GenaiClient::new(remote.clone()).map_err(sentence)?);
    let question = ChatMessage::User { name: "Admin".into(), text: "Say hello in one short sentence.".into() };
    let request = ChatRequest {
        system: "You are being tested: answer in one short sentence.".into(),
        messages: vec![question],
        tools: Vec::new(),
        model: None,
        schema: None,
        audience: Side::House,
    };
    let mut deltas = client.chat(request).await.map_err(sentence)?;
    let mut text = String::new();
    while let Some(delta) = deltas.next().await {
        match delta.map_err(sentence)? {
            Delta::Text(piece) => text.push_str(&piece),
            Delta::Done => break,
            _ => {}
        }
        if text.chars().count() >= limits::MODEL_TEST_CHARS {
            break;
        }
    }
    let text: String = text.trim().chars().take(limits::MODEL_TEST_CHARS).collect();
    if text.is_empty() { Err("The model answered without a word.".into()) } else { Ok(text) }
}

fn sentence(error: LlmError) -> String {
    let text = error.to_string();
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let end = if text.ends_with(['.', ')', '!']) { "" } else { "." };
    format!("{first}{}{end}", chars.as_str())
}
