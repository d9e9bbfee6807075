//! `/settings`: the model and the source of prices, set by an admin while the server runs.

use std::path::Path;

use magpie::protocol::limits;
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::support::{
    Account, PASSWORD, TestApp,
    model::{ModelServer, hang, say, status},
    problem,
};

const KEY: &str = "sk-0123456789abcdef";
const MODEL: &str = "/api/v1/settings/model";

async fn put(app: &TestApp, by: &Account, body: Value) -> Value {
    let response = app.send(by, Method::PUT, MODEL, Some(body)).await;
    assert_eq!(response.status(), StatusCode::OK);
    response.json().await.unwrap()
}

async fn get(app: &TestApp, by: &Account, path: &str) -> Value {
    app.get(by, path).await.json().await.unwrap()
}

async fn test(app: &TestApp, by: &Account, body: Value) -> Value {
    let response = app.post(by, &format!("{MODEL}/test"), body).await;
    assert_eq!(response.status(), StatusCode::OK);
    response.json().await.unwrap()
}

fn openai(server: &ModelServer) -> Value {
    json!({ "provider": "openai", "base_url": server.base_url(), "model": "scripted", "api_key": KEY })
}

/// What the server keeps on disk, all of it.
fn disk(data: &Path) -> Vec<u8> {
    std::fs::read_dir(data)
        .unwrap()
        .flat_map(|entry| std::fs::read(entry.unwrap().path()).unwrap_or_default())
        .collect()
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

async fn answer_of(app: &TestApp, by: &Account) -> String {
    let room = app.conversation(by, json!({ "title": "A question" })).await;
    let mut socket = app.connect(by).await;
    socket.subscribe(room, Some(1)).await;
    socket.chat(room, "@analyst Who are you?").await;
    let is_end = |frame: &Value| {
        (frame["type"] == "message" && frame["sender"] == "agent")
            || (frame["type"] == "agent_run" && frame["status"] == "failed")
    };
    let end = socket.next_where(is_end).await;
    end["text"].as_str().or(end["message"].as_str()).unwrap().to_owned()
}

#[tokio::test]
async fn the_model_is_for_admins() {
    let app = TestApp::start().await;
    let (root, anna) = (app.register("root").await, app.register("anna").await);
    let expected = json!({ "provider": "offline", "api_key": "none", "source": "default" });
    assert_eq!(get(&app, &root, MODEL).await, expected);
    let body = json!({ "provider": "offline" });
    for (method, path) in [
        (Method::GET, MODEL),
        (Method::PUT, MODEL),
        (Method::POST, "/api/v1/settings/model/test"),
        (Method::GET, "/api/v1/settings/market"),
        (Method::PUT, "/api/v1/settings/market"),
    ] {
        let body = (method != Method::GET).then(|| body.clone());
        let refused = app.send(&anna, method.clone(), path, body.clone()).await;
        assert_eq!(problem(refused).await, (403, "forbidden".into()), "{method} {path}");
        let stranger = app.request(method, path).json(&body).send().await.unwrap();
        assert_eq!(problem(stranger).await.0, 401);
    }
}

#[tokio::test]
async fn what_is_saved_answers_the_next_question_and_outlives_the_server() {
    let model = ModelServer::start().await;
    model.always([say("I am the model.")]);
    let data = tempfile::tempdir().unwrap();
    let app = TestApp::start_in(data.path(), |_| {}).await;
    let root = app.register("root").await;
    assert!(answer_of(&app, &root).await.contains("No language model is configured"));
    let saved = put(&app, &root, openai(&model)).await;
    let expected = json!({
        "provider": "openai", "base_url": model.base_url(), "model": "scripted", "api_key": "set", "source": "stored",
    });
    assert_eq!((&saved, &get(&app, &root, MODEL).await), (&expected, &expected));
    assert_eq!(answer_of(&app, &root).await, "I am the model.");
    assert_eq!(model.requests()[0].header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    app.stop().await;
    assert!(!holds(&disk(data.path()), KEY), "the key lies open on the disk");

    let app = TestApp::start_in(data.path(), |_| {}).await;
    assert_eq!(get(&app, &root, MODEL).await, expected);
    assert_eq!(answer_of(&app, &root).await, "I am the model.");
    let off = put(&app, &root, json!({ "provider": "offline", "api_key": null })).await;
    assert_eq!(off, json!({ "provider": "offline", "api_key": "none", "source": "stored" }));
    assert!(answer_of(&app, &root).await.contains("No language model is configured"));
}

#[tokio::test]
async fn a_key_goes_to_no_other_address_than_it_was_given_for() {
    let (model, other) = (ModelServer::start().await, ModelServer::start().await);
    model.always([say("Yes.")]);
    other.always([say("Yes.")]);
    let app = TestApp::start().await;
    let root = app.register("root").await;
    put(&app, &root, openai(&model)).await;
    let without_key =
        |server: &ModelServer| json!({ "provider": "openai", "base_url": server.base_url(), "model": "m" });
    assert_eq!(test(&app, &root, without_key(&other)).await["ok"], true);
    assert_eq!(other.requests()[0].header("authorization"), None);
    assert_eq!(test(&app, &root, without_key(&model)).await["ok"], true);
    assert!(model.requests()[0].header("authorization").is_some());
    assert_eq!(put(&app, &root, without_key(&model)).await["api_key"], "set");
    assert_eq!(put(&app, &root, without_key(&other)).await["api_key"], "none");
}

#[tokio::test]
async fn a_test_says_what_the_model_says_or_why_it_does_not() {
    let model = ModelServer::start().await;
    let app = TestApp::start().await;
    let root = app.register("root").await;
    model.will([say("Hello "), say("there.")]);
    let tested = test(&app, &root, openai(&model)).await;
    assert_eq!(
        (&tested["ok"], &tested["model"], &tested["text"]),
        (&json!(true), &json!("scripted"), &json!("Hello there."))
    );
    assert!(tested["latency_ms"].is_u64());
    assert_eq!(get(&app, &root, MODEL).await["provider"], "offline", "a test saves nothing");

    let body = json!({ "error": { "message": format!("Incorrect API key provided: {KEY}") } }).to_string();
    model.will([status(401, &[], &body)]);
    let refused = test(&app, &root, openai(&model)).await;
    assert_eq!(refused["ok"], false);
    let text = refused["text"].as_str().unwrap();
    assert!(text.contains("does not take the API key") && !text.contains(KEY), "{text}");

    let nobody = json!({ "provider": "openai", "base_url": "http://127.0.0.1:9/v1", "model": "m" });
    assert!(test(&app, &root, nobody).await["text"].as_str().unwrap().contains("cannot be reached"));
    assert_eq!(test(&app, &root, json!({})).await["ok"], true, "the planner needs no model");
    for (field, body) in [
        ("provider", json!({ "provider": "skynet" })),
        ("api_key", json!({ "provider": "openai", "model": "m" })),
        ("model", json!({ "provider": "ollama" })),
        ("base_url", json!({ "provider": "openai", "base_url": "ftp://x", "model": "m" })),
    ] {
        for (method, path) in [(Method::PUT, MODEL.to_owned()), (Method::POST, format!("{MODEL}/test"))] {
            let response = app.send(&root, method, &path, Some(body.clone())).await;
            let refused: Value = response.json().await.unwrap();
            assert!(refused["status"] == 422 && refused["details"][field].is_string(), "{field}: {refused}");
        }
    }
}

#[tokio::test]
async fn tests_of_a_model_have_a_rate() {
    let app = TestApp::start_with(|settings| settings.rate_limit = None).await;
    let root = app.register("root").await;
    for _ in 0..limits::MODEL_TESTS_PER_USER.burst {
        test(&app, &root, json!({})).await;
    }
    let refused = app.post(&root, &format!("{MODEL}/test"), json!({})).await;
    assert_eq!(problem(refused).await, (429, "rate_limited".into()));
}

#[tokio::test]
async fn a_run_that_goes_on_keeps_the_model_that_it_began_with() {
    let (first, second) = (ModelServer::start().await, ModelServer::start().await);
    first.will([say("From the first"), hang()]);
    second.always([say("From the second.")]);
    let app = TestApp::start().await;
    let root = app.register("root").await;
    put(&app, &root, openai(&first)).await;
    let room = app.conversation(&root, json!({ "title": "A question" })).await;
    let mut socket = app.connect(&root).await;
    socket.subscribe(room, Some(1)).await;
    socket.chat(room, "@analyst Who are you?").await;
    socket.next_of("token").await;
    put(&app, &root, openai(&second)).await;
    assert_eq!(answer_of(&app, &root).await, "From the second.");
    assert!(first.requests()[0].closed.is_none(), "nobody hung up on the first");
}

#[tokio::test]
async fn the_environment_wins_and_is_said_to() {
    let (model, other) = (ModelServer::start().await, ModelServer::start().await);
    model.always([say("From the environment.")]);
    let data = tempfile::tempdir().unwrap();
    let app = TestApp::start_in(data.path(), |settings| {
        model.configure(settings);
        settings.market_url = Some("https://prices.example/".into());
    })
    .await;
    let root = app.register("root").await;
    let saved = put(&app, &root, openai(&other)).await;
    assert_eq!((&saved["source"], &saved["api_key"]), (&json!("environment"), &json!("none")));
    assert_eq!(answer_of(&app, &root).await, "From the environment.");
    assert_eq!(get(&app, &root, "/api/v1/settings/market").await["source"], "environment");
    app.stop().await;
    let app = TestApp::start_in(data.path(), |_| {}).await;
    let now = get(&app, &root, MODEL).await;
    assert_eq!((&now["source"], &now["base_url"]), (&json!("stored"), &json!(other.base_url())));
}

#[tokio::test]
async fn a_lost_key_is_told_and_what_it_sealed_is_left_alone() {
    let model = ModelServer::start().await;
    model.always([say("Here.")]);
    let data = tempfile::tempdir().unwrap();
    let key_file = data.path().join("settings.key");
    let app = TestApp::start_in(data.path(), |_| {}).await;
    let root = app.register("root").await;
    put(&app, &root, openai(&model)).await;
    app.stop().await;
    let key = std::fs::read(&key_file).unwrap();
    std::fs::remove_file(&key_file).unwrap();

    let app = TestApp::start_in(data.path(), |_| {}).await;
    assert_eq!(get(&app, &root, MODEL).await["api_key"], "unreadable");
    assert!(answer_of(&app, &root).await.contains("sealed with another key"));
    let market = json!({ "url": "https://prices.example", "api_key": "another" });
    assert_eq!(app.send(&root, Method::PUT, "/api/v1/settings/market", Some(market)).await.status(), 200);
    app.stop().await;
    std::fs::write(&key_file, key).unwrap();

    let app = TestApp::start_in(data.path(), |_| {}).await;
    assert_eq!(get(&app, &root, MODEL).await["api_key"], "set", "the file was found again");
    assert_eq!(answer_of(&app, &root).await, "Here.");
    assert_eq!(get(&app, &root, "/api/v1/settings/market").await["api_key"], "unreadable");
    app.stop().await;

    let app =
        TestApp::start_in(data.path(), |settings| settings.settings_key = Some("from the environment".into())).await;
    assert_eq!(get(&app, &root, MODEL).await["api_key"], "unreadable");
    assert_eq!(put(&app, &root, openai(&model)).await["api_key"], "set");
    assert_eq!(answer_of(&app, &root).await, "Here.");
}

#[tokio::test]
async fn the_source_of_prices_is_kept_like_the_model() {
    let app = TestApp::start().await;
    let root = app.register("root").await;
    let path = "/api/v1/settings/market";
    assert_eq!(get(&app, &root, path).await, json!({ "api_key": "none", "source": "default" }));
    assert!(app.state.settings.market_source().is_none());
    let body = json!({ "url": "https://prices.example/v1", "api_key": KEY });
    let saved = app.send(&root, Method::PUT, path, Some(body)).await.json::<Value>().await.unwrap();
    assert_eq!(saved, json!({ "url": "https://prices.example/v1", "api_key": "set", "source": "stored" }));
    let source = app.state.settings.market_source().unwrap();
    assert_eq!((source.url.as_str(), source.api_key.unwrap().expose()), ("https://prices.example/v1", KEY.as_bytes()));
    let stored = app.state.storage.settings().await.unwrap();
    assert!(stored.iter().all(|(_, value)| !holds(value, KEY)));
    let moved = app.send(&root, Method::PUT, path, Some(json!({ "url": "https://elsewhere.example" }))).await;
    assert_eq!(moved.json::<Value>().await.unwrap()["api_key"], "none", "a key belongs to an address");
    let wrong = app.send(&root, Method::PUT, path, Some(json!({ "url": "prices" }))).await;
    assert_eq!(problem(wrong).await, (422, "invalid".into()));
}

/// Sends a form as a browser without a script would, and reads the page that it leads to, which has the section that
/// it leads to.
async fn submit(app: &TestApp, by: &Account, action: &str, form: &[(&str, &str)]) -> String {
    let (page, _) = submit_to(app, by, action, form).await;
    page
}

/// The page, and the section.
async fn submit_to(app: &TestApp, by: &Account, action: &str, form: &[(&str, &str)]) -> (String, String) {
    let cookie = format!("magpie_session={}", by.token);
    let encoded = reqwest::Url::parse_with_params("http://form", form).unwrap().query().unwrap().to_owned();
    let sent = app
        .request(Method::POST, action)
        .header(header::COOKIE, &cookie)
        .header(header::ORIGIN, app.url(""))
        .header(header::ACCEPT, "text/html")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(encoded)
        .send()
        .await
        .unwrap();
    assert_eq!(sent.status(), 303);
    let (path, section) = sent.headers()["location"].to_str().unwrap().split_once('#').expect("a section");
    let page = app.request(Method::GET, path).header(header::COOKIE, cookie).send().await.unwrap();
    let page = page.text().await.unwrap();
    assert!(page.contains(&format!("id=\"{section}\"")), "{section} in {page}");
    (page, section.to_owned())
}

#[tokio::test]
async fn whoever_sent_a_form_is_led_to_its_section_where_a_word_says_what_came_of_it() {
    let app = TestApp::start().await;
    let root = app.register("root").await;
    app.register("anna").await;
    let told = |page: &str, role: &str, text: &str| {
        let (_, rest) = page.split_once(&format!("role=\"{role}\" tabindex=\"-1\"")).expect("a word");
        assert!(rest.split_once("</p>").unwrap().0.contains(text), "{text} in {rest:.200}");
    };
    for (form, role, text) in [
        ([("username", "anna"), ("role", "operator")], "status", "anna’s role is operator now."),
        ([("username", "anna"), ("disabled", "true")], "status", "anna’s account is disabled"),
        ([("username", "anna"), ("disabled", "false")], "status", "anna’s account is open again."),
        ([("username", "nobody"), ("disabled", "true")], "alert", "Nobody here has the username “nobody”."),
        ([("username", "root"), ("role", "member")], "alert", "Role: this is the last admin"),
    ] {
        let (page, section) = submit_to(&app, &root, "/fn/patch_user", &form).await;
        assert_eq!(section, "people");
        told(&page, role, text);
    }
    let (page, section) = submit_to(&app, &root, "/fn/save_market", &[("url", "prices")]).await;
    assert_eq!(section, "market");
    told(&page, "alert", "URL: ");
    let (page, section) = submit_to(&app, &root, "/fn/save_site", &[("id", ""), ("name", "")]).await;
    assert_eq!(section, "site-new");
    told(&page, "alert", "Name: ");
    let (page, section) = submit_to(&app, &root, "/fn/save_site", &[("id", ""), ("name", "Shop")]).await;
    assert!(section.starts_with("site-") && section != "site-new", "{section}");
    told(&page, "status", "Made.");
    let id = section.trim_start_matches("site-");
    let (page, again) = submit_to(&app, &root, "/fn/new_site_secret", &[("id", id)]).await;
    assert_eq!(again, section);
    told(&page, "status", "There is a new secret.");
    let (page, section) = submit_to(&app, &root, "/fn/broadcast", &[("message", "")]).await;
    assert_eq!(section, "broadcast");
    told(&page, "alert", "");
    let form = [("url", "http://example.com/"), ("message", "yes")];
    assert_eq!(submit_to(&app, &root, "/fn/create_webhook", &form).await.1, "new-webhook");
}

#[tokio::test]
async fn the_page_tests_and_saves_without_a_script_and_never_shows_the_key() {
    let model = ModelServer::start().await;
    model.always([say("Hello from the form.")]);
    let app = TestApp::start().await;
    let root = app.register("root").await;
    let base_url = model.base_url();
    let form = [("provider", "openai"), ("base_url", &base_url), ("model", "scripted"), ("api_key", KEY)];
    let page = submit(&app, &root, "/fn/test_model", &form).await;
    assert!(page.contains("Hello from the form.") && page.contains(r#"role="status""#), "{page}");
    assert!(page.contains(&base_url) && !page.contains(KEY), "what was typed is still there, but the key");
    // The key that was tested just now need not be typed again.
    let form = [("provider", "openai"), ("base_url", base_url.as_str()), ("model", "scripted"), ("api_key", "")];
    let page = submit(&app, &root, "/fn/save_model", &form).await;
    assert!(page.contains("Saved.") && !page.contains(KEY));
    assert_eq!(get(&app, &root, MODEL).await["api_key"], "set");
    assert_eq!(answer_of(&app, &root).await, "Hello from the form.");

    let wrong = [("provider", "anthropic"), ("base_url", ""), ("model", "claude"), ("api_key", "")];
    let page = submit(&app, &root, "/fn/save_model", &wrong).await;
    assert!(page.contains(r#"role="alert""#) && page.contains("api_key"), "{page}");
    let offline = [("provider", "offline"), ("base_url", ""), ("model", ""), ("api_key", "")];
    assert!(submit(&app, &root, "/fn/save_model", &offline).await.contains("No model is asked from now on"));
    let form = [("provider", "openai"), ("base_url", base_url.as_str()), ("model", "scripted"), ("api_key", KEY)];
    submit(&app, &root, "/fn/save_model", &form).await;
    let forget =
        [("provider", "openai"), ("base_url", base_url.as_str()), ("model", "scripted"), ("forget_key", "yes")];
    submit(&app, &root, "/fn/save_model", &forget).await;
    assert_eq!(get(&app, &root, MODEL).await["api_key"], "none");
}

async fn signs_in(app: &TestApp, username: &str, password: &str) -> bool {
    let body = json!({ "username": username, "password": password });
    app.request(Method::POST, "/api/v1/auth/login").json(&body).send().await.unwrap().status() == 200
}

#[tokio::test]
async fn a_password_is_changed_by_the_one_before_and_ends_the_other_sessions() {
    let app = TestApp::start().await;
    let root = app.register("root").await;
    let anna = app.register("anna").await;
    let body = json!({ "username": "anna", "password": PASSWORD });
    let elsewhere: Value =
        app.request(Method::POST, "/api/v1/auth/login").json(&body).send().await.unwrap().json().await.unwrap();
    let me = async |token: &str| {
        app.request(Method::GET, "/api/v1/me").bearer_auth(token).send().await.unwrap().status().as_u16()
    };
    for (current, new, why) in [
        ("not my password", "a better password", "Current password: that is not it"),
        (PASSWORD, "short", "A password has at least"),
    ] {
        let (page, section) =
            submit_to(&app, &anna, "/fn/change_password", &[("current", current), ("password", new)]).await;
        assert!(section == "password" && page.contains(why), "{why} in {page}");
    }
    assert!(signs_in(&app, "anna", PASSWORD).await);
    let form = [("current", PASSWORD), ("password", "a better password")];
    let page = submit(&app, &anna, "/fn/change_password", &form).await;
    assert!(page.contains("Your password is another one now."), "{page}");
    assert_eq!((me(&anna.token).await, me(elsewhere["token"].as_str().unwrap()).await), (200, 401));
    assert!(signs_in(&app, "anna", "a better password").await && !signs_in(&app, "anna", PASSWORD).await);
    let audit: Value = app.get(&root, "/api/v1/audit").await.json().await.unwrap();
    let entry =
        audit["entries"].as_array().unwrap().iter().find(|entry| entry["action"] == "password_changed").unwrap();
    assert_eq!((&entry["subject"], &entry["by"]["name"]), (&json!("anna"), &json!("anna")));
    assert!(!audit.to_string().contains("better"));
}

#[tokio::test]
async fn an_admin_sets_a_password_for_somebody_who_forgot_theirs_and_nobody_else_does() {
    let app = TestApp::start().await;
    let root = app.register("root").await;
    let (anna, ben) = (app.register("anna").await, app.register("ben").await);
    let form = [("username", "anna"), ("password", "a fresh password")];
    let cookie = format!("magpie_session={}", ben.token);
    let refused = app
        .request(Method::POST, "/fn/reset_password")
        .header(header::COOKIE, &cookie)
        .header(header::ORIGIN, app.url(""))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body("username=anna&password=a+fresh+password");
    assert_eq!(refused.send().await.unwrap().status(), 403);
    assert!(!signs_in(&app, "anna", "a fresh password").await);
    let page = app.request(Method::GET, "/settings").header(header::COOKIE, &cookie).send().await.unwrap();
    let page = page.text().await.unwrap();
    assert!(page.contains("/fn/change_password") && !page.contains("/fn/reset_password"));

    let (page, section) = submit_to(&app, &root, "/fn/reset_password", &form).await;
    assert!(section == "reset-password" && page.contains("anna has a new password"), "{page}");
    assert!(signs_in(&app, "anna", "a fresh password").await && !signs_in(&app, "anna", PASSWORD).await);
    assert_eq!(app.get(&anna, "/api/v1/me").await.status(), 401);
    for (username, why) in [("nobody", "Nobody here has the username"), ("root", "Username: your own password")] {
        let form = [("username", username), ("password", "a fresh password")];
        assert!(submit(&app, &root, "/fn/reset_password", &form).await.contains(why), "{why}");
    }
}
