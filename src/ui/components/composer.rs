//! Where a message is written. The panel's has other things around the same [`TextBox`].

pub mod draft;
pub mod writer;

use leptos::prelude::*;
use reactive_stores::Field;

use self::writer::{TextBox, Writer};
use super::{
    icon::{CLOSE, Icon},
    thread::{ThreadContext, focus},
};
use crate::{
    client::use_client,
    model::{Thread, ThreadStoreFields},
    protocol::{MessageId, Visibility},
};

#[component]
pub fn Composer(thread: Field<Thread>) -> impl IntoView {
    let context = ThreadContext::current();
    let writer = Writer::new(Visibility::Public.into(), |_| true);
    view! {
        <form class="composer" method="post" action="/fn/send_message" on:submit=move |event| writer.submit(event)>
            <input type="hidden" name="conversation" value=context.id.to_string() />
            <Replying thread />
            <div class="composer-box">
                <label>
                    <span class="visually-hidden">"Message"</span>
                    <TextBox writer placeholder="Write a message" />
                </label>
                <Stop thread />
                <button class="button primary" type="submit">
                    "Send"
                </button>
            </div>
            <p class="hint needs-js">"Enter sends, Shift + Enter starts a new line. Markdown works."</p>
        </form>
    }
}

/// While a run is on, it can be stopped from here, by whoever may write here.
#[component]
pub fn Stop(thread: Field<Thread>) -> impl IntoView {
    let context = ThreadContext::current();
    let client = use_client();
    let running = Memo::new(move |_| thread.runs().read().iter().any(|run| !run.status.is_over()));
    move || {
        running.get().then(|| {
            view! {
                <button
                    class="button danger"
                    type="submit"
                    formaction="/fn/stop_run"
                    formnovalidate
                    on:click=move |event| {
                        event.prevent_default();
                        client.cancel(context.id);
                        focus(".composer textarea");
                    }
                >
                    "Stop"
                </button>
            }
        })
    }
}

#[component]
pub fn Replying(thread: Field<Thread>) -> impl IntoView {
    let context = ThreadContext::current();
    let line = move |id: MessageId| {
        let thread = thread.read_untracked();
        let entry = thread.entries.iter().find(|entry| entry.id == Some(id));
        entry.map(|entry| ["Replying to ", &entry.author.name].concat()).unwrap_or_else(|| "Replying".to_owned())
    };
    move || {
        context.replying.get().map(|id| {
            view! {
                <div class="replying">
                    <input type="hidden" name="reply_to" value=id.to_string() />
                    <span>{line(id)}</span>
                    <button
                        class="icon-button needs-js"
                        type="button"
                        aria-label="Do not reply"
                        on:click=move |_| context.replying.set(None)
                    >
                        <Icon d=CLOSE />
                    </button>
                </div>
            }
        })
    }
}
