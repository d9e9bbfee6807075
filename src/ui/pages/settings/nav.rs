//! From one page of an admin's settings to the others.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

const PAGES: [(&str, &str); 5] = [
    ("/settings", "Account and people"),
    ("/settings/connections", "Connections"),
    ("/settings/broadcast", "Broadcast"),
    ("/settings/webhooks", "Webhooks"),
    ("/settings/audit", "Audit log"),
];

#[component]
pub fn SettingsNav() -> impl IntoView {
    let path = use_location().pathname;
    let link = |(href, label): (&'static str, &'static str)| {
        let current = move || (path.read().as_str() == href).then_some("page");
        view! {
            <a href=href aria-current=current>
                {label}
            </a>
        }
    };
    view! {
        <nav class="settings-nav" aria-label="Settings">
            {PAGES.map(link).collect_view()}
        </nav>
    }
}
