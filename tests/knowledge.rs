//! The operator's documents: served to who is signed in, found and quoted by agents.

use std::{fs, path::Path};

use reqwest::{Method, header};
use serde_json::json;

use crate::support::TestApp;

const GUIDE: &str = "# Backups\n\nThey run at night.\n\n## Restoring a backup\n\nStop the server, put the file back, start \
it.\n\n<script>alert(1)</script>\n";

async fn app(data: &Path) -> TestApp {
    let folder = data.join("knowledge/ops");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("backup guide.md"), GUIDE).unwrap();
    fs::write(data.join("knowledge/.env.md"), "hidden").unwrap();
    TestApp::start_in(data, |_| {}).await
}

const PATH: &str = "/api/v1/knowledge/ops/backup%20guide.md";

#[tokio::test]
async fn a_document_is_served_as_a_page_and_as_it_is_written() {
    let data = tempfile::tempdir().unwrap();
    let app = app(data.path()).await;
    let anna = app.register("anna").await;
    let plain = app.get(&anna, PATH).await;
    assert_eq!(plain.headers()[header::CONTENT_TYPE], "text/markdown; charset=utf-8");
    assert_eq!(plain.text().await.unwrap(), GUIDE);
    let asked = app.request(Method::GET, PATH).bearer_auth(&anna.token).header("accept", "text/html,*/*");
    let page = asked.send().await.unwrap();
    assert_eq!(page.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
    let policy = page.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("sandbox") && !policy.contains("allow-scripts"));
    let html = page.text().await.unwrap();
    assert!(html.contains("<title>Backups</title>") && html.contains("<section id=\"restoring-a-backup\">"), "{html}");
    assert!(!html.contains("<script"), "{html}");
}

#[tokio::test]
async fn documents_are_for_who_is_signed_in_and_nothing_else_is_served() {
    let data = tempfile::tempdir().unwrap();
    let app = app(data.path()).await;
    let anna = app.register("anna").await;
    assert_eq!(app.request(Method::GET, PATH).send().await.unwrap().status(), 401);
    for path in [
        "/api/v1/knowledge/..%2Fmagpie.db",
        "/api/v1/knowledge/..%2F..%2F..%2F..%2Fetc%2Fpasswd",
        "/api/v1/knowledge/ops%2F..%2F..%2Fjwt_secret",
        "/api/v1/knowledge/%2Fetc%2Fpasswd",
        "/api/v1/knowledge/.env.md",
        "/api/v1/knowledge/ops",
        "/api/v1/knowledge/ops/backup%20guide.md%00",
        "/api/v1/knowledge/",
        "/api/v1/knowledge",
    ] {
        assert_eq!(app.get(&anna, path).await.status(), 404, "{path}");
    }
    let without = TestApp::start().await;
    let ben = without.register("ben").await;
    assert_eq!(without.get(&ben, PATH).await.status(), 404);
}

#[tokio::test]
async fn an_agent_quotes_the_documents_and_links_its_source() {
    let data = tempfile::tempdir().unwrap();
    let app = app(data.path()).await;
    let anna = app.register("anna").await;
    let room = app.conversation(&anna, json!({ "title": "With agents" })).await;
    let mut socket = app.connect(&anna).await;
    socket.subscribe(room, Some(1)).await;
    socket.chat(room, "How do I restore a backup?").await;
    assert_eq!(socket.next_of("tool_call").await["tool_name"], "search_knowledge");
    let result = socket.next_of("result").await;
    let answer = result["content"].as_str().unwrap();
    assert!(answer.contains("> Stop the server, put the file back, start it."), "{answer}");
    let link = answer.split_once("](").and_then(|(_, rest)| rest.split_once(')')).unwrap().0;
    assert_eq!(app.get(&anna, link.split('#').next().unwrap()).await.status(), 200, "{link}");
    assert!(magpie::ui::markdown::to_html(answer).contains(&format!("<a href=\"{link}\"")), "{answer}");
}
