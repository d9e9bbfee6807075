//! One try: the body, signed, to an address that was looked at, and what came back.

use std::{net::SocketAddr, time::Duration};

use futures_util::StreamExt;
use reqwest::{Client, Response, Url, header, redirect};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{Webhooks, reach, sign::signature};
use crate::{
    protocol::{
        ConversationId, DeliveryId, DurableFrame, Event, Problem, SiteId, WebhookId, limits, read,
        webhook::WebhookEvent,
    },
    server::{
        agents::tools::fetch_page::addresses::{Checked, SystemResolver, may_reach, resolved},
        clock,
        config::hosts::Reach,
        storage::webhooks::Due,
    },
};

/// What came of one try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub is_good: bool,
    pub status: Option<u16>,
    /// What was wrong, or the beginning of what was said.
    pub text: String,
}

impl Answer {
    fn none(why: impl Into<String>) -> Self {
        Self { is_good: false, status: None, text: why.into() }
    }
}

/// What is sent. `event` is the event as the log has it now.
#[derive(Serialize)]
struct Body<'a> {
    id: DeliveryId,
    webhook_id: WebhookId,
    #[serde(rename = "type")]
    kind: WebhookEvent,
    site_id: &'a SiteId,
    dialog_id: ConversationId,
    /// The text is longer than is sent.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
    event: &'a RawValue,
}

/// Sends it within [`limits::DELIVERY_MS`].
pub(super) async fn send(webhooks: &Webhooks, due: &Due) -> Answer {
    let patience = Duration::from_millis(limits::DELIVERY_MS);
    let tried = tokio::time::timeout(patience, attempt(webhooks, due)).await;
    match tried {
        Ok(Ok(answer)) => answer,
        Ok(Err(why)) => Answer::none(why),
        Err(_) => Answer::none(format!("No answer within {} s.", patience.as_secs())),
    }
}

async fn attempt(webhooks: &Webhooks, due: &Due) -> Result<Answer, String> {
    let url: Url = due.url.parse().map_err(|_| "That is no address.".to_owned())?;
    let secret = webhooks
        .secret(due)
        .ok_or("The secret cannot be read any more: it was sealed with another key. Make this webhook again.")?;
    let body = body(due).map_err(|problem| problem.detail)?;
    let client = client(webhooks, &url).await?;
    let signature = signature(secret.expose(), clock::now().as_ms() / 1_000, body.as_bytes());
    let request = client
        .post(url)
        .header(header::CONTENT_TYPE, "application/json")
        .header("magpie-delivery", due.id.to_string())
        .header("magpie-event", due.event.as_str())
        .header("magpie-signature", signature)
        .body(body);
    let response = request.send().await.map_err(|error| {
        tracing::debug!(error = %error.without_url(), "a webhook could not be told");
        "The server cannot be reached, or does not answer as a web server should.".to_owned()
    })?;
    Ok(answer(response).await)
}

