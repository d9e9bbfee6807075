//! Coloured code and set formulas: a script of its own, fetched with its libraries when there is first something
//! for it to do. It finds by itself what is finished, and where it is missing the source stands there.

use std::cell::Cell;

use leptos::prelude::document;

const SCRIPT: &str = "/rich.js";

thread_local! {
    static IS_ASKED_FOR: Cell<bool> = const { Cell::new(false) };
}

/// Fetches the script if what the server rendered holds code in some language, or a formula.
pub(super) fn look_at(node: &web_sys::Element) {
    if !IS_ASKED_FOR.get() && matches!(node.query_selector("[class^=language-],.math"), Ok(Some(_))) {
        fetch();
    }
}

/// Fetches it if this, put on the page now, does: what is there already is not looked through once more.
pub(super) fn look_in(html: &str) {
    if !IS_ASKED_FOR.get() && [" class=\"language-", " class=\"math"].iter().any(|one| html.contains(one)) {
        fetch();
    }
}

fn fetch() {
    IS_ASKED_FOR.set(true);
    let (Ok(script), Some(head)) = (document().create_element("script"), document().head()) else { return };
    let _ = script.set_attribute("type", "module");
    let _ = script.set_attribute("src", SCRIPT);
    let _ = head.append_child(&script);
}
