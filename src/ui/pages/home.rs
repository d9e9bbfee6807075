//! The frame around every page of somebody signed in: the list beside it, the client behind it.

use leptos::prelude::*;
use leptos_router::{components::Outlet, hooks::use_location};

use crate::{
    api::{self, ApiError, conversation::Home as HomeData},
    client::{Client, use_client},
    protocol::Code,
    ui::{
        app::FromShell,
        components::{
            conversation_list::ConversationList,
            new_conversation::{NewConversation, NewConversationOpen},
            pane::Frame,
        },
    },
};

#[component]
pub fn Home() -> impl IntoView {
    let client = use_client();
    NewConversationOpen::provide();
    let from_shell = use_context::<FromShell>().is_some();
    let home = Resource::new(|| (), move |()| load(client, from_shell));
    Effect::new(move |_| client.start());
    let path = use_location().pathname;
    let is_page_open = Signal::derive(move || path.read().as_str() != "/");
    view! {
        <Frame skip="Skip to the conversation" is_page_open>
            <Suspense>
                {move || Suspend::new(async move {
                    match home.await {
                        Ok(home) => {
                            client.seed_user(&home.me);
                            client.seed_list(home.conversations);
                            view! { <ConversationList me=home.me /> }.into_any()
                        }
                        Err(error) => view! { <Failure error /> }.into_any(),
                    }
                })}
            </Suspense>
            <Outlet />
        </Frame>
        <NewConversation />
    }
}

/// What the server says; where it cannot be reached, what this browser kept of it.
async fn load(client: Client, from_shell: bool) -> Result<HomeData, ApiError> {
    let recall = || async move {
        let kept = client.recall_home().await?;
        Some(HomeData { me: kept.me, conversations: kept.conversations })
    };
    if from_shell && let Some(kept) = recall().await {
        return Ok(kept);
    }
    match api::conversation::load_home().await {
        Err(error) if error.code == Code::Unavailable && client.can_recall() => recall().await.ok_or(error),
        answer => answer,
    }
}

/// What could not be loaded. Who is no longer signed in is led to where that is mended.
#[component]
pub fn Failure(error: ApiError) -> impl IntoView {
    let signed_out = error.code == Code::Unauthorized;
    Effect::new(move |_| {
        if signed_out {
            to_login();
        }
    });
    view! {
        <div class="empty">
            <p class="alert" role="alert">
                <span>{error.detail}</span>
            </p>
            {signed_out.then(|| view! { <a href="/login">"Sign in"</a> })}
        </div>
    }
}

fn to_login() {
    let location = window().location();
    let here = location.pathname().unwrap_or_default();
    let _ = location.set_href(&["/login?next=", &here].concat());
}
