//! What stands beside an open thread: a column where there is room for one, else a drawer with a button in the head.

use leptos::{
    ev::{KeyboardEvent, MouseEvent},
    prelude::*,
};

use super::{
    icon::{CLOSE, Icon, PANEL},
    thread::{ThreadContext, focus},
};

#[component]
pub fn Drawer(children: Children) -> impl IntoView {
    let context = ThreadContext::current();
    let close = move || {
        context.details.set(false);
        focus(".details-toggle button");
    };
    let escape = move |event: KeyboardEvent| {
        if event.key() == "Escape" && context.details.get_untracked() {
            close();
        }
    };
    view! {
        <aside
            class="details"
            aria-label="Details"
            data-open=move || context.details.get().then_some("")
            on:keydown=escape
        >
            <form class="drawer-bar" method="get">
                <button
                    class="icon-button"
                    aria-label="Close"
                    on:click=move |event| {
                        event.prevent_default();
                        close();
                    }
                >
                    <Icon d=CLOSE />
                </button>
            </form>
            <div class="details-scroll" tabindex="0">
                {children()}
            </div>
        </aside>
    }
}

/// Its button, in the head of the thread.
#[component]
pub fn DrawerToggle() -> impl IntoView {
    let context = ThreadContext::current();
    let toggle = move |event: MouseEvent| {
        event.prevent_default();
        context.details.update(|open| *open = !*open);
        if context.details.get_untracked() {
            // Once it is in view.
            request_animation_frame(|| focus(".drawer-bar button"));
        }
    };
    view! {
        <form class="details-toggle" method="get">
            <button
                class="icon-button"
                name="details"
                value="1"
                aria-label="Details"
                aria-expanded=move || context.details.get().to_string()
                on:click=toggle
            >
                <Icon d=PANEL />
            </button>
        </form>
    }
}
