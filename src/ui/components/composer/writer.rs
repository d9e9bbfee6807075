//! What a composer does, whoever is written to. Enter sends, Shift+Enter breaks the line, an input method's Enter
//! does neither; what is written and not sent is kept.

use leptos::{
    ev::{KeyboardEvent, SubmitEvent},
    html,
    prelude::*,
};
use web_sys::HtmlTextAreaElement;

use super::draft;
use crate::{
    client::{Client, use_client},
    protocol::Visibility,
    ui::components::thread::ThreadContext,
};

/// Lines that the box grows to, where the browser does not grow it by itself.
const ROWS_MAX: usize = 10;

/// Cheap to copy; one for each open thread.
#[derive(Clone, Copy)]
pub struct Writer {
    client: Client,
    context: ThreadContext,
    node: NodeRef<html::Textarea>,
    /// Who may read it, were it sent at this moment.
    to: Signal<Visibility>,
    /// Whether a text tells others that one types.
    is_told: fn(&str) -> bool,
}

impl Writer {
    pub fn new(to: Signal<Visibility>, is_told: fn(&str) -> bool) -> Self {
        let node = NodeRef::new();
        let writer = Self { client: use_client(), context: ThreadContext::current(), node, to, is_told };
        Effect::new(move |_| {
            if let Some(area) = node.get() {
                draft::restore(writer.context, &area, to.get_untracked());
                grow(&area);
            }
        });
        // A text that becomes a note is kept as one. The first time nothing became of anything.
        Effect::new(move |before: Option<Visibility>| {
            let to = to.get();
            if before.is_some_and(|before| before != to)
                && let Some(area) = node.get_untracked()
            {
                draft::keep(writer.context, &area.value(), to);
            }
            to
        });
        writer
    }

    /// Puts a text in the place of what was written.
    pub fn put(self, text: &str) {
        let Some(area) = self.node.get_untracked() else { return };
        area.set_value(text);
        draft::keep(self.context, text, self.to.get_untracked());
        grow(&area);
        let _ = area.focus();
    }

    pub fn submit(self, event: SubmitEvent) {
        event.prevent_default();
        self.send();
    }

    fn send(self) {
        let Some(area) = self.node.get_untracked() else { return };
        let text = area.value();
        if text.trim().is_empty() {
            return;
        }
        let Self { client, context, to, .. } = self;
        client.send(context.id, to.get_untracked(), &text, context.replying.get_untracked());
        client.stopped_typing(context.id);
        context.replying.set(None);
        area.set_value("");
        draft::forget(context);
        grow(&area);
        let _ = area.focus();
        show_newest();
    }

    fn key(self, event: &KeyboardEvent) {
        if event.key() == "Enter" && !event.shift_key() {
            event.prevent_default();
            self.send();
        }
    }

    fn wrote(self, area: &HtmlTextAreaElement) {
        let Self { client, context, to, is_told, .. } = self;
        let text = area.value();
        draft::keep(context, &text, to.get_untracked());
        grow(area);
        if !text.trim().is_empty() && is_told(&text) {
            client.typing(context.id, to.get_untracked());
        } else {
            client.stopped_typing(context.id);
        }
    }
}

/// Where it is written. The label around it is the caller's.
#[component]
pub fn TextBox(
    writer: Writer,
    #[prop(into)] placeholder: Signal<&'static str>,
    /// Takes a key before the composer does: whether it was for that.
    #[prop(optional, into)]
    takes_key: Option<Callback<KeyboardEvent, bool>>,
) -> impl IntoView {
    let key = move |event: KeyboardEvent| {
        // 229: some browsers end a composition before they tell of its Enter.
        let is_composing = event.is_composing() || event.key_code() == 229;
        if !is_composing && !takes_key.is_some_and(|takes| takes.run(event.clone())) {
            writer.key(&event);
        }
    };
    let input = move |_| {
        if let Some(area) = writer.node.get_untracked() {
            writer.wrote(&area);
        }
    };
    view! {
        <textarea
            name="message"
            rows="1"
            required
            placeholder=move || placeholder.get()
            aria-keyshortcuts="Enter"
            node_ref=writer.node
            on:keydown=key
            on:input=input
            on:blur=move |_| writer.client.stopped_typing(writer.context.id)
        ></textarea>
    }
}

fn grow(area: &HtmlTextAreaElement) {
    let rows = area.value().split('\n').count().min(ROWS_MAX);
    area.set_rows(rows as u32);
}

/// Who writes wants to see it: the list goes to its end.
fn show_newest() {
    if let Ok(Some(list)) = document().query_selector(".messages") {
        list.set_scroll_top(0);
    }
}
