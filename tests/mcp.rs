//! A real MCP server, made by others: its tools beside ours, over both transports, and in a run.

use std::{
    collections::BTreeMap,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use magpie::{
    protocol::{ConversationId, MessageId, RunId},
    server::{
        agents::tools::{Class, ToolContext, Tools, mcp::McpServers},
        clock,
        config::{McpServer, McpTransport},
    },
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::support::{
    TestApp,
    model::{ModelServer, calls, say},
};

const PATIENCE: Duration = Duration::from_secs(60);

/// Set by whoever has no npm and wants the other tests: then these are left out, and say so.
const LEAVES_OUT: &str = "MAGPIE_TEST_WITHOUT_NPM";

/// The server's script. `None`: it is not installed, and somebody said that this is as it should be.
///
/// # Panics
/// Where nobody did: what was not tested may not work.
#[expect(clippy::disallowed_methods, reason = "a switch of the test, no setting of the server")]
fn everything() -> Option<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("end2end/node_modules/@modelcontextprotocol/server-everything/dist/index.js");
    script_of(script, std::env::var_os(LEAVES_OUT).is_some())
}

fn script_of(script: PathBuf, may_be_missing: bool) -> Option<PathBuf> {
    if script.is_file() {
        return Some(script);
    }
    assert!(
        may_be_missing,
        "npm's MCP server is not installed. `scripts/setup.sh browser` (as `make test` does) or `npm ci` in end2end \
         installs it; {LEAVES_OUT}=1 leaves out the tests that need it."
    );
    eprintln!("\n*** NOT TESTED: a real MCP server ({LEAVES_OUT} is set).\n");
    None
}

#[test]
fn where_the_real_server_is_missing_nothing_passes_unsaid() {
    let nowhere = || PathBuf::from("/nowhere/index.js");
    let said = std::panic::catch_unwind(|| script_of(nowhere(), false)).unwrap_err();
    let said = said.downcast_ref::<String>().expect("a sentence");
    assert!(said.contains("scripts/setup.sh browser") && said.contains(LEAVES_OUT), "{said}");
    assert_eq!(script_of(nowhere(), true), None);
}

fn config(name: &str, transport: McpTransport) -> McpServer {
    McpServer { name: name.into(), transport, ask_before: None, class: Class::Write, timeout: PATIENCE }
}

fn stdio(script: &Path) -> McpTransport {
    let args = vec![script.to_str().unwrap().to_owned(), "stdio".into()];
    McpTransport::Stdio { command: "node".into(), args, env: BTreeMap::new() }
}

/// The server on a port of its own, over streamable HTTP.
async fn over_http(script: &Path) -> (Child, McpTransport) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = Command::new("node");
    command.arg(script).arg("streamableHttp").env("PORT", port.to_string());
    let mut server = command.stderr(Stdio::piped()).stdout(Stdio::null()).kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(server.stderr.take().unwrap()).lines();
    let listening = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains("listening") {
                return;
            }
        }
        panic!("it ended");
    };
    timeout(PATIENCE, listening).await.expect("a server that listens");
    // Whatever it says later is read, too.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    let url = format!("http://127.0.0.1:{port}/mcp");
    (server, McpTransport::Http { url, headers: BTreeMap::new() })
}

fn context(app: &TestApp) -> ToolContext {
    ToolContext {
        storage: app.state.storage.clone(),
        conversation_id: magpie::fresh_id!(ConversationId),
        run_id: magpie::fresh_id!(RunId),
        question: magpie::fresh_id!(MessageId),
        now: clock::now(),
        cancel: CancellationToken::new(),
    }
}

async fn call(tools: &Tools, app: &TestApp, name: &str, arguments: Value) -> Result<String, String> {
    let tool = tools.get(name).unwrap_or_else(|| panic!("no {name}"));
    let called = timeout(PATIENCE, tool.call(&context(app), arguments)).await.expect("in time");
    called.map(|output| output.text).map_err(|error| error.to_string())
}

