//! `/c/{id}`: one conversation.
//!
//! One that is in memory is shown at once; until another is here, nothing of the one before stays on the
//! screen: what is written would go to the wrong people.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use super::{home::Failure, not_found::Nothing};
use crate::{
    api::{self, ApiError, conversation::Opened},
    client::{Client, StateStoreFields, use_client},
    model::{LinkState, Seed, Thread, conversation::read_before},
    protocol::{Code, ConversationId},
    ui::{
        app::FromShell,
        components::{
            connection_status::ConnectionStatus,
            icon::{BACK, Icon},
            thread::ThreadView,
        },
    },
};

/// The answer to one id; nothing where what this browser kept was taken in instead.
type Page = Resource<(String, Option<Result<Opened, ApiError>>)>;

#[component]
pub fn ChatPage() -> impl IntoView {
    let client = use_client();
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("id").unwrap_or_default());
    let from_shell = use_context::<FromShell>().is_some();
    let page = Resource::new(
        move || id.get(),
        move |id| async move {
            let opened = load(client, from_shell, &id).await;
            (id, opened)
        },
    );
    let removed = Memo::new(move |_| id.get().parse().is_ok_and(|id| client.is_removed(id)));
    move || {
        let wanted = id.get();
        if removed.get() {
            return view! { <main class="pane" id="main" tabindex="-1"><Nothing /></main> }.into_any();
        }
        let known = wanted.parse::<ConversationId>().ok().zip(client.user());
        match known.and_then(|(id, me)| Some((id, client.reopen(id)?, me))) {
            Some((id, thread, me)) => view! { <ThreadView id thread me /> }.into_any(),
            None => view! { <Fetched wanted page /> }.into_any(),
        }
    }
}

/// What the server says; where it cannot be reached, what this browser kept: the socket brings the rest.
async fn load(client: Client, from_shell: bool, id: &str) -> Option<Result<Opened, ApiError>> {
    let wanted = id.parse::<ConversationId>().ok();
    if from_shell
        && let Some(wanted) = wanted
        && client.recall_thread(wanted).await
    {
        return None;
    }
    let opened = api::conversation::open_conversation(id.to_owned()).await;
    let is_away = opened.as_ref().is_err_and(|error| error.code == Code::Unavailable) && client.can_recall();
    if is_away
        && let Some(wanted) = wanted
        && client.recall_thread(wanted).await
    {
        return None;
    }
    Some(opened)
}

/// One that has to be fetched first.
#[component]
fn Fetched(wanted: String, page: Page) -> impl IntoView {
    let client = use_client();
    view! {
        <Suspense fallback=Busy>
            {move || {
                let wanted = wanted.clone();
                Suspend::new(async move {
                    match page.await {
                        // The answer of before, while this one is on its way.
                        (id, _) if id != wanted => view! { <Busy /> }.into_any(),
                        (id, None) => view! { <Recalled id /> }.into_any(),
                        (_, Some(Ok(opened))) => {
                            client.seed_user(&opened.me);
                            let (id, me) = (opened.detail.conversation.id, opened.me.clone());
                            let thread = client.seed_thread(Thread::seed(seed(opened)));
                            view! { <ThreadView id thread me /> }.into_any()
                        }
                        (_, Some(Err(error))) => view! { <Closed error page /> }.into_any(),
                    }
                })
            }}
        </Suspense>
    }
}

/// One that is in memory by now.
#[component]
fn Recalled(id: String) -> impl IntoView {
    let client = use_client();
    let known = id.parse::<ConversationId>().ok().zip(client.user());
    known.and_then(|(id, me)| Some(view! { <ThreadView id thread=client.reopen(id)? me /> }))
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
fn Back() -> impl IntoView {
    view! {
        <header class="thread-head">
            <a class="icon-button back-link" href="/" aria-label="Back to conversations">
                <Icon d=BACK />
            </a>
            <ConnectionStatus />
        </header>
    }
}

#[component]
fn Busy() -> impl IntoView {
    view! {
        <main class="pane" id="main" tabindex="-1" aria-busy="true">
            <Back />
        </main>
    }
}

#[component]
fn Closed(error: ApiError, page: Page) -> impl IntoView {
    let shown = match error.code {
        Code::NotFound => view! { <Nothing /> }.into_any(),
        Code::Unavailable => view! { <Unreachable page /> }.into_any(),
        _ => view! { <Failure error /> }.into_any(),
    };
    view! {
        <main class="pane" id="main" tabindex="-1">
            <Back />
            {shown}
        </main>
    }
}

/// Fetches it by itself as soon as there is a way to the server again.
#[component]
fn Unreachable(page: Page) -> impl IntoView {
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
        <Title text="Conversation" />
        <div class="empty">
            <h1>"This conversation is not here yet"</h1>
            <p role="status">"The server cannot be reached. It is loaded as soon as there is a connection again."</p>
            <button class="button" type="button" on:click=move |_| page.refetch()>
                "Try again"
            </button>
        </div>
    }
}
