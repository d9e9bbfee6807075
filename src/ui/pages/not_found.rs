//! Where a link leads to nothing, or to what one may not see: the two are not told apart.

use leptos::prelude::*;
use leptos_meta::Title;

/// Why there may be none under an address.
pub const NO_CONVERSATION: &str =
    "The conversation does not exist, or you are not a member of it. Ask somebody in it to add you.";

/// The whole page. The server's router gives it its status, 404.
#[component]
pub fn NotFound() -> impl IntoView {
    view! {
        <main class="page">
            <Nothing why="There is no page at this address." />
        </main>
    }
}

/// What it says, wherever it stands.
#[component]
pub fn Nothing(#[prop(default = NO_CONVERSATION)] why: &'static str) -> impl IntoView {
    view! {
        <Title text="Not found" />
        <div class="empty">
            <img class="mark" src="/favicon.svg" alt="" width="64" height="64" />
            <h1>"There is nothing here"</h1>
            <p>{why}</p>
            <a class="button" href="/">
                "To your conversations"
            </a>
        </div>
    }
}