/// What anyone may ask of it.
async fn is_used(transport: McpTransport) {
    let app = TestApp::start().await;
    let servers = McpServers::start([config("everything", transport)]);
    let tools = servers.sources().fold(Tools::default(), Tools::and_source);
    let all = ["everything/*".to_owned()];
    timeout(PATIENCE, async {
        while servers.status()["everything"] != "connected" {
            tools.ready(&all).await;
        }
    })
    .await
    .expect("a connection");
    let names: Vec<String> = tools.definitions(&all).into_iter().map(|tool| tool.name).collect();
    assert!(names.contains(&"everything__echo".to_owned()), "{names:?}");
    let echo = tools.get("everything__echo").unwrap();
    assert_eq!((echo.class(), echo.asks_first()), (Class::Read, false), "as it says of itself");
    assert_eq!(echo.parameters()["properties"]["message"]["type"], "string");

    let echoed = call(&tools, &app, "everything__echo", json!({ "message": "häh?" })).await;
    assert_eq!(echoed.as_deref(), Ok("Echo: häh?"));
    let sum = call(&tools, &app, "everything__get-sum", json!({ "a": 19, "b": 23 })).await.unwrap();
    assert!(sum.contains("42"), "{sum}");
    let picture = call(&tools, &app, "everything__get-tiny-image", json!({})).await.unwrap();
    assert!(picture.contains("(a picture, image/png"), "{picture}");
    assert!(call(&tools, &app, "everything__echo", json!({})).await.is_err(), "an argument is missing");

    // Stopped in the middle; the connection is of use for others at once.
    let long = tools.get("everything__trigger-long-running-operation").unwrap();
    let context = context(&app);
    let stopped =
        timeout(Duration::from_millis(200), long.call(&context, json!({ "duration": 600, "steps": 600 }))).await;
    assert!(stopped.is_err(), "{stopped:?}");
    assert!(call(&tools, &app, "everything__echo", json!({ "message": "on" })).await.is_ok());
    servers.close().await;
}

#[tokio::test]
async fn a_servers_tools_are_used_over_stdio() {
    let Some(script) = everything() else { return };
    is_used(stdio(&script)).await;
}

#[tokio::test]
async fn a_servers_tools_are_used_over_http() {
    let Some(script) = everything() else { return };
    let (_server, transport) = over_http(&script).await;
    is_used(transport).await;
}

#[tokio::test]
async fn a_server_that_dies_over_http_is_down_and_comes_back() {
    let Some(script) = everything() else { return };
    let app = TestApp::start().await;
    let (mut server, transport) = over_http(&script).await;
    let McpTransport::Http { url, .. } = transport.clone() else { unreachable!() };
    let servers = McpServers::start([config("everything", transport)]);
    let tools = servers.sources().fold(Tools::default(), Tools::and_source);
    let is = async |wanted: &'static str| {
        let reached = async {
            while servers.status()["everything"] != wanted {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, reached).await.unwrap_or_else(|_| panic!("never {wanted}"));
    };
    is("connected").await;
    server.kill().await.unwrap();
    let error = call(&tools, &app, "everything__echo", json!({ "message": "x" })).await.unwrap_err();
    assert!(error.contains("MCP server everything"), "{error}");
    is("down").await;
    let port = url.trim_start_matches("http://127.0.0.1:").trim_end_matches("/mcp");
    let mut again = Command::new("node");
    again.arg(&script).arg("streamableHttp").env("PORT", port).stdout(Stdio::null()).stderr(Stdio::null());
    let _again = again.kill_on_drop(true).spawn().unwrap();
    is("connected").await;
    assert!(call(&tools, &app, "everything__echo", json!({ "message": "x" })).await.is_ok());
    servers.close().await;
}

#[tokio::test]
async fn a_run_uses_a_servers_tool() {
    let Some(script) = everything() else { return };
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("agents.toml");
    let agents = format!(
        "[[agents]]\nname = \"Echo\"\nemoji = \"📣\"\ndescription = \"Echoes.\"\nprompt = \"You echo.\"\n\
         tools = [\"everything/*\"]\n\n[[mcp]]\nname = \"everything\"\ncommand = \"node\"\nargs = [{:?}, \"stdio\"]\n",
        script.to_str().unwrap()
    );
    std::fs::write(&file, agents).unwrap();
    let model = ModelServer::start().await;
    model.will([calls(&[("c1", "everything__echo", r#"{"message":"from a run"}"#)])]);
    model.will([say("It said what I said.")]);
    let app = TestApp::start_in(data.path(), |settings| {
        model.configure(settings);
        settings.agents_file = Some(file.to_str().unwrap().into());
    })
    .await;
    let anna = app.register("anna").await;
    let room = app.conversation(&anna, json!({ "title": "With agents" })).await;
    let mut socket = app.connect(&anna).await;
    socket.subscribe(room, Some(1)).await;
    socket.chat(room, "Echo something.").await;
    assert_eq!(socket.next_of("tool_call").await["tool_name"], "everything__echo");
    let result = socket.next_of("tool_result").await;
    assert_eq!((&result["success"], &result["result_preview"]), (&json!(true), &json!("Echo: from a run")));
    assert_eq!(socket.next_of("result").await["content"], "It said what I said.");
    let offered = model.requests()[0].body["tools"].to_string();
    assert!(offered.contains("everything__echo") && offered.contains("everything__get-sum"), "{offered}");
    let health: Value = app.get(&anna, "/health/ready").await.json().await.unwrap();
    assert_eq!(health["mcp_servers"], json!({ "everything": "connected" }));
    app.stop().await;
}
