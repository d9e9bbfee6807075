//! Runs on a real database: what the log and the readers see of them, however they go.

#[path = "runs/approvals.rs"]
mod approvals;
#[path = "runs/room.rs"]
mod room;
#[path = "runs/script.rs"]
mod script;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use magpie::{
    fresh_id,
    protocol::{
        AgentRun, Code, Event, RunId, RunStatus, UserId,
        agent::{ToolClass, ToolResult},
        limits,
    },
    server::{
        agents::llm::{ChatMessage, LlmError, offline::OfflineClient},
        storage::Write,
    },
};
use serde_json::json;
use tokio::sync::Notify;

use room::{Room, answers, ends, runs, words};
use script::{Beat, Script, Trouble, say};

fn offline() -> Arc<OfflineClient> {
    Arc::new(OfflineClient { pace: Duration::ZERO })
}

fn results(events: &[Event]) -> Vec<&ToolResult> {
    events.iter().filter_map(result).collect()
}

fn result(event: &Event) -> Option<&ToolResult> {
    match event {
        Event::ToolResult(result) => Some(result),
        _ => None,
    }
}

#[tokio::test]
async fn a_question_is_answered_by_a_tool_in_the_order_of_the_protocol() {
    let room = Room::with(offline()).await;
    room.ask("What is 17 * 23?").await;
    let events = room.until_over(1).await;
    let order = "question initializing processing progress agent_step agent_step tool_call tool_result progress \
                 agent_step agent_step progress message result completed";
    assert_eq!(words(&events).join(" "), order);
    let class = events.iter().find_map(|event| if let Event::ToolCall(call) = event { call.class } else { None });
    assert_eq!(class, Some(ToolClass::Read), "what the tool does to the world");
    let answer = &answers(&events)[0];
    assert_eq!(answer.text, "17 × 23 = **391**");
    assert_eq!(answer.author.id, UserId::of_agent("assistant"));
    assert_eq!(answer.run_id, Some(runs(&events)[0]));
    assert!(room.storage.unfinished_runs().await.unwrap().is_empty());
    assert!(room.agents.streams(room.id).is_empty());

    room.until_published(|frame| frame["type"] == "typing_stop").await;
    let typing = &room.published("typing_start")[0]["user"];
    assert_eq!(typing, &json!({ "id": UserId::of_agent("assistant"), "name": "Assistant" }));
}

