use std::time::Duration;

use futures_util::StreamExt;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::server::agents::{llm::ToolDefinition, tools::search_knowledge};

const TOOLS: [&str; 5] = ["calculate", "convert_units", "date_time", "search_conversation", "make_chart"];
/// Beside them, where the operator has switched them on.
const MORE: [&str; 5] = ["search_knowledge", "summarize_csv", "fetch_page", "market_price", "market_history"];

fn planned(question: &str) -> Vec<(&'static str, Value)> {
    plan::plan(question).into_iter().map(|planned| (planned.tool, planned.arguments)).collect()
}

fn request(question: &str) -> ChatRequest {
    let tool = |name: &str| ToolDefinition { name: name.into(), description: String::new(), parameters: Value::Null };
    ChatRequest {
        system: String::new(),
        messages: vec![ChatMessage::User { name: "Anna".into(), text: question.into() }],
        tools: TOOLS.map(tool).into(),
        model: None,
        schema: None,
        audience: Side::House,
    }
}

fn request_with_more(question: &str) -> ChatRequest {
    let mut request = request(question);
    request.tools.extend(MORE.map(|name| ToolDefinition {
        name: name.into(),
        description: String::new(),
        parameters: Value::Null,
    }));
    request
}

/// What is called for a question, where all tools are there.
fn called(question: &str) -> Vec<(String, Value)> {
    let call = |delta| match delta {
        Delta::ToolCall(call) => Some((call.tool_name, call.arguments)),
        _ => None,
    };
    reply(&request_with_more(question)).into_iter().filter_map(call).collect()
}

fn said(request: &ChatRequest) -> String {
    let text = |delta| match delta {
        Delta::Text(text) => Some(text),
        _ => None,
    };
    reply(request).into_iter().filter_map(text).collect()
}

#[test]
fn arithmetic_is_calculated() {
    for (question, expression) in [
        ("What is 17 * 23?", "17 * 23"),
        ("what's 17*23", "17*23"),
        ("17 * 23", "17 * 23"),
        ("17 * 23 =", "17 * 23"),
        ("@assistant what is 17 * 23?", "17 * 23"),
        ("Hey Assistant, what is (2 + 3) * 4?", "(2 + 3) * 4"),
        ("What is 15% of 80?", "15% of 80"),
        ("what is 15 percent of 80", "15 % of 80"),
        ("Calculate 2^10 - 24.", "2^10 - 24"),
        ("what is 12 times 12?", "12 * 12"),
        ("What is 100 divided by 7?", "100 / 7"),
        ("what is 7 squared", "7 ^2"),
        ("What is the square root of 144?", "sqrt 144"),
        ("Please compute sqrt(2) * 3", "sqrt(2) * 3"),
        ("What is 1/0?", "1/0"),
        ("what is 5!?", "5!"),
        ("What is 0.1 + 0.2?", "0.1 + 0.2"),
        ("Could you tell me what is 3 plus 4", "3 + 4"),
        ("how much is 1,000 x 3?", "1,000 x 3"),
        ("what is -3 + 5", "-3 + 5"),
        ("find 15% of 200", "15% of 200"),
    ] {
        assert_eq!(planned(question), [("calculate", json!({ "expression": expression }))], "{question}");
    }
}

#[test]
fn units_are_converted() {
    for (question, value, from, to) in [
        ("How many km is 26.2 miles?", 26.2, "miles", "km"),
        ("100 F in C", 100.0, "F", "C"),
        ("what is 100°F in °C?", 100.0, "°F", "°C"),
        ("convert 5 kg to pounds", 5.0, "kg", "pounds"),
        ("How many cups are there in 2 litres?", 2.0, "litres", "cups"),
        ("how many seconds are in a day?", 1.0, "day", "seconds"),
        ("What is 2 GiB in MB?", 2.0, "GiB", "MB"),
        ("how fast is 100 km/h in mph", 100.0, "km/h", "mph"),
        ("-40 celsius to fahrenheit", -40.0, "celsius", "fahrenheit"),
        ("5 in in cm", 5.0, "in", "cm"),
        ("1,500 m in km", 1500.0, "m", "km"),
    ] {
        let arguments = json!({ "value": value, "from": from, "to": to });
        assert_eq!(planned(question), [("convert_units", arguments)], "{question}");
    }
}

