//! Turns notifications on the desktop on, when the person wants them.

use leptos::{prelude::*, task::spawn_local};

use crate::client::desktop::{self, Permission};

#[component]
pub fn NotifyButton() -> impl IntoView {
    let permission = RwSignal::new(Permission::Unknown);
    Effect::new(move |_| permission.set(desktop::permission()));
    let ask = move |_| {
        spawn_local(async move {
            let answer = desktop::ask().await;
            permission.try_set(answer);
        });
    };
    move || match permission.get() {
        Permission::Unknown => ().into_any(),
        Permission::Unasked => view! {
            <button type="button" on:click=ask>
                "Turn on notifications"
            </button>
        }
        .into_any(),
        Permission::Granted => view! { <span class="hint">"Notifications are on"</span> }.into_any(),
        Permission::Denied => {
            view! { <span class="hint">"Notifications are blocked in this browser"</span> }.into_any()
        }
    }
}
