//! The frame of the app and of the panel, and what a pane of theirs is while nothing is open in it.

use leptos::prelude::*;

use super::{
    alert::QueryAlert,
    icon::{BACK, Icon},
    notices::Notices,
};

/// A list and the pane beside it. On a narrow screen one of the two is shown.
#[component]
pub fn Frame(
    /// What the first link of the page says: it leads past the list.
    skip: &'static str,
    #[prop(default = "app")] class: &'static str,
    #[prop(into)] is_page_open: Signal<bool>,
    children: Children,
) -> impl IntoView {
    view! {
        <a class="skip-link" href="#main" rel="external">
            {skip}
        </a>
        <div class=class data-open=move || if is_page_open.get() { "page" } else { "list" }>
            {children()}
        </div>
        <Notices />
    }
}

/// Where the list is out of sight, there is a way back to it.
#[component]
pub fn BackLink(#[prop(into)] href: Signal<String>, label: &'static str) -> impl IntoView {
    view! {
        <a class="icon-button back-link" href=move || href.get() aria-label=label>
            <Icon d=BACK />
        </a>
    }
}

/// The pane while nothing is open, and what can be done about that.
#[component]
pub fn NothingOpen(heading: &'static str, children: Children) -> impl IntoView {
    view! {
        <main class="pane" id="main" tabindex="-1">
            <div class="notices">
                <QueryAlert />
            </div>
            <div class="empty">
                <img class="mark" src="/favicon.svg" alt="" width="64" height="64" />
                <h1>{heading}</h1>
                {children()}
            </div>
        </main>
    }
}
