//! The few icons, drawn in place: no request, no font.

use leptos::prelude::*;

/// A 24-unit outline, by its path. Decoration: the control around it carries the name.
#[component]
pub fn Icon(d: &'static str) -> impl IntoView {
    view! {
        <svg
            viewBox="0 0 24 24"
            width="20"
            height="20"
            fill="none"
            stroke="currentColor"
            stroke-width="1.75"
            stroke-linecap="round"
            stroke-linejoin="round"
            aria-hidden="true"
        >
            <path d=d></path>
        </svg>
    }
}

pub const PLUS: &str = "M12 5v14M5 12h14";
pub const BACK: &str = "M15 5l-7 7 7 7";
pub const CLOSE: &str = "M6 6l12 12M18 6L6 18";
pub const PANEL: &str = "M4 5h16v14H4zM15 5v14";
pub const DOWN: &str = "M6 9l6 6 6-6";
pub const MORE: &str = "M5 12h.01M12 12h.01M19 12h.01";
pub const NOTE: &str = "M7 11V8a5 5 0 0 1 10 0v3M5 11h14v9H5z";
pub const REPLY: &str = "M4 5h16v11H10l-4 4v-4H4z";
