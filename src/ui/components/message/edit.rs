//! Editing in place.

use leptos::{ev::SubmitEvent, html, prelude::*};
use reactive_stores::Field;

use super::reactions::ReactTarget;
use crate::{
    client::use_client,
    model::{Entry, EntryStoreFields},
    ui::components::thread::ThreadContext,
};

#[component]
pub fn EditForm(entry: Field<Entry>) -> impl IntoView {
    let context = ThreadContext::current();
    let client = use_client();
    let node = NodeRef::<html::Textarea>::new();
    let text = entry.text().get_untracked();
    let id = entry.id().get_untracked();
    let save = move |event: SubmitEvent| {
        event.prevent_default();
        if let (Some(id), Some(area)) = (id, node.get_untracked()) {
            client.edit(context.id, id, &area.value());
        }
        context.editing.set(None);
    };
    Effect::new(move |_| {
        if let Some(area) = node.get() {
            let _ = area.focus();
        }
    });
    view! {
        <form class="edit-form" method="post" action="/fn/edit_message" on:submit=save>
            {id.map(|id| view! { <ReactTarget id /> })}
            <textarea class="input" name="message" aria-label="Edit message" required node_ref=node>
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
                        context.editing.set(None);
                    }
                >
                    "Cancel"
                </a>
            </div>
        </form>
    }
}