#[test]
fn days_and_the_clock_are_looked_up() {
    for (question, arguments) in [
        ("What time is it?", json!({"operation": "now"})),
        ("what's today's date?", json!({"operation": "now"})),
        ("What day is it today?", json!({"operation": "now"})),
        ("what day is 2026-12-24?", json!({"operation": "weekday", "from": "2026-12-24"})),
        ("When is Christmas?", json!({"operation": "weekday", "from": "Christmas"})),
        ("what weekday was 1 January 2000", json!({"operation": "weekday", "from": "1 January 2000"})),
        ("How many days until 2026-12-24?", json!({"operation": "difference", "from": "today", "to": "2026-12-24"})),
        (
            "how many days are between 2026-01-01 and 2026-03-01?",
            json!({"operation": "difference", "from": "2026-01-01", "to": "2026-03-01"}),
        ),
        (
            "days between 1 May 2026 and 3 June 2026",
            json!({"operation": "difference", "from": "1 May 2026", "to": "3 June 2026"}),
        ),
        ("how many days since 2000-01-01", json!({"operation": "difference", "from": "2000-01-01", "to": "today"})),
        ("what date is 90 days after 2026-01-01?", json!({"operation": "shift", "from": "2026-01-01", "days": 90})),
        ("what day is in 10 days?", json!({"operation": "shift", "from": "today", "days": 10})),
        ("what date was 3 weeks ago", json!({"operation": "shift", "from": "today", "days": -21})),
    ] {
        assert_eq!(planned(question), [("date_time", arguments)], "{question}");
    }
}

#[test]
fn what_was_said_is_searched_for() {
    for (question, arguments) in [
        ("search for invoice", json!({"query": "invoice"})),
        ("Please search this conversation for \"red bicycle\"", json!({"query": "red bicycle"})),
        ("What did Anna say about the budget?", json!({"query": "budget", "author": "Anna"})),
        ("what has Ben written about bread and butter?", json!({"query": "bread and butter", "author": "Ben"})),
        ("What did Anna say?", json!({"query": "", "author": "Anna"})),
        ("who said hello?", json!({"query": "hello"})),
        ("did anyone mention the deadline here?", json!({"query": "deadline"})),
        ("Did we say anything about Rome", json!({"query": "Rome"})),
        ("find the invoice", json!({"query": "invoice"})),
        ("find messages about lunch in this conversation", json!({"query": "lunch"})),
    ] {
        assert_eq!(planned(question), [("search_conversation", arguments)], "{question}");
    }
}

#[test]
fn numbers_are_drawn() {
    for (question, arguments) in [
        ("chart: Jan 3, Feb 5, Mar 2", json!({"data": "Jan 3, Feb 5, Mar 2"})),
        ("plot 1, 4, 9, 16", json!({"data": "1, 4, 9, 16"})),
        ("Can you plot Jan: 3, Feb: 5?", json!({"data": "Jan: 3, Feb: 5"})),
        ("Draw a bar chart of sales: Jan 3, Feb 5", json!({"data": "Jan 3, Feb 5", "title": "Sales", "style": "bar"})),
        ("Make a line chart of 3, 5, 8", json!({"data": "3, 5, 8", "style": "line"})),
        ("Jan 3, Feb 5 as a bar chart", json!({"data": "Jan 3, Feb 5", "style": "bar"})),
        ("plot this\nmonth,sales\nJan,3\nFeb,5", json!({"data": "month,sales\nJan,3\nFeb,5"})),
        (
            "A line chart of temperature please:\n```csv\nday,°C\n1,4\n2,7\n```",
            json!({"data": "day,°C\n1,4\n2,7", "title": "Temperature please", "style": "line"}),
        ),
        ("```csv\na,b\nx,1\ny,2\n```", json!({"data": "a,b\nx,1\ny,2"})),
        ("graph 1; 2; 3", json!({"data": "1; 2; 3"})),
        ("Month,Sales,Costs\nJan,120,80\nApr,-20,110", json!({"data": "Month,Sales,Costs\nJan,120,80\nApr,-20,110"})),
        ("```\nMonth;Sales\nJan;1,5\nFeb;2\n```", json!({"data": "Month;Sales\nJan;1,5\nFeb;2"})),
        (
            "Make a chart of this:\n\nday,product,units\nMon,Shoes,3\nTue,Hats,5",
            json!({"data": "day,product,units\nMon,Shoes,3\nTue,Hats,5"}),
        ),
        (
            "Bar chart of sales in 2024 and 2025\n\nmonth,sales\nJan,3\nFeb,5\n",
            json!({"data": "month,sales\nJan,3\nFeb,5", "title": "Sales in 2024 and 2025", "style": "bar"}),
        ),
        ("a,b\nx,1\ny,2\n\nCould you visualize it?", json!({"data": "a,b\nx,1\ny,2"})),
        ("Here are the sales of this year.\nmonth,sales\nJan,3\nFeb,5", json!({"data": "month,sales\nJan,3\nFeb,5"})),
        ("Here are my numbers: 3, 5, 8. Make a chart", json!({"data": "3, 5, 8"})),
        ("Can you make a graph from these? Jan 3, Feb 5", json!({"data": "Jan 3, Feb 5"})),
        ("I sold 3 apples, 5 pears and 8 plums, please make a chart", json!({"data": "3, 5, 8"})),
    ] {
        assert_eq!(planned(question), [("make_chart", arguments)], "{question}");
    }
}

