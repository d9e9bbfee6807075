//! `/auth/…`, `/me` and the rules of tokens, cookies and origins.

use magpie::{
    protocol::{SessionId, UserId, http::Role, limits, time::SECOND_MS},
    server::{
        auth::jwt::{Claims, Tokens, Verified},
        clock,
    },
};
use reqwest::{Method, RequestBuilder, Response, header};
use serde_json::{Value, json};

use crate::support::{Account, PASSWORD, TestApp, problem};

const REGISTER: &str = "/api/v1/auth/register";
const LOGIN: &str = "/api/v1/auth/login";
const REFRESH: &str = "/api/v1/auth/refresh";
const LOGOUT: &str = "/api/v1/auth/logout";
const ME: &str = "/api/v1/me";

async fn call(app: &TestApp, path: &str, body: Value) -> Response {
    app.request(Method::POST, path).json(&body).send().await.unwrap()
}

fn credentials(username: &str, password: &str) -> Value {
    json!({ "username": username, "password": password })
}

fn claims(app: &TestApp, token: &str) -> Claims {
    let tokens = Tokens::new(&app.state.config.auth.jwt_secret);
    tokens.verify(token, clock::now()).expect("a token of this server").claims().clone()
}

/// A token of the same session that was over a minute ago.
fn expired(app: &TestApp, account: &Account) -> String {
    let secret = jsonwebtoken::EncodingKey::from_secret(app.state.config.auth.jwt_secret.expose());
    let now = clock::now().as_ms() / SECOND_MS;
    let claims = Claims { iat: now - 3_660, exp: now - 60, ..claims(app, &account.token) };
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &secret).unwrap()
}

fn with_cookie(request: RequestBuilder, token: &str) -> RequestBuilder {
    request.header(header::COOKIE, format!("theme=dark; magpie_session={token}"))
}

fn set_cookie(response: &Response) -> Option<String> {
    response.headers().get(header::SET_COOKIE).map(|value| value.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn the_first_account_is_an_admin_and_later_ones_are_members() {
    let app = TestApp::start().await;
    for (username, role) in [("anna", "admin"), ("ben", "member"), ("carla", "member")] {
        let response = call(&app, REGISTER, credentials(username, PASSWORD)).await;
        assert_eq!(response.status(), 201);
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["user"]["role"], role);
        assert_eq!(body["user"]["username"], username);
        assert_eq!(body["user"]["display_name"], username);
        let expires_at: magpie::protocol::Timestamp = serde_json::from_value(body["expires_at"].clone()).unwrap();
        assert!(expires_at > clock::now());
    }
}

#[tokio::test]
async fn a_token_is_hs256_over_the_configured_bytes_and_names_user_session_role_and_times() {
    let app = TestApp::start_with(|settings| settings.jwt_secret = Some("sesame".into())).await;
    let anna = app.register("anna").await;
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::HS256);
    validation.leeway = 0;
    let key = jsonwebtoken::DecodingKey::from_secret(b"sesame");
    let claims = jsonwebtoken::decode::<Value>(&anna.token, &key, &validation).unwrap().claims;
    assert_eq!(claims["sub"], json!(anna.signed_in.user.id));
    assert_eq!(claims["role"], "admin");
    assert!(claims["jti"].as_str().unwrap().parse::<SessionId>().is_ok());
    let lifetime_s = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    assert_eq!(lifetime_s * SECOND_MS, limits::TOKEN_LIFETIME_MS);
}

#[tokio::test]
async fn what_cannot_be_an_account_is_refused_by_name() {
    let app = TestApp::start().await;
    app.register("anna").await;
    let too_long = "a".repeat(limits::USERNAME_CHARS.end() + 1);
    for (body, status, code) in [
        (credentials("anna", PASSWORD), 409, "username_taken"),
        (credentials(" ANNA ", PASSWORD), 409, "username_taken"),
        (credentials("ben", "1234567"), 422, "weak_password"),
        (credentials("b", PASSWORD), 422, "bad_username"),
        (credentials("ben smith", PASSWORD), 422, "bad_username"),
        (credentials("assistant", PASSWORD), 422, "bad_username"),
        (credentials(&too_long, PASSWORD), 422, "bad_username"),
        (credentials("ben", &"x".repeat(limits::PASSWORD_BYTES_MAX + 1)), 422, "invalid"),
        (json!({ "username": "ben", "password": PASSWORD, "display_name": "a\nb" }), 422, "invalid"),
        (json!({ "username": "ben" }), 422, "invalid"),
    ] {
        let refused = problem(call(&app, REGISTER, body.clone()).await).await;
        assert_eq!(refused, (status, code.to_owned()), "{body:.100}");
    }
}

#[tokio::test]
async fn signing_in_tells_nobody_which_names_exist() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let response = call(&app, LOGIN, credentials("Anna", PASSWORD)).await;
    assert_eq!(response.status(), 200);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["user"]["id"], json!(anna.signed_in.user.id));
    assert_ne!(claims(&app, body["token"].as_str().unwrap()).jti, claims(&app, &anna.token).jti);
    let wrong = call(&app, LOGIN, credentials("anna", "wrong horse")).await;
    let unknown = call(&app, LOGIN, credentials("nobody", PASSWORD)).await;
    assert_eq!((wrong.status(), unknown.status()), (401.try_into().unwrap(), 401.try_into().unwrap()));
    let (wrong, unknown): (Value, Value) = (wrong.json().await.unwrap(), unknown.json().await.unwrap());
    assert_eq!(wrong["code"], "bad_credentials");
    assert_eq!(wrong, unknown);
}

