//! From the log into the queue, and from the queue to whoever asked: in order for each dialog, at least once.
//!
//! What is in the queue is in the database: a process that is killed goes on where it was. Which lanes (one
//! dialog's deliveries to one webhook) are under way is known here alone, so that no two of a lane ever are.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio::{
    sync::{Notify, mpsc},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{
    Webhooks,
    send::{Answer, send},
};
use crate::{
    protocol::{
        ConversationId, Event, Timestamp, WebhookId,
        http::Kind,
        limits::{self, DELIVERIES_AT_ONCE, DELIVERIES_AT_ONCE_PER_WEBHOOK},
        webhook::DeliveryStatus,
    },
    server::{
        clock,
        storage::{
            LoggedFrame, StorageError,
            webhooks::{Due, Settled},
        },
    },
};

/// Wakes the worker. Cheap to clone.
#[derive(Clone, Default)]
pub struct Nudge(Arc<Notify>);

impl Nudge {
    /// An event that somebody may have asked for is on disk.
    pub fn saw(&self, frame: &LoggedFrame) {
        if frame.kind == Kind::Dialog && matches!(frame.event, Event::Message(_) | Event::Control(_)) {
            self.now();
        }
    }

    pub(super) fn now(&self) {
        self.0.notify_one();
    }
}

type Lane = (WebhookId, ConversationId);

struct Worker {
    webhooks: Webhooks,
    /// Under way.
    busy: HashSet<Lane>,
    done: mpsc::Sender<Lane>,
    shutdown: CancellationToken,
    next_sweep: Instant,
}

impl Webhooks {
    /// Sends until the server stops. What is under way then is sent again after the next start.
    pub fn start(&self, shutdown: CancellationToken) {
        let (done, ended) = mpsc::channel(DELIVERIES_AT_ONCE);
        let worker =
            Worker { webhooks: self.clone(), busy: HashSet::new(), done, shutdown, next_sweep: Instant::now() };
        tokio::spawn(worker.run(ended));
    }
}

impl Worker {
    async fn run(mut self, mut ended: mpsc::Receiver<Lane>) {
        let nudge = self.webhooks.nudge.clone();
        loop {
            let wake = match self.look().await {
                Ok(wake) => wake,
                Err(error) => {
                    tracing::error!(%error, "the queue of webhooks could not be looked at");
                    Instant::now() + Duration::from_millis(limits::DELIVERY_RETRY_MS)
                }
            };
            tokio::select! {
                () = self.shutdown.cancelled() => return,
                () = nudge.0.notified() => {}
                Some(lane) = ended.recv() => {
                    self.busy.remove(&lane);
                }
                () = sleep_until(wake) => {}
            }
        }
    }

    /// Fills the queue, sends what is due; when to look again.
    async fn look(&mut self) -> Result<Instant, StorageError> {
        let storage = self.webhooks.storage.clone();
        while storage.pump_deliveries(clock::now()).await?.more {}
        self.sweep().await?;
        let now = clock::now();
        // Of each webhook as many as are under way, and as many as may come to them.
        let due = storage.due_deliveries(now, 2 * DELIVERIES_AT_ONCE_PER_WEBHOOK).await?;
        for due in due {
            if self.has_room(&due) {
                self.begin(due);
            }
        }
        let latest = now.as_ms().saturating_add_unsigned(limits::DELIVERY_LOOK_MS);
        let next = storage.next_delivery(now).await?.map_or(latest, |at| at.as_ms().min(latest));
        let wait_ms = u64::try_from(next - now.as_ms()).unwrap_or(0);
        Ok(Instant::now() + Duration::from_millis(wait_ms))
    }

    fn has_room(&self, due: &Due) -> bool {
        let of_this = self.busy.iter().filter(|(webhook, _)| *webhook == due.webhook_id).count();
        self.busy.len() < DELIVERIES_AT_ONCE
            && of_this < DELIVERIES_AT_ONCE_PER_WEBHOOK
            && !self.busy.contains(&(due.webhook_id, due.conversation_id))
    }