#[test]
fn several_questions_in_one_message_are_several_calls() {
    for (question, tools) in [
        ("What is 17 * 23? And what time is it?", vec!["calculate", "date_time"]),
        ("What is 2+2 and how many km is 26.2 miles?", vec!["calculate", "convert_units"]),
        ("Plot 1, 4, 9. What is 3 * 4?", vec!["make_chart", "calculate"]),
        ("what day is 2026-12-24\nsearch for lunch", vec!["date_time", "search_conversation"]),
        ("What is 1+1? What is 2+2? What is 1+1?", vec!["calculate", "calculate", "calculate"]),
    ] {
        let found: Vec<_> = planned(question).into_iter().map(|(tool, _)| tool).collect();
        assert_eq!(found, tools, "{question}");
    }
    assert_eq!(planned(&"What is 1+1? What is 2+2? ".repeat(50)).len(), crate::protocol::limits::CALLS_PER_TURN);
}

#[test]
fn talk_is_no_work_for_a_tool() {
    for question in [
        "Hello!",
        "thanks",
        "What can you do?",
        "Tell me a joke",
        "I have 3-4 cats at home and they are all lovely",
        "How are you today?",
        "call me at 555-1234 when you are in town please",
        "What do you think about love?",
        "can you draw a chart?",
        "",
        "   ",
        "what is love and what is hate",
    ] {
        assert_eq!(planned(question), [], "{question}");
    }
}

#[test]
fn the_documents_are_asked_in_so_many_words_or_where_nothing_else_answers() {
    for (question, query) in [
        ("How do I restore a backup?", "How do I restore a backup"),
        ("@assistant who is on call on Sundays?", "who is on call on Sundays"),
        ("What is our SLA", "What is our SLA"),
        ("where can I park?", "where can I park"),
        ("Tell me about backups", "about backups"),
        ("Could you explain the deployment?", "explain the deployment"),
        ("Search the docs for invoices", "invoices"),
        ("What does the handbook say about holidays and sick leave?", "holidays and sick leave"),
        ("According to the docs, how many days is the trial?", "how many days is the trial"),
        ("How many days is the trial, in the knowledge base?", "How many days is the trial, in the knowledge base"),
        ("What did the auditors find?", "What did the auditors find"),
    ] {
        assert_eq!(called(question), [("search_knowledge".to_owned(), json!({ "query": query }))], "{question}");
        assert!(reply(&request(question)).iter().all(|delta| !matches!(delta, Delta::ToolCall(_))), "{question}");
    }
    let tools = |question| called(question).into_iter().map(|(tool, _)| tool).collect::<Vec<_>>();
    assert_eq!(tools("Where is the printer?"), ["search_conversation", "search_knowledge"]);
    assert_eq!(tools("What is 17 * 23?"), ["calculate"]);
    for question in
        ["Hello!", "thanks", "What can you do?", "help", "How are you?", "I like trains", "can you draw a chart?"]
    {
        assert_eq!(tools(question), [""; 0], "{question}");
    }
}

