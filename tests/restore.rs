//! A backup that was put back, as docs/operations.md tells it.

use serde_json::json;
use sqlx::{Connection, SqliteConnection, sqlite::SqliteConnectOptions};

use crate::support::TestApp;

#[tokio::test]
async fn after_a_restore_with_a_new_epoch_a_client_starts_from_a_snapshot() {
    let data = tempfile::tempdir().unwrap();
    let app = TestApp::start_in(data.path(), |_| {}).await;
    let anna = app.register("anna").await;
    let room = app.room(&anna, &[]).await;
    let mut socket = app.connect(&anna).await;
    for text in ["one", "two"] {
        socket.chat(room, text).await;
    }
    let before = socket.subscribe(room, Some(3)).await;
    assert_eq!(before["mode"], "current");
    app.stop().await;

    let options = SqliteConnectOptions::new().filename(data.path().join("magpie.db"));
    let mut database = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql("UPDATE meta SET log_epoch = randomblob(16)").execute(&mut database).await.unwrap();
    database.close().await.unwrap();

    let app = TestApp::start_in(data.path(), |_| {}).await;
    let mut socket = app.connect(&anna).await;
    let cursor = json!({ "id": room, "after": 3, "log_epoch": before["log_epoch"] });
    let reference = socket.ask("subscribe", json!({ "conversations": [cursor] })).await;
    let after = socket.answer(&reference).await;
    assert_eq!(after["mode"], "snapshot");
    assert_ne!(after["log_epoch"], before["log_epoch"]);
    assert_eq!(socket.next_of("message").await["text"], "one");
}
