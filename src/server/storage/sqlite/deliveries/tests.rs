//! The queue at its bounds. What it would take minutes to send is put into the table by hand.

use super::*;
use crate::{
    protocol::{
        Event, Message, RunId, Sender, UserId,
        dialog::Owner,
        http::{Role, User},
        webhook::Webhook,
    },
    server::storage::{
        Append, RunWrite, Storage, Write,
        conformance::{at, message},
        desk::{Desk, NewDialog, NewVisitor},
        sqlite::SqliteStorage,
        webhooks::{WebhookQueue, WebhookRow},
    },
};

/// A dialog, and a webhook that is told of it.
struct Scene {
    storage: SqliteStorage,
    dialog: ConversationId,
    visitor: User,
    webhook: WebhookId,
    _place: tempfile::TempDir,
}

impl Scene {
    async fn set() -> Self {
        let place = tempfile::tempdir().unwrap();
        let (sink, _) = tokio::sync::mpsc::channel::<std::sync::Arc<crate::server::storage::LoggedFrame>>(1);
        let storage = SqliteStorage::open(&place.path().join("magpie.db"), std::sync::Arc::new(sink)).await.unwrap();
        let (id, site, dialog) = (fresh_id!(UserId), SiteId::default_site(), fresh_id!(ConversationId));
        let (name, title, owner) = ("Vera".to_owned(), "Vera".to_owned(), Owner::Ai);
        storage.create_visitor(NewVisitor { id, site: site.clone(), name, at: at(1) }).await.unwrap();
        let new = NewDialog { id: dialog, site, visitor: id, title, agents: true, owner, at: at(1) };
        storage.create_dialog(new).await.unwrap();
        let visitor =
            User { id, username: "visitor".into(), display_name: "Vera".into(), role: Role::Visitor, disabled: false };
        let webhook = Webhook {
            id: fresh_id!(WebhookId),
            url: "https://hooks.example.com/".into(),
            events: vec![WebhookEvent::Message],
            site: None,
            enabled: true,
            created_at: at(1),
        };
        let id = webhook.id;
        storage.put_webhook(WebhookRow { webhook, secret: Vec::new() }).await.unwrap();
        Self { storage, dialog, visitor, webhook: id, _place: place }
    }

    /// So many messages, in one commit.
    async fn say(&self, count: u64) {
        let said = |n| Message { sender: Sender::Agent, client_id: None, ..message(&self.visitor, &format!("{n}")) };
        let events = (0..count).map(|n| Event::Message(said(n))).collect();
        let run_id = fresh_id!(RunId);
        let run = RunWrite { run_id, events, journal: Vec::new(), from: 0, spent: None, epoch: Some(1) };
        let append = Append { conversation_id: self.dialog, at: at(2), write: Write::Run(run) };
        self.storage.append(append).await.unwrap();
    }

    /// So many deliveries that stand so.
    async fn fill(&self, count: u64, status: DeliveryStatus, settled: Option<Timestamp>) {
        sqlx::query(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?)
             INSERT INTO deliveries (id, webhook_id, conversation_id, seq, event, status, created_at, queued_at,
                                     next_at, settled_at)
             SELECT randomblob(16), ?, ?, n, 'message', ?, ?5, ?5, ?5, ?6 FROM n",
        )
        .bind(number(count))
        .bind(self.webhook)
        .bind(self.dialog)
        .bind(status)
        .bind(at(2))
        .bind(settled)
        .execute(&self.storage.write)
        .await
        .unwrap();
    }

    async fn count(&self, status: DeliveryStatus) -> u64 {
        let count = sqlx::query_scalar("SELECT count(*) FROM deliveries WHERE status = ?").bind(status);
        count.fetch_one(&self.storage.read).await.unwrap()
    }

    async fn pump(&self) -> Pumped {
        self.storage.pump_deliveries(at(3)).await.unwrap()
    }
}

#[tokio::test]
async fn the_log_is_looked_at_so_many_events_at_a_time() {
    let scene = Scene::set().await;
    scene.say(PUMP_EVENTS + 1).await;
    assert_eq!(scene.pump().await, Pumped { made: PUMP_EVENTS, more: true });
    assert_eq!(scene.pump().await, Pumped { made: 1, more: false });
    assert_eq!(scene.pump().await, Pumped::default());
    assert_eq!(scene.count(DeliveryStatus::Pending).await, PUMP_EVENTS + 1);
}

#[tokio::test]
async fn so_many_deliveries_wait_for_one_webhook_and_what_comes_on_top_has_failed() {
    let scene = Scene::set().await;
    scene.fill(DELIVERIES_PENDING - 1, DeliveryStatus::Pending, None).await;
    scene.say(3).await;
    assert_eq!(scene.pump().await.made, 3);
    let newest = scene.storage.deliveries(scene.webhook, None, 3).await.unwrap();
    let statuses: Vec<_> = newest.iter().rev().map(|delivery| delivery.status).collect();
    assert_eq!(statuses, [DeliveryStatus::Pending, DeliveryStatus::Failed, DeliveryStatus::Failed]);
    assert_eq!(newest[0].answer.as_deref(), Some("Too many were waiting already."));
    assert_eq!(scene.count(DeliveryStatus::Pending).await, DELIVERIES_PENDING);
    // By hand it goes all the same.
    assert!(scene.storage.resend_delivery(newest[0].id, at(4)).await.unwrap().is_some());
    assert_eq!(scene.count(DeliveryStatus::Pending).await, DELIVERIES_PENDING + 1);
}

#[tokio::test]
async fn so_many_settled_deliveries_are_kept_the_newest_and_all_that_wait() {
    let scene = Scene::set().await;
    scene.fill(1, DeliveryStatus::Pending, None).await;
    scene.fill(2, DeliveryStatus::Failed, Some(at(2))).await;
    scene.fill(DELIVERIES_KEPT, DeliveryStatus::Delivered, Some(at(2))).await;
    assert_eq!(scene.storage.sweep_deliveries(at(2)).await.unwrap(), 2);
    let left = [DeliveryStatus::Pending, DeliveryStatus::Failed, DeliveryStatus::Delivered].map(|s| scene.count(s));
    assert_eq!(futures_util::future::join_all(left).await, [1, 0, DELIVERIES_KEPT]);
    assert_eq!(scene.storage.sweep_deliveries(at(2)).await.unwrap(), 0);
    assert_eq!(scene.storage.sweep_deliveries(at(3)).await.unwrap(), DELIVERIES_KEPT, "what was settled before that");
    assert_eq!(scene.count(DeliveryStatus::Pending).await, 1);
}
