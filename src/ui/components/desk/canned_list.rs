//! The canned replies that `/` brings up over the composer: chosen by arrow keys and Enter, or by a click.

use leptos::{ev::KeyboardEvent, html, prelude::*};
use reactive_stores::Field;
use web_sys::HtmlTextAreaElement;

use super::visitor_of;
use crate::{
    client::{StateStoreFields, use_client},
    model::{Thread, canned},
    protocol::desk::Canned,
    ui::components::{
        composer::{draft, grow},
        thread::ThreadContext,
    },
};

/// What is looked for, and which of what was found is about to be chosen.
#[derive(Clone, Copy)]
pub struct Choice {
    context: ThreadContext,
    visitor: Memo<String>,
    node: NodeRef<html::Textarea>,
    word: RwSignal<Option<String>>,
    at: RwSignal<usize>,
    found: Memo<Vec<Canned>>,
}

impl Choice {
    pub fn new(node: NodeRef<html::Textarea>, thread: Field<Thread>) -> Self {
        let client = use_client();
        let word = RwSignal::new(None::<String>);
        let found = Memo::new(move |_| {
            let word = word.read();
            let Some(word) = word.as_ref() else { return Vec::new() };
            let all = client.state().canned();
            canned::matching(&all.read(), word).into_iter().cloned().collect()
        });
        Self { context: ThreadContext::current(), visitor: visitor_of(thread), node, word, at: RwSignal::new(0), found }
    }

    pub fn is_open(self) -> bool {
        !self.found.read().is_empty()
    }

    /// The id of the one that is about to be chosen.
    pub fn active(self) -> Option<String> {
        self.is_open().then(|| option_id(self.at.get()))
    }

    /// After each change of the text.
    pub fn look(self, text: &str) {
        self.word.set(canned::looked_for(text).map(str::to_owned));
        self.at.set(0);
    }

    pub fn close(self) {
        if self.word.read_untracked().is_some() {
            self.word.set(None);
        }
    }

    /// Whether the key was for this list.
    pub fn key(self, event: &KeyboardEvent) -> bool {
        let count = self.found.read_untracked().len();
        if count == 0 {
            return false;
        }
        match event.key().as_str() {
            "ArrowDown" => self.at.update(|at| *at = (*at + 1) % count),
            "ArrowUp" => self.at.update(|at| *at = (*at + count - 1) % count),
            "Enter" | "Tab" if !event.shift_key() => self.choose(self.at.get_untracked()),
            "Escape" => self.close(),
            _ => return false,
        }
        event.prevent_default();
        event.stop_propagation();
        true
    }

    fn choose(self, index: usize) {
        let chosen = self.found.read_untracked().get(index).cloned();
        let (Some(chosen), Some(area)) = (chosen, self.node.get_untracked()) else { return };
        put(&area, self.context, &canned::filled(&chosen, &self.visitor.get_untracked()));
        self.close();
    }
}

fn put(area: &HtmlTextAreaElement, context: ThreadContext, text: &str) {
    area.set_value(text);
    draft::keep(context, text);
    grow(area);
    let _ = area.focus();
}

fn option_id(index: usize) -> String {
    ["canned-", &index.to_string()].concat()
}

#[component]
pub fn CannedList(choice: Choice) -> impl IntoView {
    let one = move |(index, canned): (usize, Canned)| {
        view! {
            <li
                id=option_id(index)
                role="option"
                aria-selected=move || (choice.at.get() == index).to_string()
                // The composer keeps the focus.
                on:mousedown=move |event| {
                    event.prevent_default();
                    choice.choose(index);
                }
            >
                <span class="shortcut">"/" {canned.shortcut}</span>
                " "
                <span class="canned-text">{canned.text}</span>
            </li>
        }
    };
    let found = move || choice.found.get().into_iter().enumerate().map(one).collect_view();
    // Nothing has to be known of it while there is nothing in it.
    move || {
        choice.is_open().then(|| {
            view! {
                <ul class="canned" id="canned" role="listbox" aria-label="Canned replies">
                    {found}
                </ul>
            }
        })
    }
}
