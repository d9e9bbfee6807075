//! `/operator`: no dialog is open.

use leptos::prelude::*;

use crate::ui::components::pane::NothingOpen;

#[component]
pub fn NoDialog() -> impl IntoView {
    view! {
        <NothingOpen heading="Pick a dialog">
            <p>
                "Those in the queue wait for a person, the one that waits longest first. Press J for the next one, and ? for all shortcuts."
            </p>
        </NothingOpen>
    }
}
