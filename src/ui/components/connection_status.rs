//! How the page stands with the server.

use leptos::prelude::*;

use crate::{
    client::{StateStoreFields, use_client},
    model::LinkState,
};

#[component]
pub fn ConnectionStatus() -> impl IntoView {
    let client = use_client();
    let link = move || match client.state().link().get() {
        LinkState::Idle | LinkState::Connecting => "connecting",
        LinkState::Connected => "connected",
        LinkState::Waiting { .. } => "waiting",
        LinkState::Polling => "polling",
        LinkState::Offline | LinkState::SignedOut | LinkState::Stopped => "offline",
    };
    // That it waits is said once, not each second that is left.
    let live = move || (link() == "waiting").then_some("off");
    view! {
        <p class="connection" role="status" aria-label="Connection" aria-live=live data-link=link>
            {move || client.status()}
        </p>
    }
}