#[test]
fn csv_is_summarized_where_that_is_asked_for() {
    const CSV: &str = "region,units\nNorth,3\nSouth,5";
    for (question, group_by) in [
        (format!("Summarize this:\n```csv\n{CSV}\n```"), None),
        (format!("Summarize this by region:\n{CSV}"), Some("region")),
        (format!("total units per Region, please\n{CSV}"), Some("region")),
        (format!("{CSV}\nWhat is the average?"), None),
    ] {
        let calls = called(&question);
        assert_eq!(calls.len(), 1, "{question}: {calls:?}");
        let (tool, arguments) = &calls[0];
        assert_eq!((tool.as_str(), arguments["data"].as_str()), ("summarize_csv", Some(CSV)), "{question}");
        assert_eq!(arguments["group_by"].as_str(), group_by, "{question}");
    }
    let both = called(&format!("Summarize this and plot it:\n```csv\n{CSV}\n```\nWhat is 1+1?"));
    let tools: Vec<&str> = both.iter().map(|(tool, _)| tool.as_str()).collect();
    assert_eq!(tools, ["summarize_csv", "make_chart", "calculate"]);
    assert_eq!(called(&format!("```csv\n{CSV}\n```"))[0].0, "make_chart");
}

#[test]
fn pages_are_read_and_prices_looked_up() {
    for (question, tool, arguments) in [
        ("Read https://example.com/a?b=c&d=e.", "fetch_page", json!({"url": "https://example.com/a?b=c&d=e"})),
        ("https://example.com/", "fetch_page", json!({"url": "https://example.com/"})),
        ("What is the price of AAPL?", "market_price", json!({"symbol": "AAPL"})),
        ("@market-analyst price of BRK-B", "market_price", json!({"symbol": "BRK-B"})),
        ("How did EURUSD=X go?", "market_history", json!({"symbol": "EURUSD=X"})),
        ("price history of BMW.DE", "market_history", json!({"symbol": "BMW.DE"})),
    ] {
        assert_eq!(called(question), [(tool.to_owned(), arguments)], "{question}");
    }
    assert_eq!(called("What is the price of bread?")[0].0, "search_knowledge");
}

#[test]
fn documents_are_quoted_with_their_source() {
    let asked = |result: &str| {
        let mut request = request_with_more("How do I restore a backup?");
        let call = ModelCall { id: "1".into(), tool_name: "search_knowledge".into(), arguments: json!({"query": "q"}) };
        request.messages.push(ChatMessage::Assistant { text: String::new(), calls: vec![call] });
        let (call_id, tool_name) = ("1".into(), "search_knowledge".into());
        request.messages.push(ChatMessage::Tool { call_id, tool_name, success: true, text: result.into() });
        said(&request)
    };
    assert_eq!(
        asked(
            "3 passages:\n\n[A › B](/api/v1/knowledge/a.md#b)\n> One.\n>\n> Two.\n\n[C](/api/v1/knowledge/c.md)\n> Three.\n\n[D](/api/v1/knowledge/d.md)\n> Four."
        ),
        "From [A › B](/api/v1/knowledge/a.md#b):\n\n> One.\n>\n> Two.\n\nFrom [C](/api/v1/knowledge/c.md):\n\n\
         > Three.\n\nSee also [D](/api/v1/knowledge/d.md)."
    );
    assert_eq!(
        asked(&format!("{}“night” alone, 1 passage:\n\n[A](/a.md)\n> One.", search_knowledge::ONLY)),
        "I found no answer to all of that. This is what there is on “night”:\n\nFrom [A](/a.md):\n\n> One."
    );
    let nothing = asked(search_knowledge::NOTHING);
    assert!(nothing.contains("nothing for “q”") && nothing.contains("No language model is configured"), "{nothing}");
}

