//! Holds the house in order: who imports whom, and what never stands where. The rules are those of
//! `docs/architecture.md`; a test here plants each kind of violation, so that a rule cannot go blind.

use std::{fs, path::Path};

#[path = "tidy/paths.rs"]
mod paths;
#[path = "tidy/rules.rs"]
mod rules;

/// Every Rust file below `folder`, as its path from the crate's root and its text.
fn sources(folder: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut open = vec![root.join(folder)];
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
                found.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn every_file_keeps_the_rules_of_the_house() {
    let sources = sources("src");
    assert!(sources.len() > 20, "the test no longer finds the sources");
    let wrong: Vec<_> = sources
        .iter()
        .flat_map(|(path, source)| rules::check(path, source).into_iter().map(move |wrong| format!("{path}: {wrong}")))
        .collect();
    assert!(wrong.is_empty(), "{} violations:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_planted_violation_is_found() {
    let long = "//\n".repeat(501);
    for (path, source, expected) in [
        ("src/protocol/client.rs", "use crate::model::Thread;", "protocol → model"),
        ("src/protocol/client.rs", "async fn read() {}", "protocol is types alone"),
        ("src/model/run.rs", "fn f() { crate::client::now(); }", "model → client"),
        ("src/model/run.rs", "let at = std::time::Instant::now();", "model is pure"),
        ("src/client/store.rs", "use crate::{model::Thread, ui::{app, pages}};", "client → ui"),
        ("src/client.rs", "use super::ui;", "client → ui"),
        ("src/client/store/x.rs", "use super::super::super::ui::app;", "client → ui"),
        ("src/client/store.rs", "use web_sys::WebSocket;", "client/socket is the one user"),
        ("src/ui/pages/chat.rs", "use gloo_net::http::Request;", "ui shows"),
        ("src/ui/pages/chat.rs", "use crate::server::state::AppState;", "ui → server"),
        ("src/api/auth.rs", "use crate::server::accounts::Accounts;", "outside a function's body"),
        ("src/api/auth.rs", "use crate::{protocol::Problem, server::accounts};", "outside a function's body"),
        ("src/api/auth.rs", "use crate::ui::app;", "api → ui"),
        ("src/api/auth.rs", "#[cfg(feature = \"ssr\")]\nfn f() {}", "a feature gate"),
        ("src/server/http/auth.rs", "use sqlx::query;", "SQL lives behind"),
        ("src/server/ws/session.rs", "let pool: sqlx::SqlitePool;", "SQL lives behind"),
        ("src/server/hub.rs", "use crate::ui::app::App;", "server → ui"),
        ("src/server/hub.rs", "use crate::server::storage::sqlite::Sqlite;", "backends are named in state alone"),
        ("src/server/knowledge/words.rs", "use sqlx::query;", "SQL lives behind"),
        ("src/server/agents.rs", "use super::knowledge::sqlite::SqliteKnowledge;", "backends are named in state alone"),
        ("src/server/conversations.rs", "use super::bus::in_process::InProcess;", "backends are named in state alone"),
        ("src/server/agents/driver.rs", "use crate::server::ws::Session;", "agents → ws"),
        ("src/server/agents.rs", "use super::ws;", "agents → ws"),
        ("src/ui/mod.rs", "", "never mod.rs"),
        ("src/ui/format.rs", long.as_str(), "501 lines"),
    ] {
        let found = rules::check(path, source);
        assert!(found.iter().any(|wrong| wrong.contains(expected)), "{path}: {source:?} gave {found:?}");
    }
}

#[test]
fn what_is_allowed_is_not_complained_of() {
    for (path, source) in [
        ("src/ui/pages/chat.rs", "use crate::{api, client::use_client, model::Thread, protocol::Seq, ui::format};"),
        ("src/api/auth.rs", "#[server]\nasync fn f() { use crate::server::state::AppState; }"),
        ("src/server/router.rs", "use crate::ui::app::App;"),
        ("src/server/state.rs", "use super::{bus::in_process::InProcess, storage::sqlite::Sqlite};"),
        ("src/server/accounts/tests.rs", "use crate::server::storage::sqlite::Sqlite;"),
        ("src/server/storage/sqlite.rs", "use sqlx::query;"),
        ("src/server/agents.rs", "let id = crate::fresh_id!(RunId);"),
        (
            "src/client/store.rs",
            "// unlike crate::ui, which…\nlet text = \"crate::ui\"; let c = '\"'; let r = r#\"crate::ui\"#;",
        ),
        ("src/model/run.rs", "#[cfg(test)]\nmod tests { use super::*; }"),
        ("src/lib.rs", "#[cfg(feature = \"ssr\")]\npub mod server;"),
    ] {
        assert_eq!(rules::check(path, source), Vec::<String>::new(), "{path}: {source}");
    }
}
