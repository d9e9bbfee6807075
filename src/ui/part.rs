//! Parts of the app: pages whose code a browser loads when one of them is first shown.
//!
//! `scripts/build.sh` cuts them out of the app (feature `split`, `cargo leptos --split`); where nothing is cut, as
//! in development, they are there from the beginning. The server has all of them, and tells the browser with the
//! page which one it will want.

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};

use leptos::{prelude::*, task::spawn_local};

/// The part could not be loaded. Why is in the browser's console.
pub use leptos::wasm_split::SplitLoaderError as Missing;

type Loading<T> = Pin<Box<dyn Future<Output = Result<T, Missing>>>>;

/// A page, and how the part is loaded that it is in. Made by [`part!`](crate::part).
#[derive(Clone, Copy)]
pub struct Part {
    pub name: &'static str,
    /// Loads the part, once; after a failure again.
    pub load: fn() -> Loading<()>,
    pub page: fn() -> Loading<AnyView>,
}

impl Part {
    /// The page, as a route's view: at once where the part is there, so that server and browser write the same HTML.
    pub fn view(self) -> AnyView {
        let mut load = (self.load)();
        if let Poll::Ready(loaded) = poll_once(&mut load) {
            return self.after(loaded);
        }
        let loaded = RwSignal::new_local(None);
        spawn_local(async move {
            let result = load.await;
            loaded.try_set(Some(result));
        });
        let shown = move || loaded.get().map_or_else(|| view! { <Coming /> }.into_any(), |loaded| self.after(loaded));
        shown.into_any()
    }

    fn after(self, loaded: Result<(), Missing>) -> AnyView {
        match loaded.map(|()| poll_once(&mut (self.page)())) {
            Ok(Poll::Ready(Ok(page))) => page,
            _ => view! { <NotLoaded /> }.into_any(),
        }
    }
}

fn poll_once<T>(loading: &mut Loading<T>) -> Poll<Result<T, Missing>> {
    loading.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

#[component]
fn Coming() -> impl IntoView {
    view! {
        <main class="page" id="main" tabindex="-1">
            <p class="empty" role="status">
                "Loading…"
            </p>
        </main>
    }
}

/// A new build has taken the place of the one that this page is of, or the network is gone: both are mended by
/// loading the page anew.
#[component]
pub fn NotLoaded() -> impl IntoView {
    view! {
        <main class="page" id="main" tabindex="-1">
            <div class="empty">
                <p class="alert" role="alert">
                    <span>"This page could not be loaded. The network may be gone, or Magpie was just updated."</span>
                </p>
                <button class="button" type="button" on:click=|_| drop(window().location().reload())>
                    "Try again"
                </button>
            </div>
        </main>
    }
}

/// Names pages of one part: `part!(operator: PANEL = OperatorPage, DIALOG = DialogPage)` makes a [`Part`] of each.
#[macro_export]
macro_rules! part {
    ($part:ident: $($name:ident = $page:ident),+ $(,)?) => {
        mod $part {
            use leptos::prelude::*;

            use super::*;

            #[derive(Clone, Copy)]
            #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
            pub enum Page {
                $($name),+
            }

            $crate::cut_here! {
                $part
                pub fn page(page: Page) -> Result<AnyView, Missing> {
                    Ok(match page {
                        $(Page::$name => $page().into_any()),+
                    })
                }
            }
        }
        $(const $name: Part = Part {
            name: stringify!($part),
            load: || Box::pin($part::load()),
            page: || Box::pin($part::page($part::Page::$name)),
        };)+
    };
}
