//! Every mistake is told with its line, its field, and what to write instead.

use super::*;

/// What is told of this text.
fn told(text: &str) -> String {
    read(text).expect_err(text).join("\n")
}

/// A team of two in which one line is another.
fn with(line: &str, instead: &str) -> String {
    assert!(TWO.contains(line), "{line}");
    told(&TWO.replacen(line, instead, 1))
}

#[test]
fn what_is_no_toml_is_told_with_its_line() {
    insta::assert_snapshot!(told("\n[[agents]\nname = 1"), @"line 2: this is not TOML: unclosed array table, expected `]`.");
    insta::assert_snapshot!(told("leader = \"a\"\nleader = \"b\""), @"line 2: this is not TOML: duplicate key.");
}

#[test]
fn a_wrong_shape_is_told_with_its_field() {
    insta::assert_snapshot!(with("model = ", "modell = "), @"line 10, agents.modell: unknown field `modell`, expected one of `name`, `emoji`, `description`, `prompt`, `prompt_file`, `model`, `tools`, `ask_before`, `max_turns`.");
    insta::assert_snapshot!(with("[[mcp]]", "[[mpc]]"), @"line 19, mpc: unknown field `mpc`, expected one of `leader`, `agents`, `teamwork`, `budget`, `prices`, `mcp`.");
    insta::assert_snapshot!(with("max_turns = 3", "max_turns = \"3\""), @"line 11, agents.max_turns: takes a whole number.");
    insta::assert_snapshot!(with("max_turns = 3", "max_turns = 2.5"), @"line 11, agents.max_turns: takes a whole number.");
    insta::assert_snapshot!(with("name = \"Clerk\"", "name = 7"), @"line 5, agents.name: takes a text, in quotes.");
    insta::assert_snapshot!(with("tools = [\"calculate\", \"docs/*\"]", "tools = \"calculate\""), @r#"line 8, agents.tools: takes a list, such as ["…"]."#);
    insta::assert_snapshot!(with("tools = [\"calculate\", \"docs/*\"]", "tools = [1]"), @"line 8, agents.tools: takes a text, in quotes.");
    insta::assert_snapshot!(told("[agents]\nname = \"A\""), @"line 1, agents: takes a list of tables; write [[…]], with two brackets.");
    insta::assert_snapshot!(told("[prices]\ncurrency = \"EUR\"\n[prices.models.m]\ninput = \"1\""), @"line 4, prices.models.m.input: takes a number, such as 0.25.");
    insta::assert_snapshot!(with("headers = { Authorization = \"Bearer ${DOCS_KEY}\" }", "headers = \"x\""), @"line 22, mcp.headers: takes a table.");
}

#[test]
fn an_agent_has_a_name_that_is_its_own() {
    insta::assert_snapshot!(with("name = \"Clerk\"\n", ""), @r#"line 4, agents.name: is left out; add a line such as name = "Analyst"."#);
    insta::assert_snapshot!(with("\"Clerk\"", "\" \""), @"line 5, agents.name: is empty; write a text, or leave the field out.");
    insta::assert_snapshot!(with("\"Clerk\"", "\"???\""), @"line 5, agents.name: has no letter and no digit; write one that people can type.");
    insta::assert_snapshot!(with("\"Clerk\"", "\"Agents\""), @"line 5, agents.name: @agents speaks to the whole team; choose another name.");
    insta::assert_snapshot!(with("\"Clerk\"", "\"Cle\\nrk\""), @"line 5, agents.name: has a line break or a control character; write it on one line.");
    insta::assert_snapshot!(with("\"Clerk\"", &format!("{:?}", "x".repeat(limits::AGENT_NAME_CHARS + 1))), @"line 5, agents.name: has more than 40 characters; shorten it.");
    insta::assert_snapshot!(with("\"Boss\"", "\"CLERK\""), @"line 13, agents.name: @clerk is the agent of line 4 already; choose another name.");
    insta::assert_snapshot!(with("leader = \"boss\"", "leader = \"Chief\""), @r#"line 2, leader: "Chief" is none of the agents; write one of "Clerk", "Boss"."#);
    insta::assert_snapshot!(told("leader = \"Chief\""), @"line 1, leader: there are no agents to lead; add [[agents]], or leave this out.");
}

#[test]
fn an_agent_is_told_what_it_is() {
    insta::assert_snapshot!(with("description = \"Decides.\"\n", ""), @"line 13, agents.description: is left out; say in a line what the agent is good for: the leader chooses by it.");
    insta::assert_snapshot!(with("\"Decides.\"", &format!("{:?}", "x".repeat(limits::AGENT_DESCRIPTION_CHARS + 1))), @"line 16, agents.description: has more than 300 characters; shorten it.");
    insta::assert_snapshot!(with("prompt = \"You are Boss.\"\n", ""), @"line 13, agents.prompt: is left out; write what the agent is told, or name a prompt_file.");
    insta::assert_snapshot!(with("prompt = \"You are Boss.\"", "prompt = \"\""), @"line 17, agents.prompt: is empty; write what the agent is told.");
    insta::assert_snapshot!(with("prompt = \"You are Boss.\"", "prompt = \"x\"\nprompt_file = \"y\""), @"line 18, agents.prompt_file: stands beside a prompt; leave one of the two out.");
    insta::assert_snapshot!(with("\"You are Boss.\"", &format!("{:?}", "x".repeat(limits::PROMPT_BYTES + 1))), @"line 17, agents.prompt: has more than 32 KiB; shorten it.");
    let missing = with("prompt = \"You are Boss.\"", "prompt_file = \"no-such-prompt.md\"");
    assert!(missing.starts_with("line 17, agents.prompt_file: ./no-such-prompt.md cannot be read: "), "{missing}");
    insta::assert_snapshot!(with("\"🦉\"", "\"owl\""), @r#"line 15, agents.emoji: takes one emoji, such as "📊"; it is "owl"."#);
    insta::assert_snapshot!(with("\"🦉\"", "\"\""), @r#"line 15, agents.emoji: takes one emoji, such as "📊"; it is ""."#);
    insta::assert_snapshot!(with("model = \"small\"", "model = \"\""), @"line 10, agents.model: is empty; write a text, or leave the field out.");
    insta::assert_snapshot!(with("model = \"small\"", "model = \"${MODEL}\""), @"line 10, agents.model: takes ${MODEL}, which is not set; set the variable MODEL.");
    insta::assert_snapshot!(with("max_turns = 3", "max_turns = 0"), @"line 11, agents.max_turns: takes 1 to 64; it is 0.");
    insta::assert_snapshot!(with("max_turns = 3", "max_turns = 65"), @"line 11, agents.max_turns: takes 1 to 64; it is 65.");
}

#[test]
fn a_tool_is_named_and_its_server_is_there() {
    insta::assert_snapshot!(with("\"calculate\", \"docs/*\"", "\"calculate\", \"dogs/*\""), @r#"
line 8, agents.tools: "dogs/*" is of a server that is not in the file; add [[mcp]] with name = "dogs".
line 9, agents.ask_before: "docs/write" is none of the agent's tools; add it to tools, or leave it out here.
"#);
    insta::assert_snapshot!(with("\"calculate\", \"docs/*\"", "\"docs/\""), @r#"
line 8, agents.tools: "docs/" names no tool; write "docs/*" for all of them.
line 9, agents.ask_before: "docs/write" is none of the agent's tools; add it to tools, or leave it out here.
"#);
    insta::assert_snapshot!(with("\"calculate\", \"docs/*\"", "\"*\", \"docs/*\""), @r#"line 8, agents.tools: takes names of tools, such as "calculate" or "docs/*"; one is "*"."#);
    insta::assert_snapshot!(with("ask_before = [\"docs/write\"]", "ask_before = [\"calculat\"]"), @r#"line 9, agents.ask_before: "calculat" is none of the agent's tools; add it to tools, or leave it out here."#);
    insta::assert_snapshot!(with("\"calculate\", \"docs/*\"", "\"calculate\", \"docs/read\""), @r#"line 9, agents.ask_before: "docs/write" is none of the agent's tools; add it to tools, or leave it out here."#);
    insta::assert_snapshot!(with("tools = [\"calculate\", \"docs/*\"]\nask_before = [\"docs/write\"]", ""), @r#"line 18, mcp.name: no agent has its tools; add "docs/*" to the tools of one in [[agents]]."#);
    let many = format!("tools = [{}\"docs/*\"]", "\"calculate\", ".repeat(limits::AGENTS_FILE_ENTRIES));
    insta::assert_snapshot!(with("tools = [\"calculate\", \"docs/*\"]\nask_before = [\"docs/write\"]", &many), @"line 8, agents.tools: has too many entries; at most 128 can be given.");
}

#[test]
fn a_server_has_a_name_and_one_way_to_reach_it() {
    insta::assert_snapshot!(with("name = \"docs\"\n", ""), @r#"
line 8, agents.tools: "docs/*" is of a server that is not in the file; add [[mcp]] with name = "docs".
line 19, mcp.name: is left out; add a line such as name = "docs".
"#);
    insta::assert_snapshot!(with("name = \"docs\"", "name = \"Our Docs\""), @r#"
line 8, agents.tools: "docs/*" is of a server that is not in the file; add [[mcp]] with name = "docs".
line 20, mcp.name: takes up to 32 letters, digits, - and single _, such as "docs"; it is "Our Docs".
"#);
    // What stands between a server's name and its tool's has no place in either.
    let doubled = TWO.replace("name = \"docs\"", "name = \"our__docs\"").replace("docs/", "our__docs/");
    insta::assert_snapshot!(told(&doubled), @r#"line 20, mcp.name: takes up to 32 letters, digits, - and single _, such as "docs"; it is "our__docs"."#);
    insta::assert_snapshot!(told(&format!("{TWO}[[mcp]]\nname = \"docs\"\ncommand = \"x\"")), @"line 27, mcp.name: is the name of the server of line 19, too; choose another.");
    insta::assert_snapshot!(with("url = ", "command = \"x\"\nurl = "), @"line 22, mcp.url: stands beside a command; leave one of the two out.");
    insta::assert_snapshot!(with("url = ", "command = "), @"line 22, mcp.headers: belongs to a server with a url; leave it out.");
    insta::assert_snapshot!(with("url = \"https://docs.example.com/mcp?key=${DOCS_KEY}\"\n", ""), @"line 19, mcp.command: is left out; write the command that starts the server, or the url where it answers.");
    insta::assert_snapshot!(with("url = ", "args = []\nenv = {}\nurl = "), @r#"
line 21, mcp.args: belongs to a server with a command; leave it out.
line 22, mcp.env: belongs to a server with a command; leave it out.
"#);
    insta::assert_snapshot!(with("https://docs.example.com", "ftp://docs.example.com"), @r#"line 21, mcp.url: takes an address such as "https://mcp.example.com/mcp"."#);
    insta::assert_snapshot!(with("mcp?key=${DOCS_KEY}", "mcp?key=${DOCS_KEI}"), @"line 21, mcp.url: takes ${DOCS_KEI}, which is not set; set the variable DOCS_KEI.");
    insta::assert_snapshot!(with("Bearer ${DOCS_KEY}", "Bearer ${DOCS_KEY"), @"line 22, mcp.headers.Authorization: has a ${ without a }; write ${NAME}, or $${ for ${.");
    insta::assert_snapshot!(with("{ Authorization =", "{ \"a b\" ="), @"line 22, mcp.headers.a b: is no HTTP header; write a name and a value on one line.");
    insta::assert_snapshot!(with("[\"*\"]", "[\"docs/write\"]"), @r#"line 23, mcp.ask_before: takes the server's own names of its tools, without the server's, or "*" for all of them."#);
    insta::assert_snapshot!(with("\"costly\"", "\"cheap\""), @r#"line 24, mcp.class: takes "read", "write" or "costly"; it is "cheap"."#);
    insta::assert_snapshot!(with("timeout_s = 5", "timeout_s = 601"), @"line 25, mcp.timeout_s: takes 1 to 600; it is 601.");
    let process = "command = \"x\"\nenv = { \"A=B\" = \"\" }";
    let text = TWO.replace("url = \"https://docs.example.com/mcp?key=${DOCS_KEY}\"", process);
    insta::assert_snapshot!(told(&text.replace("headers = { Authorization = \"Bearer ${DOCS_KEY}\" }\n", "")), @"line 22, mcp.env.A=B: takes a name without = and a value without a NUL.");
}

#[test]
fn means_are_numbers_that_make_sense() {
    insta::assert_snapshot!(told("[teamwork]\nmax_turns = 65\nmax_stalls = -1\nmax_replans = 17"), @r#"
line 2, teamwork.max_turns: takes 1 to 64; it is 65.
line 3, teamwork.max_stalls: takes 0 to 16; it is -1.
line 4, teamwork.max_replans: takes 0 to 16; it is 17.
"#);
    insta::assert_snapshot!(told("[budget.run]\nturns = 0\ntokens = -5\nseconds = 0"), @r#"
line 2, budget.run.turns: takes 1 to 4294967295; it is 0.
line 3, budget.run.tokens: takes 1 or more; it is -5.
line 4, budget.run.seconds: takes 1 or more; it is 0.
"#);
    insta::assert_snapshot!(told("[budget.user_day]\ncost = 2"), @"line 2, budget.user_day.cost: nobody knows what a model costs; add [prices], or leave this out.");
    let priced = |rest: &str| told(&format!("[prices]\ncurrency = \"EUR\"\n{rest}"));
    insta::assert_snapshot!(priced("[budget.run]\ncost = 0"), @"line 4, budget.run.cost: takes more than 0; leave it out where nothing is to be bounded.");
    insta::assert_snapshot!(priced("[prices.models.m]\ninput = -1\noutput = nan\n[prices.models.n]\ninput = 1000000\noutput = 1000000.5"), @r#"
line 4, prices.models."m".input: takes 0 to 1000000, such as 0.25; it is -1.
line 5, prices.models."m".output: takes 0 to 1000000, such as 0.25; it is NaN.
line 8, prices.models."n".output: takes 0 to 1000000, such as 0.25; it is 1000000.5.
"#);
    insta::assert_snapshot!(priced("[prices.models.\"gpt-5.1\"]\ninput = 1"), @r#"line 3, prices.models."gpt-5.1".output: is left out; add a line such as output = 0.25 (for a million tokens)."#);
    insta::assert_snapshot!(told("[prices]\ncurrency = \"€\"\n[budget.run]\ncost = 1"), @r#"line 2, prices.currency: takes three capital letters, such as "EUR"."#);
    insta::assert_snapshot!(told("[prices]\n"), @r#"line 1, prices.currency: is left out; add a line such as currency = "EUR"."#);
    let models: String = (0..=limits::PRICED_MODELS).map(|i| format!("m{i} = {{ input = 1, output = 1 }}\n")).collect();
    insta::assert_snapshot!(priced(&format!("[prices.models]\n{models}")), @"line 3, prices.models: has too many models; at most 256 can be given.");
}

#[test]
fn all_mistakes_are_told_at_once_in_their_order_up_to_a_bound() {
    insta::assert_snapshot!(told(&TWO.replace("\"Clerk\"", "\"\"").replace("timeout_s = 5", "timeout_s = 0")), @r#"
line 5, agents.name: is empty; write a text, or leave the field out.
line 25, mcp.timeout_s: takes 1 to 600; it is 0.
"#);
    let many = "[[agents]]\n".repeat(limits::AGENTS + 1);
    let told = read(&many).unwrap_err();
    assert_eq!(told.len(), limits::AGENTS_FILE_PROBLEMS + 1);
    insta::assert_snapshot!(told.last().unwrap(), @"39 more mistakes below.");
    let servers: String =
        (0..=limits::MCP_SERVERS).map(|i| format!("[[mcp]]\nname = \"m{i}\"\ncommand = \"x\"\n")).collect();
    let told = read(&servers).unwrap_err().join("\n");
    assert!(told.contains("mcp: has too many servers; at most 16 can be given."), "{told}");
}

#[test]
fn too_many_agents_are_told() {
    let agents: String = (0..=limits::AGENTS)
        .map(|i| format!("[[agents]]\nname = \"A{i}\"\ndescription = \"d\"\nprompt = \"p\"\n"))
        .collect();
    insta::assert_snapshot!(told(&agents), @"line 65, agents: has too many agents; at most 16 can be given.");
}
