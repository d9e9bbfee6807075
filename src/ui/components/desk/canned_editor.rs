//! The dialog `Canned replies`: all of them, to be changed, removed and added to. They are everybody's.

use leptos::{ev::SubmitEvent, prelude::*, task::spawn_local};

use super::DeskContext;
use crate::{
    client::{StateStoreFields, use_client},
    protocol::{desk::Canned, limits},
    ui::components::{alert::Alert, dialog::Dialog, thread::focus},
};

/// One that is being changed; its number keeps its place on the page.
#[derive(Clone, Copy, PartialEq)]
struct Draft {
    number: usize,
    shortcut: RwSignal<String>,
    text: RwSignal<String>,
}

impl Draft {
    fn new(number: usize, canned: Canned) -> Self {
        Self { number, shortcut: RwSignal::new(canned.shortcut), text: RwSignal::new(canned.text) }
    }

    fn get(self) -> Canned {
        Canned { shortcut: self.shortcut.get_untracked(), text: self.text.get_untracked() }
    }
}

#[component]
pub fn CannedEditor() -> impl IntoView {
    let client = use_client();
    let open = DeskContext::current().editing_canned;
    let close = Callback::new(move |()| open.set(false));
    let drafts = RwSignal::new(Vec::<Draft>::new());
    let failure = RwSignal::new(None::<String>);
    let busy = RwSignal::new(false);
    // Each time it is opened it begins with what is kept.
    Effect::new(move |_| {
        if open.get() {
            let kept = client.state().canned().get_untracked();
            let kept = kept.into_iter().enumerate().map(|(number, canned)| Draft::new(number, canned));
            drafts.set(kept.collect());
            failure.set(None);
        }
    });
    let add = move |_| {
        drafts.update(|drafts| {
            let number = drafts.iter().map(|draft| draft.number + 1).max().unwrap_or_default();
            drafts.push(Draft::new(number, Canned { shortcut: String::new(), text: String::new() }));
        });
        // Once it is there.
        request_animation_frame(|| focus(".canned-drafts li:last-child input"));
    };
    let save = move |event: SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        let canned = drafts.get_untracked().into_iter().map(Draft::get).collect();
        spawn_local(async move {
            match client.save_canned(canned).await {
                Ok(()) => _ = open.try_set(false),
                Err(problem) => _ = failure.try_set(Some(problem.detail)),
            }
            busy.try_set(false);
        });
    };
    view! {
        <Dialog title="Canned replies" open close by_url=false>
            <form class="canned-editor" on:submit=save>
                <h2>"Canned replies"</h2>
                <p class="muted">"Type / and a shortcut in the composer. {name} becomes the visitor's name. All operators share them."</p>
                <Alert text=failure />
                {move || drafts.read().is_empty().then(|| view! { <p class="inbox-empty">"There are none yet."</p> })}
                <ul class="canned-drafts">
                    <For each=move || drafts.get() key=|draft| draft.number let:draft>
                        <Row draft drafts />
                    </For>
                </ul>
                <div class="row">
                    <button
                        class="button add"
                        type="button"
                        disabled=move || { drafts.read().len() >= limits::CANNED }
                        on:click=add
                    >
                        "Add reply"
                    </button>
                    <button class="button" type="button" on:click=move |_| open.set(false)>
                        "Cancel"
                    </button>
                    <button class="button primary" type="submit" disabled=move || busy.get()>
                        "Save"
                    </button>
                </div>
            </form>
        </Dialog>
    }
}

#[component]
fn Row(draft: Draft, drafts: RwSignal<Vec<Draft>>) -> impl IntoView {
    let nth = move || drafts.read().iter().position(|one| one.number == draft.number).map_or(0, |at| at + 1);
    view! {
        <li>
            <label class="field">
                "Shortcut"
                <input
                    class="input"
                    required
                    maxlength=limits::CANNED_SHORTCUT_CHARS.to_string()
                    aria-label=move || format!("Shortcut {}", nth())
                    autocomplete="off"
                    autocapitalize="none"
                    spellcheck="false"
                    placeholder="hours"
                    prop:value=draft.shortcut
                    on:input=move |event| draft.shortcut.set(event_target_value(&event))
                />
            </label>
            <label class="field">
                "Reply"
                <textarea
                    class="input"
                    required
                    rows="2"
                    maxlength=limits::CANNED_TEXT_CHARS.to_string()
                    aria-label=move || format!("Reply {}", nth())
                    prop:value=draft.text
                    on:input=move |event| draft.text.set(event_target_value(&event))
                ></textarea>
            </label>
            <button
                class="button small danger"
                type="button"
                aria-label=move || format!("Remove reply {}", nth())
                on:click=move |_| {
                    drafts.update(|drafts| drafts.retain(|one| one.number != draft.number));
                    // The button goes with its reply.
                    focus(".canned-editor .add");
                }
            >
                "Remove"
            </button>
        </li>
    }
}
