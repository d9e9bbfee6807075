//! What was written and not sent, per person and conversation, until it is sent or the person signs out
//! (`public/persist.js` knows the keys).

use leptos::prelude::window;
use web_sys::{HtmlTextAreaElement, Storage};

use crate::ui::components::thread::{ThreadContext, was_anothers};

fn storage() -> Option<Storage> {
    window().local_storage().ok().flatten()
}

fn key(context: ThreadContext) -> String {
    ["magpie.draft.", &context.me.to_string(), ".", &context.id.to_string()].concat()
}

/// Puts the draft back, unless somebody already writes.
pub fn restore(context: ThreadContext, area: &HtmlTextAreaElement) {
    if !was_anothers(area, context.id) && !area.value().is_empty() {
        // Written before this script ran.
        return keep(context, &area.value());
    }
    let kept = storage().and_then(|storage| storage.get_item(&key(context)).ok().flatten());
    area.set_value(&kept.unwrap_or_default());
}

pub fn keep(context: ThreadContext, text: &str) {
    if text.is_empty() {
        return forget(context);
    }
    if let Some(storage) = storage() {
        // A full storage loses the draft of a reload, and nothing else.
        let _ = storage.set_item(&key(context), text);
    }
}

pub fn forget(context: ThreadContext) {
    if let Some(storage) = storage() {
        let _ = storage.remove_item(&key(context));
    }
}
