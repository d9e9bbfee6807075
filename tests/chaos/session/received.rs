//! What the server sends, and what it may never send.

use std::io::Read;

use flate2::read::ZlibDecoder;
use magpie::protocol::ConversationId;
use serde_json::Value;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::{self, Message};

use super::{Over, Session};
use crate::chaos::{
    book::Late,
    membership::{Membership, Standing},
};

impl Session<'_> {
    pub(super) async fn received(&mut self, message: Option<Result<Message, tungstenite::Error>>) -> Result<(), Over> {
        self.heard = Instant::now();
        match message {
            Some(Ok(Message::Text(text))) => self.text(&text).await,
            Some(Ok(Message::Binary(bytes))) => {
                let mut text = String::new();
                if !self.device.compresses || ZlibDecoder::new(&*bytes).read_to_string(&mut text).is_err() {
                    self.wrong(format!("{} bytes that nobody asked for", bytes.len()));
                    return Err(Over);
                }
                self.device.book.lock().count("deflated frames");
                self.text(&text).await
            }
            Some(Ok(Message::Close(Some(close)))) => {
                if u16::from(close.code) == 4001 {
                    self.device.book.lock().count("closed with 4001");
                } else if u16::from(close.code) != 1000 {
                    self.wrong(format!("closed with {} {}", close.code, close.reason));
                }
                Err(Over)
            }
            Some(Ok(_)) => Ok(()),
            Some(Err(_)) | None => Err(Over),
        }
    }

    async fn text(&mut self, text: &str) -> Result<(), Over> {
        match serde_json::from_str(text) {
            Ok(frame) => self.frame(frame, text).await,
            Err(error) => {
                self.wrong(format!("not JSON ({error}): {text}"));
                Err(Over)
            }
        }
    }

    async fn frame(&mut self, frame: Value, text: &str) -> Result<(), Over> {
        let kind = frame["type"].as_str().unwrap_or_default();
        let reference = frame["ref"].as_str();
        let room = frame["conversation_id"].as_str().and_then(|id| id.parse().ok());
        self.look_at_who_may_see(&frame, kind, room);
        match (kind, room) {
            ("subscribed", Some(room)) => {
                self.asked = None;
                self.subscribed(room, &frame);
            }
            ("ack", Some(_)) => {
                self.asked = None;
                match reference.filter(|reference| reference.starts_with("change ")) {
                    Some(reference) => self.change_answered(reference),
                    None => {
                        let device = self.device;
                        device.book.lock().acked(&frame, |room| device.register.of(room, device.person));
                    }
                }
                self.device.wake.notify_one();
            }
            ("error", _) => self.refused(&frame),
            ("pong", _) => {
                self.asked = None;
                if let Some((room, removal)) = frame["nonce"].as_str().and_then(|nonce| self.sealing.get(nonce)) {
                    self.sealed.insert(*room, *removal);
                }
            }
            ("conversation", _) => self.list_changed(&frame).await?,
            (_, Some(room)) if frame["seq"].is_u64() => self.event(room, frame["seq"].as_u64().unwrap_or(0), text),
            _ => {}
        }
        Ok(())
    }

    /// A frame of a room may come to its members alone.
    fn look_at_who_may_see(&mut self, frame: &Value, kind: &str, room: Option<ConversationId>) {
        let Some(room) = room else { return };
        let is_answer = matches!(kind, "ack" | "error") || (kind == "subscribed" && frame["mode"] == "denied");
        let Membership { standing, removal } = self.device.register.of(room, self.device.person);
        if is_answer || !matches!(standing, Standing::Leaving | Standing::Gone) {
            return;
        }
        if standing == Standing::Gone && self.sealed.get(&room) == Some(&removal) {
            self.wrong(format!("after removal {removal} was answered and a ping after it, too: {frame}"));
        }
        if let Some(seq) = frame["seq"].as_u64() {
            self.device.book.lock().late.push(Late { room, removal, seq });
        }
    }

    fn change_answered(&self, reference: &str) {
        let mut book = self.device.book.lock();
        book.changes.retain(|change| change.reference != reference);
        book.count("changes answered");
    }

    fn refused(&mut self, frame: &Value) {
        self.asked = None;
        let reference = frame["ref"].as_str().unwrap_or_default();
        if reference.starts_with("change ") {
            // The message is deleted, or its author was removed: nothing to do any more.
            if !matches!(frame["code"].as_str(), Some("not_found" | "forbidden")) {
                self.wrong(format!("a change was refused: {frame}"));
            }
            self.change_answered(reference);
            return;
        }
        let asked_as = self.sent_as.get(reference).copied();
        let letter = self.device.book.lock().outbox.iter().find(|one| one.client_id.as_str() == reference).cloned();
        let (Some(asked_as), true) = (asked_as, frame["code"] == "not_found") else {
            self.wrong(format!("refused: {frame}"));
            return;
        };
        let Some(letter) = letter else { return };
        let now = self.device.register.of(letter.room, self.device.person);
        if now == asked_as && now.standing == Standing::Member {
            self.wrong(format!("a member's message was refused: {frame}"));
        }
        self.device.book.lock().refused(reference);
    }

    pub(super) fn wrong(&self, what: String) {
        self.device.book.lock().wrong.push(format!("{}: {what}", self.device.name));
    }
}
