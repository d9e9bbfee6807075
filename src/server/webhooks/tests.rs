//! The bounds of the queue as admins see it, and where a webhook may lead.

use super::*;
use crate::{
    protocol::{ConversationId, Event, Message, RunId, Sender, UserId, dialog::Owner, http::Role},
    server::{
        config::{Config, Settings},
        limits::Rates,
        storage::{
            Append, RunWrite, Write,
            conformance::{at, message, new_user},
            desk::{NewDialog, NewVisitor},
            sqlite::SqliteStorage,
        },
    },
};

/// Webhooks that nobody sends, one of them, and so many deliveries that wait for it.
pub(in crate::server::webhooks) async fn house(deliveries: u64) -> (tempfile::TempDir, Webhooks, User, WebhookId) {
    let data = tempfile::tempdir().unwrap();
    let config = Arc::new(Config::new(&Settings::in_dir(data.path().to_str().unwrap())).unwrap());
    let (sink, _) = tokio::sync::mpsc::channel::<Arc<crate::server::storage::LoggedFrame>>(1);
    let storage = SqliteStorage::open(&data.path().join("magpie.db"), Arc::new(sink)).await.unwrap();
    let storage: Arc<dyn Storage> = Arc::new(storage);
    let rates = Rates::new(&config.limits);
    let settings = AdminSettings::open(config, storage.clone(), rates).await.unwrap();
    let webhooks = Webhooks::new(storage.clone(), settings, FetchHosts::of("").unwrap(), Nudge::default());
    let admin = storage.create_user(new_user("anna")).await.unwrap();
    let form = WebhookForm { url: Some("https://hooks.example.com/".into()), ..WebhookForm::default() };
    let made = webhooks.create(&admin, form).await.unwrap();

    let (visitor, site, dialog) = (fresh_id!(UserId), SiteId::default_site(), fresh_id!(ConversationId));
    let (name, title, owner) = ("Vera".to_owned(), "Vera".to_owned(), Owner::Ai);
    storage.create_visitor(NewVisitor { id: visitor, site: site.clone(), name, at: at(1) }).await.unwrap();
    let new = NewDialog { id: dialog, site, visitor, title, agents: true, owner, at: at(1) };
    storage.create_dialog(new).await.unwrap();
    let said = |n: u64| Message { sender: Sender::Agent, client_id: None, ..message(&admin, &n.to_string()) };
    let events = (0..deliveries).map(|n| Event::Message(said(n))).collect();
    let run_id = fresh_id!(RunId);
    let run = RunWrite { run_id, events, journal: Vec::new(), from: 0, spent: None, epoch: Some(1) };
    storage.append(Append { conversation_id: dialog, at: at(1), write: Write::Run(run) }).await.unwrap();
    while storage.pump_deliveries(at(1)).await.unwrap().more {}
    assert_eq!(admin.role, Role::Admin);
    (data, webhooks, admin, made.webhook.id)
}

#[tokio::test]
async fn deliveries_are_told_in_pages_of_so_many() {
    let (_data, webhooks, admin, id) = house(limits::DELIVERIES_PER_PAGE + 1).await;
    for (limit, most) in
        [(None, limits::DELIVERIES_PER_PAGE_DEFAULT), (Some(u64::MAX), limits::DELIVERIES_PER_PAGE), (Some(0), 1)]
    {
        let page = webhooks.deliveries(&admin, id, None, limit).await.unwrap();
        assert_eq!((page.deliveries.len() as u64, page.more), (most, true), "{limit:?}");
    }
    let page = webhooks.deliveries(&admin, id, None, Some(limits::DELIVERIES_PER_PAGE)).await.unwrap();
    let before = page.deliveries.last().map(|oldest| oldest.place);
    let rest = webhooks.deliveries(&admin, id, before, None).await.unwrap();
    assert_eq!((rest.deliveries.len(), rest.more), (1, false));
}

#[test]
fn a_webhook_goes_to_https_or_where_the_operator_lets_it() {
    let hosts = FetchHosts::of("127.0.0.1:9000,hooks.internal:8080").unwrap();
    for good in [
        "https://hooks.example.com/magpie?key=1",
        "https://hooks.example.com:8443/",
        "http://127.0.0.1:9000/hook",
        "http://hooks.internal:8080/",
        "https://hooks.internal:8080/",
    ] {
        assert_eq!(checked(&hosts, good).as_deref(), Ok(good));
    }
    let long = format!("https://a.example/{}", "x".repeat(limits::WEBHOOK_URL_BYTES));
    for bad in [
        "",
        "hooks.example.com",
        "http://hooks.example.com/",
        "http://127.0.0.1:9001/",
        "https://127.0.0.1/",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/",
        "https://anna:secret@hooks.example.com/",
        "ftp://hooks.example.com/",
        &long,
    ] {
        assert!(checked(&hosts, bad).is_err(), "{bad}");
    }
}

#[test]
fn the_log_names_no_path() {
    assert_eq!(place("https://hooks.example.com:8443/secret?key=1"), "https://hooks.example.com:8443");
}
