//! The canned replies that `/` brings up over the composer: chosen by arrow keys and Enter, or by a click.

use leptos::{ev::KeyboardEvent, prelude::*};
use reactive_stores::Field;
use web_sys::{ScrollIntoViewOptions, ScrollLogicalPosition};

use super::visitor_of;
use crate::{
    client::{StateStoreFields, use_client},
    model::{Thread, canned},
    protocol::desk::Canned,
    ui::components::composer::writer::Writer,
};

/// What is looked for, and which of what was found is about to be chosen.
#[derive(Clone, Copy)]
pub struct Choice {
    writer: Writer,
    visitor: Memo<String>,
    word: RwSignal<Option<String>>,
    at: RwSignal<usize>,
    found: Memo<Vec<Canned>>,
}

impl Choice {
    pub fn new(writer: Writer, thread: Field<Thread>) -> Self {
        let client = use_client();
        let word = RwSignal::new(None::<String>);
        let found = Memo::new(move |_| {
            let word = word.read();
            let Some(word) = word.as_ref() else { return Vec::new() };
            let all = client.state().canned();
            canned::matching(&all.read(), word).into_iter().cloned().collect()
        });
        Self { writer, visitor: visitor_of(thread), word, at: RwSignal::new(0), found }
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
            "ArrowDown" => self.go((self.at.get_untracked() + 1) % count),
            "ArrowUp" => self.go((self.at.get_untracked() + count - 1) % count),
            "Enter" | "Tab" if !event.shift_key() => self.choose(self.at.get_untracked()),
            "Escape" => self.close(),
            _ => return false,
        }
        event.prevent_default();
        event.stop_propagation();
        true
    }

    /// The one that is about to be chosen is seen, however many there are.
    fn go(self, index: usize) {
        self.at.set(index);
        let option = document().get_element_by_id(&option_id(index));
        let nearest = ScrollIntoViewOptions::new();
        nearest.set_block(ScrollLogicalPosition::Nearest);
        option.into_iter().for_each(|option| option.scroll_into_view_with_scroll_into_view_options(&nearest));
    }

    fn choose(self, index: usize) {
        let chosen = self.found.read_untracked().get(index).cloned();
        if let Some(chosen) = chosen {
            self.writer.put(&canned::filled(&chosen, &self.visitor.get_untracked()));
        }
        self.close();
    }
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
