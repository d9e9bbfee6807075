//! `/c/{id}`: one conversation.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::{
    not_found::{NO_CONVERSATION, Nothing},
    opening::{Opening, Page, Place, seed},
};
use crate::{
    api::{self, ApiError, conversation::Opened},
    client::{Client, use_client},
    model::Thread,
    protocol::{Code, ConversationId},
    ui::{app::FromShell, components::thread::ThreadView},
};

#[component]
pub fn ChatPage() -> impl IntoView {
    let client = use_client();
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("id").unwrap_or_default());
    let from_shell = use_context::<FromShell>().is_some();
    let page: Page = Resource::new(
        move || id.get(),
        move |id| async move {
            let opened = load(client, from_shell, &id).await;
            (id, opened)
        },
    );
    let shown = Callback::new(move |(id, opened)| show(client, id, opened));
    let place = Place {
        what: "conversation",
        title: Some("Conversation"),
        list: "/".to_owned().into(),
        back: "Back to conversations",
        missing: NO_CONVERSATION,
    };
    let removed = Memo::new(move |_| id.get().parse().is_ok_and(|id| client.is_removed(id)));
    move || {
        let wanted = id.get();
        if removed.get() {
            return view! { <main class="pane" id="main" tabindex="-1"><Nothing /></main> }.into_any();
        }
        let known = wanted.parse::<ConversationId>().ok().zip(client.user());
        match known.and_then(|(id, me)| Some((id, client.reopen(id)?, me))) {
            Some((id, thread, me)) => view! { <ThreadView id thread me /> }.into_any(),
            None => view! { <Opening place wanted page shown /> }.into_any(),
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

/// What the server answered is kept and shown; what this browser had is in memory by now.
fn show(client: Client, id: String, opened: Option<Opened>) -> AnyView {
    let Some(opened) = opened else { return view! { <Recalled id /> }.into_any() };
    client.seed_user(&opened.me);
    let (id, me) = (opened.detail.conversation.id, opened.me.clone());
    let thread = client.seed_thread(Thread::seed(seed(opened)));
    view! { <ThreadView id thread me /> }.into_any()
}

/// One that is in memory by now.
#[component]
fn Recalled(id: String) -> impl IntoView {
    let client = use_client();
    let known = id.parse::<ConversationId>().ok().zip(client.user());
    known.and_then(|(id, me)| Some(view! { <ThreadView id thread=client.reopen(id)? me /> }))
}