#[tokio::test]
async fn a_browser_gets_the_token_as_a_cookie_that_no_script_reads() {
    let app = TestApp::start().await;
    for (path, status) in [(REGISTER, 201), (LOGIN, 200)] {
        let response = call(&app, path, credentials("anna", PASSWORD)).await;
        assert_eq!(response.status().as_u16(), status);
        let cookie = set_cookie(&response).unwrap();
        let token = response.json::<Value>().await.unwrap()["token"].as_str().unwrap().to_owned();
        let month_s = limits::SESSION_LIFETIME_MS / SECOND_MS;
        assert_eq!(cookie, format!("magpie_session={token}; HttpOnly; SameSite=Lax; Path=/; Max-Age={month_s}"));
    }
    let behind_tls =
        TestApp::start_with(|settings| settings.public_url = Some("https://chat.example.com".into())).await;
    let cookie = set_cookie(&call(&behind_tls, REGISTER, credentials("anna", PASSWORD)).await).unwrap();
    assert!(cookie.contains("; Secure"), "{cookie}");
}

#[tokio::test]
async fn me_is_who_the_token_says() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let body: Value = app.get(&anna, ME).await.json().await.unwrap();
    let user = &anna.signed_in.user;
    let expected = json!({ "id": user.id, "username": "anna", "display_name": "anna", "role": "admin",
        "expires_at": anna.signed_in.expires_at });
    assert_eq!(body, expected);
    let by_cookie = with_cookie(app.request(Method::GET, ME), &anna.token).send().await.unwrap();
    assert_eq!(by_cookie.json::<Value>().await.unwrap(), expected);
}

#[tokio::test]
async fn without_a_good_token_there_is_nothing() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let secret = app.state.config.auth.jwt_secret.clone();
    let tokens = Tokens::new(&secret);
    let user = anna.signed_in.user.id;
    let unknown_session = tokens.issue(user, magpie::fresh_id!(SessionId), Role::Admin, clock::now()).unwrap().0;
    let anothers_session = {
        let session = claims(&app, &anna.token).jti;
        tokens.issue(magpie::fresh_id!(UserId), session, Role::Admin, clock::now()).unwrap().0
    };
    let mut forged = anna.token.clone();
    forged.replace_range(forged.len() - 8.., "AAAAAAAA");
    for token in [forged, unknown_session, anothers_session, expired(&app, &anna), "nonsense".into()] {
        let response = app.request(Method::GET, ME).bearer_auth(&token).send().await.unwrap();
        assert_eq!(response.headers()[header::WWW_AUTHENTICATE], "Bearer");
        assert_eq!(problem(response).await, (401, "unauthorized".into()), "{token}");
    }
    let response = app.request(Method::GET, ME).send().await.unwrap();
    assert_eq!(problem(response).await, (401, "unauthorized".into()));
    // What only a socket may do: a token in the query.
    let response = app.request(Method::GET, &format!("{ME}?token={}", anna.token)).send().await.unwrap();
    assert_eq!(response.status(), 401);
}

#[tokio::test]
async fn a_token_is_refreshed_while_its_session_lives_expired_or_not() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let expired = expired(&app, &anna);
    assert_eq!(app.request(Method::GET, ME).bearer_auth(&expired).send().await.unwrap().status(), 401);
    for token in [&anna.token, &expired] {
        let response = app.request(Method::POST, REFRESH).bearer_auth(token).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert!(set_cookie(&response).is_some());
        let fresh = Account::of("anna", response.json().await.unwrap());
        assert_eq!(claims(&app, &fresh.token).jti, claims(&app, &anna.token).jti, "the same session");
        assert_eq!(app.get(&fresh, ME).await.status(), 200);
    }
    app.send(&anna, Method::POST, LOGOUT, None).await;
    for token in [&anna.token, &expired] {
        let response = app.request(Method::POST, REFRESH).bearer_auth(token).send().await.unwrap();
        assert_eq!(problem(response).await, (401, "unauthorized".into()));
    }
}

#[tokio::test]
async fn signing_out_ends_the_session_everywhere_and_no_other() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let other = Account::of("anna", call(&app, LOGIN, credentials("anna", PASSWORD)).await.json().await.unwrap());
    let (mut socket, mut other_socket) = (app.connect(&anna).await, app.connect(&other).await);
    let response = app.send(&anna, Method::POST, LOGOUT, None).await;
    assert_eq!(response.status(), 204);
    let cookie = set_cookie(&response).unwrap();
    assert!(cookie.starts_with("magpie_session=;") && cookie.ends_with("Max-Age=0"), "{cookie}");
    assert_eq!(socket.closed().await.map(|(code, _)| code), Some(4501));
    assert_eq!(app.get(&anna, ME).await.status(), 401);
    assert_eq!(app.get(&other, ME).await.status(), 200);
    other_socket.settled().await;
}

