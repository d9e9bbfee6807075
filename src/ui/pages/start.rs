//! `/`: no conversation is open.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::ui::components::{alert::QueryAlert, new_conversation::NewConversationOpen};

#[component]
pub fn Start() -> impl IntoView {
    let dialog = NewConversationOpen::current();
    let open = move |event: leptos::ev::MouseEvent| {
        event.prevent_default();
        dialog.set(true);
    };
    view! {
        <Title text="Conversations" />
        <main class="pane" id="main" tabindex="-1">
            <div class="notices">
                <QueryAlert />
            </div>
            <div class="empty">
                <img class="mark" src="/favicon.svg" alt="" width="64" height="64" />
                <h1>"Pick a conversation, or start one"</h1>
                <p>
                    "In a new conversation with yourself alone, the agents answer every message. Add people, and they answer when you write @assistant."
                </p>
                <form method="get" action="/">
                    <button class="button primary" name="new" value="1" on:click=open>
                        "Start a conversation"
                    </button>
                </form>
            </div>
        </main>
    }
}
