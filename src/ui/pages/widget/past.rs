//! The visitor's dialogs, the newest first, and the way to a new one.

use leptos::prelude::*;
use leptos_meta::Title;

use super::Frame;
use crate::{
    client::{StateStoreFields, use_client},
    protocol::{ConversationId, dialog::DialogStatus, http::Conversation},
    ui::{Zone, format},
};

#[component]
pub fn Past(dialog: ConversationId, frame: Frame) -> impl IntoView {
    let client = use_client();
    // One without a word in it is shown as the way to begin, not as a past.
    let rows = Memo::new(move |_| {
        let rows = client.state().conversations().get();
        rows.into_iter().filter(|row| row.last_message.is_some()).collect::<Vec<_>>()
    });
    let is_begun = move || rows.read().iter().any(|row| row.id == dialog);
    let new = move |_| {
        if rows.read_untracked().iter().any(|row| row.id == dialog) {
            frame.launcher.renew(true);
        } else {
            choose(frame, None);
        }
    };
    view! {
        <Title text="Your conversations" />
        <div class="widget-past">
            <h2>"Your conversations"</h2>
            <button class="button primary" type="button" on:click=new>
                "New conversation"
            </button>
            {move || rows.read().is_empty().then(|| view! { <p class="hint">"There are none yet."</p> })}
            <ul class="widget-dialogs">
                <For each=move || rows.get() key=|row| (row.id, row.head, row.unread, row.status) let:row>
                    <Line row dialog frame />
                </For>
            </ul>
            {move || is_begun().then(|| view! { <p class="hint">"Writing into a closed one opens it again."</p> })}
        </div>
    }
}

#[component]
fn Line(row: Conversation, dialog: ConversationId, frame: Frame) -> impl IntoView {
    let zone = Zone::current();
    let id = row.id;
    let unread = row.unread;
    let status = match row.status {
        DialogStatus::Resolved => Some("closed"),
        DialogStatus::Open | DialogStatus::Snoozed => None,
    };
    let at = row.last_message.as_ref().map(|last| last.timestamp);
    let preview = row.last_message.map(|last| [&last.author.name, ": ", &last.text].concat());
    let open = move |_| choose(frame, (id != dialog).then_some(id));
    view! {
        <li>
            <button class="widget-dialog" type="button" on:click=open>
                <span class="preview">{preview}</span>
                <span class="when">
                    {at.map(|at| move || [zone.day(at), zone.clock(at)].join(", "))}
                    {status.map(|status| view! { " · " {status} })}
                </span>
                {(unread > 0).then(|| view! { <span class="count">{format::badge(unread)} <span class="visually-hidden">" unread"</span></span> })}
            </button>
        </li>
    }
}

fn choose(frame: Frame, id: Option<ConversationId>) {
    frame.chosen.set(id);
    frame.is_listing.set(false);
}
