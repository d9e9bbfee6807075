//! What one can do with a message: buttons that show under the pointer or the focus.
//!
//! They are part of a form that asks for `?react=ID`, `?edit=ID` …, which is how they work without a script.
//! With one, a single listener of the list takes their clicks: [`act`].

use leptos::{ev::MouseEvent, prelude::*};
use reactive_stores::Field;
use wasm_bindgen::JsCast;

use super::reactions::ReactTarget;
use crate::{
    client::{Client, use_client},
    model::{Entry, EntryStoreFields, ThreadStoreFields},
    protocol::{MessageId, Sender},
    ui::components::thread::{ThreadContext, focus, focus_message},
};

const EMOJIS: [(&str, &str); 6] = [
    ("👍", "👍 Thumbs up"),
    ("❤️", "❤️ Heart"),
    ("😂", "😂 Laughing"),
    ("🎉", "🎉 Party"),
    ("👀", "👀 Eyes"),
    ("✅", "✅ Done"),
];

#[component]
pub fn Actions(entry: Field<Entry>, id: Memo<Option<MessageId>>) -> impl IntoView {
    let context = ThreadContext::current();
    let there = Memo::new(move |_| {
        let sent = entry.seq().try_get().flatten().is_some() && !entry.deleted().try_get().unwrap_or(true);
        id.get().filter(|_| sent)
    });
    let (author, run) = {
        let entry = entry.read_untracked();
        (entry.author.id, entry.run_id.filter(|_| entry.sender == Sender::Agent))
    };
    let (edits, deletes) = (author == context.me, author == context.me || context.moderates);
    let again = run.map(|run| run.to_string());
    let client = use_client();
    // In a dialog, while the agents have it.
    let may_ask_again = Memo::new(move |_| {
        let control = client.thread(context.id).and_then(|thread| thread.control().get());
        control.is_none_or(|now| now.is_with_ai(now.epoch))
    });
    move || {
        let id = there.get()?;
        let open = Memo::new(move |_| context.reacting.get() == Some(id));
        let button = move |name: &'static str, label: &'static str| {
            view! { <button class="act" name=name value=id.to_string() aria-label=label title=label></button> }
        };
        Some(view! {
            <form class="actions" class:open=move || open.get() method="get">
                {button("react", "React")}
                {button("reply", "Reply")}
                {again
                    .clone()
                    .filter(|_| may_ask_again.get())
                    .map(|run| {
                        view! {
                            <button
                                class="act needs-js"
                                name="again"
                                value=run
                                aria-label="Regenerate"
                                title="Regenerate"
                            ></button>
                        }
                    })}
                {edits.then(|| button("edit", "Edit"))}
                {deletes.then(|| button("delete", "Delete"))}
            </form>
            {move || open.get().then(|| view! { <Emojis id /> })}
        })
    }
}

/// Takes a click on one of the buttons above, wherever in the list it stands.
pub fn act(client: Client, context: ThreadContext, event: &MouseEvent, target: &web_sys::Element) {
    let Some(button) = target.closest("button.act").ok().flatten() else { return };
    let Ok(button) = button.dyn_into::<web_sys::HtmlElement>() else { return };
    let value = button.get_attribute("value").unwrap_or_default();
    event.prevent_default();
    if button.get_attribute("name").as_deref() == Some("again") {
        return value.parse().into_iter().for_each(|run| client.run_again(context.id, run));
    }
    let Ok(id) = value.parse::<MessageId>() else { return };
    match button.get_attribute("name").as_deref() {
        Some("react") => context.reacting.update(|open| *open = (*open != Some(id)).then_some(id)),
        Some("reply") => {
            context.replying.set(Some(id));
            focus(".composer textarea");
        }
        Some("edit") => context.editing.set(Some(id)),
        Some("delete") => context.deleting.set(Some(id)),
        _ => {}
    }
}

#[component]
fn Emojis(id: MessageId) -> impl IntoView {
    let context = ThreadContext::current();
    let client = use_client();
    close_on_escape(context, id);
    let one = move |(emoji, name)| {
        view! {
            <button
                name="emoji"
                value=emoji
                aria-label=name
                on:click=move |event| {
                    event.prevent_default();
                    context.reacting.set(None);
                    focus_message(id);
                    client.react(context.id, id, emoji, true);
                }
            >
                {emoji}
            </button>
        }
    };
    view! {
        <form class="emojis" method="post" action="/fn/react" role="group" aria-label="Reactions">
            <ReactTarget id />
            <input type="hidden" name="on" value="true" />
            {EMOJIS.map(one).collect_view()}
        </form>
    }
}

fn close_on_escape(context: ThreadContext, id: MessageId) {
    Effect::new(move |_| {
        let listener = window_event_listener(leptos::ev::keydown, move |event| {
            if event.key() == "Escape" {
                context.reacting.set(None);
                focus_message(id);
            }
        });
        on_cleanup(move || listener.remove());
    });
}
