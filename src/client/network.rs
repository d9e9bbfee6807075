//! What the browser knows of the network and of the page: online, offline, in view again.

use leptos::prelude::window_event_listener_untyped;

use super::Client;
use crate::model::link::Event;

/// Listens for as long as the page lives.
pub(super) fn listen(client: Client) {
    window_event_listener_untyped("online", move |_| client.link(Event::Online));
    window_event_listener_untyped("offline", move |_| client.link(Event::Offline));
    // From the document it bubbles up to the window.
    window_event_listener_untyped("visibilitychange", move |_| {
        if is_visible() {
            client.woke();
        } else {
            client.hidden();
        }
    });
    // Out of the browser's cache of pages, or of a frozen tab: neither need have been hidden.
    for event in ["pageshow", "resume"] {
        window_event_listener_untyped(event, move |_| client.woke());
    }
}

pub(super) fn is_visible() -> bool {
    web_sys::window()
        .and_then(|window| window.document())
        .is_some_and(|document| document.visibility_state() == web_sys::VisibilityState::Visible)
}

pub(super) fn is_online() -> bool {
    web_sys::window().is_none_or(|window| window.navigator().on_line())
}

/// Where this page is, from the root on.
pub(super) fn here() -> String {
    web_sys::window().and_then(|window| window.location().pathname().ok()).unwrap_or_default()
}

/// Loads this page anew.
pub(super) fn reload() {
    let _ = web_sys::window().map(|window| window.location().reload());
}

/// Leads to the sign-in page, and to `next` afterwards.
pub(super) fn go_to_sign_in(next: &str) {
    let Some(location) = web_sys::window().map(|window| window.location()) else { return };
    let next = js_sys::encode_uri_component(next).as_string().unwrap_or_default();
    let _ = location.set_href(&["/login?next=", &next].concat());
}
