use genai::chat::ChatRole;

use super::*;
use crate::server::agents::llm::ToolDefinition;

fn user(name: &str, text: &str) -> ChatMessage {
    ChatMessage::User { name: name.into(), text: text.into() }
}

fn assistant(text: &str) -> ChatMessage {
    ChatMessage::Assistant { text: text.into(), calls: Vec::new() }
}

fn called(text: &str, arguments: Value) -> ChatMessage {
    let call = ModelCall { id: "c1".into(), tool_name: "calculate".into(), arguments };
    ChatMessage::Assistant { text: text.into(), calls: vec![call] }
}

fn result(success: bool, text: &str) -> ChatMessage {
    ChatMessage::Tool { call_id: "c1".into(), tool_name: "calculate".into(), success, text: text.into() }
}

fn request(messages: Vec<ChatMessage>) -> ChatRequest {
    ChatRequest {
        system: "Be brief.".into(),
        messages,
        tools: Vec::new(),
        model: None,
        schema: None,
        audience: crate::protocol::Side::House,
    }
}

/// A line for each turn.
fn turns(request: &ChatRequest) -> Vec<String> {
    let line = |turn: &Turn| {
        let role = match turn.role {
            ChatRole::User => "user",
            ChatRole::Assistant => "assistant",
            ChatRole::Tool => "tool",
            ChatRole::System => "system",
        };
        let parts = turn.content.parts().iter().map(|part| match part {
            ContentPart::Text(text) => text.clone(),
            ContentPart::ToolCall(call) => format!("{}{}", call.fn_name, call.fn_arguments),
            ContentPart::ToolResponse(response) => format!("{} {}", response.call_id, response.content),
            _ => "?".into(),
        });
        format!("{role}: {}", parts.collect::<Vec<_>>().join(" | "))
    };
    of(request, Provider::OpenAi, true).messages.iter().map(line).collect()
}

#[test]
fn names_stand_before_what_is_said_only_where_several_people_speak() {
    let alone = request(vec![user("Anna", "Hi"), assistant("Hello"), user("Anna", "2+2?")]);
    assert_eq!(turns(&alone), ["user: Hi", "assistant: Hello", "user: 2+2?"]);
    assert_eq!(of(&alone, Provider::OpenAi, true).system.as_deref(), Some("Be brief."));

    let both = request(vec![user("Anna", "Hi"), assistant("Hello"), user("B:\nAnna", "2+2?")]);
    assert_eq!(turns(&both), ["user: Anna: Hi", "assistant: Hello", "user: B  Anna: 2+2?"]);
    assert!(of(&both, Provider::OpenAi, true).system.unwrap().ends_with(SEVERAL));
}

#[test]
fn turns_alternate_and_a_user_speaks_first() {
    let messages = vec![
        assistant("One"),
        assistant("Two"),
        user("Anna", "A"),
        user("Anna", ""),
        user("Anna", "B"),
        assistant(" "),
    ];
    assert_eq!(
        turns(&request(messages)),
        [format!("user: {LEFT_OUT}").as_str(), "assistant: One\n\nTwo", "user: A\n\nB"]
    );
}

#[test]
fn a_call_and_its_result_keep_their_id_whatever_was_written() {
    let messages = vec![
        user("Anna", "2+2?"),
        called("Let me see.", json!({ "expression": "2+2" })),
        result(true, "4"),
        called("", json!("not json")),
        result(false, "no such thing"),
    ];
    let expected = [
        "user: 2+2?",
        r#"assistant: Let me see. | calculate{"expression":"2+2"}"#,
        "tool: c1 4",
        r#"assistant: calculate{"arguments":"not json"}"#,
        "tool: c1 The call failed: no such thing",
    ];
    assert_eq!(turns(&request(messages)), expected);
}

#[test]
fn tools_are_offered_and_anthropic_keeps_those_of_earlier_calls() {
    let mut asked = request(vec![user("Anna", "2+2?"), called("", json!({})), result(true, "4")]);
    let names = |asked: &ChatRequest, provider| -> Vec<String> {
        let tools = of(asked, provider, true).tools.unwrap_or_default();
        tools.iter().map(|tool| tool.name.to_string()).collect()
    };
    assert!(names(&asked, Provider::OpenAi).is_empty());
    assert_eq!(names(&asked, Provider::Anthropic), ["calculate"]);
    let parameters = json!({ "type": "object" });
    asked.tools = vec![ToolDefinition { name: "date_time".into(), description: "Says.".into(), parameters }];
    assert_eq!(names(&asked, Provider::Anthropic), ["date_time"]);
    assert!(of(&asked, Provider::OpenAi, false).tools.is_none());
}
