//! The one user of the browser's WebSocket. It opens, hands over what comes in, and says how it ended;
//! what to do about that is the link's business.
//!
//! The browser's own type rather than gloo-net's stream over it: three callbacks are all that is needed,
//! and a close code is at hand where it arrives.

use std::cell::RefCell;

use js_sys::Array;
use wasm_bindgen::{JsCast, closure::Closure};
use web_sys::{CloseEvent, MessageEvent, WebSocket};

use super::{
    Client, apply,
    credential::{self, Credential},
    inbox::{Inbox, can_inflate},
};
use crate::{
    model::link::Event,
    protocol::{ClientEnvelope, CloseCode, VERSION},
};

struct Socket {
    socket: WebSocket,
    inbox: Inbox,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_close: Closure<dyn FnMut(CloseEvent)>,
}

thread_local! {
    /// A page has one socket, and a browser one thread.
    static SOCKET: RefCell<Option<Socket>> = const { RefCell::new(None) };
}

/// Opens the socket; one that is still there is closed and not heard any more.
pub(super) fn connect(client: Client) {
    close();
    match open(client) {
        Some(socket) => SOCKET.set(Some(socket)),
        None => client.link(Event::Closed { code: 1006, reason: String::new() }),
    }
}

fn open(client: Client) -> Option<Socket> {
    let location = web_sys::window()?.location();
    let scheme = if location.protocol().ok()? == "https:" { "wss://" } else { "ws://" };
    let path = if can_inflate() { "/ws?compress=deflate" } else { "/ws" };
    let address = [scheme, &location.host().ok()?, path].concat();
    let socket = match credential::current() {
        Credential::Cookie => WebSocket::new(&address),
        // A browser's socket takes no headers: the token goes as a subprotocol, which is in no address and no log.
        Credential::Bearer(token) => {
            let offered = Array::of2(&VERSION.into(), &["bearer.", &token].concat().into());
            WebSocket::new_with_str_sequence(&address, &offered)
        }
    };
    let socket = socket.ok()?;
    let inbox = Inbox::default();
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new({
        let inbox = inbox.clone();
        move |event: MessageEvent| inbox.push(event.data(), client)
    });
    let on_close = Closure::<dyn FnMut(CloseEvent)>::new({
        let inbox = inbox.clone();
        move |event: CloseEvent| {
            // What waits to be inflated comes again: the next connection resumes from what was applied.
            inbox.close();
            client.link(Event::Closed { code: event.code(), reason: event.reason() });
        }
    });
    socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    socket.set_onclose(Some(on_close.as_ref().unchecked_ref()));
    Some(Socket { socket, inbox, _on_message: on_message, _on_close: on_close })
}

/// A frame came.
pub(super) fn received(client: Client, text: &str) {
    client.heard();
    if let Some(frame) = apply::parse(text) {
        client.apply(&frame);
    }
}

/// What came cannot be read: the next connection resumes from what could.
pub(super) fn give_up(client: Client) {
    close();
    client.link(Event::Closed { code: CloseCode::BadUtf8.as_u16(), reason: String::new() });
}

/// Closes the socket. Nothing that it still says is heard.
pub(super) fn close() {
    SOCKET.with_borrow_mut(|slot| {
        if let Some(Socket { socket, inbox, .. }) = slot.take() {
            inbox.close();
            socket.set_onmessage(None);
            socket.set_onclose(None);
            let _ = socket.close();
        }
    });
}

/// Sends a frame. What a closing socket swallows is sent again when the next one resumes.
pub(super) fn send(frame: &ClientEnvelope) {
    let Ok(text) = serde_json::to_string(frame) else { return };
    SOCKET.with_borrow(|slot| {
        if let Some(Socket { socket, .. }) = slot {
            let _ = socket.send_with_str(&text);
        }
    });
}
