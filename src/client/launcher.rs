//! The frame's side of the launcher on a website's page (`public/widget.js`): sessions come in, what the page may
//! hear of goes out.
//!
//! Each side hears the other's window alone, at the other's origin alone. The host's origin stands behind the `#` of
//! the frame's address, which is sent to no server; a page that lies about it gets nothing, because the browser
//! delivers to that origin alone, and a page that the site does not allow cannot show the frame at all
//! (`frame-ancestors`).

use std::{cell::RefCell, collections::HashMap};

use gloo_timers::callback::Timeout;
use js_sys::{Function, JSON, Object, Promise};
use leptos::prelude::*;
use serde_json::{Value, json};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::{MessageEvent, Window};

use super::{
    Client,
    credential::{self, Credential},
    network, persist, sound,
};
use crate::{
    model::{Thread, link},
    protocol::{
        Code, ConversationId, DurableFrame, Event, Problem, Seq, UserId,
        http::{Role, User},
        limits,
        read::{Read, field},
    },
};

/// What the launcher says of whoever is here. Cheap to copy; one for a page.
#[derive(Clone, Copy)]
pub struct Launcher {
    client: Client,
    pub visit: RwSignal<Visit>,
    /// Whether the frame is open on the page.
    pub is_shown: RwSignal<bool>,
    /// Whether a message of others makes a sound.
    pub is_loud: RwSignal<bool>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Visit {
    /// No session yet.
    Waiting,
    Here {
        /// The visitor's open dialog.
        dialog: ConversationId,
        me: User,
    },
    /// There is no session, and why.
    Refused(Problem),
    /// This page is in no frame: nobody gives it a session.
    Alone,
}

/// The page around us.
struct Host {
    window: Window,
    origin: String,
    /// Up to where each conversation's messages are no news to the page.
    told: HashMap<ConversationId, Seq>,
    /// Who waits for the next session.
    waiting: Vec<Function>,
}

thread_local! {
    static HOST: RefCell<Option<Host>> = const { RefCell::new(None) };
}

impl Launcher {
    pub fn new(client: Client) -> Self {
        Self {
            client,
            visit: RwSignal::new(Visit::Waiting),
            is_shown: RwSignal::new(false),
            is_loud: RwSignal::new(false),
        }
    }

    /// Says that we are ready, and hears of sessions from then on. In an `Effect`, once.
    pub fn start(self) {
        let Some((window, origin)) = host() else { return self.visit.set(Visit::Alone) };
        HOST.set(Some(Host { window, origin, told: HashMap::new(), waiting: Vec::new() }));
        let listener = window_event_listener(leptos::ev::message, move |event| {
            if is_hosts(&event) {
                self.hear(&event.data());
            }
        });
        // It is heard for as long as the page lives.
        std::mem::forget(listener);
        tell(json!({ "magpie": "ready" }));
    }

    /// Asks for another session: `fresh`, with a new dialog.
    pub fn renew(self, fresh: bool) {
        if matches!(*self.visit.read_untracked(), Visit::Refused(_)) {
            self.visit.set(Visit::Waiting);
        }
        renew(fresh);
    }

    pub fn close(self) {
        tell(json!({ "magpie": "close" }));
    }

    /// What the badge shows.
    pub fn unread(self, count: u64) {
        tell(json!({ "magpie": "unread", "count": count }));
    }

    /// The page keeps it: within another site a browser denies this frame its storage.
    pub fn set_loud(self, is_loud: bool) {
        self.heard_loud(is_loud);
        tell(json!({ "magpie": "loud", "on": is_loud }));
    }

    fn heard_loud(self, is_loud: bool) {
        sound::want(is_loud);
        self.is_loud.set(is_loud);
    }

    fn hear(self, data: &JsValue) {
        let text = JSON::stringify(data).ok().and_then(|text| text.as_string());
        let Some(value) = text.and_then(|text| serde_json::from_str::<Value>(&text).ok()) else { return };
        match value.get("magpie").and_then(Value::as_str) {
            Some("session") => {
                if let Some(session) = value.get("session").and_then(|session| Session::read(session).ok()) {
                    self.admit(session);
                }
            }
            Some("refused") => self.refused(field(&value, "code").unwrap_or(Code::Unavailable), &value),
            Some("shown") => {
                self.is_shown.set(value.get("open") == Some(&Value::Bool(true)));
                self.heard_loud(value.get("loud") == Some(&Value::Bool(true)));
            }
            Some("reset") => self.forget(),
            _ => {}
        }
    }

    fn admit(self, Session { token, dialog, me }: Session) {
        let known = self.client.user();
        if known.as_ref().is_some_and(|known| known.id != me.id) {
            // Somebody else, by the word of the page: nothing of the one before stays. The launcher says it again.
            return network::reload();
        }
        credential::set(Credential::Bearer(token));
        if known.is_none() {
            self.client.seed_user(&me);
        }
        self.client.enter(dialog);
        self.client.start();
        let visit = Visit::Here { dialog, me };
        if *self.visit.read_untracked() != visit {
            self.visit.set(visit);
        }
        answer(true);
    }

