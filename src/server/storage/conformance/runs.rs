//! What the agents leave behind.

use super::{Backend, House, parse};
use crate::{
    fresh_id,
    protocol::{
        AgentRun, AgentStep, ChartId, ConversationId, Event, RunId, RunStatus, Seq, Side, Timestamp,
        agent::{ChartGenerated, Progress},
    },
    server::storage::{Append, RunRow, RunWrite, Spent, Write},
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
        let frames = house.storage.agent_events(room, Seq(from), limit, Side::House).await.unwrap();
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

fn step(run_id: RunId, from: u64, journal: &[&str], events: Vec<Event>) -> RunWrite {
    let journal = journal.iter().map(|entry| (*entry).to_owned()).collect();
    RunWrite { run_id, events, journal, from, spent: None, epoch: None }
}

pub async fn a_runs_journal_is_read_in_its_order_and_goes_with_its_end(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let anna = house.user("anna").await;
    let room = house.room(&[&anna]).await;
    let id = fresh_id!(RunId);
    let write = async |step: RunWrite| {
        let append = Append { conversation_id: room, at: Timestamp(0), write: Write::Run(step) };
        house.storage.append(append).await
    };
    write(step(id, 0, &["opening", "asked"], vec![run(id, RunStatus::Initializing)])).await.unwrap();
    let head = write(step(id, 2, &["text"], vec![])).await.unwrap();
    assert!(!head.changed, "what was told alone makes no event");
    assert_eq!(house.storage.run_journal(id).await.unwrap(), ["opening", "asked", "text"]);
    write(step(id, 2, &["text again"], vec![run(id, RunStatus::Processing)])).await.unwrap_err();
    let page = house.storage.events(room, head.seq, 10, usize::MAX, Side::House).await.unwrap();
    assert!(page.frames.is_empty(), "an entry that is there already takes its events with it");
    let end = write(step(id, 3, &["done"], vec![run(id, RunStatus::Processing), run(id, RunStatus::Completed)]));
    assert_eq!(end.await.unwrap().seq, Seq(head.seq.0 + 2));
    assert!(house.storage.run_journal(id).await.unwrap().is_empty());
}

pub async fn a_run_is_found_by_the_message_it_answers(backend: &dyn Backend) {
    let house = House::open(backend).await;
    let anna = house.user("anna").await;
    let room = house.room(&[&anna]).await;
    let message = house.post(room, &anna, "And?").await.id;
    let question = Some(message);
    assert_eq!(house.storage.run_of(message).await.unwrap(), None);
    for status in [RunStatus::Initializing, RunStatus::Completed] {
        let id = fresh_id!(RunId);
        house.server(room, Event::AgentRun(AgentRun { question, ..AgentRun::new(id, status) })).await;
        assert_eq!(house.storage.run_of(message).await.unwrap(), Some(id), "the newest");
        let row = RunRow { conversation_id: room, is_over: status.is_over(), question };
        assert_eq!(house.storage.run(id).await.unwrap(), Some(row));
    }
    let now = house.storage.message(room, message).await.unwrap().unwrap();
    assert_eq!(now.frame.seq, Seq(2));
    assert!(house.storage.message(fresh_id!(ConversationId), message).await.unwrap().is_none());
}

pub async fn what_a_persons_runs_use_up_is_added_up_by_the_day(backend: &dyn Backend) {
    const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
    let house = House::open(backend).await;
    let anna = house.user("anna").await;
    let room = house.room(&[&anna]).await;
    let spent = Spent { turns: 1, tokens: 200, cost_micros: 30, ms: 4 };
    for at in [0, DAY_MS - 1, DAY_MS] {
        let step = RunWrite { spent: Some((anna.id, spent)), ..step(fresh_id!(RunId), 0, &["told"], vec![]) };
        let append = Append { conversation_id: room, at: Timestamp(at), write: Write::Run(step) };
        house.storage.append(append).await.unwrap();
    }
    assert_eq!(house.storage.spent(anna.id, Timestamp(5)).await.unwrap(), spent.plus(spent));
    assert_eq!(house.storage.spent(anna.id, Timestamp(DAY_MS + 5)).await.unwrap(), spent);
    assert_eq!(house.storage.spent(anna.id, Timestamp(3 * DAY_MS)).await.unwrap(), Spent::default());
}
