use std::{collections::BTreeMap, fs, path::Path};

use futures_util::FutureExt;
use serde_json::{Value, json};
use tokio_util::task::TaskTracker;

mod http;

use super::*;
use crate::server::{
    agents::tools::{Class, Tools, tests::context},
    config::{McpTransport, Secret},
};

/// The script, running, and where it writes.
struct Running {
    dir: tempfile::TempDir,
    server: Arc<Server>,
    closing: CancellationToken,
    tasks: TaskTracker,
}

const TOOLS: &str = r#"[{"name":"say","description":"Says it.","inputSchema":{"type":"object","properties":{"a":{"type":"string"}}},
"annotations":{"readOnlyHint":true}},{"name":"fail","inputSchema":{"type":"object"}},{"name":"refuse","inputSchema":{}},
{"name":"picture","inputSchema":{},"annotations":{"readOnlyHint":false}},{"name":"numbers","inputSchema":{}},
{"name":"garbage","inputSchema":{}},{"name":"die","inputSchema":{}},{"name":"learn","inputSchema":{}},
{"name":"hang","inputSchema":{}},{"name":"deaf","inputSchema":{}}]"#;

fn config(dir: &Path) -> McpServer {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/src/server/agents/tools/mcp/server/script.sh");
    McpServer {
        name: "script".into(),
        transport: McpTransport::Stdio {
            command: "sh".into(),
            args: vec![script.into(), dir.to_str().unwrap().into()],
            env: BTreeMap::from([("SECRET".into(), Secret::new(b"a secret"))]),
        },
        ask_before: None,
        class: Class::Write,
        timeout: Duration::from_secs(20),
    }
}

impl Running {
    async fn start(change: impl FnOnce(&mut McpServer)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        // As two lines would be for a server that is told one message a line.
        fs::write(dir.path().join("tools"), TOOLS.replace('\n', "")).unwrap();
        let mut config = config(dir.path());
        change(&mut config);
        let (closing, tasks) = (CancellationToken::new(), TaskTracker::new());
        let server = Arc::new(Server::new(config));
        tasks.spawn(server.clone().keep(closing.clone()));
        Self { dir, server, closing, tasks }
    }

    async fn connected(&self) {
        self.is(|state| matches!(state, State::Up(_))).await;
    }

    async fn is(&self, wanted: impl FnMut(&State) -> bool) {
        let mut state = self.server.state.subscribe();
        let waited = timeout(Duration::from_secs(20), state.wait_for(wanted)).await;
        waited.expect("in time").expect("a server");
    }

    fn tools(&self) -> Tools {
        Tools::default().and_source(self.server.clone())
    }

    async fn call(&self, name: &str) -> Result<String, String> {
        let tool = self.tools().get(&format!("script__{name}")).unwrap_or_else(|| panic!("{name}"));
        let called = tool.call(&*context().await, json!({ "a": "b" })).await;
        called.map(|output| output.text).map_err(|error| error.to_string())
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.dir.path().join(file)).unwrap_or_default()
    }

    /// Waits until the server was told something that has this in it.
    async fn told(&self, what: &str) {
        let told = async {
            while !self.read("log").contains(what) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(20), told).await.unwrap_or_else(|_| panic!("{what} in {}", self.read("log")));
    }

    async fn close(&self) {
        self.closing.cancel();
        self.tasks.close();
        timeout(Duration::from_millis(limits::MCP_CLOSE_MS), self.tasks.wait()).await.expect("an end in time");
    }
}

