//! Magpie: a self-hosted chat in which people and AI agents share the same conversation, live.
//!
//! One crate, two targets: an axum server (`ssr`) and a WASM front end (`hydrate`). The rooms and the
//! ways through them are in `docs/architecture.md`; `tests/tidy.rs` holds who may import whom.

// A page is one type, as deep as its tree.
#![recursion_limit = "256"]

pub mod api;
pub mod client;
pub mod model;
pub mod protocol;
#[cfg(feature = "ssr")]
pub mod server;
pub mod ui;

/// Where the browser starts: takes over the page that the server rendered, or fills the empty one that stands for
/// it where there is no network.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    if ui::app::is_offline_shell() {
        let body = leptos::prelude::document().body();
        body.into_iter().for_each(|body| leptos::mount::mount_to_renderer(&body, ui::app::OfflineApp).forget());
        return;
    }
    leptos::mount::hydrate_body(ui::app::App);
}
