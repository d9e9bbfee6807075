//! The dialog that asks before a message is deleted. `?delete=ID` opens it, with or without a script.

use leptos::{ev::SubmitEvent, prelude::*};

use super::reactions::ReactTarget;
use crate::{
    client::use_client,
    ui::components::{
        dialog::Dialog,
        thread::{ThreadContext, focus_message},
    },
};

#[component]
pub fn DeleteDialog() -> impl IntoView {
    let context = ThreadContext::current();
    let client = use_client();
    let by_url = context.deleting.get_untracked().is_some();
    let open = Memo::new(move |_| context.deleting.get().is_some());
    // The button that opened the dialog goes with what is deleted.
    let gone = StoredValue::new(None);
    let close = Callback::new(move |()| {
        context.deleting.set(None);
        gone.get_value().into_iter().for_each(focus_message);
        gone.set_value(None);
    });
    let delete = move |event: SubmitEvent| {
        event.prevent_default();
        if let Some(id) = context.deleting.get_untracked() {
            client.delete(context.id, id);
            gone.set_value(Some(id));
        }
        context.deleting.set(None);
    };
    view! {
        <Dialog title="Delete message" open close by_url>
            <form method="post" action="/fn/delete_message" on:submit=delete>
                <h2>"Delete this message?"</h2>
                <p>"Everybody in this conversation sees that it is gone. It cannot be brought back."</p>
                {move || context.deleting.get().map(|id| view! { <ReactTarget id /> })}
                <div class="row">
                    <a
                        class="button"
                        href=format!("/c/{}", context.id)
                        on:click=move |event| {
                            event.prevent_default();
                            context.deleting.set(None);
                        }
                    >
                        "Cancel"
                    </a>
                    <button class="button danger" type="submit">
                        "Delete"
                    </button>
                </div>
            </form>
        </Dialog>
    }
}
