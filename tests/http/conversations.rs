//! `/conversations` and its people.

use magpie::protocol::{ChartId, limits};
use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::support::{Account, TestApp, problem};

const CONVERSATIONS: &str = "/api/v1/conversations";

async fn list(app: &TestApp, account: &Account) -> Vec<Value> {
    let body: Value = app.get(account, CONVERSATIONS).await.json().await.unwrap();
    body["conversations"].as_array().unwrap().clone()
}

async fn members(app: &TestApp, account: &Account, id: impl std::fmt::Display) -> Vec<Value> {
    let body: Value = app.get(account, &format!("{CONVERSATIONS}/{id}")).await.json().await.unwrap();
    body["members"].as_array().unwrap().iter().map(|member| member["username"].clone()).collect()
}

#[tokio::test]
async fn a_conversation_is_made_with_its_people() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let ben = app.register("ben").await;
    let body = json!({ "title": " Plans ", "members": ["ben", "BEN", "anna"] });
    let response = app.post(&anna, CONVERSATIONS, body).await;
    assert_eq!(response.status(), 201);
    let made: Value = response.json().await.unwrap();
    assert_eq!((&made["title"], &made["kind"], &made["agents"]), (&json!("Plans"), &json!("room"), &json!(true)));
    assert_eq!((&made["head"], &made["unread"], &made["status"]), (&json!(2), &json!(0), &json!("open")));
    assert_eq!(made["owner"]["user"]["id"], json!(anna.signed_in.user.id));
    let names: Vec<_> = made["members"].as_array().unwrap().iter().map(|member| member["username"].clone()).collect();
    assert_eq!(names, ["anna", "ben"]);
    let read: Value =
        app.get(&ben, &format!("{CONVERSATIONS}/{}", made["id"].as_str().unwrap())).await.json().await.unwrap();
    assert_eq!((&read["id"], &read["members"]), (&made["id"], &made["members"]));
    assert_eq!(read["members"][0]["status"], "offline");
}

#[tokio::test]
async fn what_cannot_be_a_conversation_is_refused_by_field() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let crowd = vec!["anna"; limits::MEMBERS_PER_CONVERSATION];
    for (body, status, code) in [
        (json!({ "title": " " }), 422, "invalid"),
        (json!({ "title": "x".repeat(limits::TITLE_CHARS + 1) }), 422, "invalid"),
        (json!({ "title": "Room", "members": ["nobody"] }), 404, "unknown_user"),
        (json!({ "title": "Room", "members": crowd }), 422, "invalid"),
        (json!({ "members": [] }), 422, "invalid"),
    ] {
        assert_eq!(problem(app.post(&anna, CONVERSATIONS, body).await).await, (status, code.to_owned()));
    }
    assert_eq!(list(&app, &anna).await, Vec::<Value>::new());
}

#[tokio::test]
async fn the_list_has_the_callers_conversations_with_unread_and_the_last_message() {
    let app = TestApp::start().await;
    let (anna, ben) = (app.register("anna").await, app.register("ben").await);
    let first = app.room(&anna, &[&ben]).await;
    let second = app.room(&anna, &[]).await;
    app.post(&anna, &format!("{CONVERSATIONS}/{first}/messages"), json!({ "message": "Hello" })).await;
    let hers = list(&app, &anna).await;
    assert_eq!(hers.iter().map(|line| line["id"].clone()).collect::<Vec<_>>(), [json!(first), json!(second)]);
    let his = list(&app, &ben).await;
    assert_eq!(his.len(), 1);
    assert_eq!((&his[0]["head"], &his[0]["unread"]), (&json!(3), &json!(1)));
    assert_eq!((&his[0]["last_message"]["text"], &his[0]["last_message"]["seq"]), (&json!("Hello"), &json!(3)));
    let mut socket = app.connect(&ben).await;
    socket.send("read", json!({ "conversation_id": first, "seq": 3 })).await;
    socket.settled().await;
    assert_eq!(list(&app, &ben).await[0]["unread"], 0);
}

