//! `/c/{id}`: one conversation.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use super::{home::Failure, not_found::Nothing};
use crate::{
    api::{self, ApiError, conversation::Opened},
    client::use_client,
    model::{Seed, Thread},
    protocol::Code,
    ui::components::thread::ThreadView,
};

#[component]
pub fn ChatPage() -> impl IntoView {
    let client = use_client();
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("id").unwrap_or_default());
    let opened = Resource::new(move || id.get(), api::conversation::open_conversation);
    view! {
        <Transition fallback=|| {
            view! { <main class="pane" aria-busy="true"></main> }
        }>
            {move || Suspend::new(async move {
                match opened.await {
                    Ok(opened) => {
                        client.seed_me(opened.me.as_ref());
                        let (id, me) = (opened.detail.conversation.id, opened.me.clone());
                        let thread = client.seed_thread(Thread::seed(seed(opened)));
                        view! { <ThreadView id thread me /> }.into_any()
                    }
                    Err(error) => view! { <Closed error /> }.into_any(),
                }
            })}
        </Transition>
    }
}

fn seed(opened: Opened) -> Seed {
    let me = opened.me.id;
    let read_up_to = opened.detail.members.iter().find(|member| member.id == me);
    Seed {
        read_up_to: read_up_to.map(|member| member.up_to).unwrap_or_default(),
        detail: opened.detail,
        messages: opened.messages,
        timeline: opened.timeline,
        head: opened.head,
        log_epoch: Some(opened.log_epoch),
    }
}

#[component]
fn Closed(error: ApiError) -> impl IntoView {
    let not_found = error.code == Code::NotFound;
    view! {
        <Title text="Not found" />
        <main class="pane" id="main">
            {if not_found { view! { <Nothing /> }.into_any() } else { view! { <Failure error /> }.into_any() }}
        </main>
    }
}
