//! The widget's session: who is known again, and which pages may ask.

use jsonwebtoken::{EncodingKey, Header, encode};
use magpie::protocol::limits;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{
    TestApp,
    desk::{Visitor, at_dialog, control, operator},
    problem,
};

#[tokio::test]
async fn the_same_token_is_the_same_visitor_and_the_same_open_dialog() {
    let app = TestApp::start().await;
    let anna = operator(&app, "anna").await;
    let vera = Visitor::open(&app).await;
    let token = json!({ "visitor_token": vera.visitor_token() });
    let again = Visitor::open_with(&app, token.clone()).await;
    assert_eq!((again.dialog, again.visitor_token()), (vera.dialog, vera.visitor_token()));
    assert_eq!(again.session["visitor_id"], vera.session["visitor_id"]);
    let stranger = Visitor::open_with(&app, json!({ "visitor_token": "made up" })).await;
    assert_ne!((stranger.dialog, stranger.visitor_token()), (vera.dialog, "made up"));
    let (mut person, _) = at_dialog(&app, &anna, vera.dialog).await;
    control(&mut person, vera.dialog, "resolve", 1).await;
    let next = Visitor::open_with(&app, token).await;
    assert_ne!(next.dialog, vera.dialog, "several dialogs over time");
    let first = Visitor::open_with(&app, json!({ "visitor_token": vera.visitor_token(), "fresh": true })).await;
    assert_ne!(first.dialog, next.dialog);
    let me: Value =
        app.request(Method::GET, "/api/v1/me").bearer_auth(&next.token).send().await.unwrap().json().await.unwrap();
    assert_eq!((&me["role"], &me["id"]), (&json!("visitor"), &vera.session["visitor_id"]));
    let refreshed = app.request(Method::POST, "/api/v1/auth/refresh").bearer_auth(&next.token).send().await.unwrap();
    assert_eq!((refreshed.status(), refreshed.headers().get("set-cookie")), (StatusCode::OK, None));
}

#[tokio::test]
async fn two_tabs_that_open_at_once_share_one_dialog() {
    let app = TestApp::start().await;
    let vera = Visitor::open(&app).await;
    let anna = operator(&app, "anna").await;
    let (mut person, _) = at_dialog(&app, &anna, vera.dialog).await;
    control(&mut person, vera.dialog, "resolve", 1).await;
    let token = json!({ "visitor_token": vera.visitor_token() });
    let tabs = futures_util::future::join_all((0..8).map(|_| Visitor::open_with(&app, token.clone()))).await;
    assert!(tabs.iter().all(|tab| tab.dialog == tabs[0].dialog));
}

async fn from(app: &TestApp, site: &str, origin: &str) -> reqwest::Response {
    let request = app.request(Method::POST, "/api/v1/widget/sessions").header("origin", origin);
    request.json(&json!({ "site_id": site })).send().await.unwrap()
}

