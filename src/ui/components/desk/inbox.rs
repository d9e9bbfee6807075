//! The list of dialogs: tabs, lines, and who looks at it.

use leptos::prelude::*;

use super::{DeskContext, line::Line, notify::NotifyButton, tabs::Tabs};
use crate::{
    client::{StateStoreFields, use_client},
    model::Tab,
    protocol::{ConversationId, http::User},
    ui::components::{connection_status::ConnectionStatus, conversation_list::SignOut},
};

#[component]
pub fn Inbox(me: User) -> impl IntoView {
    let client = use_client();
    let context = DeskContext::current();
    let id = me.id;
    let ids = Memo::new(move |_| {
        let desk = client.state().desk();
        let desk = desk.read();
        desk.tab(context.tab.get(), id).iter().map(|line| line.id).collect::<Vec<ConversationId>>()
    });
    let is_empty = Memo::new(move |_| ids.read().is_empty());
    let waiting = Memo::new(move |_| match client.state().desk().read().counts(id)[0] {
        0 => String::new(),
        1 => "1 visitor waits for a person".to_owned(),
        count => format!("{count} visitors wait for a person"),
    });
    let panel = move || ["tab-", context.tab.get().as_str()].concat();
    view! {
        <header class="inbox">
            <a class="brand" href="/">
                <img src="/favicon.svg" alt="" width="32" height="32" />
                "Magpie"
            </a>
            // The counts beside the tabs are for eyes: who hears the page is told of the queue.
            <p class="visually-hidden" role="status" aria-label="Waiting">
                {waiting}
            </p>
            <nav aria-label="Dialogs">
                <Tabs me=id />
                <div class="inbox-lines" role="tabpanel" id="inbox-lines" aria-labelledby=panel tabindex="0">
                    <ul class="desk-lines">
                        <For each=move || ids.get() key=|id| *id let:line>
                            <Line id=line me=id />
                        </For>
                    </ul>
                    {move || is_empty.get().then(|| view! { <p class="inbox-empty">{nothing(context.tab.get())}</p> })}
                </div>
            </nav>
            <div class="inbox-foot">
                <span class="who">{me.display_name}</span>
                <a href="/">"Conversations"</a>
                <button class="needs-js" type="button" on:click=move |_| context.editing_canned.set(true)>
                    "Canned replies"
                </button>
                <button class="needs-js" type="button" aria-keyshortcuts="?" on:click=move |_| context.help.set(true)>
                    "Shortcuts"
                </button>
                <NotifyButton />
                <SignOut />
            </div>
            {move || context.id.get().is_none().then(|| view! {
                <div class="inbox-foot">
                    <ConnectionStatus />
                </div>
            })}
        </header>
    }
}

fn nothing(tab: Tab) -> &'static str {
    match tab {
        Tab::Queue => "Nobody is waiting.",
        Tab::Mine => "You hold no dialog. Take one over from the queue or from the AI.",
        Tab::Ai => "The AI is talking with nobody right now.",
        Tab::All => "No visitor has written yet.",
    }
}
