//! `/`: no conversation is open.

use leptos::prelude::*;
use leptos_meta::Title;

use crate::ui::components::alert::QueryAlert;

#[component]
pub fn Start() -> impl IntoView {
    view! {
        <Title text="Conversations" />
        <main class="pane">
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
                    <button class="button primary" name="new" value="1">
                        "Start a conversation"
                    </button>
                </form>
            </div>
        </main>
    }
}