    fn begin(&mut self, due: Due) {
        let lane = (due.webhook_id, due.conversation_id);
        self.busy.insert(lane);
        let (webhooks, done, shutdown) = (self.webhooks.clone(), self.done.clone(), self.shutdown.clone());
        tokio::spawn(async move {
            if let Some(Err(error)) = shutdown.run_until_cancelled(deliver(&webhooks, &due)).await {
                tracing::error!(%error, delivery = %due.id, "what came of a delivery could not be kept");
                // It is sent again: not at once.
                tokio::time::sleep(Duration::from_millis(limits::DELIVERY_RETRY_MS)).await;
            }
            // Nobody waits any more: the server is shutting down.
            let _ = done.send(lane).await;
        });
    }

    async fn sweep(&mut self) -> Result<(), StorageError> {
        if Instant::now() < self.next_sweep {
            return Ok(());
        }
        self.next_sweep = Instant::now() + Duration::from_millis(limits::DELIVERY_SWEEP_MS);
        let before = Timestamp::from_ms(clock::now().as_ms() - limits::DELIVERY_KEPT_MS);
        self.webhooks.storage.sweep_deliveries(before).await.map(drop)
    }
}

async fn deliver(webhooks: &Webhooks, due: &Due) -> Result<(), StorageError> {
    let answer = send(webhooks, due).await;
    let settled = settled(due, answer, clock::now(), rand::random());
    metrics::counter!("magpie_webhook_deliveries_total", "outcome" => outcome(settled.status)).increment(1);
    if settled.status == DeliveryStatus::Failed {
        tracing::warn!(webhook = %due.webhook_id, delivery = %due.id, "a webhook was not told: given up");
    }
    webhooks.storage.settle_delivery(due.id, settled).await
}

const fn outcome(status: DeliveryStatus) -> &'static str {
    match status {
        DeliveryStatus::Pending => "retried",
        DeliveryStatus::Delivered => "delivered",
        DeliveryStatus::Failed => "failed",
    }
}

/// What becomes of a delivery after this answer. `chance`: anything at all.
fn settled(due: &Due, answer: Answer, now: Timestamp, chance: u64) -> Settled {
    let tries = due.tries.saturating_add(1);
    let age_ms = now.as_ms() - due.queued_at.as_ms();
    let status = match answer.is_good {
        true => DeliveryStatus::Delivered,
        false if tries >= limits::DELIVERY_TRIES || age_ms > limits::DELIVERY_AGE_MS => DeliveryStatus::Failed,
        false => DeliveryStatus::Pending,
    };
    let next_at = Timestamp::from_ms(now.as_ms().saturating_add_unsigned(pause_ms(due.tries, chance)));
    Settled { at: now, status, next_at, answer_status: answer.status, answer: Some(answer.text) }
}

