//! What came through the socket, in the order in which it came, though a large frame comes deflated and takes
//! a moment to read: what came after it waits.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
};

use js_sys::{Array, Function, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, Response};

use super::{Client, socket};
use crate::protocol::limits;

/// Of one socket. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Inbox {
    waiting: Rc<RefCell<VecDeque<JsValue>>>,
    /// Whether one is being inflated.
    is_busy: Rc<Cell<bool>>,
    /// Whether the socket was left: nothing that it said counts any more.
    is_over: Rc<Cell<bool>>,
}

impl Inbox {
    /// A message's data: a string, or a blob that holds a deflated one.
    pub(super) fn push(&self, data: JsValue, client: Client) {
        if !self.is_busy.get()
            && let Some(text) = data.as_string()
        {
            return socket::received(client, &text);
        }
        // One more than the bound says to the one that drains that it is reached.
        if self.waiting.borrow().len() <= limits::INBOX_FRAMES {
            self.waiting.borrow_mut().push_back(data);
        }
        if !self.is_busy.replace(true) {
            let inbox = self.clone();
            leptos::task::spawn_local(async move { inbox.drain(client).await });
        }
    }

    pub(super) fn close(&self) {
        self.is_over.set(true);
        self.waiting.borrow_mut().clear();
    }

    async fn drain(self, client: Client) {
        while let Some(data) = self.next() {
            let text = match data.as_string() {
                Some(text) => Some(text),
                None => inflate(&data).await.ok(),
            };
            let is_too_much = self.waiting.borrow().len() > limits::INBOX_FRAMES;
            match text.filter(|_| !is_too_much) {
                _ if self.is_over.get() => return,
                Some(text) => socket::received(client, &text),
                // What follows would have a hole before it.
                None => return socket::give_up(client),
            }
        }
        self.is_busy.set(false);
    }

    fn next(&self) -> Option<JsValue> {
        self.waiting.borrow_mut().pop_front()
    }
}

/// Whether this browser can inflate what the server would deflate.
pub(super) fn can_inflate() -> bool {
    inflater().is_some()
}

fn inflater() -> Option<Function> {
    Reflect::get(&js_sys::global(), &"DecompressionStream".into()).ok()?.dyn_into().ok()
}

async fn inflate(data: &JsValue) -> Result<String, JsValue> {
    let inflater = inflater().ok_or(JsValue::NULL)?;
    let inflating = Reflect::construct(&inflater, &Array::of1(&"deflate".into()))?;
    let stream = data.dyn_ref::<Blob>().ok_or(JsValue::NULL)?.stream().pipe_through(inflating.unchecked_ref());
    let text = Response::new_with_opt_readable_stream(Some(&stream))?.text()?;
    JsFuture::from(text).await?.as_string().ok_or(JsValue::NULL)
}
