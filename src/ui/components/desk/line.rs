//! One dialog of the list: who, what they wrote last, in whose hands it is, how long it waits.

use leptos::prelude::*;

use super::DeskContext;
use crate::{
    client::{StateStoreFields, use_client},
    model::desk::{self, visitor_name},
    protocol::{
        Author, ConversationId, UserId,
        dialog::{DialogStatus, Owner},
        http::Conversation,
    },
    ui::{Zone, components::avatar::Avatar, format},
};

#[component]
pub fn Line(id: ConversationId, me: UserId) -> impl IntoView {
    let client = use_client();
    let context = DeskContext::current();
    let zone = Zone::current();
    // One that goes stays as it was until it is off the page.
    let line = Memo::new(move |last: Option<&Option<Conversation>>| {
        let now = client.state().desk().read().line(id).cloned();
        now.or_else(|| last.cloned().flatten())
    });
    let read = move |field: &dyn Fn(&Conversation) -> String| line.read().as_ref().map(field).unwrap_or_default();
    let who = move || read(&|line| visitor_name(line).to_owned());
    let said = move || read(&|line| last_words(line).to_owned());
    let name = move || read(&|line| [visitor_name(line), ": ", last_words(line)].concat());
    let hands = move || read(&|line| hands(line.status, &line.owner, me));
    let tone = move || read(&|line| tone(line, me).to_owned());
    let unread = Memo::new(move |_| line.read().as_ref().map_or(0, |line| line.unread));
    let since = Memo::new(move |_| line.read().as_ref()?.dialog.as_ref()?.waiting_since);
    let waiting = move || {
        let (since, now) = since.get().zip(context.now.get())?;
        Some(format::waiting(now.as_ms() - since.as_ms()))
    };
    let at =
        move || line.read().as_ref()?.last_message.as_ref().map(|last| zone.when(last.timestamp, context.now.get()));
    let author = line.get_untracked().map(|line| Author {
        id: line.dialog.as_ref().map_or(UserId::from_bytes([0; 16]), |dialog| dialog.visitor.id),
        name: visitor_name(&line).to_owned(),
        emoji: None,
    });
    let about = ["line-", &id.to_string()].concat();
    view! {
        <li class="desk-line" class:unread=move || { unread.get() > 0 }>
            {author.map(|author| view! { <Avatar author /> })}
            <a
                href=move || context.link(id)
                aria-label=name
                aria-describedby=about.clone()
                aria-current=move || (context.id.get() == Some(id)).then_some("page")
            >
                <span class="who">{who}</span>
                <span class="said">{said}</span>
            </a>
            <div class="desk-meta" id=about>
                <span class="hands" data-hands=tone>
                    {hands}
                </span>
                {move || waiting().map(|text| view! { <span class="waits">{text}</span> })}
                {move || {
                    let count = unread.get();
                    (count > 0)
                        .then(|| {
                            view! {
                                <span class="count">
                                    {format::badge(count)} <span class="visually-hidden">" unread"</span>
                                </span>
                            }
                        })
                }}
            </div>
            <span class="when" aria-hidden="true">
                {at}
            </span>
        </li>
    }
}

fn last_words(line: &Conversation) -> &str {
    desk::last_words(line).and_then(|text| text.lines().next()).unwrap_or("No messages yet")
}

/// In whose hands it is, in a word or two.
pub fn hands(status: DialogStatus, owner: &Owner, me: UserId) -> String {
    match (status, owner) {
        (DialogStatus::Resolved, _) => "Resolved".to_owned(),
        (DialogStatus::Snoozed, _) => "Snoozed".to_owned(),
        (_, Owner::Ai) => "AI".to_owned(),
        (_, Owner::Queue { team: Some(team) }) => ["In the queue · ", team].concat(),
        (_, Owner::Queue { team: None }) => "In the queue".to_owned(),
        (_, Owner::Human { user }) if user.id == me => "You".to_owned(),
        (_, Owner::Human { user }) => user.name.clone(),
    }
}

/// Which colour that has.
fn tone(line: &Conversation, me: UserId) -> &'static str {
    match (line.status, &line.owner) {
        (DialogStatus::Resolved | DialogStatus::Snoozed, _) => "aside",
        (_, Owner::Ai) => "ai",
        (_, Owner::Queue { .. }) => "queue",
        (_, Owner::Human { user }) if user.id == me => "mine",
        (_, Owner::Human { .. }) => "other",
    }
}