#[tokio::test]
async fn every_built_in_tool_works_in_a_run() {
    let room = Room::with(offline()).await;
    room.say("We need bread and butter for Sunday").await;
    room.ask("What did Anna say about butter? How many km is 26.2 miles? What day is 2026-12-24? What time is it?")
        .await;
    let events = room.until_over(1).await;
    let text = &answers(&events)[0].text;
    for part in ["We need bread and butter for Sunday", "**Anna**", "42.1648 km", "Thursday", "UTC"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(results(&events).iter().all(|result| result.success));
}

#[tokio::test]
async fn a_chart_is_kept_before_it_is_told_of() {
    let room = Room::with(offline()).await;
    room.ask("Bar chart of sales: Jan 3, Feb 5, Mar 2").await;
    let events = room.until_over(1).await;
    let chart = events.iter().find_map(|event| match event {
        Event::ChartGenerated(chart) => Some(chart),
        _ => None,
    });
    let chart = chart.expect("a chart");
    assert_eq!((chart.title.as_str(), &chart.url), ("Sales", &format!("/api/v1/charts/{}.svg", chart.chart_id)));
    let (conversation, svg) = room.storage.chart(chart.chart_id).await.unwrap().expect("a picture");
    assert_eq!(conversation, room.id);
    assert!(svg.starts_with("<svg") && svg.contains("<title>Sales</title>"));
    assert!(answers(&events)[0].text.contains(&chart.url));
}

#[tokio::test]
async fn tokens_append_to_the_text_that_a_late_joiner_gets() {
    let go = Arc::new(Notify::new());
    let mut beats: Vec<Beat> = (0..500).map(|word| say(&format!("wörd{word} "))).collect();
    beats.extend([Beat::Wait(go.clone()), Beat::Done]);
    let room = Room::with(Script::of([beats])).await;
    let started = Instant::now();
    room.ask("Tell me much").await;
    room.until_published(|frame| frame["type"] == "token" && frame["delta"].as_str().unwrap().contains("wörd499"))
        .await;

    let frames = room.published("token");
    let most = 2 + started.elapsed().as_millis() as u64 / limits::TOKEN_INTERVAL_MS;
    assert!(frames.len() as u64 <= most, "{} frames", frames.len());
    assert_eq!(frames[0]["delta"], "wörd0 ", "the first at once");
    let mut text = String::new();
    for frame in &frames {
        assert_eq!(frame["offset"], text.len());
        text.push_str(frame["delta"].as_str().unwrap());
    }
    let streams = room.agents.streams(room.id);
    assert_eq!(streams.len(), 1);
    assert_eq!(streams[0].text, text);

    go.notify_one();
    let events = room.until_over(1).await;
    let answer = &answers(&events)[0];
    assert_eq!(answer.text, text);
    assert_eq!(
        (json!(answer.id), json!(answer.run_id)),
        (frames[0]["message_id"].clone(), frames[0]["run_id"].clone())
    );
    assert!(room.agents.streams(room.id).is_empty());
}

#[tokio::test]
async fn cancel_lets_go_of_the_model_and_keeps_what_was_written() {
    let script = Script::of([vec![say("Half an"), Beat::Hang]]);
    let room = Room::with(script.clone()).await;
    room.ask("Tell me").await;
    room.until_published(|frame| frame["type"] == "token").await;
    let run = room.agents.cancel(room.id, None).await.unwrap();
    assert_eq!(script.open(), 0, "the call of the model is gone when cancel returns");
    let events = room.until_over(1).await;
    assert_eq!(words(&events)[words(&events).len() - 2..], ["partial", "cancelled"]);
    assert_eq!(answers(&events)[0].text, "Half an");
    assert_eq!(ends(&events)[0].run_id, run);
    assert_eq!(room.published("typing_stop").len(), 1);
    assert_eq!(room.agents.cancel(room.id, None).await.map_err(|problem| problem.code), Err(Code::NoRun));
}

#[tokio::test]
async fn cancel_lets_go_of_the_tool() {
    let trouble = Arc::new(Trouble::default());
    let script = Script::of([vec![Beat::Call("trouble", json!({})), Beat::Done]]);
    let room = Room::with_tool(script, trouble.clone()).await;
    room.ask("Make trouble").await;
    trouble.started.notified().await;
    room.agents.cancel(room.id, None).await.unwrap();
    assert_eq!(trouble.open(), 0);
    let events = room.until_over(1).await;
    assert_eq!(words(&events).last().map(String::as_str), Some("cancelled"));
    assert!(answers(&events).is_empty());
}

#[tokio::test]
async fn a_tool_that_fails_is_told_to_the_model_and_the_run_goes_on() {
    let turn = |tool, arguments| vec![Beat::Call(tool, arguments), Beat::Done];
    let script = Script::of([
        turn("trouble", json!({"how": "panic"})),
        turn("no_such_tool", json!({})),
        turn("trouble", json!({"how": "flood"})),
        vec![say("I could not."), Beat::Done],
    ]);
    let room = Room::with_tool(script.clone(), Arc::new(Trouble::default())).await;
    room.ask("Make trouble").await;
    let events = room.until_over(1).await;
    let results = results(&events);
    assert_eq!(results.iter().map(|result| result.success).collect::<Vec<_>>(), [false, false, true]);
    assert!(results[1].result_preview.contains("no_such_tool"));
    assert_eq!(results[2].result_preview.chars().count(), limits::RESULT_PREVIEW_CHARS);
    assert_eq!(ends(&events)[0].status, RunStatus::Completed);

    let requests = script.requests.lock().unwrap();
    let Some(ChatMessage::Tool { text, .. }) = requests[3].messages.last() else { panic!("a result") };
    assert!(text.len() <= limits::TOOL_OUTPUT_BYTES && text.ends_with("(cut here: too long)"));
}

#[tokio::test]
async fn arguments_that_do_not_fit_are_an_error_that_the_model_sees() {
    let script = Script::of([
        vec![Beat::Call("calculate", json!({"expression": 7})), Beat::Call("calculate", json!("{broken")), Beat::Done],
        vec![say("Sorry."), Beat::Done],
    ]);
    let room = Room::with(script).await;
    room.ask("Calculate").await;
    let events = room.until_over(1).await;
    let results = results(&events);
    assert!(results.iter().all(|result| !result.success), "{results:?}");
    assert!(results[0].result_preview.contains("expression"));
}

#[tokio::test]
async fn a_tool_that_takes_too_long_is_stopped() {
    let trouble = Arc::new(Trouble::default());
    let script = Script::of([vec![Beat::Call("trouble", json!({})), Beat::Done], vec![say("It hung."), Beat::Done]]);
    let room = Room::with_tool(script, trouble.clone()).await;
    room.ask("Make trouble").await;
    trouble.started.notified().await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_millis(limits::TOOL_TIMEOUT_MS)).await;
    tokio::time::resume();
    let events = room.until_over(1).await;
    assert!(results(&events)[0].result_preview.contains("took longer"));
    assert_eq!((trouble.open(), ends(&events)[0].status), (0, RunStatus::Completed));
}

