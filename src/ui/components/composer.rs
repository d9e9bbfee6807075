//! Where a message is written. Enter sends, Shift+Enter breaks the line, an input method's Enter does neither.

pub mod draft;

use leptos::{
    ev::{KeyboardEvent, SubmitEvent},
    html,
    prelude::*,
};
use reactive_stores::Field;
use web_sys::HtmlTextAreaElement;

use super::{
    icon::{CLOSE, Icon},
    thread::{ThreadContext, focus},
};
use crate::{
    client::{Client, use_client},
    model::{Thread, ThreadStoreFields},
    protocol::MessageId,
};

/// Lines that the box grows to, where the browser does not grow it by itself.
const ROWS_MAX: usize = 10;

#[component]
pub fn Composer(thread: Field<Thread>) -> impl IntoView {
    let context = ThreadContext::current();
    let client = use_client();
    let node = NodeRef::<html::Textarea>::new();
    Effect::new(move |_| {
        if let Some(area) = node.get() {
            draft::restore(context, &area);
            grow(&area);
        }
    });
    let send = move || {
        if let Some(area) = node.get_untracked() {
            send_from(client, context, &area);
        }
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        send();
    };
    let key = move |event: KeyboardEvent| {
        // 229: some browsers end a composition before they tell of its Enter.
        if event.key() == "Enter" && !event.shift_key() && !event.is_composing() && event.key_code() != 229 {
            event.prevent_default();
            send();
        }
    };
    let input = move |_| {
        if let Some(area) = node.get_untracked() {
            wrote(client, context, &area);
        }
    };
    view! {
        <form class="composer" method="post" action="/fn/send_message" on:submit=submit>
            <input type="hidden" name="conversation" value=context.id.to_string() />
            <Replying thread />
            <div class="composer-box">
                <label>
                    <span class="visually-hidden">"Message"</span>
                    <textarea
                        name="message"
                        rows="1"
                        required
                        placeholder="Write a message"
                        aria-keyshortcuts="Enter"
                        node_ref=node
                        on:keydown=key
                        on:input=input
                        on:blur=move |_| client.stopped_typing(context.id)
                    ></textarea>
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

fn send_from(client: Client, context: ThreadContext, area: &HtmlTextAreaElement) {
    let text = area.value();
    if text.trim().is_empty() {
        return;
    }
    client.send(context.id, &text, context.replying.get_untracked());
    client.stopped_typing(context.id);
    context.replying.set(None);
    area.set_value("");
    draft::forget(context);
    grow(area);
    let _ = area.focus();
    show_newest();
}

fn wrote(client: Client, context: ThreadContext, area: &HtmlTextAreaElement) {
    let text = area.value();
    draft::keep(context, &text);
    grow(area);
    if text.trim().is_empty() { client.stopped_typing(context.id) } else { client.typing(context.id) }
}

pub fn grow(area: &HtmlTextAreaElement) {
    let rows = area.value().split('\n').count().min(ROWS_MAX);
    area.set_rows(rows as u32);
}

/// Who writes wants to see it: the list goes to its end.
pub fn show_newest() {
    if let Ok(Some(list)) = document().query_selector(".messages") {
        list.set_scroll_top(0);
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
