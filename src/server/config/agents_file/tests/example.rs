//! `agents.example.toml` is a file that works, shows everything, and stands in the documentation as it is.

use proptest::prelude::*;

use super::*;

const EXAMPLE: &str = include_str!("../../../../../agents.example.toml");

#[test]
fn the_example_works() {
    let set = |name: &str| (name == "BOOKINGS_KEY").then(|| "k".to_owned());
    let AgentsFile { team, mcp } = parse(EXAMPLE, Path::new("."), &set).unwrap();
    assert_eq!((team.leader().handle.as_str(), team.members()[0].handle.as_str()), ("concierge", "front-desk"));
    assert_eq!((mcp[0].name.as_str(), team.prices.by_model.len()), ("bookings", 1));
    assert_eq!(parse(EXAMPLE, Path::new("."), &|_| None).unwrap_err().len(), 1, "the key is not in the file");
}

/// The other way of each pair that excludes itself.
#[test]
fn what_the_example_comments_out_works_too() {
    let without = |text: &str, line: &str| {
        let kept: Vec<_> = text.lines().filter(|kept| !kept.starts_with(line)).collect();
        assert!(kept.len() < text.lines().count(), "{line}");
        kept.join("\n")
    };
    let mut text =
        EXAMPLE.replace("# model = ", "model = ").replace("# url = ", "url = ").replace("# headers = ", "headers = ");
    for line in ["command = ", "args = ", "env = "] {
        text = without(&text, line);
    }
    let file = parse(&text, Path::new("."), &|_| Some("k".to_owned())).unwrap();
    assert!(matches!(file.mcp[0].transport, McpTransport::Http { .. }));
    assert_eq!(file.team.members()[0].model.as_deref(), Some("gpt-5.1"));
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("front-desk.md"), "You are Front desk.").unwrap();
    let text = without(&EXAMPLE.replace("# prompt_file = ", "prompt_file = "), "prompt = \"You are Front desk");
    let file = parse(&text, dir.path(), &|_| Some("k".to_owned())).unwrap();
    assert_eq!(file.team.members()[0].prompt, "You are Front desk.");
}

#[test]
fn the_example_shows_every_field() {
    for table in
        ["", "[[agents]]", "[teamwork]", "[budget]", "[budget.run]", "[prices]", "[prices.models.m]", "[[mcp]]"]
    {
        let told = read(&format!("{table}\nno_such_field = 1")).unwrap_err().remove(0);
        let fields: Vec<_> = told.split('`').skip(3).step_by(2).collect();
        assert!(fields.len() > 1, "{told}");
        for field in fields {
            let shown = [
                format!("\n{field} = "),
                format!("# {field} = "),
                format!("[{field}"),
                format!(".{field}]"),
                format!("[prices.{field}"),
            ];
            assert!(shown.iter().any(|shown| EXAMPLE.contains(shown)), "{table} {field}");
        }
    }
}

#[test]
fn the_documentation_shows_the_example_as_it_is() {
    let documentation = include_str!("../../../../../docs/extending.md");
    assert!(
        documentation.contains(&format!("```toml\n{EXAMPLE}```\n")),
        "copy agents.example.toml to docs/extending.md"
    );
}

#[test]
fn the_defaults_that_the_example_names_are_the_defaults() {
    let usual = Teamwork::default();
    for line in [
        format!("max_turns = {} ", usual.max_turns),
        format!("max_stalls = {} ", usual.max_stalls),
        format!("max_replans = {} ", usual.max_replans),
        format!("in one answer; default: {}", limits::TURNS_PER_RUN),
        format!("one call; default: {}", limits::MCP_TIMEOUT_S),
    ] {
        assert!(EXAMPLE.contains(&line), "{line}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever becomes of a file, it is read or each mistake is told with its line.
    #[test]
    fn a_spoilt_example_is_told_of_and_nothing_else_happens(
        from in any::<prop::sample::Index>(),
        taken in 0..40_usize,
        put in prop_oneof!["[\\[\\]{}\"=#\n$0-9a-z.,-]{0,12}", any::<String>()],
    ) {
        let chars: Vec<char> = EXAMPLE.chars().collect();
        let from = from.index(chars.len());
        let to = (from + taken).min(chars.len());
        let text: String = chars[..from].iter().copied().chain(put.chars()).chain(chars[to..].iter().copied()).collect();
        if let Err(problems) = parse(&text, Path::new("."), &|_| Some("k".to_owned())) {
            prop_assert!(!problems.is_empty());
            let lines = text.lines().count() + 1;
            for problem in problems {
                let line = problem.strip_prefix("line ").and_then(|rest| rest.split([',', ':']).next()?.parse().ok());
                prop_assert!(line.is_some_and(|line: usize| line >= 1 && line <= lines), "{problem}");
            }
        }
    }
}
