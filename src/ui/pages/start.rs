//! `/`: no conversation is open.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::ui::components::{new_conversation::NewConversationOpen, pane::NothingOpen};

#[component]
pub fn Start() -> impl IntoView {
    let dialog = NewConversationOpen::current();
    let open = move |event: leptos::ev::MouseEvent| {
        event.prevent_default();
        dialog.set(true);
    };
    view! {
        <Title text="Conversations" />
        <NothingOpen heading="Pick a conversation, or start one">
            <p>
                "In a new conversation with yourself alone, the agents answer every message. Add people, and they answer when you write @assistant."
            </p>
            <form method="get" action="/">
                <button class="button primary" name="new" value="1" on:click=open>
                    "Start a conversation"
                </button>
            </form>
        </NothingOpen>
    }
}