#[tokio::test]
async fn a_model_that_breaks_off_fails_the_run_and_everyone_is_told() {
    let broken = [Beat::Fail(LlmError::Unreachable("no route".into())), Beat::Wait(Arc::default())];
    let cut: Vec<Beat> = vec![say("And then")];
    let room = Room::with(Script::of([broken.to_vec(), cut])).await;
    room.ask("One").await;
    room.until_over(1).await;
    room.ask("Two").await;
    let events = room.until_over(2).await;
    let ends = ends(&events);
    assert!(ends.iter().all(|end| end.status == RunStatus::Failed));
    assert!(ends[0].message.as_ref().is_some_and(|why| why.contains("no route")));
    assert_eq!(
        answers(&events).iter().map(|message| (message.text.as_str(), message.partial)).collect::<Vec<_>>(),
        [("And then", true)]
    );
    room.until_published(|frame| frame["type"] == "error").await;
    let error = &room.published("error")[0];
    assert_eq!((&error["code"], &error["recoverable"]), (&json!("run_failed"), &json!(true)));
}

#[tokio::test]
async fn questions_during_a_run_are_answered_in_their_order() {
    let go = Arc::new(Notify::new());
    let script = Script::of([
        vec![Beat::Wait(go.clone()), say("first"), Beat::Done],
        vec![say("second"), Beat::Done],
        vec![say("third"), Beat::Done],
    ]);
    let room = Room::with(script.clone()).await;
    for question in ["one", "two", "three"] {
        room.ask(question).await;
    }
    let waiting = |event: &Event| matches!(event, Event::AgentRun(run) if run.message.is_some());
    room.until(|events| events.iter().filter(|event| waiting(event)).count() == 2).await;
    go.notify_one();
    let events = room.until_over(3).await;
    let said: Vec<_> = answers(&events).into_iter().map(|message| message.text).collect();
    assert_eq!(said, ["first", "second", "third"]);

    let requests = script.requests.lock().unwrap();
    let heard = |at: usize| {
        let text = |message: &ChatMessage| match message {
            ChatMessage::User { text, .. } | ChatMessage::Assistant { text, .. } => text.clone(),
            ChatMessage::Tool { text, .. } => text.clone(),
        };
        requests[at].messages.iter().map(text).collect::<Vec<_>>()
    };
    assert_eq!(heard(0), ["one"], "what was asked later has a run of its own");
    assert_eq!(heard(1), ["one", "first", "two"]);
    assert_eq!(heard(2), ["one", "two", "first", "second", "three"]);
}

#[tokio::test]
async fn one_question_too_many_fails_in_the_log() {
    let room = Room::with(Script::of([vec![Beat::Hang]])).await;
    for _ in 0..=limits::QUEUED_QUESTIONS {
        room.ask("And?").await;
    }
    assert!(ends(&room.log()).is_empty());
    room.ask("And again?").await;
    let events = room.until_over(1).await;
    assert_eq!(ends(&events)[0].status, RunStatus::Failed);
    assert!(ends(&events)[0].message.as_ref().is_some_and(|why| why.contains("waiting")));
}

