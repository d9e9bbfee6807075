//! Magpie: a self-hosted chat in which people and AI agents share the same conversation, live.
//!
//! One crate, two targets: an axum server (`ssr`) and a WASM front end (`hydrate`). The rooms and the
//! ways through them are in `docs/architecture.md`; `tests/tidy.rs` holds who may import whom.

// A page is one type, as deep as its tree.
#![recursion_limit = "256"]

/// The one function by which a part of the app is entered (`ui::part`). With `split` and `cargo leptos --split` it is
/// cut off, with all that it alone needs; else it is there from the beginning.
#[cfg(feature = "split")]
#[macro_export]
macro_rules! cut_here {
    ($part:ident $function:item) => {
        #[leptos::wasm_split::wasm_split($part, fallible, wasm_split_path = ::leptos::wasm_split, preload(load))]
        $function
    };
}

#[cfg(not(feature = "split"))]
#[macro_export]
macro_rules! cut_here {
    ($part:ident $vis:vis fn $name:ident($page:ident: $kind:ty) -> $result:ty $body:block) => {
        $vis async fn $name($page: $kind) -> $result $body

        $vis async fn load() -> Result<(), Missing> {
            Ok(())
        }
    };
}

pub mod api;
pub mod client;
pub mod model;
pub mod protocol;
#[cfg(feature = "ssr")]
pub mod server;
pub mod ui;

/// Where the browser starts: takes over the page that the server rendered, or fills the empty one that stands for
/// it where there is no network. A page whose part cannot be loaded says so.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    use ui::app;
    console_error_panic_hook::set_once();
    if app::is_offline_shell() {
        return app::fill();
    }
    let path = leptos::prelude::window().location().pathname().unwrap_or_default();
    let Some(part) = app::part_at(&path) else {
        return leptos::mount::hydrate_body(app::App);
    };
    wasm_bindgen_futures::spawn_local(async move {
        match (part.load)().await {
            Ok(()) => leptos::mount::hydrate_body(app::App),
            Err(_) => app::give_up(),
        }
    });
}
