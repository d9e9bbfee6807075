//! What was written and not sent, per person and conversation, until it is sent or the person signs out
//! (`public/persist.js` knows the keys). A note is kept as a note: none becomes a reply by going away and coming back.

use leptos::prelude::window;
use web_sys::{HtmlTextAreaElement, Storage};

use crate::{
    protocol::Visibility,
    ui::components::thread::{ThreadContext, was_anothers},
};

fn storage() -> Option<Storage> {
    window().local_storage().ok().flatten()
}

fn key(context: ThreadContext, to: Visibility) -> String {
    let end = if to == Visibility::Note { ".note" } else { "" };
    ["magpie.draft.", &context.me.to_string(), ".", &context.id.to_string(), end].concat()
}

fn kept(context: ThreadContext, to: Visibility) -> Option<String> {
    storage()?.get_item(&key(context, to)).ok().flatten()
}

/// Whether what is kept is a note.
pub fn is_note(context: ThreadContext) -> bool {
    kept(context, Visibility::Note).is_some()
}

/// Puts the draft back, unless somebody already writes.
pub fn restore(context: ThreadContext, area: &HtmlTextAreaElement, to: Visibility) {
    if !was_anothers(area, context.id) && !area.value().is_empty() {
        // Written before this script ran.
        return keep(context, &area.value(), to);
    }
    let kept = kept(context, Visibility::Note).or_else(|| kept(context, Visibility::Public));
    area.set_value(&kept.unwrap_or_default());
}

pub fn keep(context: ThreadContext, text: &str, to: Visibility) {
    forget(context);
    if let Some(storage) = storage().filter(|_| !text.is_empty()) {
        // A full storage loses the draft of a reload, and nothing else.
        let _ = storage.set_item(&key(context, to), text);
    }
}

pub fn forget(context: ThreadContext) {
    if let Some(storage) = storage() {
        for to in [Visibility::Public, Visibility::Note] {
            let _ = storage.remove_item(&key(context, to));
        }
    }
}