#[tokio::test]
async fn who_is_no_member_gets_404_whatever_they_try() {
    let app = TestApp::start().await;
    let (anna, eve) = (app.register("anna").await, app.register("eve").await);
    let id = app.room(&anna, &[]).await;
    for (method, path, body) in [
        (Method::GET, String::new(), None),
        (Method::GET, "/events".into(), None),
        (Method::GET, "/messages".into(), None),
        (Method::POST, "/messages".into(), Some(json!({ "message": "Hello" }))),
        (Method::POST, "/messages".into(), Some(json!({ "message": "" }))),
        (Method::POST, "/members".into(), Some(json!({ "username": "eve" }))),
        (Method::POST, "/members".into(), Some(json!({ "username": "nobody" }))),
        (Method::DELETE, "/members/anna".into(), None),
        (Method::DELETE, "/members/eve".into(), None),
        (Method::POST, "/cancel".into(), None),
    ] {
        let response = app.send(&eve, method.clone(), &format!("{CONVERSATIONS}/{id}{path}"), body).await;
        assert_eq!(problem(response).await, (404, "not_found".into()), "{method} {path}");
    }
    assert_eq!(list(&app, &eve).await, Vec::<Value>::new());
}

/// An admin of the server is nobody special in a conversation that they are not in.
#[tokio::test]
async fn an_admin_reads_no_others_conversations() {
    let app = TestApp::start().await;
    let (root, anna) = (app.register("root").await, app.register("anna").await);
    let id = app.room(&anna, &[]).await;
    let response = app.get(&root, &format!("{CONVERSATIONS}/{id}/messages")).await;
    assert_eq!(problem(response).await, (404, "not_found".into()));
}

#[tokio::test]
async fn any_member_adds_others_who_find_it_in_their_list() {
    let app = TestApp::start().await;
    let (anna, ben, carla) = (app.member("anna").await, app.register("ben").await, app.register("carla").await);
    let id = app.room(&anna, &[&ben]).await;
    let mut socket = app.connect(&carla).await;
    let path = format!("{CONVERSATIONS}/{id}/members");
    assert_eq!(app.post(&ben, &path, json!({ "username": "carla" })).await.status(), 204);
    let frame = socket.next_of("conversation").await;
    assert_eq!((&frame["change"], &frame["conversation"]["id"]), (&json!("added"), &json!(id)));
    assert_eq!(members(&app, &carla, id).await, ["anna", "ben", "carla"]);
    // Once more changes nothing.
    assert_eq!(app.post(&ben, &path, json!({ "username": "carla" })).await.status(), 204);
    assert!(socket.settled().await.iter().all(|frame| frame["type"] != "conversation"));
    let unknown = app.post(&ben, &path, json!({ "username": "nobody" })).await;
    assert_eq!(problem(unknown).await, (404, "unknown_user".into()));
    let events: Value = app.get(&anna, &format!("{CONVERSATIONS}/{id}/events")).await.json().await.unwrap();
    assert_eq!((&events["head"], &events["events"][2]["type"]), (&json!(3), &json!("member")));
    assert_eq!(events["events"][2]["change"], "joined");
}

#[tokio::test]
async fn who_is_disabled_cannot_be_added() {
    let app = TestApp::start().await;
    let root = app.register("root").await;
    app.register("ben").await;
    let id = app.room(&root, &[]).await;
    app.send(&root, Method::PATCH, "/api/v1/users/ben", Some(json!({ "disabled": true }))).await;
    let refused = app.post(&root, &format!("{CONVERSATIONS}/{id}/members"), json!({ "username": "ben" })).await;
    assert_eq!(problem(refused).await, (404, "unknown_user".into()));
}

#[tokio::test]
async fn a_new_conversation_shows_in_the_lists_of_all_its_people() {
    let app = TestApp::start().await;
    let (anna, ben) = (app.register("anna").await, app.register("ben").await);
    let mut sockets = [app.connect(&anna).await, app.connect(&ben).await];
    let id = app.room(&anna, &[&ben]).await;
    for socket in &mut sockets {
        let frame = socket.next_of("conversation").await;
        assert_eq!((&frame["change"], &frame["conversation"]["id"]), (&json!("added"), &json!(id)));
    }
}

