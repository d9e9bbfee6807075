//! What outlives the page: the one user of IndexedDB, by way of `public/persist.js`, which the service worker
//! shares. It keeps and gives back, and tells of what other pages changed; what that means is decided
//! elsewhere. Where a browser keeps nothing, every answer says so, and the page goes on from memory.

use serde::Serialize;
use serde_json::Value;
use wasm_bindgen::{closure::Closure, prelude::wasm_bindgen};

use crate::{
    model::{Kept, Outgoing},
    protocol::{
        ClientId, UserId, limits,
        read::{Read, parse},
    },
};

// From the folder of the packed script, so that a copy of it elsewhere finds the copy beside it.
#[wasm_bindgen(raw_module = "../persist.js")]
extern "C" {
    #[wasm_bindgen(js_name = begin)]
    fn js_begin(user: &str);
    #[wasm_bindgen(js_name = end)]
    async fn js_end(user: &str, is_sign_out: bool);
    #[wasm_bindgen(js_name = nobody)]
    async fn js_nobody();
    #[wasm_bindgen(js_name = queue)]
    async fn js_queue(user: &str, change: &str, id: &str, text: &str) -> wasm_bindgen::JsValue;
    #[wasm_bindgen(js_name = listen)]
    fn js_listen(hear: &Closure<dyn FnMut(String)>);
    #[wasm_bindgen(js_name = claim)]
    async fn js_claim(is_takeover: bool) -> wasm_bindgen::JsValue;
    #[wasm_bindgen(js_name = yield_)]
    fn js_yield();
    #[wasm_bindgen(js_name = keep)]
    async fn js_keep(user: &str, name: &str, text: &str, most: usize);
    #[wasm_bindgen(js_name = recall)]
    async fn js_recall(user: &str, name: &str) -> wasm_bindgen::JsValue;
    #[wasm_bindgen(js_name = forget)]
    async fn js_forget(user: &str, name: &str);
    #[wasm_bindgen(js_name = install)]
    fn js_install();
    #[wasm_bindgen(js_name = sync)]
    fn js_sync();
}

/// What the shared queue answered.
pub(super) enum Queue {
    List(Vec<Kept>),
    /// This browser keeps nothing.
    Missing,
    /// Somebody else is signed in by now.
    Anothers,
}

pub(super) enum Change<'a> {
    Nothing,
    Add(&'a Outgoing),
    /// Sent, where there is an ack; deleted, where there is none.
    Drop(&'a ClientId, Option<&'a Value>),
    Fail(&'a ClientId, &'a str),
    Retry(&'a ClientId),
}

/// How a session ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Everything goes.
    SignedOut,
    /// What was written stays, for the same person alone.
    Expired,
}

/// All that is kept is this person's now; what another left is gone.
pub(super) fn begin(user: UserId) {
    js_begin(&user.to_string());
    js_install();
}

pub(super) async fn end(user: UserId, how: End) {
    js_end(&user.to_string(), how == End::SignedOut).await;
}

/// The sign-in page is shown: whoever's things are kept here, their session is over. In a browser only.
pub fn nobody_is_signed_in() {
    leptos::task::spawn_local(js_nobody());
}

/// One change of the shared queue, and what it is then.
pub(super) async fn queue(user: UserId, change: Change<'_>) -> Queue {
    let (name, id, text) = match change {
        Change::Nothing => ("", None, String::new()),
        Change::Add(message) => ("add", Some(&message.client_id), json(message)),
        Change::Drop(id, ack) => ("drop", Some(id), ack.map(json).unwrap_or_default()),
        Change::Fail(id, reason) => ("fail", Some(id), reason.to_owned()),
        Change::Retry(id) => ("retry", Some(id), String::new()),
    };
    let answer = js_queue(&user.to_string(), name, id.map_or("", ClientId::as_str), &text).await;
    if answer.is_null() {
        return Queue::Anothers;
    }
    match answer.as_string().and_then(|text| parse::<List>(&text).ok()) {
        Some(List(list)) => Queue::List(list),
        None => Queue::Missing,
    }
}

/// Hears of each change that another page made, with the ack of what it sent, for as long as the page lives.
pub(super) fn listen(hear: impl FnMut(String) + 'static) {
    let hear = Closure::<dyn FnMut(String)>::new(hear);
    js_listen(&hear);
    hear.forget();
}

/// Waits until this page is the one that sends, or takes that over. Whether it is.
pub(super) async fn claim(is_takeover: bool) -> bool {
    js_claim(is_takeover).await.is_truthy()
}

/// Leaves the sending to another page.
pub(super) fn yield_lock() {
    js_yield();
}

/// Keeps what was seen under a name, and of all names the newest.
pub(super) async fn keep(user: UserId, name: &str, text: &str) {
    js_keep(&user.to_string(), name, text, limits::SEEN_CONVERSATIONS + 1).await;
}

/// What was kept under this name, of this person or of whoever is signed in here.
pub(super) async fn recall(user: Option<UserId>, name: &str) -> Option<String> {
    js_recall(&user.map(|user| user.to_string()).unwrap_or_default(), name).await.as_string()
}

pub(super) async fn forget(user: UserId, name: &str) {
    js_forget(&user.to_string(), name).await;
}

/// Asks the browser to empty the queue when it has a network, also after this page is gone.
pub(super) fn sync() {
    js_sync();
}

struct List(Vec<Kept>);

impl Read for List {
    fn read(value: &Value) -> Result<Self, serde_json::Error> {
        // One that is not understood, after an update, does not hold up the others.
        let all = value.as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(Self(all.iter().filter_map(|one| Kept::read(one).ok()).collect()))
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