fn is_running(pid: &str) -> bool {
    // A process that ended and was not waited for yet has a state of Z.
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

#[tokio::test]
async fn its_tools_are_offered_with_what_they_say_of_themselves() {
    let running = Running::start(|_| {}).await;
    running.connected().await;
    let tools = running.tools();
    let offered = tools.definitions(&["script/*".to_owned()]);
    assert_eq!(offered.len(), 10);
    assert_eq!((offered[0].name.as_str(), offered[0].description.as_str()), ("script__say", "Says it."));
    assert_eq!(offered[0].parameters["properties"]["a"]["type"], "string");
    assert_eq!(offered[2].parameters, json!({ "type": "object" }));
    for (name, class, asks) in
        [("say", Class::Read, false), ("fail", Class::Write, true), ("picture", Class::Write, true)]
    {
        let tool = tools.get(&format!("script__{name}")).unwrap();
        assert_eq!((tool.class(), tool.asks_first()), (class, asks), "{name}");
        assert_eq!(tools.asks_first(&[], tool.name()), asks);
    }
    running.close().await;
}

#[tokio::test]
async fn the_file_has_the_last_word_on_who_is_asked() {
    for (ask_before, asking) in [(vec![], vec![]), (vec!["say"], vec!["say"]), (vec!["*"], vec!["say", "fail"])] {
        let listed = ask_before.into_iter().map(str::to_owned).collect();
        let running = Running::start(|config| config.ask_before = Some(listed)).await;
        running.connected().await;
        let asks = |name: &&str| running.tools().asks_first(&[], &format!("script__{name}"));
        assert_eq!(["say", "fail"].into_iter().filter(asks).collect::<Vec<_>>(), asking);
        running.close().await;
    }
}

#[tokio::test]
async fn an_answer_is_told_as_text() {
    let running = Running::start(|_| {}).await;
    running.connected().await;
    for (name, expected) in [
        ("say", Ok("said")),
        ("picture", Ok("look:\n(a picture, image/png, which cannot be shown here)")),
        ("numbers", Ok("{\"n\":7}")),
        ("fail", Err("it is broken")),
        ("refuse", Err("no such thing")),
        ("garbage", Ok("after garbage")),
    ] {
        let called = running.call(name).await;
        assert_eq!(called.as_deref().map_err(String::as_str), expected, "{name}");
    }
    running.told(r#""arguments":{"a":"b"}"#).await;
    running.close().await;
}

#[tokio::test]
async fn it_sees_its_own_secrets_and_none_of_ours() {
    let running = Running::start(|_| {}).await;
    running.connected().await;
    running.told("started with a secret and no key of ours").await;
    running.close().await;
}

#[tokio::test]
async fn nobody_waiting_any_more_is_told_to_the_server() {
    let running = Running::start(|_| {}).await;
    running.connected().await;
    let tool = running.tools().get("script__hang").unwrap();
    let room = context().await;
    let call = tool.call(&room, Value::Null);
    tokio::select! {
        _ = call => panic!("it hangs"),
        () = running.told(r#""name":"hang""#) => {}
    }
    let dropped = Instant::now();
    running.told("notifications/cancelled").await;
    assert!(dropped.elapsed() < Duration::from_millis(200), "{:?}", dropped.elapsed());
    assert_eq!(running.call("say").await.as_deref(), Ok("said"), "it goes on for others");
    running.close().await;
}

#[tokio::test]
async fn a_call_that_takes_too_long_is_stopped() {
    let running = Running::start(|config| config.timeout = Duration::from_millis(100)).await;
    running.connected().await;
    assert!(running.call("hang").await.unwrap_err().contains("took longer"));
    running.told("notifications/cancelled").await;
    running.close().await;
}

#[tokio::test]
async fn a_dead_server_says_so_and_comes_back() {
    let running = Running::start(|_| {}).await;
    running.connected().await;
    let error = running.call("die").await.unwrap_err();
    assert!(error.contains("broke off"), "{error}");
    running.is(|state| matches!(state, State::Down(_))).await;
    assert_eq!(running.server.status(), "down");
    assert_eq!(running.tools().definitions(&["script/*".to_owned()]).len(), 10, "its tools stay listed");
    if let Some(Err(error)) = running.call("say").now_or_never() {
        assert!(error.contains("script is down: it ended"), "{error}");
    }
    running.connected().await;
    assert_eq!(running.call("say").await.as_deref(), Ok("said"));
    running.close().await;
}

#[tokio::test]
async fn a_server_that_no_longer_answers_is_started_again() {
    let running = Running::start(|config| config.timeout = Duration::from_millis(100)).await;
    running.connected().await;
    let first = running.read("child");
    assert!(running.call("deaf").await.unwrap_err().contains("took longer"));
    running.is(|state| matches!(state, State::Down(why) if why.contains("no longer answers"))).await;
    running.connected().await;
    assert!(!is_running(&first), "what the deaf one had started");
    running.close().await;
}

#[tokio::test]
async fn a_server_that_learns_offers_what_it_learnt() {
    let running = Running::start(|_| {}).await;
    running.connected().await;
    assert_eq!(running.call("learn").await.as_deref(), Ok("learnt"));
    let learnt = async {
        while running.tools().get("script__new").is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(20), learnt).await.expect("the new tool");
    assert!(running.tools().get("script__say").is_none());
    let tool = running.tools().get("script__new").unwrap();
    let room = context().await;
    tokio::select! {
        _ = tool.call(&room, Value::Null) => panic!("nobody answers"),
        () = running.told(r#""name":"new""#) => {}
    }
    assert_eq!(running.read("log").matches("started with").count(), 1, "the connection is the same");
    running.close().await;
}

#[tokio::test]
async fn it_ends_with_all_that_it_started() {
    let running = Running::start(|_| {}).await;
    running.connected().await;
    let child = running.read("child");
    assert!(is_running(&child));
    running.close().await;
    let gone = async {
        while is_running(&child) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(5), gone).await.expect("the child's end");
}

#[tokio::test]
async fn what_cannot_start_says_why_without_its_arguments() {
    for (command, args, why) in [
        ("no-such-command-anywhere", vec!["--key=secret"], "no-such-command-anywhere cannot be started"),
        ("sh", vec!["-c", "exit 3 # secret"], "it ended, or speaks no MCP"),
        ("sh", vec!["-c", "echo hello; exit 0 # secret"], "it ended, or speaks no MCP"),
    ] {
        let running = Running::start(|config| {
            let args = args.into_iter().map(str::to_owned).collect();
            config.transport = McpTransport::Stdio { command: command.into(), args, env: BTreeMap::new() };
        })
        .await;
        running.is(|state| matches!(state, State::Down(_))).await;
        let error = running.server.peer().await.err().unwrap_or_default();
        assert!(error.contains(why) && !error.contains("secret"), "{error}");
        running.close().await;
    }
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let url = format!("http://{closed}/mcp?key=secret");
    let running =
        Running::start(|config| config.transport = McpTransport::Http { url, headers: BTreeMap::new() }).await;
    running.is(|state| matches!(state, State::Down(_))).await;
    let error = running.server.peer().await.err().unwrap_or_default();
    assert!(error.contains("cannot be reached") && !error.contains("secret"), "{error}");
    running.close().await;
}

#[tokio::test]
async fn what_is_too_much_is_not_offered() {
    let many: Vec<Value> = (0..limits::MCP_TOOLS + 5)
        .map(|at| json!({ "name": format!("t{at}"), "description": "x".repeat(9_000), "inputSchema": {} }))
        .chain([json!({ "name": "large", "inputSchema": { "description": "x".repeat(limits::MCP_SCHEMA_BYTES) } })])
        .collect();
    let running = Running::start(|config| {
        let McpTransport::Stdio { args, .. } = &config.transport else { unreachable!() };
        fs::write(Path::new(&args[1]).join("tools"), Value::from(many.clone()).to_string()).unwrap();
    })
    .await;
    running.connected().await;
    let offered = running.tools().definitions(&["script/*".to_owned()]);
    assert_eq!(offered.len(), limits::MCP_TOOLS);
    assert!(offered.iter().all(|tool| tool.description.chars().count() <= limits::MCP_DESCRIPTION_CHARS));
    running.close().await;
}