#[tokio::test]
async fn the_one_who_made_it_or_an_admin_in_it_removes_others_and_everyone_may_leave() {
    let app = TestApp::start().await;
    let root = app.register("root").await;
    let [anna, ben, carla, dora] = [
        app.register("anna").await,
        app.register("ben").await,
        app.register("carla").await,
        app.register("dora").await,
    ];
    let id = app.room(&anna, &[&root, &ben, &carla, &dora]).await;
    let remove = |by: &Account, username: &str| {
        let (by, path) = (by.clone(), format!("{CONVERSATIONS}/{id}/members/{username}"));
        let app = &app;
        async move { app.send(&by, Method::DELETE, &path, None).await }
    };
    assert_eq!(problem(remove(&ben, "carla").await).await, (403, "forbidden".into()));
    assert_eq!(remove(&anna, "carla").await.status(), 204);
    assert_eq!(remove(&root, "dora").await.status(), 204);
    assert_eq!(remove(&ben, "ben").await.status(), 204);
    assert_eq!(problem(remove(&anna, "carla").await).await, (404, "not_found".into()));
    assert_eq!(problem(remove(&anna, "nobody").await).await, (404, "not_found".into()));
    assert_eq!(problem(remove(&ben, "ben").await).await, (404, "not_found".into()));
    assert_eq!(members(&app, &anna, id).await, ["anna", "root"]);
}

#[tokio::test]
async fn who_is_removed_is_told_by_their_list_and_hears_no_more_of_it() {
    let app = TestApp::start().await;
    let (anna, ben) = (app.register("anna").await, app.register("ben").await);
    let id = app.room(&anna, &[&ben]).await;
    let (mut his, mut hers) = (app.connect(&ben).await, app.connect(&anna).await);
    his.subscribe(id, Some(2)).await;
    hers.subscribe(id, Some(2)).await;
    app.send(&anna, Method::DELETE, &format!("{CONVERSATIONS}/{id}/members/ben"), None).await;
    hers.chat(id, "He is gone").await;
    let left = hers.next_of("member").await;
    assert_eq!((&left["change"], &left["user"]["id"]), (&json!("left"), &json!(ben.signed_in.user.id)));
    let removed = his.next_of("conversation").await;
    assert_eq!((&removed["change"], &removed["conversation"]["id"]), (&json!("removed"), &json!(id)));
    let heard = his.settled().await;
    assert!(heard.iter().all(|frame| frame["conversation_id"] != json!(id)), "{heard:?}");
    assert_eq!(his.subscribe(id, None).await["mode"], "denied");
    assert_eq!(app.get(&ben, &format!("{CONVERSATIONS}/{id}/events")).await.status(), 404);
}

#[tokio::test]
async fn a_chart_is_a_picture_for_members_that_runs_no_script() {
    let app = TestApp::start().await;
    let (anna, eve) = (app.register("anna").await, app.register("eve").await);
    let id = app.room(&anna, &[]).await;
    let chart = magpie::fresh_id!(ChartId);
    app.state.storage.put_chart(id, chart, "<svg xmlns='http://www.w3.org/2000/svg'/>").await.unwrap();
    let path = format!("/api/v1/charts/{chart}.svg");
    let response = app.get(&anna, &path).await;
    assert_eq!(response.status(), 200);
    for (name, value) in [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "private, max-age=31536000, immutable"),
    ] {
        assert_eq!(response.headers()[&name], value, "{name}");
    }
    assert_eq!(response.text().await.unwrap(), "<svg xmlns='http://www.w3.org/2000/svg'/>");
    let unknown = format!("/api/v1/charts/{}.svg", magpie::fresh_id!(ChartId));
    for (account, path) in [(&eve, &path), (&anna, &unknown), (&anna, &path.replace(".svg", ""))] {
        assert_eq!(problem(app.get(account, path).await).await, (404, "not_found".into()), "{path}");
    }
    assert_eq!(app.request(Method::GET, &path).send().await.unwrap().status(), 401);
}