    fn refused(self, code: Code, value: &Value) {
        let detail = value.get("detail").and_then(Value::as_str).unwrap_or("The chat cannot be reached.");
        let problem = Problem::new(code, detail);
        let is_here = matches!(*self.visit.read_untracked(), Visit::Here { .. });
        // Who only wanted a fresh token tries again by itself.
        match (is_here, answer(false)) {
            (true, true) => {}
            (true, false) => self.client.problem(problem),
            (false, _) => self.visit.set(Visit::Refused(problem)),
        }
    }

    /// The page's visitor goes, and with them what this browser kept of them.
    fn forget(self) {
        let me = self.client.my_id();
        self.client.link(link::Event::SignedOut);
        self.client.wipe();
        leptos::task::spawn_local(persist::end(me, persist::End::SignedOut));
        self.visit.set(Visit::Waiting);
    }
}

impl Client {
    /// A dialog of the visitor's own, live from its beginning on.
    pub fn enter(self, dialog: ConversationId) {
        if self.thread_store(dialog).is_none() {
            self.seed_thread(Thread::blank(dialog, String::new()));
        }
        // Of a new one no frame tells the visitor's own list, by which is counted what is unread.
        if !self.state().read_untracked().conversations.iter().any(|row| row.id == dialog) {
            self.refetch_list();
        }
        self.open(dialog);
    }
}

/// What the launcher hands over: of [`crate::protocol::site::WidgetSession`], what is the frame's.
struct Session {
    token: String,
    dialog: ConversationId,
    me: User,
}

impl Read for Session {
    fn read(value: &Value) -> Result<Self, serde_json::Error> {
        let id: UserId = field(value, "visitor_id")?;
        let display_name = field(value, "visitor_name")?;
        let me = User { id, username: String::new(), display_name, role: Role::Visitor, disabled: false };
        Ok(Self { token: field(value, "token")?, dialog: field(value, "dialog_id")?, me })
    }
}

/// The window around this one, and the origin that it says to have.
fn host() -> Option<(Window, String)> {
    let window = web_sys::window()?;
    let parent = window.parent().ok()??;
    let is_alone = Object::is(&parent, &window);
    let origin = window.location().hash().ok()?.strip_prefix('#')?.to_owned();
    (!is_alone && origin.starts_with("http")).then_some((parent, origin))
}

fn is_hosts(event: &MessageEvent) -> bool {
    HOST.with_borrow(|host| {
        host.as_ref().is_some_and(|host| {
            event.origin() == host.origin && event.source().is_some_and(|source| Object::is(&source, &host.window))
        })
    })
}

fn tell(what: Value) {
    HOST.with_borrow(|host| {
        let Some(Host { window, origin, .. }) = host else { return };
        if let Ok(message) = JSON::parse(&what.to_string()) {
            let _ = window.post_message(&message, origin);
        }
    });
}

fn renew(fresh: bool) {
    tell(json!({ "magpie": "renew", "fresh": fresh }));
}

/// Asks for another session and waits for it. Whether it came.
pub(super) async fn renewed() -> bool {
    let mut answered: Option<Function> = None;
    let promise = Promise::new(&mut |resolve, _| answered = Some(resolve));
    let Some(answered) = answered else { return false };
    let is_framed =
        HOST.with_borrow_mut(|host| host.as_mut().map(|host| host.waiting.push(answered.clone())).is_some());
    if !is_framed {
        return false;
    }
    renew(false);
    let patience = Timeout::new(limits::HTTP_TIMEOUT_MS, move || {
        let _ = answered.call1(&JsValue::NULL, &JsValue::FALSE);
    });
    let is_here = JsFuture::from(promise).await.is_ok_and(|came| came.is_truthy());
    drop(patience);
    is_here
}

/// Tells those who wait for a session. Whether anybody did.
fn answer(came: bool) -> bool {
    let waiting = HOST.with_borrow_mut(|host| host.as_mut().map(|host| std::mem::take(&mut host.waiting)));
    let waiting = waiting.unwrap_or_default();
    for resolve in &waiting {
        let _ = resolve.call1(&JsValue::NULL, &JsValue::from_bool(came));
    }
    !waiting.is_empty()
}

/// A conversation's log is known up to there: what comes after it is news.
pub(super) fn subscribed(id: ConversationId, head: Seq) {
    HOST.with_borrow_mut(|host| {
        if let Some(host) = host {
            host.told.entry(id).or_insert(head);
        }
    });
}

/// Tells the page of a message of others, once, however often the connection breaks.
pub(super) fn saw(client: Client, frame: &DurableFrame) {
    let Event::Message(message) = &frame.event else { return };
    let is_news = HOST.with_borrow_mut(|host| {
        let told = host.as_mut()?.told.get_mut(&frame.conversation_id)?;
        let is_news = frame.seq > *told;
        *told = frame.seq.max(*told);
        is_news.then_some(())
    });
    if is_news.is_none() || message.author.id == client.my_id() {
        return;
    }
    sound::ring();
    tell(json!({
        "magpie": "message",
        "message": {
            "id": message.id,
            "conversation_id": frame.conversation_id,
            "sender": message.sender,
            "author": message.author.name,
            "text": message.text,
            "timestamp": frame.timestamp,
        },
    }));
}
