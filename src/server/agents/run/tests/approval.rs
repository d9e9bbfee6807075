use super::*;

fn careful(number: u64) -> RunEvent {
    RunEvent::Called(PlannedCall { asks_first: true, class: Some(ToolClass::Write), ..call(number) })
}

fn waiting() -> Play {
    let mut play = Play::begun(alone(8));
    play.tell(careful(1)).tell(done());
    play
}

fn anna() -> UserRef {
    UserRef { id: UserId::of_agent("anna"), name: "Anna".into() }
}

fn decided(approved: bool, arguments: Option<Value>) -> RunEvent {
    RunEvent::Decided { call_id: CallId::from_parts(1, 0), approved, by: Some(anna()), arguments }
}

fn made(play: &Play) -> Vec<&ToolCall> {
    let mut calls = Vec::new();
    for event in play.log() {
        if let Event::ToolCall(call) = event {
            calls.push(call);
        }
    }
    calls
}

#[test]
fn a_call_that_asks_first_is_not_made_before_somebody_allows_it() {
    let mut play = waiting();
    assert!(made(&play).is_empty());
    let (call, expires_at) = play.machine.awaits().expect("a call that waits");
    assert_eq!(call, CallId::from_parts(1, 0));
    assert_eq!(expires_at.as_ms() - moment(3).as_ms(), limits::APPROVAL_MS, "from the moment it asks");
    play.tell(decided(true, Some(json!({ "expression": "1 + 1" }))));
    assert_eq!(made(&play)[0].arguments, json!({ "expression": "1 + 1" }), "as Anna changed them");
    play.tell(returned(1, "2")).tell(RunEvent::Text("2".into())).tell(done());
    let words = play.words().join(" ");
    let order = "initializing processing progress agent_step agent_step approval waiting approval_resolved processing \
                 tool_call tool_result progress agent_step agent_step progress message result completed";
    assert_eq!(words, order);
    play.check_the_end();
}

#[test]
fn the_model_hears_which_arguments_were_used() {
    let mut play = waiting();
    play.tell(decided(true, Some(json!({ "changed": true })))).tell(returned(1, "ok"));
    let messages = play.machine.request().messages;
    let ChatMessage::Assistant { calls, .. } = &messages[0] else { panic!("the call") };
    assert_eq!(calls[0].arguments, json!({ "changed": true }));
}

#[test]
fn a_call_that_is_denied_is_not_made_and_the_model_hears_by_whom() {
    let mut play = waiting();
    play.tell(decided(false, None));
    assert!(made(&play).is_empty());
    let Some(ChatMessage::Tool { success, text, .. }) = play.machine.request().messages.last().cloned() else {
        panic!("a result")
    };
    assert!(!success && text.contains("Anna denied this call."), "{text}");
}

#[test]
fn the_first_decision_counts() {
    let mut play = waiting();
    play.tell(decided(false, None)).tell(decided(true, None));
    assert!(made(&play).is_empty());
    assert_eq!(play.words().iter().filter(|word| *word == "approval_resolved").count(), 1);
    assert_eq!(play.machine.decided_by(CallId::from_parts(1, 0)), Some("Anna denied this call."));
}

#[test]
fn a_call_that_nobody_allows_in_time_is_not_made() {
    let mut play = waiting();
    play.tell(RunEvent::Decided { call_id: CallId::from_parts(1, 0), approved: false, by: None, arguments: None });
    assert!(made(&play).is_empty());
    let Some(Event::ApprovalResolved(resolved)) =
        play.log().into_iter().find(|event| matches!(event, Event::ApprovalResolved(_)))
    else {
        panic!("an end of the waiting")
    };
    assert_eq!((resolved.approved, &resolved.by), (false, &None));
}
