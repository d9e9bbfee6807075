//! Calls that somebody has to allow.

use std::{sync::Arc, time::Duration};

use magpie::{
    fresh_id,
    protocol::{
        CallId, Code, Event, Problem, RunStatus, Seq, UserId, UserRef,
        agent::{Approval, ApprovalResolved},
        limits::CONCURRENT_RUNS_PER_USER,
    },
    server::agents::Verdict,
};
use serde_json::json;
use tokio::time::timeout;

use super::{
    room::{Room, answers, ends},
    script::{Beat, Script, say},
};

fn careful() -> Arc<Script> {
    Script::of([
        vec![Beat::Call("calculate", json!({ "expression": "17 * 23" })), Beat::Done],
        vec![say("Done."), Beat::Done],
    ])
}

async fn approval(room: &Room) -> Approval {
    let find = |event: &Event| match event {
        Event::Approval(approval) => Some(approval.clone()),
        _ => None,
    };
    let events = room.until(|events| events.iter().any(|event| find(event).is_some())).await;
    events.iter().find_map(find).expect("an approval")
}

fn resolved(events: &[Event]) -> Vec<&ApprovalResolved> {
    let mut found = Vec::new();
    for event in events {
        if let Event::ApprovalResolved(resolved) = event {
            found.push(resolved);
        }
    }
    found
}

fn person(name: &str) -> UserRef {
    UserRef { id: fresh_id!(UserId), name: name.into() }
}

async fn decide(room: &Room, asked: &Approval, by: &str, approved: bool) -> Result<Seq, Problem> {
    let verdict = Verdict { call_id: asked.call_id, approved, by: person(by), arguments: None };
    room.agents.approve(room.id, asked.run_id, verdict).await
}

#[tokio::test]
async fn a_call_waits_until_somebody_allows_it_with_arguments_of_their_own() {
    let room = Room::asking_before(careful(), &["calculate"]).await;
    room.ask("Count!").await;
    let asked = approval(&room).await;
    assert_eq!(asked.arguments, json!({ "expression": "17 * 23" }));
    let verdict = Verdict {
        call_id: asked.call_id,
        approved: true,
        by: person("Ben"),
        arguments: Some(json!({ "expression": "2 + 2" })),
    };
    let seq = room.agents.approve(room.id, asked.run_id, verdict).await.unwrap();
    let events = room.until_over(1).await;
    // The founding member is seq 1.
    assert!(matches!(&events[seq.0 as usize - 1], Event::ApprovalResolved(now) if now.approved), "the ack names it");
    let made = events.iter().find_map(|event| match event {
        Event::ToolResult(result) => Some(result.result_preview.clone()),
        _ => None,
    });
    assert_eq!(made.as_deref(), Some("2 + 2 = 4"));
    assert_eq!(ends(&events)[0].status, RunStatus::Completed);
}

#[tokio::test]
async fn of_two_who_decide_at_once_one_wins_and_the_other_hears_who() {
    let room = Room::asking_before(careful(), &["calculate"]).await;
    room.ask("Count!").await;
    let asked = approval(&room).await;
    let (ben, carla) = tokio::join!(decide(&room, &asked, "Ben", true), decide(&room, &asked, "Carla", false));
    assert_eq!(ben.is_ok() as u8 + carla.is_ok() as u8, 1);
    let lost = ben.clone().err().or(carla.err()).expect("one lost");
    assert_eq!(lost.code, Code::Invalid);
    let winner = if ben.is_ok() { "Ben allowed this call." } else { "Carla denied this call." };
    assert_eq!(lost.details["call_id"], winner);
    assert_eq!(resolved(&room.until_over(1).await).len(), 1);
    assert_eq!(decide(&room, &asked, "Dora", true).await.unwrap_err().code, Code::NotFound, "the run is over");
}

#[tokio::test]
async fn a_run_that_waits_for_a_place_after_it_was_allowed_hears_who_comes_late() {
    let call = vec![Beat::Call("calculate", json!({ "expression": "17 * 23" })), Beat::Done];
    let others = std::iter::repeat_n(vec![Beat::Hang], CONCURRENT_RUNS_PER_USER);
    let script = Script::of([call].into_iter().chain(others).chain([vec![say("Done."), Beat::Done]]));
    let room = Room::asking_before(script.clone(), &["calculate"]).await;
    room.ask("Count!").await;
    let asked = approval(&room).await;
    let mut elsewhere = None;
    for _ in 0..CONCURRENT_RUNS_PER_USER {
        elsewhere = Some(room.ask_elsewhere("Talk!").await);
    }
    while script.open() < CONCURRENT_RUNS_PER_USER {
        tokio::task::yield_now().await;
    }
    decide(&room, &asked, "Ben", true).await.unwrap();
    let late = timeout(Duration::from_secs(20), decide(&room, &asked, "Carla", false)).await.expect("an answer");
    assert_eq!(late.unwrap_err().details["call_id"], "Ben allowed this call.");
    assert!(!room.log().iter().any(|event| matches!(event, Event::ToolResult(_))), "there is no place for it");
    room.agents.cancel(elsewhere.expect("the last"), None).await.unwrap();
    let is_done =
        |event: &Event| matches!(event, Event::AgentRun(run) if run.run_id == asked.run_id && run.status.is_over());
    room.until(|events| events.iter().any(is_done)).await;
}

#[tokio::test]
async fn a_call_that_waits_survives_the_server() {
    let mut room = Room::asking_before(careful(), &["calculate"]).await;
    room.ask("Count!").await;
    let asked = approval(&room).await;
    room.agents.drain().await;
    room.next_life(Script::of([vec![say("Without it, then."), Beat::Done]])).await;
    decide(&room, &asked, "Ben", false).await.unwrap();
    let events = room.until_over(1).await;
    assert_eq!(answers(&events)[0].text, "Without it, then.");
    assert!(!events.iter().any(|event| matches!(event, Event::ToolCall(_))));
}

#[tokio::test]
async fn a_run_that_waits_can_be_stopped() {
    let room = Room::asking_before(careful(), &["calculate"]).await;
    room.ask("Count!").await;
    let asked = approval(&room).await;
    room.agents.cancel(room.id, None).await.unwrap();
    assert_eq!(ends(&room.until_over(1).await)[0].status, RunStatus::Cancelled);
    assert_eq!(decide(&room, &asked, "Ben", true).await.unwrap_err().code, Code::NotFound);
}

#[tokio::test]
async fn nobody_allows_what_was_not_asked() {
    let room = Room::asking_before(careful(), &["calculate"]).await;
    room.ask("Count!").await;
    let mut asked = approval(&room).await;
    asked.call_id = fresh_id!(CallId);
    assert_eq!(decide(&room, &asked, "Ben", true).await.unwrap_err().code, Code::NotFound);
    assert!(ends(&room.log()).is_empty());
}