#[test]
fn help_says_what_it_can_do_and_that_no_model_is_configured() {
    for question in ["help", "What can you do?", "@assistant who are you?"] {
        let text = said(&request(question));
        assert!(text.contains("No language model is configured"), "{question}: {text}");
        for setting in ["MAGPIE_LLM_PROVIDER", "MAGPIE_LLM_BASE_URL", "MAGPIE_LLM_MODEL"] {
            assert!(text.contains(setting), "{question}: {setting}");
        }
        assert!(text.split_whitespace().count() >= 60, "{question}: {text}");
    }
    for question in ["Tell me a joke", "Hello", "How are you?"] {
        let text = said(&request(question));
        assert!(text.contains("No language model is configured") && text.contains("`help`"), "{question}: {text}");
        assert!(text.lines().count() == 1 && text.split_whitespace().count() < 60, "{question}: {text}");
    }
    assert!(said(&request("Hello")).contains("Anna"));
    assert!(said(&request("can you draw a chart?")).contains("two numbers"));
}

/// The same question, from a website's visitor.
fn of_visitor(question: &str) -> ChatRequest {
    let mut request = request_with_more(question);
    let hand_over = ToolDefinition { name: "ask_a_person".into(), description: String::new(), parameters: Value::Null };
    request.tools.push(hand_over);
    request.audience = Side::Visitor;
    request
}

fn assert_is_for_a_visitor(text: &str) {
    for word in ["model", "MAGPIE", "Magpie", "`", "timeline", "@", "Stop", "Visitor", "tool", "setting"] {
        assert!(!text.contains(word), "{word} in {text}");
    }
    assert!(text.lines().count() == 1 && text.split_whitespace().count() < 40, "{text}");
}

#[test]
fn a_visitor_hears_a_friendly_sentence_and_the_offer_of_a_person() {
    for question in ["help", "What can you do?", "My parcel has not come", "Hello", "can you draw a chart?", "thanks"] {
        let mut request = of_visitor(question);
        request.messages[0] = ChatMessage::User { name: "Visitor P8T5".into(), text: question.into() };
        assert_is_for_a_visitor(&said(&request));
    }
    for question in ["help", "My parcel has not come", "Hello"] {
        assert!(said(&of_visitor(question)).contains("talk to a person"), "{question}");
    }
}

/// A visitor's question for which these tools were asked, with what they brought.
fn answered(results: &[(&str, bool, &str)]) -> String {
    let mut request = of_visitor("Where is my order?");
    for (at, (tool, success, text)) in results.iter().enumerate() {
        let call = ModelCall { id: at.to_string(), tool_name: (*tool).into(), arguments: json!({ "query": "order" }) };
        request.messages.push(ChatMessage::Assistant { text: String::new(), calls: vec![call] });
        request.messages.push(ChatMessage::Tool {
            call_id: at.to_string(),
            tool_name: (*tool).into(),
            success: *success,
            text: (*text).into(),
        });
    }
    said(&request)
}

#[test]
fn a_visitor_does_not_hear_where_something_was_looked_for_in_vain() {
    let nowhere = ("search_conversation", true, "No message was found.");
    let nothing = ("search_knowledge", true, search_knowledge::NOTHING);
    let found = ("search_knowledge", true, "1 passage:\n\n[A](/api/v1/knowledge/a.md)\n> One.");
    let broken = ("search_knowledge", false, "The knowledge base cannot be searched now.");
    for results in [&[nowhere, nothing][..], &[nothing], &[nowhere, broken]] {
        let text = answered(results);
        assert!(text.contains("sorry") && text.contains("talk to a person"), "{text}");
        assert_is_for_a_visitor(&text);
    }
    assert_eq!(answered(&[nowhere, found]), "From [A](/api/v1/knowledge/a.md):\n\n> One.");
}

#[test]
fn a_visitor_who_takes_up_the_offer_is_given_a_person() {
    let after = |said: &str, text: &str| {
        let mut request = of_visitor(text);
        request.messages.insert(0, ChatMessage::Assistant { text: said.into(), calls: Vec::new() });
        reply(&request).iter().any(|delta| matches!(delta, Delta::ToolCall(call) if call.tool_name == "ask_a_person"))
    };
    let offer = visitor::unknown();
    for text in ["yes", "Yes, please!", "ok", "sure thing"] {
        assert!(after(&offer, text), "{text}");
        assert!(!after("It is Friday.", text), "{text}");
    }
    for text in ["no", "no, please not", "What is 17 * 23?", "yes but first tell me when you open on Sundays"] {
        assert!(!after(&offer, text), "{text}");
    }
}

