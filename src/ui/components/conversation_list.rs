//! Every conversation of the person signed in, the newest first, and who they are.

use leptos::prelude::*;
use leptos_router::hooks::use_location;
use reactive_stores::Field;

use super::{
    connection_status::ConnectionStatus,
    icon::{Icon, PLUS},
    new_conversation::NewConversationOpen,
};
use crate::{
    client::{StateStoreFields, use_client},
    protocol::{
        UserId,
        http::{Conversation, Role, User},
        limits,
    },
    ui::{Zone, format},
};

#[component]
pub fn ConversationList(me: User) -> impl IntoView {
    let client = use_client();
    let conversations = client.state().conversations();
    let is_empty = Memo::new(move |_| conversations.read().is_empty());
    let path = use_location().pathname;
    let in_thread = Memo::new(move |_| path.read().starts_with("/c/"));
    let dialog = NewConversationOpen::current();
    let open_dialog = move |event: leptos::ev::MouseEvent| {
        event.prevent_default();
        dialog.set(true);
    };
    let is_operator = matches!(me.role, Role::Operator | Role::Admin);
    view! {
        <header class="sidebar">
            <a class="brand" href="/">
                <img src="/favicon.svg" alt="" width="32" height="32" />
                "Magpie"
            </a>
            <form class="sidebar-new" method="get" action="/">
                <button class="button" name="new" value="1" on:click=open_dialog>
                    <Icon d=PLUS />
                    "New conversation"
                </button>
            </form>
            {is_operator.then(|| view! { <OperatorLink me=me.id /> })}
            <nav aria-label="Conversations">
                <ul class="conversations">
                    <For each=move || conversations.into_iter() key=|row| row.key() let:row>
                        <Row row=row.into() />
                    </For>
                </ul>
                {move || {
                    is_empty
                        .get()
                        .then(|| view! { <p class="sidebar-empty">"No conversations yet. Start one above."</p> })
                }}
            </nav>
            <div class="account">
                <span class="who">{me.display_name}</span>
                <a href="/settings">"Settings"</a>
                <SignOut />
            </div>
            {move || (!in_thread.get()).then(|| view! {
                <div class="account">
                    <ConnectionStatus />
                </div>
            })}
        </header>
    }
}

/// The way to the visitors' dialogs, with how many of them want an operator's eye.
#[component]
fn OperatorLink(me: UserId) -> impl IntoView {
    let client = use_client();
    let wanting = Memo::new(move |_| client.state().desk().read().wanting(me));
    view! {
        <p class="sidebar-desk">
            <a href="/operator" aria-label="Operator panel" aria-describedby="desk-wanting">
                "Operator panel"
            </a>
            <span id="desk-wanting" class:count=move || { wanting.get() > 0 }>
                {move || (wanting.get() > 0).then(|| format::badge(wanting.get() as u64))}
            </span>
        </p>
    }
}

#[component]
fn Row(row: Field<Conversation>) -> impl IntoView {
    let zone = Zone::current();
    let first = row.get_untracked();
    let id = first.id;
    let href = format!("/c/{id}");
    let path = use_location().pathname;
    let here = href.clone();
    let current = move || (path.get() == here).then_some("page");
    let now = Memo::new(move |_| row.try_get().unwrap_or_else(|| first.clone()));
    let read = move |field: fn(&Conversation) -> String| field(&now.read());
    let title = move || read(|row| row.title.clone());
    let meta = format!("about-{id}");
    let unread = Memo::new(move |_| now.read().unread);
    let preview = move || {
        read(|row| match &row.last_message {
            Some(last) => [last.author.name.as_str(), ": ", &first_line(&last.text)].concat(),
            None => "No messages yet".to_owned(),
        })
    };
    let when = move || now.read().last_message.as_ref().map(|last| zone.clock(last.timestamp));
    view! {
        <li class="conversation" class:unread=move || { unread.get() > 0 }>
            <a href=href aria-current=current aria-label=title aria-describedby=meta.clone()>
                <span class="title">{title}</span>
                {move || {
                    let count = unread.get();
                    (count > 0).then(|| view! { <span class="count">{format::badge(count)}</span> })
                }}
            </a>
            <span class="when">{when}</span>
            <div class="conversation-meta" id=meta>
                <span class="preview">{preview}</span>
                {move || (unread.get() > 0).then(|| view! { <span class="visually-hidden">{unread} " unread"</span> })}
            </div>
        </li>
    }
}

/// Text of a preview: Markdown's lines would not fit, and its commonest marks are no words.
fn first_line(text: &str) -> String {
    let mut lines = text.lines().map(|line| line.trim_start_matches(['#', '>', ' ']).trim_start_matches("- "));
    let line = lines.find(|line| !line.is_empty()).unwrap_or_default();
    let words = ["**", "~~", "`"].iter().fold(line.to_owned(), |line, mark| line.replace(mark, ""));
    words.chars().take(limits::PREVIEW_CHARS).collect()
}

/// A plain form; with a script, what this browser keeps is wiped once the session is over.
#[component]
pub fn SignOut(#[prop(default = "")] class: &'static str) -> impl IntoView {
    let client = use_client();
    let sign_out = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        leptos::task::spawn_local(async move {
            if let Err(problem) = client.sign_out().await {
                client.problem(problem);
            }
        });
    };
    view! {
        <form method="post" action="/fn/sign_out" on:submit=sign_out>
            <button class=class type="submit">
                "Sign out"
            </button>
        </form>
    }
}
