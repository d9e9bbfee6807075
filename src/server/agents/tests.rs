//! What a change of hands waits for.

use tokio::time::{Instant, pause};

use super::*;
use crate::server::{bus::in_process::InProcessBus, hub::Hub, storage::sqlite::SqliteStorage};

#[tokio::test]
async fn a_change_of_hands_waits_so_long_for_a_run_that_does_not_end() {
    let place = tempfile::tempdir().unwrap();
    let (sink, _) = tokio::sync::mpsc::channel::<Arc<storage::LoggedFrame>>(1);
    let storage = SqliteStorage::open(&place.path().join("magpie.db"), Arc::new(sink)).await.unwrap();
    let bus = Arc::new(InProcessBus::start(Arc::new(Hub::default())));
    let agents = Agents::new(Arc::new(storage), bus, Arc::new(llm::offline::OfflineClient::default()));
    let conversation = fresh_id!(ConversationId);
    let agent = agents.shared.team.leader().author();
    let live = LiveText::new(conversation, fresh_id!(RunId), fresh_id!(MessageId), agent);
    let run = Arc::new(RunHandle::new(fresh_id!(RunId), CancellationToken::new(), live));
    let seat = agents.queue.enter(conversation, run.clone());
    pause();
    let since = Instant::now();
    let hold = agents.hold(conversation).await;
    // The timer's grain is a millisecond.
    let waited = since.elapsed().as_millis();
    assert!((limits::SILENCE_MS.into()..=u128::from(limits::SILENCE_MS) + 1).contains(&waited), "{waited} ms");
    assert!(run.is_stopped());
    // Of one that ends it is told at once.
    drop((hold, seat));
    let since = Instant::now();
    let _hold = agents.hold(conversation).await;
    assert_eq!(since.elapsed(), Duration::ZERO);
}