#[tokio::test]
async fn only_pages_of_allowed_origins_open_the_widget() {
    let app = TestApp::start().await;
    let root = app.register("root").await;
    let form = json!({ "name": "Shop", "allowed_origins": ["https://shop.example"] });
    let made: Value = app.post(&root, "/api/v1/sites", form).await.json().await.unwrap();
    let shop = made["id"].as_str().unwrap();
    assert!(made["secret"].as_str().unwrap().len() >= 32);
    let sites: Value = app.get(&root, "/api/v1/sites").await.json().await.unwrap();
    let sites = sites["sites"].as_array().unwrap();
    assert_eq!((sites.len(), &sites[0]["id"]), (2, &json!("default")));
    assert!(sites.iter().all(|site| site.get("secret").is_none()));

    let own = format!("http://{}", app.addr);
    let allowed = from(&app, shop, "https://shop.example").await;
    assert_eq!(allowed.status(), 200);
    assert_eq!(allowed.headers()["access-control-allow-origin"], "https://shop.example");
    assert!(!allowed.headers().contains_key("access-control-allow-credentials"));
    assert!(!allowed.headers().contains_key("set-cookie"));
    assert_eq!(from(&app, "default", &own).await.status(), 200);
    for (site, origin) in
        [(shop, "https://evil.example"), (shop, own.as_str()), ("default", "https://shop.example"), (shop, "null")]
    {
        let refused = from(&app, site, origin).await;
        assert_eq!(refused.headers()["access-control-allow-origin"], origin, "the page reads why");
        assert_eq!(refused.status(), 403, "{site} {origin}");
        let told: Value = refused.json().await.unwrap();
        assert_eq!(told["code"], "forbidden");
        let detail = told["detail"].as_str().unwrap();
        assert!(detail.contains(&format!("pages of {origin}")) && detail.contains("Allowed origins"), "{detail}");
    }
    assert_eq!(problem(from(&app, "nowhere", "https://shop.example").await).await, (404, "not_found".into()));
    let asked = app.request(Method::OPTIONS, "/api/v1/widget/sessions").header("origin", "https://shop.example");
    let asked = asked.header("access-control-request-method", "POST").send().await.unwrap();
    assert_eq!(
        (asked.status(), &asked.headers()["access-control-allow-headers"]),
        (StatusCode::NO_CONTENT, &"content-type".parse().unwrap())
    );

    let path = format!("/api/v1/sites/{shop}");
    let patched =
        app.send(&root, Method::PATCH, &path, Some(json!({ "allowed_origins": ["https://evil.example"] }))).await;
    assert_eq!(patched.json::<Value>().await.unwrap()["name"], "Shop", "what is left out stays");
    assert_eq!(from(&app, shop, "https://evil.example").await.status(), 200);
    assert_eq!(from(&app, shop, "https://shop.example").await.status(), 403);
}

