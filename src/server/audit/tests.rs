//! The bounds of the audit log.

use super::*;
use crate::server::storage::{conformance::new_user, sqlite::SqliteStorage};

#[tokio::test]
async fn a_line_is_so_long_and_a_page_has_so_many() {
    let place = tempfile::tempdir().unwrap();
    let (sink, _) = tokio::sync::mpsc::channel::<Arc<crate::server::storage::LoggedFrame>>(1);
    let storage = SqliteStorage::open(&place.path().join("magpie.db"), Arc::new(sink)).await.unwrap();
    let anna = storage.create_user(new_user("anna")).await.unwrap();
    let recorder = Recorder::new(Arc::new(storage));
    let long = "ö".repeat(limits::AUDIT_DETAIL_CHARS + 1);
    for _ in 0..=limits::AUDIT_PER_PAGE {
        recorder.did(&anna, AuditAction::Broadcast, "everybody", &long).await;
    }
    for (limit, most) in
        [(None, limits::AUDIT_PER_PAGE_DEFAULT), (Some(u64::MAX), limits::AUDIT_PER_PAGE), (Some(0), 1)]
    {
        let page = recorder.page(None, limit).await.unwrap();
        assert_eq!((page.entries.len() as u64, page.more), (most, true), "{limit:?}");
        assert_eq!(page.entries[0].detail.chars().count(), limits::AUDIT_DETAIL_CHARS);
    }
    let page = recorder.page(None, Some(limits::AUDIT_PER_PAGE)).await.unwrap();
    let before = page.entries.last().map(|oldest| oldest.id);
    let rest = recorder.page(before, None).await.unwrap();
    assert_eq!((rest.entries.len(), rest.more), (1, false));
}
