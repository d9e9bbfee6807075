//! A server over HTTP that answers as JSON, in no stream.

use axum::{
    Json, Router,
    body::Body,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use futures_util::{StreamExt, stream};

use super::*;

/// One tool answers with a word, the other one without an end.
async fn answer(Json(asked): Json<Value>) -> Response {
    let Some(id) = asked.get("id") else { return StatusCode::ACCEPTED.into_response() };
    let result = match (asked["method"].as_str().unwrap(), asked["params"]["name"].as_str()) {
        ("initialize", _) => json!({
            "protocolVersion": asked["params"]["protocolVersion"], "capabilities": { "tools": {} },
            "serverInfo": { "name": "json", "version": "1" },
        }),
        ("tools/list", _) => {
            let tools = ["say", "flood"].map(|name| json!({ "name": name, "inputSchema": {} }));
            json!({ "tools": Value::from_iter(tools) })
        }
        ("tools/call", Some("flood")) => {
            let begin = format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{"content":[{{"type":"text","text":""#);
            let body = stream::iter([begin]).chain(stream::repeat("x".repeat(64 * 1024)));
            let body = Body::from_stream(body.map(Ok::<_, std::convert::Infallible>));
            return ([(header::CONTENT_TYPE, "application/json")], body).into_response();
        }
        ("tools/call", _) => json!({ "content": [{ "type": "text", "text": "said" }] }),
        ("ping", _) => json!({}),
        _ => {
            let error = json!({ "code": -32601, "message": "no such method" });
            return Json(json!({ "jsonrpc": "2.0", "id": id, "error": error })).into_response();
        }
    };
    Json(json!({ "jsonrpc": "2.0", "id": id, "result": result })).into_response()
}

#[tokio::test]
async fn an_answer_without_an_end_is_refused_and_the_next_one_is_read() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/mcp", listener.local_addr().unwrap());
    let server = tokio::spawn(axum::serve(listener, Router::new().route("/mcp", post(answer))).into_future());
    let running =
        Running::start(|config| config.transport = McpTransport::Http { url, headers: BTreeMap::new() }).await;
    running.connected().await;
    let error = running.call("flood").await.unwrap_err();
    assert_eq!(error, "The MCP server script answered with more than 16 MiB.");
    assert_eq!(running.call("say").await.as_deref(), Ok("said"));
    running.close().await;
    server.abort();
}
