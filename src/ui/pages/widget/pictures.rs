//! The charts that an answer links to. A link is followed without the frame's token, and would be refused: the picture
//! is fetched with it, and shown in the link's place.

use leptos::{ev::MouseEvent, prelude::*, task::spawn_local};
use wasm_bindgen::JsCast;

use crate::client::Client;

/// Takes a click anywhere in the log.
pub fn clicked(client: Client, event: &MouseEvent) {
    let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    let link = target.and_then(|target| target.closest("a[href^='/api/v1/charts/']").ok().flatten());
    let Some(link) = link else { return };
    event.prevent_default();
    let path = link.get_attribute("href").unwrap_or_default();
    spawn_local(async move {
        match client.picture(&path).await {
            Ok(picture) => _ = show(&link, &picture),
            Err(problem) => client.problem(problem),
        }
    });
}

fn show(link: &web_sys::Element, picture: &str) -> Option<()> {
    let image = document().create_element("img").ok()?;
    image.set_attribute("src", picture).ok()?;
    image.set_attribute("alt", &link.text_content().unwrap_or_default()).ok()?;
    // The link had the focus: it goes on from the same place.
    image.set_attribute("tabindex", "-1").ok()?;
    let had_focus = document().active_element().is_some_and(|active| active == *link);
    link.replace_with_with_node_1(&image).ok()?;
    if had_focus { image.dyn_into::<web_sys::HtmlElement>().ok()?.focus().ok() } else { Some(()) }
}
