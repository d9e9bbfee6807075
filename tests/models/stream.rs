//! One call of an OpenAI-like server: what comes, what goes wrong, and that dropping it hangs up.

use std::{sync::Arc, time::Instant};

use magpie::{protocol::agent::Usage, server::agents::llm::ModelCall};
use serde_json::Value;
use tokio::sync::Notify;

use super::*;
use crate::support::model::{
    self, call_in_pieces, calls, cut, endless, hang, headers, line, no_usage, raw, say, silent_end, status, think,
    usage, wait,
};

fn used(input_tokens: u64, output_tokens: u64) -> Delta {
    Delta::Usage(Usage { input_tokens, output_tokens, ..Usage::default() })
}

fn call(id: &str, tool_name: &str, arguments: Value) -> Delta {
    Delta::ToolCall(ModelCall { id: id.into(), tool_name: tool_name.into(), arguments })
}

/// Without the signs of life.
fn said(deltas: Vec<Delta>) -> Vec<Delta> {
    deltas.into_iter().filter(|delta| !matches!(delta, Delta::Reasoning(text) if text.is_empty())).collect()
}

#[tokio::test]
async fn text_and_reasoning_come_piece_by_piece_and_usage_at_the_end() {
    let server = ModelServer::start().await;
    server.will([think("Hm. "), say("Grüß "), say("Gott"), usage(12, 3)]);
    let deltas = answer(&client(&server, "openai", ""), question("Hello?")).await.unwrap();
    let text = |text: &str| Delta::Text(text.into());
    let expected = [Delta::Reasoning("Hm. ".into()), text("Grüß "), text("Gott"), used(12, 3), Delta::Done];
    assert_eq!(deltas, expected);

    let asked = &server.requests()[0];
    assert_eq!(asked.path, "/v1/chat/completions");
    assert_eq!(asked.header("authorization"), None);
    assert_eq!(asked.body["model"], "scripted");
    assert_eq!(asked.body["stream"], true);
    assert_eq!(asked.body["stream_options"]["include_usage"], true);
    assert!(asked.body.get("reasoning_effort").is_none());
    let messages = json!([{ "role": "system", "content": "Be brief." }, { "role": "user", "content": "Hello?" }]);
    assert_eq!(asked.body["messages"], messages);
}

#[tokio::test]
async fn the_first_piece_is_there_before_the_last_is_written() {
    let server = ModelServer::start().await;
    let go = Arc::new(Notify::new());
    server.will([say("One"), wait(&go), say("Two")]);
    let mut stream = client(&server, "openai", "").chat(question("?")).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap(), Delta::Text("One".into()));
    go.notify_one();
    assert_eq!(stream.next().await.unwrap().unwrap(), Delta::Text("Two".into()));
}