/// Doubled each time, and less up to half of it by chance: those that failed together do not come back together.
fn pause_ms(tries: u32, chance: u64) -> u64 {
    let doubled = limits::DELIVERY_RETRY_MS.saturating_mul(1u64.checked_shl(tries).unwrap_or(u64::MAX));
    let longest = doubled.min(limits::DELIVERY_RETRY_MAX_MS);
    longest - chance % (longest / 2 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fresh_id,
        protocol::{DeliveryId, Seq, SiteId, webhook::WebhookEvent},
    };

    fn worker(webhooks: Webhooks) -> Worker {
        let (done, _) = mpsc::channel(DELIVERIES_AT_ONCE);
        let (busy, shutdown) = (HashSet::new(), CancellationToken::new());
        Worker { webhooks, busy, done, shutdown, next_sweep: Instant::now() }
    }

    #[tokio::test]
    async fn so_many_are_under_way_at_once_of_one_webhook_and_of_all() {
        let (_data, webhooks, ..) = super::super::tests::house(0).await;
        let mut worker = worker(webhooks);
        let one = due(0, 0);
        for n in 1..=DELIVERIES_AT_ONCE_PER_WEBHOOK {
            assert!(worker.has_room(&one), "{n}");
            worker.busy.insert((one.webhook_id, fresh_id!(ConversationId)));
        }
        assert!(!worker.has_room(&one), "its share is under way");
        let other = due(0, 0);
        assert!(worker.has_room(&other));
        while worker.busy.len() < DELIVERIES_AT_ONCE {
            assert!(worker.has_room(&other));
            worker.busy.insert((fresh_id!(WebhookId), fresh_id!(ConversationId)));
        }
        assert!(!worker.has_room(&other), "nobody's turn comes");
        worker.busy.clear();
        worker.busy.insert((one.webhook_id, one.conversation_id));
        assert!(!worker.has_room(&one), "its lane is under way");
    }

    #[tokio::test]
    async fn what_was_settled_can_be_looked_at_for_so_long() {
        let (_data, webhooks, admin, id) = super::super::tests::house(3).await;
        let made = webhooks.deliveries(&admin, id, None, None).await.unwrap().deliveries;
        let now = clock::now().as_ms();
        let minute = 60_000;
        // The third still waits.
        for (delivery, ago) in made.iter().zip([limits::DELIVERY_KEPT_MS + minute, limits::DELIVERY_KEPT_MS - minute]) {
            let at = Timestamp::from_ms(now - ago);
            let (status, answer) = (DeliveryStatus::Delivered, None);
            let settled = Settled { at, status, next_at: at, answer_status: Some(200), answer };
            webhooks.storage.settle_delivery(delivery.id, settled).await.unwrap();
        }
        worker(webhooks.clone()).sweep().await.unwrap();
        let left = webhooks.deliveries(&admin, id, None, None).await.unwrap().deliveries;
        let ids = |deliveries: &[crate::protocol::webhook::Delivery]| -> Vec<_> {
            deliveries.iter().map(|delivery| delivery.id).collect()
        };
        assert_eq!(ids(&left), ids(&made[1..]));
    }

    const NOW: Timestamp = Timestamp::from_ms(1_700_000_000_000);

    fn due(tries: u32, age_ms: i64) -> Due {
        Due {
            id: fresh_id!(DeliveryId),
            webhook_id: fresh_id!(WebhookId),
            url: String::new(),
            secret: Vec::new(),
            conversation_id: fresh_id!(ConversationId),
            seq: Seq(1),
            site_id: SiteId::default_site(),
            event: WebhookEvent::Message,
            tries,
            queued_at: Timestamp::from_ms(NOW.as_ms() - age_ms),
            frame: String::new(),
        }
    }

    fn after(tries: u32, age_ms: i64, is_good: bool) -> DeliveryStatus {
        let answer = Answer { is_good, status: None, text: String::new() };
        settled(&due(tries, age_ms), answer, NOW, 0).status
    }

    #[test]
    fn a_delivery_is_tried_so_often_and_for_so_long() {
        assert_eq!(after(0, 0, true), DeliveryStatus::Delivered);
        assert_eq!(after(0, 0, false), DeliveryStatus::Pending);
        assert_eq!(after(limits::DELIVERY_TRIES - 2, 0, false), DeliveryStatus::Pending);
        assert_eq!(after(limits::DELIVERY_TRIES - 1, 0, false), DeliveryStatus::Failed);
        assert_eq!(after(limits::DELIVERY_TRIES - 1, 0, true), DeliveryStatus::Delivered);
        assert_eq!(after(0, limits::DELIVERY_AGE_MS, false), DeliveryStatus::Pending);
        assert_eq!(after(0, limits::DELIVERY_AGE_MS + 1, false), DeliveryStatus::Failed);
    }

    #[test]
    fn the_pause_grows_up_to_its_bound_and_chance_takes_at_most_half() {
        for tries in 0..=70 {
            let longest = pause_ms(tries, 0);
            assert!(longest <= limits::DELIVERY_RETRY_MAX_MS && longest >= pause_ms(tries.saturating_sub(1), 0));
            for chance in [1, 7, u64::MAX] {
                assert!((longest / 2..=longest).contains(&pause_ms(tries, chance)), "{tries} {chance}");
            }
        }
        assert_eq!(pause_ms(0, 0), limits::DELIVERY_RETRY_MS);
        assert_eq!(pause_ms(70, 0), limits::DELIVERY_RETRY_MAX_MS);
    }
}
