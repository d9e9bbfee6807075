//! Who reacted, with what; pressing one joins in or steps back.

use leptos::prelude::*;
use reactive_stores::Field;

use crate::{
    client::use_client,
    model::{Entry, EntryStoreFields},
    protocol::{MessageId, http::ReactionNow},
    ui::components::thread::ThreadContext,
};

#[component]
pub fn Reactions(entry: Field<Entry>, id: Memo<Option<MessageId>>) -> impl IntoView {
    let reactions = Memo::new(move |_| entry.reactions().try_get().unwrap_or_default());
    move || {
        let (Some(id), reactions) = (id.get(), reactions.get()) else { return None };
        if reactions.is_empty() {
            return None;
        }
        let each = reactions.into_iter().map(|reaction| view! { <OneReaction id reaction /> });
        Some(view! { <div class="reactions">{each.collect_view()}</div> })
    }
}

#[component]
fn OneReaction(id: MessageId, reaction: ReactionNow) -> impl IntoView {
    let context = ThreadContext::current();
    let client = use_client();
    let ReactionNow { emoji, by } = reaction;
    let mine = by.iter().any(|user| user.id == context.me);
    let names: Vec<_> = by.iter().map(|user| user.name.as_str()).collect();
    let names = names.join(", ");
    let count = by.len();
    let (value, pressed) = (emoji.clone(), emoji.clone());
    view! {
        <form method="post" action="/fn/react">
            <ReactTarget id />
            <input type="hidden" name="on" value=(!mine).to_string() />
            <button
                class="reaction"
                name="emoji"
                value=value
                title=names
                aria-pressed=mine.to_string()
                on:click=move |event| {
                    event.prevent_default();
                    client.react(context.id, id, &pressed, !mine);
                }
            >
                {emoji}
                " "
                {count}
            </button>
        </form>
    }
}

/// The hidden fields that name a message.
#[component]
pub fn ReactTarget(id: MessageId) -> impl IntoView {
    let context = ThreadContext::current();
    view! {
        <input type="hidden" name="conversation" value=context.id.to_string() />
        <input type="hidden" name="message_id" value=id.to_string() />
    }
}