#[tokio::test]
async fn a_waiting_question_can_be_cancelled_by_its_run() {
    let room = Room::with(Script::of([vec![Beat::Hang]])).await;
    room.ask("one").await;
    room.ask("two").await;
    let events = room.until(|events| runs(events).len() == 2).await;
    let on = runs(&events).into_iter().find(|run| {
        events
            .iter()
            .any(|event| matches!(event, Event::AgentRun(told) if told.run_id == *run && told.message.is_none()))
    });
    let waiting = runs(&events).into_iter().find(|run| Some(*run) != on).expect("a run that waits");
    assert_eq!(room.agents.cancel(room.id, Some(waiting)).await, Ok(waiting));
    let events = room.until_over(1).await;
    assert_eq!((ends(&events)[0].run_id, ends(&events)[0].status), (waiting, RunStatus::Cancelled));
    assert_eq!(room.agents.cancel(room.id, None).await.ok(), on);
}

#[tokio::test]
async fn among_several_people_agents_answer_when_they_are_addressed() {
    let room = Room::with(offline()).await;
    for (text, answered) in [("What is 1 + 1?", 0), ("@agents what is 1 + 1?", 1), ("Assistant, what is 2 + 2?", 2)] {
        let message = room.say(text).await;
        room.agents.posted(room.id, &message, 2).await;
        room.until_over(answered).await;
        assert_eq!(runs(&room.log()).len(), answered, "{text}");
    }
}

#[tokio::test]
async fn a_deleted_question_is_not_answered() {
    let go = Arc::new(Notify::new());
    let room = Room::with(Script::of([vec![Beat::Wait(go.clone()), say("first"), Beat::Done]])).await;
    room.ask("one").await;
    let question = room.say("two").await;
    room.agents.posted(room.id, &question, 1).await;
    room.write(Write::Delete { message_id: question.id, by: room.anna.as_ref(), moderates: false }).await;
    go.notify_one();
    let events = room.until_over(2).await;
    assert_eq!(ends(&events)[1].status, RunStatus::Cancelled);
    assert_eq!(answers(&events).len(), 1);
}

#[tokio::test]
async fn a_deleted_question_is_in_no_journal_and_nobody_goes_on_with_it() {
    let mut room = Room::with(Script::of([vec![say("Half an"), Beat::Hang]])).await;
    let first = room.say("the first quince").await;
    room.agents.posted(room.id, &first, 1).await;
    room.until_published(|frame| frame["type"] == "token").await;
    let second = room.say("the second quince").await;
    room.agents.posted(room.id, &second, 1).await;
    room.write(Write::Delete { message_id: first.id, by: room.anna.as_ref(), moderates: false }).await;
    let unfinished = room.storage.unfinished_runs().await.unwrap();
    assert_eq!(unfinished.len(), 2);
    for (_, run) in unfinished {
        let journal = room.storage.run_journal(run).await.unwrap();
        assert!(!journal.is_empty() && journal.iter().all(|entry| !entry.contains("quince")), "{journal:?}");
    }
    // The one that is still there is asked as it was.
    let script = Script::of([vec![say("A fruit."), Beat::Done]]);
    room.next_life(script.clone()).await;
    let events = room.until_over(2).await;
    let status: Vec<_> = ends(&events).iter().map(|end| end.status).collect();
    assert_eq!(status, [RunStatus::Cancelled, RunStatus::Completed]);
    let asked = script.requests.lock().unwrap()[0].messages.clone();
    let expected = ChatMessage::User { name: "Anna".into(), text: "the second quince".into() };
    assert_eq!(asked.iter().rev().find(|message| matches!(message, ChatMessage::User { .. })), Some(&expected));
}

#[tokio::test]
async fn a_run_that_the_last_stop_left_is_marked_interrupted() {
    let room = Room::with(offline()).await;
    let run = |run_id, status| Write::Server(Event::AgentRun(AgentRun::new(run_id, status)));
    let (left, done) = (fresh_id!(RunId), fresh_id!(RunId));
    for (id, status) in [
        (left, RunStatus::Initializing),
        (left, RunStatus::Processing),
        (done, RunStatus::Initializing),
        (done, RunStatus::Completed),
    ] {
        room.write(run(id, status)).await;
    }
    room.agents.recover().await.unwrap();
    let events = room.until_over(2).await;
    assert_eq!((ends(&events)[1].run_id, ends(&events)[1].status), (left, RunStatus::Interrupted));
    assert!(ends(&events)[1].message.is_some());
    room.agents.recover().await.unwrap();
    assert_eq!(ends(&room.log()).len(), 2, "once");
}

