//! The other providers' protocols, as far as their streams can be played from what they document.

use magpie::{
    protocol::{agent::Usage, limits},
    server::agents::llm::ModelCall,
};

use super::*;
use crate::support::model::{hang, line, raw, silent_end, status};

fn event(name: &str, data: serde_json::Value) -> crate::support::model::Beat {
    raw(&format!("event: {name}\ndata: {data}\n\n"))
}

fn data(data: serde_json::Value) -> crate::support::model::Beat {
    line(&format!("data: {data}"))
}

#[tokio::test]
async fn anthropic_streams_text_calls_and_usage() {
    let server = ModelServer::start().await;
    let block = |index: u64, block| json!({ "type": "content_block_start", "index": index, "content_block": block });
    let delta = |index: u64, delta| json!({ "type": "content_block_delta", "index": index, "delta": delta });
    let stop = |index: u64| event("content_block_stop", json!({ "type": "content_block_stop", "index": index }));
    let tool = json!({ "type": "tool_use", "id": "toolu_1", "name": "calculate", "input": {} });
    let begin = json!({ "type": "message_start", "message": { "usage": { "input_tokens": 25, "output_tokens": 1 } } });
    let end = json!({
        "type": "message_delta", "delta": { "stop_reason": "tool_use" }, "usage": { "output_tokens": 15 },
    });
    let pieces = [
        event("message_start", begin),
        event("ping", json!({ "type": "ping" })),
        event("content_block_start", block(0, json!({ "type": "text", "text": "" }))),
        event("content_block_delta", delta(0, json!({ "type": "text_delta", "text": "Let me see." }))),
        stop(0),
        event("content_block_start", block(1, tool)),
        event(
            "content_block_delta",
            delta(1, json!({ "type": "input_json_delta", "partial_json": "{\"expression\":" })),
        ),
        event("content_block_delta", delta(1, json!({ "type": "input_json_delta", "partial_json": "\"2+2\"}" }))),
        stop(1),
        event("message_delta", end),
    ];
    let stopped = event("message_stop", json!({ "type": "message_stop" }));
    server.will(pieces.iter().cloned().chain([stopped, silent_end()]));
    server.will(pieces.into_iter().chain([silent_end()]));
    server.will([status(529, &[], r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#)]);
    let client = client(&server, "anthropic", "sk-ant");
    let deltas = answer(&client, with_tools("2+2?")).await.unwrap();
    assert_eq!(text(&deltas), "Let me see.");
    let arguments = json!({ "expression": "2+2" });
    let call = ModelCall { id: "toolu_1".into(), tool_name: "calculate".into(), arguments };
    assert!(deltas.contains(&Delta::ToolCall(call)), "{deltas:?}");
    let used = Usage { input_tokens: 25, output_tokens: 15, ..Usage::default() };
    assert!(deltas.contains(&Delta::Usage(used)), "{deltas:?}");
    assert_eq!(deltas.last(), Some(&Delta::Done));
    let asked = &server.requests()[0];
    assert_eq!((asked.path.as_str(), asked.header("x-api-key")), ("/v1/messages", Some("sk-ant")));

    assert_eq!(answer(&client, question("?")).await, Err(LlmError::Cut), "without its message_stop");
    assert!(matches!(answer(&client, question("?")).await, Err(LlmError::Failed(_))));
}

#[tokio::test]
async fn gemini_streams_text_calls_and_usage() {
    let server = ModelServer::start().await;
    let candidate = |parts: serde_json::Value, reason: Option<&str>| {
        let mut candidate = json!({ "content": { "role": "model", "parts": parts }, "index": 0 });
        if let Some(reason) = reason {
            candidate["finishReason"] = json!(reason);
        }
        let usage = json!({ "promptTokenCount": 9, "candidatesTokenCount": 4, "totalTokenCount": 13 });
        data(json!({ "candidates": [candidate], "usageMetadata": usage }))
    };
    let calling = json!([{ "functionCall": { "name": "calculate", "args": { "expression": "2+2" } } }]);
    let words = || candidate(json!([{ "text": "Let me see." }]), None);
    server.will([words(), candidate(calling, Some("STOP")), silent_end()]);
    server.will([words(), silent_end()]);
    server.will([words(), candidate(json!([]), Some("SAFETY")), silent_end()]);
    let client = client(&server, "gemini", "AIza");
    let deltas = answer(&client, with_tools("2+2?")).await.unwrap();
    assert_eq!(text(&deltas), "Let me see.");
    let calls = deltas.iter().filter_map(|delta| if let Delta::ToolCall(call) = delta { Some(call) } else { None });
    let calls: Vec<_> = calls.map(|call| (call.tool_name.as_str(), &call.arguments["expression"])).collect();
    assert_eq!(calls, [("calculate", &json!("2+2"))]);
    let used = Usage { input_tokens: 9, output_tokens: 4, ..Usage::default() };
    assert!(deltas.contains(&Delta::Usage(used)), "{deltas:?}");
    let asked = &server.requests()[0];
    assert_eq!(asked.path, "/v1beta/models/scripted:streamGenerateContent?alt=sse");
    assert_eq!(asked.header("x-goog-api-key"), Some("AIza"));

    assert_eq!(answer(&client, question("?")).await, Err(LlmError::Cut), "without a finishReason");
    assert!(matches!(answer(&client, question("?")).await, Err(LlmError::Refused(_))), "for safety");
}

#[tokio::test]
async fn azure_and_ollama_are_asked_at_their_own_addresses() {
    let server = ModelServer::start().await;
    server.always([crate::support::model::say("Yes")]);
    answer(&client(&server, "azure", "k"), question("?")).await.unwrap();
    answer(&client(&server, "ollama", ""), question("?")).await.unwrap();
    let requests = server.requests();
    assert_eq!((requests[0].path.as_str(), requests[0].header("api-key")), ("/openai/v1/chat/completions", Some("k")));
    assert_eq!(requests[0].header("authorization"), None);
    assert_eq!((requests[1].path.as_str(), requests[1].header("authorization")), ("/v1/chat/completions", None));
}

#[tokio::test]
async fn a_probe_tells_who_answers_and_takes_the_key() {
    let server = ModelServer::start().await;
    for provider in ["openai", "azure", "anthropic", "gemini", "ollama"] {
        client(&server, provider, "k").probe().await.unwrap();
    }
    let paths = ["/v1/models", "/openai/v1/models", "/v1/models", "/v1beta/models", "/v1/models"];
    assert_eq!(server.probes(), paths);
    let lost = client(&server, "openai", "");
    drop(server);
    tokio::task::yield_now().await;
    assert!(lost.probe().await.is_err());
}

#[tokio::test]
async fn a_call_that_does_not_end_is_given_up_whoever_puts_it_together() {
    let server = ModelServer::start().await;
    let tool = json!({ "type": "tool_use", "id": "toolu_1", "name": "calculate", "input": {} });
    let piece = json!({ "type": "input_json_delta", "partial_json": "9".repeat(16 * 1024) });
    let piece = json!({ "type": "content_block_delta", "index": 0, "delta": piece });
    let begin =
        event("content_block_start", json!({ "type": "content_block_start", "index": 0, "content_block": tool }));
    let pieces = (0..=limits::MODEL_CALLS_BYTES / (16 * 1024)).map(|_| event("content_block_delta", piece.clone()));
    server.will([begin].into_iter().chain(pieces).chain([hang()]));
    let call = json!({ "functionCall": { "name": "calculate", "args": {} } });
    let calls = json!({ "candidates": [{ "content": { "parts": vec![call; limits::MODEL_CALLS + 1] } }] });
    server.will([data(calls), hang()]);
    for provider in ["anthropic", "gemini"] {
        let error = answer(&client(&server, provider, "key"), with_tools("2+2?")).await.unwrap_err();
        assert!(matches!(&error, LlmError::Malformed(why) if why.contains("more tool calls")), "{provider}: {error}");
    }
}