#[test]
fn an_answer_reports_what_the_tools_returned() {
    let call = |id: &str, tool: &str, arguments: Value| ModelCall { id: id.into(), tool_name: tool.into(), arguments };
    let result = |id: &str, tool: &str, success: bool, text: &str| ChatMessage::Tool {
        call_id: id.into(),
        tool_name: tool.into(),
        success,
        text: text.into(),
    };
    let mut request = request("several things");
    let calls = vec![
        call("1", "calculate", json!({"expression": "17 * 23"})),
        call("2", "calculate", json!({"expression": "1/0"})),
        call("3", "search_conversation", json!({"query": "bread", "author": "Ben"})),
        call("4", "make_chart", json!({"data": "1, 2"})),
        call("5", "date_time", json!({"operation": "now"})),
    ];
    request.messages.push(ChatMessage::Assistant { text: String::new(), calls });
    request.messages.extend([
        result("1", "calculate", true, "17 × 23 = 391"),
        result("2", "calculate", false, "division by zero has no answer"),
        result("3", "search_conversation", true, "1 message:\n- **Ben** (1 May 2026, 10:00 UTC): buy bread"),
        result("4", "make_chart", true, "Drew a line chart titled “X”.\n2 values\nPicture: /api/v1/charts/1.svg"),
        result("5", "date_time", true, "It is Friday, 20 November 2026, 08:12 UTC."),
    ]);
    let text = said(&request);
    for part in [
        "17 × 23 = **391**",
        "I could not work out 1 ÷ 0: division by zero has no answer.",
        "1 message by Ben with “bread”",
        "> **Ben** (1 May 2026, 10:00 UTC): buy bread",
        "I drew a line chart titled “X”. [Open the picture](/api/v1/charts/1.svg).",
        "It is Friday, 20 November 2026, 08:12 UTC.",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_written_before_ones_eyes_and_within_a_second() {
    let client = OfflineClient::default();
    assert!(client.pace > Duration::ZERO);
    for (question, is_long) in [("help", true), ("thanks", false)] {
        let started = tokio::time::Instant::now();
        let mut deltas = client.chat(request(question)).await.expect("an answer");
        let (mut pieces, mut text) = (0, String::new());
        while let Some(Ok(Delta::Text(piece))) = deltas.next().await {
            pieces += 1;
            text.push_str(&piece);
        }
        assert_eq!(text, said(&request(question)));
        assert_eq!(started.elapsed().as_millis(), (client.pace * (pieces - 1)).as_millis());
        assert!(pieces > 10 && started.elapsed() <= WHOLE, "{question}: {pieces} in {:?}", started.elapsed());
        assert_eq!(text.split_whitespace().count() > usize::try_from(pieces).unwrap(), is_long, "{question}");
    }
}

#[test]
fn without_tools_it_calls_none() {
    let mut request = request("What is 17 * 23?");
    request.tools.clear();
    assert!(reply(&request).iter().all(|delta| !matches!(delta, Delta::ToolCall(_))));
}

proptest! {
    #[test]
    fn no_question_brings_it_down(question in any::<String>()) {
        let deltas = reply(&request(&question));
        prop_assert_eq!(deltas.last(), Some(&Delta::Done));
    }

    #[test]
    fn no_mixture_of_its_words_brings_it_down(
        words in prop::collection::vec(prop::sample::select(vec![
            "chart", "plot", ":", "```", "csv", "\n", "what", "did", "say", "how", "many", "km", "in", "26.2", "2026-12-24",
            "days", "between", "and", "until", "Christmas", "sqrt", "of", "(", "*", "!", "?", ";", "°", "é", "1", ",", "about",
            "search", "for", "x", "%", "İ", "find", "summarize", "by", "docs", "price", "AAPL", "https://x?y", "where", "is", "@a",
        ]), 0..30),
        joint in prop::sample::select(vec!["", " "]),
    ) {
        let deltas = reply(&request_with_more(&words.join(joint)));
        prop_assert_eq!(deltas.last(), Some(&Delta::Done));
    }
}
