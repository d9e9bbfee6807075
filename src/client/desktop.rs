//! Notifications on the desktop, for an operator who looks elsewhere. Asked for by a button, never by a page that
//! was just opened.

use std::future::Future;

use js_sys::{Function, Object, Promise, Reflect};
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use wasm_bindgen_futures::JsFuture;

use super::network;
use crate::{
    model::desk::{Alert, last_words, visitor_name},
    protocol::{http::Conversation, limits},
};

/// Whether this page may show them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Permission {
    /// The browser has none, or nobody knows yet.
    #[default]
    Unknown,
    /// Nobody asked.
    Unasked,
    Granted,
    Denied,
}

/// In a browser only.
pub fn permission() -> Permission {
    let word = notification().and_then(|class| Reflect::get(&class, &"permission".into()).ok());
    match word.and_then(|word| word.as_string()).as_deref() {
        Some("default") => Permission::Unasked,
        Some("granted") => Permission::Granted,
        Some("denied") => Permission::Denied,
        _ => Permission::Unknown,
    }
}

/// Asks the person, by way of the browser. To be called from a click.
pub fn ask() -> impl Future<Output = Permission> + Send {
    SendWrapper::new(async {
        if let Some(asked) = request() {
            let _ = JsFuture::from(asked).await;
        }
        permission()
    })
}

fn request() -> Option<Promise> {
    let class = notification()?;
    let ask: Function = Reflect::get(&class, &"requestPermission".into()).ok()?.dyn_into().ok()?;
    ask.call0(&class).ok()?.dyn_into().ok()
}

/// Tells of a dialog, unless it is what the person looks at.
pub(super) fn tell(alert: Alert, line: &Conversation, is_open: bool) {
    if permission() != Permission::Granted || (is_open && network::is_visible()) {
        return;
    }
    let visitor = visitor_name(line);
    let title = match alert {
        Alert::Waits => [visitor, " is waiting for a person"].concat(),
        Alert::Wrote => [visitor, " wrote"].concat(),
    };
    let text: String = last_words(line).unwrap_or_default().chars().take(limits::PREVIEW_CHARS).collect();
    // A phone's browser has the class and refuses to make one: there is nothing to be done about it.
    let _ = show(&title, &text, &line.id.to_string());
}

fn show(title: &str, body: &str, id: &str) -> Result<(), JsValue> {
    let options = Object::new();
    Reflect::set(&options, &"body".into(), &body.into())?;
    // One for each dialog, whichever of the person's tabs shows it.
    Reflect::set(&options, &"tag".into(), &["magpie.", id].concat().into())?;
    Reflect::set(&options, &"icon".into(), &"/favicon.svg".into())?;
    let class: Function = notification().ok_or(JsValue::NULL)?.dyn_into()?;
    let shown = Reflect::construct(&class, &js_sys::Array::of2(&title.into(), &options))?;
    let path = ["/operator/", id].concat();
    let open = Closure::once_into_js(move || {
        let _ = web_sys::window().map(|window| (window.focus(), window.location().set_href(&path)));
    });
    Reflect::set(&shown, &"onclick".into(), &open)?;
    Ok(())
}

fn notification() -> Option<JsValue> {
    let class = Reflect::get(&js_sys::global(), &"Notification".into()).ok()?;
    (!class.is_undefined()).then_some(class)
}