#[tokio::test]
async fn a_shutdown_leaves_its_runs_to_the_next_life_which_goes_on_with_them() {
    let script = Script::of([vec![say("Half an"), Beat::Hang]]);
    let mut room = Room::with(script.clone()).await;
    room.ask("one").await;
    room.ask("two").await;
    room.until_published(|frame| frame["type"] == "token").await;
    room.agents.drain().await;
    assert_eq!(script.open(), 0, "the model is let go");
    room.ask("three").await;
    let events = room.until(|events| runs(events).len() == 3).await;
    assert!(ends(&events).is_empty());

    let script = Script::of([
        vec![say("A whole answer"), Beat::Done],
        vec![say("second"), Beat::Done],
        vec![say("third"), Beat::Done],
    ]);
    room.next_life(script.clone()).await;
    let events = room.until_over(3).await;
    assert!(ends(&events).iter().all(|end| end.status == RunStatus::Completed));
    let said: Vec<_> = answers(&events).into_iter().map(|message| (message.text, message.partial)).collect();
    assert_eq!(said, [("A whole answer", false), ("second", false), ("third", false)].map(|(a, b)| (a.to_owned(), b)));
    let heard: Vec<_> =
        room.published("token").iter().map(|token| (token["offset"].clone(), token["delta"].clone())).collect();
    assert_eq!(heard[..2], [(json!(0), json!("Half an")), (json!(0), json!("A whole answer"))], "in its place");
    assert!(room.storage.unfinished_runs().await.unwrap().is_empty());
}

#[tokio::test]
async fn what_a_killed_server_showed_is_shown_by_the_next_one() {
    let mut room = Room::with(Script::of([vec![say("Half an"), Beat::Hang]])).await;
    room.ask("one").await;
    room.until_published(|frame| frame["type"] == "token").await;
    // Nobody tells the first life that it is over: it is as good as killed.
    let go = Arc::new(Notify::new());
    room.next_life(Script::of([vec![Beat::Wait(go.clone()), say("A whole"), Beat::Done]])).await;
    assert_eq!(room.agents.streams(room.id)[0].text, "Half an");
    go.notify_one();
    let events = room.until_over(1).await;
    assert_eq!(answers(&events)[0].text, "A whole");
}

#[tokio::test]
async fn a_run_that_is_over_is_asked_again_without_its_answer() {
    let script =
        Script::of([vec![say("Wrong."), Beat::Done], vec![say("Later."), Beat::Done], vec![say("Right."), Beat::Done]]);
    let room = Room::with(script.clone()).await;
    room.ask("one").await;
    let first = runs(&room.until_over(1).await)[0];
    room.ask("two").await;
    room.until_over(2).await;
    let again = room.agents.retry(room.id, first, room.anna.as_ref(), None).await.unwrap();
    let events = room.until_over(3).await;
    assert_eq!((ends(&events)[2].run_id, ends(&events)[2].status), (again, RunStatus::Completed));
    let requests = script.requests.lock().unwrap();
    let heard = requests[2].messages.clone();
    assert_eq!(heard, [ChatMessage::User { name: "Anna".into(), text: "one".into() }]);
    let question = |run| {
        events.iter().find_map(|event| match event {
            Event::AgentRun(told) if told.run_id == run => told.question,
            _ => None,
        })
    };
    assert!(question(first).is_some());
    assert_eq!(question(first), question(again));
}

#[tokio::test]
async fn only_a_run_that_is_over_and_whose_question_is_there_is_asked_again() {
    let room = Room::with(Script::of([vec![Beat::Hang]])).await;
    let question = room.say("one").await;
    room.agents.posted(room.id, &question, 1).await;
    let run = runs(&room.until(|events| !runs(events).is_empty()).await)[0];
    let code = async |run| room.agents.retry(room.id, run, room.anna.as_ref(), None).await.unwrap_err().code;
    assert_eq!(code(run).await, Code::Invalid, "it still goes on");
    assert_eq!(code(fresh_id!(RunId)).await, Code::NotFound);
    room.agents.cancel(room.id, None).await.unwrap();
    room.write(Write::Delete { message_id: question.id, by: room.anna.as_ref(), moderates: false }).await;
    assert_eq!(code(run).await, Code::NotFound, "nobody's question");
}
