//! One message, from local echo or first token to its deletion.

pub mod actions;
mod body;
pub mod delete;
mod edit;
mod reactions;
mod rich;

use leptos::prelude::*;
use reactive_stores::{AtKeyed, Field};

use self::{actions::Actions, body::Body, edit::EditForm, reactions::Reactions};
use super::{
    avatar::Avatar,
    icon::{Icon, NOTE},
    thread::ThreadContext,
};
use crate::{
    client::use_client,
    model::{Entry, EntryKey, EntryState, EntryStoreFields, Thread, ThreadStoreFields},
    protocol::{Author, MessageId, Sender, Visibility},
    ui::Zone,
};

#[component]
pub fn MessageView(
    thread: Field<Thread>,
    entry: Field<Entry>,
    lead: bool,
    /// What it answers, where that is not clear from its place.
    asked: Option<MessageId>,
) -> impl IntoView {
    let context = ThreadContext::current();
    let zone = Zone::current();
    // Without its text, which may be long.
    let (key, author, sender, reply_to, visibility) = {
        let first = entry.read_untracked();
        (first.key.clone(), first.author.clone(), first.sender, first.reply_to, first.visibility)
    };
    let is_note = visibility == Visibility::Note;
    let at = Memo::new(move |last| entry.at().try_get().or(last.copied()).unwrap_or_default());
    let state = Memo::new(move |last| entry.state().try_get().or(last.copied()).unwrap_or(EntryState::Sent));
    let id = Memo::new(move |_| entry.id().try_get().flatten());
    let seq = Memo::new(move |_| entry.seq().try_get().flatten());
    let name = StoredValue::new(author.name.clone());
    let label = move || name.with_value(|name| [name.as_str(), ", ", &zone.clock(at.get())].concat());
    let editing = Memo::new(move |_| id.get().is_some() && context.editing.get() == id.get());
    view! {
        <article
            class="message"
            tabindex="-1"
            class:lead=lead
            class:note=is_note
            aria-label=label
            aria-busy=move || (state.get() == EntryState::Streaming).then_some("true")
            data-message-id=move || id.get().map(|id| id.to_string())
            data-seq=move || seq.get().map(|seq| seq.to_string())
            data-state=move || state.get().as_str()
        >
            <div class="gutter">
                {if lead {
                    view! { <Avatar author=author.clone() /> }.into_any()
                } else {
                    view! { <span class="at" aria-hidden="true">{move || zone.clock(at.get())}</span> }.into_any()
                }}
            </div>
            " "
            <div class="content">
                {lead.then(|| view! { <Head author sender is_note at zone /> })}
                " "
                {reply_to.or(asked).map(|to| view! { <Quote thread to /> })}
                {move || {
                    if editing.get() {
                        view! { <EditForm entry /> }.into_any()
                    } else {
                        view! { <Body entry /> }.into_any()
                    }
                }}
                <Failure key entry />
                <Reactions entry id />
            </div>
            <Actions entry id />
        </article>
    }
}

#[component]
fn Head(
    author: Author,
    sender: Sender,
    is_note: bool,
    at: Memo<crate::protocol::Timestamp>,
    zone: Zone,
) -> impl IntoView {
    let tag = match sender {
        Sender::Agent => Some("Agent"),
        Sender::Visitor => Some("Visitor"),
        Sender::System => Some("System"),
        Sender::User | Sender::Operator => None,
    };
    view! {
        <div class="message-head">
            <span class="name">{author.name}</span>
            {tag.map(|tag| view! { <span class="tag">{tag}</span> })}
            {is_note
                .then(|| {
                    view! {
                        <span class="tag note-tag">
                            <Icon d=NOTE />
                            "Note"
                            <span class="visually-hidden">", for operators only"</span>
                        </span>
                    }
                })}
            <time datetime=move || at.get().to_string()>{move || zone.clock(at.get())}</time>
        </div>
    }
}

/// What this one answers, in a line.
#[component]
fn Quote(thread: Field<Thread>, to: MessageId) -> impl IntoView {
    let key = thread.read_untracked().entries.iter().find(|entry| entry.id == Some(to)).map(|entry| entry.key.clone());
    let quoted: Option<Field<Entry>> = key.map(|key| AtKeyed::new(thread.entries(), key).into());
    let text = Memo::new(move |_| match quoted.as_ref().and_then(|entry| entry.try_read()) {
        Some(entry) if entry.deleted => "A deleted message".to_owned(),
        Some(entry) => [&entry.author.name, ": ", entry.text.lines().next().unwrap_or_default()].concat(),
        None => "An earlier message".to_owned(),
    });
    view! { <span class="quote">{text}</span> }
}

/// Why it was not sent, and what can be done.
#[component]
fn Failure(key: EntryKey, entry: Field<Entry>) -> impl IntoView {
    let context = ThreadContext::current();
    let client = use_client();
    let failure = Memo::new(move |_| {
        let failed = entry.state().try_get() == Some(EntryState::Failed);
        failed.then(|| entry.failure().try_get().flatten().unwrap_or_else(|| "Not sent.".to_owned()))
    });
    let key = StoredValue::new(key);
    move || {
        failure.get().map(|text| {
            view! {
                <div class="failure">
                    <span>{text}</span>
                    <button
                        class="button small"
                        type="button"
                        on:click=move |_| key.with_value(|key| client.retry(context.id, key))
                    >
                        "Retry"
                    </button>
                    <button
                        class="button small danger"
                        type="button"
                        on:click=move |_| key.with_value(|key| client.discard(context.id, key))
                    >
                        "Delete"
                    </button>
                </div>
            }
        })
    }
}
