//! What one opens beside a list: from memory where it was open before, else as the server has it. Until it is here,
//! nothing of the one before stays on the screen: what is written would go to the wrong people.

use leptos::prelude::*;
use leptos_meta::Title;

use super::{home::Failure, not_found::Nothing};
use crate::{
    api::{ApiError, conversation::Opened},
    client::{StateStoreFields, use_client},
    model::{LinkState, Seed, conversation::read_before},
    protocol::Code,
    ui::components::{connection_status::ConnectionStatus, pane::BackLink},
};

/// The answer to one id; nothing where what this browser kept was taken in instead.
pub type Page = Resource<(String, Option<Result<Opened, ApiError>>)>;

/// What is opened, and the list that it stands beside.
#[derive(Clone, Copy)]
pub struct Place {
    /// `conversation`, `dialog`.
    pub what: &'static str,
    /// The page's, while it cannot be had; nothing where the list's frame has one.
    pub title: Option<&'static str>,
    pub list: Signal<String>,
    /// The name of the link to the list.
    pub back: &'static str,
    /// Why there may be none under an address.
    pub missing: &'static str,
}

/// One that has to be fetched first, and then `shown`.
#[component]
pub fn Opening(
    place: Place,
    wanted: String,
    page: Page,
    /// Its id, and what the server answered; nothing where this browser had it.
    shown: Callback<(String, Option<Opened>), AnyView>,
) -> impl IntoView {
    view! {
        <Suspense fallback=move || view! { <Busy place /> }>
            {move || {
                let wanted = wanted.clone();
                Suspend::new(async move {
                    match page.await {
                        // The answer of before, while this one is on its way.
                        (id, _) if id != wanted => view! { <Busy place /> }.into_any(),
                        (id, None) => shown.run((id, None)),
                        (id, Some(Ok(opened))) => shown.run((id, Some(opened))),
                        (_, Some(Err(error))) => view! { <Closed place error page /> }.into_any(),
                    }
                })
            }}
        </Suspense>
    }
}

/// What a thread begins with.
pub fn seed(opened: Opened) -> Seed {
    let me = opened.me.id;
    let mine = opened.detail.members.iter().find(|member| member.id == me).map(|member| member.up_to);
    // Who is no member, an operator, is told how much is unread.
    let read_up_to = mine.unwrap_or_else(|| read_before(&opened.messages, opened.detail.conversation.unread, me));
    Seed {
        read_up_to,
        detail: opened.detail,
        messages: opened.messages,
        timeline: opened.timeline,
        head: opened.head,
        log_epoch: Some(opened.log_epoch),
    }
}

/// Where the list is out of sight, there is a way back to it.
#[component]
fn Head(place: Place) -> impl IntoView {
    view! {
        <header class="thread-head">
            <BackLink href=place.list label=place.back />
            <ConnectionStatus />
        </header>
    }
}

#[component]
fn Busy(place: Place) -> impl IntoView {
    view! {
        <main class="pane" id="main" tabindex="-1" aria-busy="true">
            <Head place />
        </main>
    }
}

#[component]
fn Closed(place: Place, error: ApiError, page: Page) -> impl IntoView {
    let shown = match error.code {
        Code::NotFound => view! { <Nothing why=place.missing /> }.into_any(),
        Code::Unavailable => view! { <Unreachable place page /> }.into_any(),
        _ => view! { <Failure error /> }.into_any(),
    };
    view! {
        <main class="pane" id="main" tabindex="-1">
            <Head place />
            {shown}
        </main>
    }
}

/// Fetches it by itself as soon as there is a way to the server again.
#[component]
fn Unreachable(place: Place, page: Page) -> impl IntoView {
    let client = use_client();
    let up = Memo::new(move |_| matches!(client.state().link().get(), LinkState::Connected | LinkState::Polling));
    Effect::new(move |was: Option<bool>| {
        let up = up.get();
        if up && was == Some(false) {
            page.refetch();
        }
        up
    });
    view! {
        {place.title.map(|title| view! { <Title text=title /> })}
        <div class="empty">
            <h1>{["This ", place.what, " is not here yet"].concat()}</h1>
            <p role="status">"The server cannot be reached. It is loaded as soon as there is a connection again."</p>
            <button class="button" type="button" on:click=move |_| page.refetch()>
                "Try again"
            </button>
        </div>
    }
}
