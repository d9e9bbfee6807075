//! What the agents leave behind.

use super::{Backend, House, parse};
use crate::{
    fresh_id,
    protocol::{
        AgentRun, AgentStep, ChartId, ConversationId, Event, RunId, RunStatus, Seq,
        agent::{ChartGenerated, Progress},
    },
};

fn run(run_id: RunId, status: RunStatus) -> Event {
    Event::AgentRun(AgentRun::new(run_id, status))
}

pub async fn a_run_is_unfinished_until_its_end(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let anna = house.user("anna").await;
    let room = house.room(&[&anna]).await;
    for end in [RunStatus::Completed, RunStatus::Cancelled, RunStatus::Failed, RunStatus::Interrupted] {
        let id = fresh_id!(RunId);
        for status in [RunStatus::Initializing, RunStatus::Processing, RunStatus::Waiting] {
            house.server(room, run(id, status)).await;
            assert_eq!(house.storage.unfinished_runs().await.unwrap(), [(room, id)]);
        }
        house.server(room, run(id, end)).await;
        assert_eq!(house.storage.unfinished_runs().await.unwrap(), []);
    }
}

pub async fn the_timeline_has_the_agents_events_alone(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let anna = house.user("anna").await;
    let room = house.room(&[&anna]).await;
    let run_id = fresh_id!(RunId);
    let agent = "assistant".to_owned();
    house.server(room, run(run_id, RunStatus::Processing)).await;
    let step = AgentStep::new(run_id, agent, "🐦", 1, "thinks".to_owned());
    house.server(room, Event::AgentStep(step)).await;
    house.post(room, &anna, "meanwhile").await;
    let progress = Progress { run_id, current_turn: 1, max_turns: 8, percentage: 12.5 };
    house.server(room, Event::Progress(progress)).await;
    let chart_id = fresh_id!(ChartId);
    let chart =
        ChartGenerated { run_id, chart_id, url: "/x".to_owned(), title: "T".to_owned(), symbol: None, table: None };
    house.server(room, Event::ChartGenerated(chart)).await;
    house.server(room, run(run_id, RunStatus::Completed)).await;
    let kinds = async |from, limit| {
        let frames = house.storage.agent_events(room, Seq(from), limit).await.unwrap();
        frames.iter().map(|frame| parse(frame).event.kind()).collect::<Vec<_>>()
    };
    let all = ["agent_run", "agent_step", "progress", "chart_generated", "agent_run"];
    assert_eq!(kinds(0, 100).await, all);
    assert_eq!(kinds(0, 2).await, all[3..], "the newest, ascending");
    assert_eq!(kinds(4, 100).await, all[2..]);
}

pub async fn a_chart_belongs_to_its_conversation(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let anna = house.user("anna").await;
    let room = house.room(&[&anna]).await;
    let id = fresh_id!(ChartId);
    house.storage.put_chart(room, id, "<svg/>").await.unwrap();
    assert_eq!(house.storage.chart(id).await.unwrap(), Some((room, "<svg/>".to_owned())));
    assert_eq!(house.storage.chart(fresh_id!(ChartId)).await.unwrap(), None);
    let nowhere = fresh_id!(ConversationId);
    house.storage.put_chart(nowhere, fresh_id!(ChartId), "<svg/>").await.unwrap_err();
}
