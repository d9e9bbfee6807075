//! Editing in place.

use leptos::{
    ev::{KeyboardEvent, SubmitEvent},
    html,
    prelude::*,
};
use reactive_stores::Field;

use super::reactions::ReactTarget;
use crate::{
    client::use_client,
    model::{Entry, EntryStoreFields},
    ui::components::thread::{ThreadContext, focus_message},
};

#[component]
pub fn EditForm(entry: Field<Entry>) -> impl IntoView {
    let context = ThreadContext::current();
    let client = use_client();
    let node = NodeRef::<html::Textarea>::new();
    let text = entry.text().get_untracked();
    let id = entry.id().get_untracked();
    let close = move || {
        id.into_iter().for_each(focus_message);
        context.editing.set(None);
    };
    let save = move |event: SubmitEvent| {
        event.prevent_default();
        if let (Some(id), Some(area)) = (id, node.get_untracked())
            && client.edit(context.id, id, &area.value())
        {
            close();
        }
    };
    let escape = move |event: KeyboardEvent| {
        if event.key() == "Escape" && !event.is_composing() {
            close();
        }
    };
    Effect::new(move |_| {
        if let Some(area) = node.get() {
            let _ = area.focus();
        }
    });
    view! {
        <form class="edit-form" method="post" action="/fn/edit_message" on:submit=save>
            {id.map(|id| view! { <ReactTarget id /> })}
            <textarea class="input" name="message" aria-label="Edit message" required node_ref=node on:keydown=escape>
                {text}
            </textarea>
            <div class="row">
                <button class="button small primary" type="submit">
                    "Save"
                </button>
                <a
                    class="button small"
                    href=format!("/c/{}", context.id)
                    on:click=move |event| {
                        event.prevent_default();
                        close();
                    }
                >
                    "Cancel"
                </a>
            </div>
        </form>
    }
}