#[tokio::test]
async fn several_calls_come_whole_whether_in_one_delta_or_in_pieces() {
    let server = ModelServer::start().await;
    server.will([calls(&[("a", "calculate", r#"{"expression":"2+2"}"#), ("b", "date_time", "{}")])]);
    let mut pieces = vec![say("Let me see.")];
    pieces.extend(call_in_pieces(0, "a", "calculate", &["{\"expr", "ession\":", "\"2+2\"}"]));
    pieces.extend(call_in_pieces(1, "b", "date_time", &[]));
    server.will(pieces);
    let client = client(&server, "openai", "");
    let both = [call("a", "calculate", json!({ "expression": "2+2" })), call("b", "date_time", json!({}))];
    let deltas = said(answer(&client, with_tools("2+2?")).await.unwrap());
    assert_eq!(deltas[1..3], both);
    let deltas = said(answer(&client, with_tools("2+2?")).await.unwrap());
    assert_eq!((&deltas[0], &deltas[2..4]), (&Delta::Text("Let me see.".into()), &both[..]));
    assert_eq!(server.requests()[1].body["tools"][0]["function"]["name"], "calculate");
}

#[tokio::test]
async fn the_request_names_the_model_whole_and_an_agents_own_before_the_configured() {
    let server = ModelServer::start().await;
    server.always([say("Yes")]);
    let client = client(&server, "openai", "k");
    for model in ["qwen-max", "hf.co/a/b:Q4", "vendor::name"] {
        answer(&client, ChatRequest { model: Some(model.into()), ..question("?") }).await.unwrap();
        let asked = server.requests().pop().unwrap();
        assert_eq!(asked.body["model"], model);
        assert!(asked.body.get("reasoning_effort").is_none(), "{}", asked.body);
        assert_eq!(asked.header("authorization"), Some("Bearer k"));
    }
}

#[tokio::test]
async fn an_end_is_an_end_without_done_and_without_usage() {
    let server = ModelServer::start().await;
    server.will([say("Yes"), no_usage()]);
    let end = r#"data: {"choices":[{"delta":{},"finish_reason":"stop"}]}"#;
    server.will([say("Yes"), line(end), silent_end()]);
    let client = client(&server, "openai", "");
    for _ in 0..2 {
        assert_eq!(answer(&client, question("?")).await.unwrap(), [Delta::Text("Yes".into()), Delta::Done]);
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_cut_wherever_it_does() {
    let server = ModelServer::start().await;
    server.will([say("Half an"), cut()]);
    server.will([say("Half an"), silent_end()]);
    server.will([headers(), silent_end()]);
    let client = client(&server, "openai", "");
    for _ in 0..3 {
        assert_eq!(answer(&client, question("?")).await, Err(LlmError::Cut));
    }
    server.will([cut()]);
    let error = answer(&client, question("?")).await.unwrap_err();
    assert!(matches!(error, LlmError::Unreachable(_)), "{error}");
}

#[tokio::test]
async fn comments_and_foreign_lines_are_passed_over_and_broken_json_is_malformed() {
    let server = ModelServer::start().await;
    server.will([line(": keep-alive"), line("what is this"), line("event: x\nid: 7"), say("Yes"), line("data:")]);
    let client = client(&server, "openai", "");
    assert_eq!(text(&answer(&client, question("?")).await.unwrap()), "Yes");
    for garbage in ["data: {\"choices\":[{\"del", "data: <html>oops</html>", "data: {\"choices\": [}"] {
        server.will([say("Yes"), line(garbage)]);
        let error = answer(&client, question("?")).await.unwrap_err();
        assert!(matches!(error, LlmError::Malformed(_)), "{garbage}: {error}");
    }
    server.will([raw("data: \u{0}\u{1}\n\n")]);
    assert!(matches!(answer(&client, question("?")).await, Err(LlmError::Malformed(_))));
}

#[tokio::test]
async fn json_of_another_shape_never_brings_a_call_down() {
    let server = ModelServer::start().await;
    let client = client(&server, "openai", "");
    let odd = [
        "{}",
        "[]",
        "7",
        "null",
        r#"{"choices":null}"#,
        r#"{"choices":[]}"#,
        r#"{"choices":[null]}"#,
        r#"{"choices":[{}]}"#,
        r#"{"choices":[{"delta":null}]}"#,
        r#"{"choices":[{"delta":{"content":7}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":null}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[7]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":4000000000,"function":{}}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"index":-1}]}}]}"#,
        r#"{"usage":"none","choices":[]}"#,
    ];
    for shape in odd {
        server.will([line(&format!("data: {shape}")), say("Yes")]);
        match answer(&client, question("?")).await {
            Ok(deltas) => assert_eq!(text(&deltas), "Yes", "{shape}"),
            Err(error) => assert!(matches!(error, LlmError::Malformed(_)), "{shape}: {error}"),
        }
    }
}

#[tokio::test]
async fn an_error_in_the_middle_of_a_stream_is_the_providers() {
    let server = ModelServer::start().await;
    server.will([say("Half"), line(r#"data: {"error":{"message":"The server is busy","code":503}}"#)]);
    let error = answer(&client(&server, "openai", ""), question("?")).await.unwrap_err();
    assert!(matches!(&error, LlmError::Failed(why) if why.contains("The server is busy")), "{error}");
}

#[tokio::test]
async fn a_refused_request_says_why_and_keeps_the_key_to_itself() {
    let key = "sk-0123456789";
    let server = ModelServer::start().await;
    let body = json!({ "error": { "message": format!("Incorrect API key provided: {key}") } }).to_string();
    server.will([status(401, &[], &body)]);
    server.will([status(429, &[("retry-after", "7")], "{}")]);
    server.will([status(302, &[("location", "http://127.0.0.1:1/")], "")]);
    let client = client(&server, "openai", key);
    let error = answer(&client, question("?")).await.unwrap_err();
    assert!(matches!(&error, LlmError::Refused(why) if why.contains("[key]")), "{error}");
    assert!(!format!("{error:?} {client:?}").contains(key));
    let limited = LlmError::RateLimited { retry_after: Some(Duration::from_secs(7)) };
    assert_eq!(answer(&client, question("?")).await, Err(limited));
    assert!(matches!(answer(&client, question("?")).await, Err(LlmError::Refused(_))));
}

#[tokio::test]
async fn nobody_there_is_unreachable_in_plain_words() {
    let server = ModelServer::start().await;
    let client = client(&server, "openai", "");
    drop(server);
    tokio::task::yield_now().await;
    let error = answer(&client, question("?")).await.unwrap_err();
    assert!(matches!(&error, LlmError::Unreachable(why) if why.starts_with("http://127.0.0.1:")), "{error}");
}

#[tokio::test]
async fn what_ends_an_answer_early_is_told() {
    let server = ModelServer::start().await;
    server.will([say("As far as it goes"), model::stop("length")]);
    server.will([say("Half"), model::stop("content_filter")]);
    let client = client(&server, "openai", "");
    let told = text(&answer(&client, question("?")).await.unwrap());
    assert!(told.starts_with("As far as it goes") && told.contains("limit"), "{told}");
    let error = answer(&client, question("?")).await.unwrap_err();
    assert!(matches!(&error, LlmError::Refused(why) if why.contains("filter")), "{error}");
}

#[tokio::test]
async fn what_a_server_does_not_know_is_left_out_once_it_says_so() {
    let server = ModelServer::start().await;
    let refuse = |why: &str| status(400, &[], &json!({ "error": { "message": why } }).to_string());
    server.will([refuse("'response_format' is not supported")]);
    server.will([refuse("unknown field stream_options")]);
    server.will([refuse("registry.ollama.ai/library/x does not support tools")]);
    server.always([say("{}")]);
    let client = client(&server, "openai", "");
    let asked = || ChatRequest { schema: Some(json!({ "type": "object" })), ..with_tools("?") };
    assert_eq!(text(&answer(&client, asked()).await.unwrap()), "{}");
    answer(&client, asked()).await.unwrap();
    let requests = server.requests();
    assert_eq!(requests.len(), 5, "learnt once");
    assert_eq!(requests[0].body["response_format"]["type"], "json_schema");
    for request in &requests[3..] {
        for field in ["response_format", "stream_options", "tools"] {
            assert!(request.body.get(field).is_none(), "{field}");
        }
    }
}

#[tokio::test]
async fn dropping_an_answer_hangs_up_within_200_ms_wherever_it_is() {
    let server = ModelServer::start().await;
    server.will([hang()]).will([headers(), hang()]).will([say("One"), hang()]).will([endless("more ")]);
    for at in 0..4 {
        let call = tokio::spawn({
            let client = client_at("openai", &server.base_url(), "");
            async move {
                let Ok(mut stream) = client.chat(question("?")).await else { return };
                while stream.next().await.is_some() {}
            }
        });
        server.asked(at + 1).await;
        // What the client has read of it shows nowhere, so there is no event to wait for. A hang-up that comes too
        // early only tries an earlier place.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let dropped = Instant::now();
        call.abort();
        let closed = server.closed(at).await;
        let took = closed.saturating_duration_since(dropped);
        println!("hung up after {took:?}");
        assert!(took < Duration::from_millis(200), "{at}: {took:?}");
    }
}

#[tokio::test]
async fn a_connection_is_used_again_after_a_whole_answer() {
    let server = ModelServer::start().await;
    server.always([say("Yes")]);
    let client = client(&server, "openai", "");
    for _ in 0..3 {
        answer(&client, question("?")).await.unwrap();
    }
    let peers: std::collections::BTreeSet<_> = server.requests().iter().map(|asked| asked.peer).collect();
    assert!(peers.len() < 3, "{peers:?}");
}