/// For one request: to the addresses that were looked at, and nowhere else.
async fn client(webhooks: &Webhooks, url: &Url) -> Result<Client, String> {
    let reach = reach(&webhooks.hosts, url)?;
    let host = url.host_str().unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or_default();
    let addresses = resolved(&SystemResolver, host).await?;
    if let Some(address) = addresses.iter().find(|address| !may_reach(**address, reach)) {
        tracing::info!(%host, %address, "a webhook was not told: it is at no public address");
        return Err(match reach {
            Reach::Public => format!(
                "{host} is at no public address. If it is meant, the operator lists it: \
                 MAGPIE_WEBHOOK_HOSTS={host}:{port}."
            ),
            Reach::Private => format!("{host} is at an address that is never asked."),
        });
    }
    Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .referer(false)
        .http1_only()
        .dns_resolver(Checked(addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect()))
        .connect_timeout(Duration::from_millis(limits::DELIVERY_CONNECT_MS))
        .user_agent(concat!("Magpie/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| format!("No connection can be made: {error}."))
}

/// The first of what was said: a longer answer is not read.
async fn answer(response: Response) -> Answer {
    let status = response.status();
    let mut said = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(Ok(chunk)) = chunks.next().await {
        let room = limits::DELIVERY_ANSWER_BYTES - said.len();
        said.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if said.len() == limits::DELIVERY_ANSWER_BYTES {
            break;
        }
    }
    // What is no text grows where it is made one.
    let said = String::from_utf8_lossy(&said);
    let said = &said[..said.floor_char_boundary(limits::DELIVERY_ANSWER_BYTES)];
    let text = if status.is_redirection() { "Redirects are not followed." } else { said.trim() };
    Answer { is_good: status.is_success(), status: Some(status.as_u16()), text: text.to_owned() }
}

fn body(due: &Due) -> Result<String, Problem> {
    let cut = cut(&due.frame)?;
    let frame = cut.as_deref().unwrap_or(&due.frame);
    let broken = |error| crate::server::error::internal("a webhook's body could not be made", &error);
    let body = Body {
        id: due.id,
        webhook_id: due.webhook_id,
        kind: due.event,
        site_id: &due.site_id,
        dialog_id: due.conversation_id,
        truncated: cut.is_some(),
        event: serde_json::from_str(frame).map_err(broken)?,
    };
    serde_json::to_string(&body).map_err(broken)
}

/// The event with less of its text; `None`: it is sent as it is.
fn cut(frame: &str) -> Result<Option<String>, Problem> {
    if frame.len() <= limits::DELIVERY_TEXT_BYTES {
        return Ok(None);
    }
    let broken = |error| crate::server::error::internal("an event of the log cannot be read", &error);
    let mut frame: DurableFrame = read::parse(frame).map_err(broken)?;
    if let Event::Message(message) = &mut frame.event {
        let end = message.text.floor_char_boundary(limits::DELIVERY_TEXT_BYTES);
        message.text.truncate(end);
    }
    serde_json::to_string(&frame).map(Some).map_err(broken)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        fresh_id,
        protocol::{Seq, Timestamp},
    };

    fn due(text: &str) -> Due {
        let conversation_id = fresh_id!(ConversationId);
        let frame = json!({
            "type": "message", "conversation_id": conversation_id, "seq": 3, "timestamp": "2026-11-20T10:00:00.000Z",
            "id": fresh_id!(crate::protocol::MessageId), "sender": "visitor",
            "author": { "id": fresh_id!(crate::protocol::UserId), "name": "Visitor" },
            "text": text, "format": "markdown", "visibility": "public",
        });
        Due {
            id: fresh_id!(DeliveryId),
            webhook_id: fresh_id!(WebhookId),
            url: String::new(),
            secret: Vec::new(),
            conversation_id,
            seq: Seq(3),
            site_id: SiteId::default_site(),
            event: WebhookEvent::Message,
            tries: 0,
            queued_at: Timestamp::from_ms(0),
            frame: frame.to_string(),
        }
    }

    /// What is kept of an answer with this body.
    async fn kept(body: impl Into<reqwest::Body>) -> String {
        answer(Response::from(axum::http::Response::new(body.into()))).await.text
    }

    #[tokio::test]
    async fn of_an_answer_the_beginning_is_read_and_kept() {
        const MOST: usize = limits::DELIVERY_ANSWER_BYTES;
        assert_eq!(kept("x".repeat(MOST)).await, "x".repeat(MOST));
        assert_eq!(kept("x".repeat(MOST + 1)).await, "x".repeat(MOST));
        // Cut within a letter, and where nothing of it is text.
        assert_eq!(kept(format!("x{}", "ö".repeat(MOST))).await, format!("x{}", "ö".repeat(MOST / 2 - 1)));
        assert!(kept(vec![0xff; MOST]).await.len() <= MOST);
        let endless = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>("more "));
        assert!(kept(reqwest::Body::wrap_stream(endless)).await.starts_with("more more "));
    }

    #[test]
    fn a_body_holds_the_event_as_it_is() {
        let due = due("Hello");
        let body: Value = serde_json::from_str(&body(&due).unwrap()).unwrap();
        assert_eq!(body["event"], serde_json::from_str::<Value>(&due.frame).unwrap());
        assert_eq!((&body["type"], &body["site_id"]), (&json!("message"), &json!("default")));
        assert_eq!(body["id"], due.id.to_string());
        assert!(body.get("truncated").is_none());
    }

    #[test]
    fn a_text_that_is_too_long_is_cut_and_the_body_says_so() {
        let body: Value = serde_json::from_str(&body(&due(&"ö".repeat(limits::DELIVERY_TEXT_BYTES))).unwrap()).unwrap();
        assert_eq!(body["truncated"], true);
        let text = body["event"]["text"].as_str().unwrap();
        assert_eq!(text.len(), limits::DELIVERY_TEXT_BYTES);
        assert!(text.chars().all(|c| c == 'ö'));
    }
}
