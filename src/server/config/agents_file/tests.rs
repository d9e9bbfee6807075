use super::*;
use crate::server::agents::{
    team::{Budget, Price, Teamwork},
    tools::Class,
};

mod example;
mod mistakes;

fn variables(name: &str) -> Option<String> {
    match name {
        "DOCS_KEY" => Some("s3cret".to_owned()),
        _ => None,
    }
}

fn read(text: &str) -> Result<AgentsFile, Vec<String>> {
    parse(text, Path::new("."), &variables)
}

fn file(text: &str) -> AgentsFile {
    read(text).unwrap_or_else(|problems| panic!("{}", problems.join("\n")))
}

const TWO: &str = r#"
leader = "boss"

[[agents]]
name = "Clerk"
description = "Files things."
prompt = "You are Clerk."
tools = ["calculate", "docs/*"]
ask_before = ["docs/write"]
model = "small"
max_turns = 3

[[agents]]
name = "Boss"
emoji = "🦉"
description = "Decides."
prompt = "You are Boss."

[[mcp]]
name = "docs"
url = "https://docs.example.com/mcp?key=${DOCS_KEY}"
headers = { Authorization = "Bearer ${DOCS_KEY}" }
ask_before = ["*"]
class = "costly"
timeout_s = 5
"#;

#[test]
fn a_team_is_what_the_file_says() {
    let AgentsFile { team, mcp } = file(TWO);
    assert_eq!((team.leader().name.as_str(), team.leader().emoji.as_str()), ("Boss", "🦉"));
    let [clerk] = team.members() else { panic!("{team:?}") };
    assert_eq!((clerk.handle.as_str(), clerk.emoji.as_str(), clerk.max_turns), ("clerk", "🤖", 3));
    assert_eq!(clerk.model.as_deref(), Some("small"));
    assert_eq!(
        (&clerk.tools[..], &clerk.ask_before[..]),
        (&["calculate", "docs/*"].map(str::to_owned)[..], &["docs/write".to_owned()][..])
    );
    assert_eq!(team.leader().max_turns, limits::TURNS_PER_RUN);
    let [docs] = &mcp[..] else { panic!("{mcp:?}") };
    assert_eq!((docs.name.as_str(), docs.class, docs.timeout.as_secs()), ("docs", Class::Costly, 5));
    assert_eq!(docs.ask_before, Some(vec!["*".to_owned()]));
    let McpTransport::Http { url, headers } = &docs.transport else { panic!("{docs:?}") };
    assert_eq!(url, "https://docs.example.com/mcp?key=s3cret");
    assert_eq!(headers["Authorization"].expose(), b"Bearer s3cret");
}

#[test]
fn a_server_may_be_a_process_and_is_trusted_with_nothing_it_does_not_say() {
    let text = TWO.replace("url = \"https://docs.example.com/mcp?key=${DOCS_KEY}\"", "command = \"docs-server\"");
    let text = text.replace("headers = { Authorization = ", "args = [\"--key\", \"${DOCS_KEY}\"]\nenv = { KEY = ");
    let text = text.replace("class = \"costly\"\ntimeout_s = 5\n", "");
    let docs = &file(&text).mcp[0];
    assert_eq!((docs.class, docs.timeout.as_secs()), (Class::Write, limits::MCP_TIMEOUT_S.into()));
    let McpTransport::Stdio { command, args, env } = &docs.transport else { panic!("{docs:?}") };
    assert_eq!((command.as_str(), &args[..]), ("docs-server", &["--key".to_owned(), "s3cret".to_owned()][..]));
    assert_eq!(env["KEY"].expose(), b"Bearer s3cret");
}

#[test]
fn keys_are_not_in_debug_output() {
    let shown = format!("{:?}", file(TWO));
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[test]
fn what_a_file_leaves_out_is_as_usual() {
    for text in ["", "# nothing\n", "[teamwork]\n", "[budget.run]\n"] {
        assert_eq!(file(text), AgentsFile { team: Team::built_in(), mcp: Vec::new() }, "{text}");
    }
    let first = file(&TWO.replace("leader = \"boss\"", "")).team;
    assert_eq!(first.leader().name, "Clerk", "the first one leads");
}

#[test]
fn budgets_and_prices_go_with_the_built_in_team_too() {
    let text = "
        [teamwork]
        max_turns = 4
        max_stalls = 0
        [budget.run]
        turns = 10
        tokens = 50_000
        [budget.user_day]
        seconds = 3600
        cost = 1.5
        [prices]
        currency = \"EUR\"
        [prices.models.\"small\"]
        input = 0.1
        output = 3";
    let team = file(text).team;
    assert_eq!(team.members().len(), Team::built_in().members().len());
    assert_eq!(team.teamwork, Teamwork { max_turns: 4, max_stalls: 0, max_replans: 2 });
    assert_eq!(team.budgets.run, Budget { turns: Some(10), tokens: Some(50_000), ..Budget::default() });
    let day = Budget { seconds: Some(3600), cost_micros: Some(1_500_000), ..Budget::default() };
    assert_eq!(team.budgets.user_day, day);
    assert_eq!(team.prices.currency.as_str(), "EUR");
    assert_eq!(team.prices.by_model["small"], Price { input_micros: 100_000, output_micros: 3_000_000 });
}

#[test]
fn a_prompt_may_stand_in_a_file_beside() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("boss.md"), "You are Boss.\n\nBe kind.\n").unwrap();
    let text = TWO.replace("prompt = \"You are Boss.\"", "prompt_file = \"boss.md\"");
    let path = dir.path().join("team.toml");
    std::fs::write(&path, text.replace("${DOCS_KEY}", "none")).unwrap();
    assert_eq!(load(&path).unwrap().team.leader().prompt, "You are Boss.\n\nBe kind.");
}

#[test]
fn a_file_that_cannot_be_read_is_told_with_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let told = |name: &str| load(&dir.path().join(name)).unwrap_err().to_string();
    std::fs::write(dir.path().join("huge.toml"), "#".repeat(limits::AGENTS_FILE_BYTES + 1)).unwrap();
    std::fs::write(dir.path().join("whole.toml"), "#".repeat(limits::AGENTS_FILE_BYTES)).unwrap();
    std::fs::write(dir.path().join("latin.toml"), b"# caf\xe9").unwrap();
    assert!(told("none.toml").contains("none.toml: cannot be read: "), "{}", told("none.toml"));
    assert!(told("huge.toml").contains("huge.toml: has more than 256 KiB."), "{}", told("huge.toml"));
    assert!(told("latin.toml").contains("latin.toml: is not written in UTF-8."), "{}", told("latin.toml"));
    assert!(told(".").ends_with(": is not a file."), "{}", told("."));
    assert!(load(&dir.path().join("whole.toml")).is_ok());
}