#[tokio::test]
async fn a_cookie_counts_for_a_change_only_from_a_page_of_ours() {
    let app = TestApp::start_with(|settings| settings.allowed_origins = Some("https://friend.example".into())).await;
    let anna = app.register("anna").await;
    let own = format!("http://{}", app.addr);
    let create = |origin: Option<&str>| {
        let request = app.request(Method::POST, "/api/v1/conversations").json(&json!({ "title": "Room" }));
        match origin {
            Some(origin) => request.header(header::ORIGIN, origin),
            None => request,
        }
    };
    for (origin, status) in [
        (Some(own.as_str()), 201),
        (Some("https://friend.example"), 201),
        (Some("https://evil.example"), 403),
        (Some("null"), 403),
        (None, 403),
    ] {
        let response = with_cookie(create(origin), &anna.token).send().await.unwrap();
        assert_eq!(response.status(), status, "{origin:?}");
    }
    let foreign = with_cookie(create(Some("https://evil.example")), &anna.token).send().await.unwrap();
    assert_eq!(problem(foreign).await, (403, "forbidden".into()));
    let same_origin = create(None).header("sec-fetch-site", "same-origin");
    assert_eq!(with_cookie(same_origin, &anna.token).send().await.unwrap().status(), 201);
    // A bearer token is put there by whoever wrote the request, wherever the page is from.
    let bearer = create(Some("https://evil.example")).bearer_auth(&anna.token).send().await.unwrap();
    assert_eq!(bearer.status(), 201);
    // Signing out and refreshing change something, too; reading does not.
    for path in [REFRESH, LOGOUT] {
        let request = app.request(Method::POST, path).header(header::ORIGIN, "https://evil.example");
        assert_eq!(with_cookie(request, &anna.token).send().await.unwrap().status(), 403, "{path}");
    }
    let read = app.request(Method::GET, ME).header(header::ORIGIN, "https://evil.example");
    assert_eq!(with_cookie(read, &anna.token).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn on_a_closed_server_an_admin_makes_the_accounts_after_the_first() {
    let app = TestApp::start_with(|settings| settings.registration = Some("closed".into())).await;
    let root = app.register("root").await;
    let refused = call(&app, REGISTER, credentials("anna", PASSWORD)).await;
    assert_eq!(problem(refused).await, (403, "registration_closed".into()));
    let made = app.post(&root, REGISTER, credentials("anna", PASSWORD)).await;
    assert_eq!(made.status(), 201);
    assert_eq!(set_cookie(&made), None, "the admin stays who they are");
    let anna = Account::of("anna", made.json().await.unwrap());
    let refused = app.post(&anna, REGISTER, credentials("ben", PASSWORD)).await;
    assert_eq!(problem(refused).await, (403, "registration_closed".into()));
}

#[tokio::test]
async fn too_many_sign_ins_have_to_wait() {
    let app = TestApp::start_with(|settings| settings.rate_limit = None).await;
    for tried in 0.. {
        assert!(tried < limits::SIGN_INS_PER_USERNAME.burst * 2, "nobody was asked to wait");
        // Too long to be right, so that no hash is computed.
        let response = call(&app, LOGIN, credentials("anna", &"x".repeat(limits::PASSWORD_BYTES_MAX + 1))).await;
        if response.status() == 401 {
            continue;
        }
        let wait_s: u64 = response.headers()[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
        assert!((1..=limits::SIGN_INS_PER_USERNAME.every_ms / 1_000).contains(&wait_s), "{wait_s}");
        let body: Value = response.json().await.unwrap();
        assert_eq!((&body["status"], &body["code"]), (&json!(429), &json!("rate_limited")));
        assert!(body["retry_after_ms"].is_u64());
        assert!(tried >= limits::SIGN_INS_PER_USERNAME.burst, "asked to wait after {tried}");
        return;
    }
}

/// A genuine token says who; what they may do is asked of storage at every request.
#[tokio::test]
async fn an_old_tokens_role_is_worth_nothing() {
    let app = TestApp::start().await;
    let root = app.register("root").await;
    let anna = app.register("anna").await;
    app.send(&root, Method::PATCH, "/api/v1/users/anna", Some(json!({ "role": "admin" }))).await;
    assert_eq!(app.get(&anna, "/api/v1/users").await.status(), 200);
    app.send(&root, Method::PATCH, "/api/v1/users/anna", Some(json!({ "role": "member" }))).await;
    assert_eq!(app.get(&anna, "/api/v1/users").await.status(), 403);
    let tokens = Tokens::new(&app.state.config.auth.jwt_secret);
    let claims = claims(&app, &anna.token);
    let (boastful, _) = tokens.issue(claims.sub, claims.jti, Role::Admin, clock::now()).unwrap();
    assert!(matches!(tokens.verify(&boastful, clock::now()), Some(Verified::Valid(_))));
    let response = app.request(Method::GET, "/api/v1/users").bearer_auth(boastful).send().await.unwrap();
    assert_eq!(response.status(), 403);
}
