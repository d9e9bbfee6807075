use super::*;

fn reads(reply: &str) -> Progress {
    progress(reply, &Team::built_in()).unwrap_or_else(|why| panic!("{reply}: {why}"))
}

fn refuses(reply: &str) -> String {
    progress(reply, &Team::built_in()).expect_err(reply)
}

#[test]
fn a_speaker_is_known_however_it_is_called() {
    for named in ["market-analyst", "Market Analyst", "@market-analyst", " MARKET ANALYST ", "the Market analyst 📈"]
    {
        let reply = json!({"next_speaker": {"answer": named}}).to_string();
        assert_eq!(reads(&reply).speaker.handle, "market-analyst", "{named}");
    }
    assert_eq!(reads(r#"{"next_speaker":"writer"}"#).speaker.handle, "writer", "without a reason");
}

#[test]
fn what_is_left_out_is_as_usual() {
    let found = reads(r#"{"next_speaker":{"reason":"r","answer":"writer"}}"#);
    assert!(!found.ledger.is_request_satisfied.answer && !found.ledger.is_in_loop.answer);
    assert!(found.ledger.is_progress_being_made.answer);
    assert_eq!(found.instruction, GO_ON);
    let done = reads(r#"{"is_request_satisfied":{"answer":"Yes"}}"#);
    assert!(done.ledger.is_request_satisfied.answer, "who speaks next does not matter then");
}

#[test]
fn what_cannot_be_guessed_is_named() {
    assert_eq!(refuses("no"), "there is no whole JSON object in it");
    assert_eq!(refuses(r#"{"a":{"b":1}}"#), "it has none of the fields is_request_satisfied, next_speaker");
    let reply = r#"{"is_request_satisfied":{"answer":"perhaps"},"next_speaker":"writer"}"#;
    assert_eq!(refuses(reply), "`is_request_satisfied.answer` is true or false");
    let who = refuses(r#"{"next_speaker":{"answer":["x"]}}"#);
    assert!(who.starts_with("`next_speaker.answer` is one of assistant, researcher, "), "{who}");
}

#[test]
fn the_first_object_that_can_be_read_counts() {
    let reply =
        r#"An example: {"next_speaker": "you"}. Mine: {"next_speaker": "writer"} or {"next_speaker": "analyst"}"#;
    assert_eq!(reads(reply).speaker.handle, "writer");
}

#[test]
fn a_route_is_read_from_what_there_is() {
    let team = Team::built_in();
    let direct = |reply: &str| match triage(reply, &team) {
        Ok(Route::Direct(agent)) => agent.handle.clone(),
        other => panic!("{reply}: {other:?}"),
    };
    assert_eq!(direct(r#"{"route":"direct","agent":"Writer"}"#), "writer");
    assert_eq!(direct(r#"{"route":"Direct","agent":"the janitor"}"#), "assistant");
    assert_eq!(direct(r#"{"agent":"@analyst"}"#), "analyst");
    for reply in [r#"{"route":"team"}"#, r#"{"plan":["a"]}"#, r#"{"Route":"TEAM","facts":"x","plan":"- a"}"#] {
        assert!(matches!(triage(reply, &team), Ok(Route::Team(_))), "{reply}");
    }
    assert!(triage(r#"{"facts":{}}"#, &team).is_err());
}

#[test]
fn a_ledger_keeps_so_many_short_points() {
    let many = json!({"plan": vec!["x".repeat(500); 100], "facts": {"given": vec!["y"; 100], "guesses": "- a\n- b"}});
    let ledger = task(&many.to_string()).unwrap();
    assert_eq!(ledger.plan.len(), limits::LEDGER_ITEMS);
    assert_eq!(ledger.plan[0].chars().count(), limits::LEDGER_ITEM_CHARS);
    assert_eq!(ledger.facts.given.len(), limits::LEDGER_ITEMS);
    assert_eq!(ledger.facts.guesses, ["a", "b"]);
    let told = json!({"next_speaker": "writer", "instruction_or_question": "z".repeat(10_000)}).to_string();
    assert_eq!(reads(&told).instruction.chars().count(), limits::INSTRUCTION_CHARS);
}

#[test]
fn the_schemas_leave_nothing_open() {
    let team = Team::built_in();
    for (name, schema) in
        [("triage", triage_schema(&team)), ("task", task_schema()), ("progress", progress_schema(&team))]
    {
        let text = schema.to_string();
        assert!(!text.contains("$ref") && !text.contains("$schema"), "{name}: {text}");
        closed(name, &schema);
    }
    let answer = json!({"type": "string", "enum": ["assistant", "researcher", "analyst", "market-analyst", "writer"]});
    assert_eq!(progress_schema(&team)["properties"]["next_speaker"]["properties"]["answer"], answer);
    assert_eq!(triage_schema(&team)["properties"]["route"]["enum"], json!(["direct", "team"]));
}

/// Every object names all that it may have, and wants all of it.
fn closed(name: &str, schema: &Value) {
    if let Some(properties) = schema["properties"].as_object() {
        assert_eq!(schema["additionalProperties"], false, "{name}");
        assert_eq!(schema["required"].as_array().unwrap().len(), properties.len(), "{name}");
        properties.iter().for_each(|(name, schema)| closed(name, schema));
    }
    closed_items(name, schema);
}

fn closed_items(name: &str, schema: &Value) {
    if schema["items"].is_object() {
        closed(name, &schema["items"]);
    }
    assert!(schema["anyOf"].is_null() && schema["oneOf"].is_null(), "{name}");
}
