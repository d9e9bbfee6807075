//! A native dialog that a script opens over the page, and that a URL opens without one.

use leptos::{html, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::{HtmlDialogElement, HtmlFormElement, HtmlInputElement};

/// `open` says whether it is wanted, `close` is called when it was closed, by Escape for one. `by_url` is how
/// the server rendered it: standing open, not yet modal.
#[component]
pub fn Dialog(
    title: &'static str,
    #[prop(into)] open: Signal<bool>,
    close: Callback<()>,
    by_url: bool,
    children: Children,
) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        if let Some(dialog) = node.get() {
            show(&dialog, open.get());
        }
    });
    let closed = move |_| {
        // The server's, which stands in the page, is closed once to be opened over it.
        if node.get_untracked().is_some_and(|dialog| !dialog.open()) {
            close.run(());
        }
    };
    view! {
        <dialog class="dialog" aria-label=title open=by_url node_ref=node on:close=closed>
            {children()}
        </dialog>
    }
}

fn show(dialog: &HtmlDialogElement, wanted: bool) {
    if dialog.matches(":modal").unwrap_or(false) == wanted {
        return;
    }
    dialog.close();
    if wanted {
        let _ = dialog.show_modal();
    }
}

/// What a form's field holds.
pub fn value_of(form: &HtmlFormElement, name: &str) -> String {
    field(form, name).map(|input| input.value()).unwrap_or_default()
}

pub fn is_checked(form: &HtmlFormElement, name: &str) -> bool {
    field(form, name).is_some_and(|input| input.checked())
}

fn field(form: &HtmlFormElement, name: &str) -> Option<HtmlInputElement> {
    let selector = ["[name=", name, "]"].concat();
    form.query_selector(&selector).ok().flatten()?.dyn_into().ok()
}

/// The form that an event came from.
pub fn form_of(event: &leptos::ev::SubmitEvent) -> Option<HtmlFormElement> {
    event.target()?.dyn_into().ok()
}
