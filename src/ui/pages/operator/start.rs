//! `/operator`: no dialog is open.

use leptos::prelude::*;

use crate::ui::components::alert::QueryAlert;

#[component]
pub fn NoDialog() -> impl IntoView {
    view! {
        <main class="pane" id="main" tabindex="-1">
            <div class="notices">
                <QueryAlert />
            </div>
            <div class="empty">
                <img class="mark" src="/favicon.svg" alt="" width="64" height="64" />
                <h1>"Pick a dialog"</h1>
                <p>
                    "Those in the queue wait for a person, the one that waits longest first. Press J for the next one, and ? for all shortcuts."
                </p>
            </div>
        </main>
    }
}
