//! Both sides of a dialog: a visitor by the widget's call, and operators.

use magpie::protocol::ConversationId;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Account, Socket, TestApp};

/// Somebody on a website.
#[derive(Clone, Debug)]
pub struct Visitor {
    pub session: Value,
    pub token: String,
    pub dialog: ConversationId,
}

impl Visitor {
    pub async fn open(app: &TestApp) -> Self {
        Self::open_with(app, json!({})).await
    }

    /// With these fields beside the site.
    pub async fn open_with(app: &TestApp, fields: Value) -> Self {
        let mut body = json!({ "site_id": "default" });
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let response = app.request(Method::POST, "/api/v1/widget/sessions").json(&body).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let session: Value = response.json().await.unwrap();
        let token = session["token"].as_str().unwrap().to_owned();
        let dialog = session["dialog_id"].as_str().unwrap().parse().unwrap();
        Self { session, token, dialog }
    }

    pub fn visitor_token(&self) -> &str {
        self.session["visitor_token"].as_str().unwrap()
    }

    /// At the widget's endpoint, subscribed by it.
    pub async fn connect(&self, app: &TestApp) -> Socket {
        endpoint(app, &format!("/ws/widget/dialogs/{}", self.dialog), &self.token).await
    }
}

/// A socket at this address, after its first frame.
pub async fn endpoint(app: &TestApp, path: &str, token: &str) -> Socket {
    let bearer = format!("Bearer {token}");
    let mut socket = Socket::handshake(app.addr, path, &[("authorization", &bearer)]).await.expect("a socket");
    let first = socket.next().await;
    assert_eq!((&first["type"], &first["status"]), (&json!("status"), &json!("connected")), "{first}");
    socket
}

/// An operator: makes the admin first where there is none.
pub async fn operator(app: &TestApp, name: &str) -> Account {
    app.member(name).await;
    let admin = app.login("root").await;
    let path = format!("/api/v1/users/{name}");
    let patched = app.send(&admin, Method::PATCH, &path, Some(json!({ "role": "operator" }))).await;
    assert_eq!(patched.status(), StatusCode::OK);
    app.login(name).await
}

/// An operator's socket at the dialog's endpoint, with its `subscribed` frame.
pub async fn at_dialog(app: &TestApp, operator: &Account, dialog: ConversationId) -> (Socket, Value) {
    let mut socket = endpoint(app, &format!("/ws/dialogs/{dialog}"), &operator.token).await;
    let subscribed = socket.next_of("subscribed").await;
    (socket, subscribed)
}

/// Sends a `control` frame and gives its answer.
pub async fn control(socket: &mut Socket, dialog: ConversationId, action: &str, epoch: u64) -> Value {
    let frame = json!({ "conversation_id": dialog, "action": action, "epoch": epoch });
    let reference = socket.ask("control", frame).await;
    socket.answer(&reference).await
}
