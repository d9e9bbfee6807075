//! A message's text, as it is written or as it was.
//!
//! The server renders it once. In the browser it is put on the page piece by piece (`ui::markdown`), as it comes:
//! a token costs what the unfinished end of the text costs, and a long text that is there at once comes in slices,
//! one in each frame.

use leptos::{html, prelude::*};
use reactive_stores::Field;

use super::rich;
use crate::{
    model::{Entry, EntryState, EntryStoreFields},
    ui::markdown::{self, Mark, Painter, Paper},
};

/// From this length on, a browser lays out what is in view alone.
const LONG_BYTES: usize = 16 * 1024;

#[component]
pub fn Body(entry: Field<Entry>) -> impl IntoView {
    let deleted = Memo::new(move |_| entry.deleted().try_get().unwrap_or_default());
    let edited = Memo::new(move |_| entry.edited().try_get().unwrap_or_default());
    let partial = Memo::new(move |_| entry.partial().try_get().unwrap_or_default());
    let node = NodeRef::<html::Div>::new();
    // The browser's alone: what holds an element must not come to a server, whose threads drop each other's values.
    let shown = markdown::IN_BROWSER.then(|| StoredValue::new_local(None::<Shown>));
    Effect::new(move |_| {
        entry.text().track();
        entry.state().track();
        if let (Some(node), Some(shown)) = (node.get(), shown) {
            paint(entry, &node, shown);
        }
    });
    move || {
        if deleted.get() {
            return view! { <p class="gone">"This message was deleted."</p> }.into_any();
        }
        let text = entry.text();
        let text = text.try_read_untracked();
        let is_long = text.as_ref().is_some_and(|text| text.len() > LONG_BYTES);
        let html = text.filter(|_| !markdown::IN_BROWSER).map(|text| markdown::to_html(&text)).unwrap_or_default();
        view! {
            <div class="body prose" data-long=is_long.then_some("") node_ref=node inner_html=html></div>
            {move || edited.get().then(|| view! { <span class="edited">"edited"</span> })}
            {move || partial.get().then(|| view! { <span class="status">"Stopped before it was finished."</span> })}
        }
        .into_any()
    }
}

/// What is in the element.
struct Shown {
    node: web_sys::Element,
    /// The text that the server rendered: how often it had been another, and its length.
    adopted: Option<(u32, usize)>,
    painter: Painter<Page>,
    /// Another slice comes in the next frame.
    is_due: bool,
}

fn paint(entry: Field<Entry>, node: &web_sys::Element, shown: StoredValue<Option<Shown>, LocalStorage>) {
    let text = entry.text();
    let Some(text) = text.try_read_untracked() else { return };
    let rewrites = entry.rewrites().try_get_untracked().unwrap_or_default();
    let is_whole = entry.state().try_get_untracked() != Some(EntryState::Streaming);
    let is_more = shown.try_update_value(|slot| {
        let is_here = slot.as_ref().is_some_and(|shown| shown.node == *node);
        if !is_here {
            // Leptos puts a comment where there are no children.
            let adopted = node.first_element_child().map(|_| (rewrites, text.len()));
            let painter = Painter::new(Page::on(node.clone()));
            *slot = Some(Shown { node: node.clone(), adopted, painter, is_due: false });
        }
        let Some(shown) = slot else { return false };
        if let Some(adopted) = shown.adopted {
            if adopted == (rewrites, text.len()) {
                rich::look_at(node);
                return false;
            }
            shown.adopted = None;
            node.set_inner_html("");
        }
        if text.len() > LONG_BYTES {
            let _ = node.set_attribute("data-long", "");
        }
        let is_more = shown.painter.paint(&text, rewrites, is_whole);
        is_more && !std::mem::replace(&mut shown.is_due, is_more)
    });
    if is_more == Some(true) {
        let node = node.clone();
        request_animation_frame(move || {
            let goes_on = shown.try_update_value(|slot| slot.as_mut().map(|shown| shown.is_due = false));
            if goes_on.flatten().is_some() {
                paint(entry, &node, shown);
            }
        });
    }
}

/// The element as the paper that a text is put on.
struct Page {
    node: web_sys::Element,
    /// The box in it that is being filled.
    chunk: Option<web_sys::Element>,
    /// Where the code goes that is being written.
    code: Option<web_sys::Element>,
}

impl Page {
    fn on(node: web_sys::Element) -> Self {
        Self { node, chunk: None, code: None }
    }

    /// Where the next piece goes.
    fn place(&self) -> &web_sys::Element {
        self.chunk.as_ref().unwrap_or(&self.node)
    }
}

fn children(node: &web_sys::Element) -> usize {
    node.child_nodes().length() as usize
}

fn keep(node: &web_sys::Element, count: usize) {
    for _ in count..children(node) {
        if let Some(last) = node.last_child() {
            let _ = node.remove_child(&last);
        }
    }
}

impl Paper for Page {
    fn end(&self) -> Mark {
        Mark { at: children(&self.node), in_chunk: self.chunk.as_ref().map(children) }
    }

    fn cut(&mut self, mark: Mark) {
        keep(&self.node, mark.at);
        self.chunk = mark.in_chunk.and_then(|_| self.node.last_element_child());
        if let (Some(chunk), Some(count)) = (&self.chunk, mark.in_chunk) {
            keep(chunk, count);
        }
    }

    fn begin_chunk(&mut self, class: &str) {
        let Ok(chunk) = document().create_element("div") else { return };
        chunk.set_class_name(class);
        let _ = self.node.append_child(&chunk);
        self.chunk = Some(chunk);
    }

    fn put(&mut self, html: &str) {
        let _ = self.place().insert_adjacent_html("beforeend", html);
        rich::look_in(html);
    }

    fn open_code(&mut self, head: &str, code: &str) {
        // The parser closes what is left open.
        self.put(&[head, code].concat());
        let block = self.place().last_element_child();
        self.code = block.as_ref().and_then(|block| block.query_selector("code").ok().flatten());
        if let Some(block) = block {
            let _ = block.set_attribute("data-open", "");
        }
    }

    fn code_part(&mut self, _: bool) {
        let part = document().create_element("span").ok();
        let code = self.code.as_ref().and_then(|code| code.closest("code").ok().flatten());
        if let (Some(part), Some(code)) = (part, code) {
            part.set_class_name("part");
            let _ = code.append_child(&part);
            self.code = Some(part);
        }
    }

    fn code_text(&mut self, text: &str) {
        if let Some(code) = &self.code {
            let _ = code.append_with_str_1(text);
        }
    }

    fn close_code(&mut self, _: bool) {
        let block = self.code.take().and_then(|code| code.closest("div.code").ok().flatten());
        if let Some(block) = block {
            let _ = block.remove_attribute("data-open");
        }
        self.put("\n");
    }
}