#[tokio::test]
async fn who_is_signed_for_is_the_same_visitor_everywhere() {
    let app = TestApp::start().await;
    let root = app.register("root").await;
    let made: Value = app.post(&root, "/api/v1/sites", json!({ "name": "Shop" })).await.json().await.unwrap();
    let (site, secret) = (made["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
    let signed = |by: &str, sub: &str| {
        let claims = json!({ "sub": sub, "exp": 4_000_000_000u64 });
        encode(&Header::default(), &claims, &EncodingKey::from_secret(by.as_bytes())).unwrap()
    };
    let opened = async |jwt: String, token: Option<&str>| {
        let identity = json!({ "id": "7", "name": "Eve", "email": "eve@shop.example", "jwt": jwt });
        let body = json!({ "site_id": site, "visitor_token": token, "identity": identity });
        app.request(Method::POST, "/api/v1/widget/sessions").json(&body).send().await.unwrap()
    };
    let first: Value = opened(signed(secret, "7"), None).await.json().await.unwrap();
    let elsewhere: Value = opened(signed(secret, "7"), None).await.json().await.unwrap();
    assert_eq!((&first["visitor_id"], &first["dialog_id"]), (&elsewhere["visitor_id"], &elsewhere["dialog_id"]));
    assert_ne!(first["visitor_token"], elsewhere["visitor_token"], "each device has its own");
    let refused = opened(signed("guess", "7"), None).await;
    assert_eq!(problem(refused).await, (422, "invalid".into()));
    let detail = format!("/api/v1/conversations/{}", first["dialog_id"].as_str().unwrap());
    let detail: Value = app.get(&root, &detail).await.json().await.unwrap();
    assert_eq!((&detail["visitor"]["name"], &detail["visitor"]["verified"]), (&json!("Eve"), &json!(true)));
    assert_eq!(detail["visitor"]["email"], "eve@shop.example");
}

#[tokio::test]
async fn what_a_host_tells_is_cut_and_its_sites_are_counted() {
    let app = TestApp::start().await;
    let root = app.register("root").await;
    let long = format!("https://shop.example/{}", "x".repeat(2 * limits::VISITOR_TEXT_BYTES));
    let vera = Visitor::open_with(&app, json!({ "page": long, "referrer": "https://search.example" })).await;
    let detail = format!("/api/v1/conversations/{}", vera.dialog);
    let detail: Value = app.get(&root, &detail).await.json().await.unwrap();
    assert_eq!(detail["visitor"]["page"].as_str().unwrap().len(), limits::VISITOR_TEXT_BYTES);
    assert_eq!(detail["visitor"]["referrer"], "https://search.example");
    for n in 1..limits::SITES {
        let made = app.post(&root, "/api/v1/sites", json!({ "name": format!("Site {n}") })).await;
        assert_eq!(made.status(), StatusCode::CREATED);
    }
    let refused = app.post(&root, "/api/v1/sites", json!({ "name": "One too many" })).await;
    assert_eq!(problem(refused).await, (422, "invalid".into()));
}

#[tokio::test]
async fn widgets_and_dialogs_are_opened_at_a_bounded_rate() {
    let app = TestApp::start_with(|settings| settings.rate_limit = Some("on".into())).await;
    let vera = Visitor::open(&app).await;
    let again = async |token: Option<&str>| {
        let body = json!({ "site_id": "default", "visitor_token": token, "fresh": token.is_some() });
        app.request(Method::POST, "/api/v1/widget/sessions").json(&body).send().await.unwrap()
    };
    let passed = async |token, most: u32| {
        for n in 0..2 * most {
            let response = again(token).await;
            if response.status() != 200 {
                assert_eq!(problem(response).await, (429, "rate_limited".into()));
                return n;
            }
        }
        panic!("no end");
    };
    let most = limits::DIALOGS_PER_VISITOR.burst;
    let begun = passed(Some(vera.visitor_token()), most).await;
    assert!((most - 1..=most).contains(&begun), "{begun}: the first one was begun when it was opened");
    let most = limits::WIDGETS_PER_ADDRESS.burst;
    let opened = passed(None, most).await;
    assert!((most / 2..2 * most).contains(&opened), "{opened}");
}

#[tokio::test]
async fn a_new_secret_takes_the_place_of_the_one_before() {
    let app = TestApp::start().await;
    let root = app.register("root").await;
    let made: Value = app.post(&root, "/api/v1/sites", json!({ "name": "Shop" })).await.json().await.unwrap();
    let site = made["id"].as_str().unwrap();
    let before = made["secret"].as_str().unwrap();
    let path = format!("/api/v1/sites/{site}/secret");
    let made: Value = app.post(&root, &path, json!({})).await.json().await.unwrap();
    assert_eq!(made["name"], "Shop");
    let opened = async |secret: &str| {
        let claims = json!({ "sub": "7", "exp": 4_000_000_000u64 });
        let jwt = encode(&Header::default(), &claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap();
        let body = json!({ "site_id": site, "identity": { "id": "7", "jwt": jwt } });
        app.request(Method::POST, "/api/v1/widget/sessions").json(&body).send().await.unwrap().status()
    };
    assert_eq!(opened(made["secret"].as_str().unwrap()).await, StatusCode::OK);
    assert_eq!(opened(before).await, StatusCode::UNPROCESSABLE_ENTITY);
    let anna = app.member("anna").await;
    assert_eq!(problem(app.post(&anna, &path, json!({})).await).await, (403, "forbidden".into()));
    assert_eq!(
        problem(app.post(&root, "/api/v1/sites/nowhere/secret", json!({})).await).await,
        (404, "not_found".into())
    );
}

#[tokio::test]
async fn only_a_sites_own_pages_may_show_its_frame() {
    let app = TestApp::start().await;
    let root = app.register("root").await;
    let form = json!({ "name": "Shop", "allowed_origins": ["https://shop.example"] });
    let made: Value = app.post(&root, "/api/v1/sites", form).await.json().await.unwrap();
    let framed = async |path: &str| {
        let answer = app.request(Method::GET, path).send().await.unwrap();
        let of = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let policy = of("content-security-policy").unwrap_or_default();
        let ancestors = policy.split("frame-ancestors ").nth(1).unwrap_or_default().to_owned();
        (answer.status().as_u16(), ancestors, of("x-frame-options"))
    };
    let shop = format!("/widget/{}", made["id"].as_str().unwrap());
    assert_eq!(framed(&shop).await, (200, "https://shop.example".into(), None));
    assert_eq!(framed("/widget/default").await, (200, "'self'".into(), None));
    let deny = Some("DENY".to_owned());
    assert_eq!(framed("/widget/nowhere").await, (404, "'none'".into(), deny.clone()));
    assert_eq!(framed("/login").await, (200, "'none'".into(), deny));
}
