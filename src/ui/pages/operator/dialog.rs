//! `/operator/{id}`: one dialog, from memory where it was open before, else as the server has it.

use leptos::prelude::*;

use crate::{
    api::{self, ApiError, conversation::Opened},
    client::use_client,
    model::Thread,
    protocol::{Code, Problem},
    ui::{
        components::{
            connection_status::ConnectionStatus,
            desk::{DeskContext, dialog::DialogView},
            icon::{BACK, Icon},
        },
        pages::{chat::seed, home::Failure, not_found::Nothing},
    },
};

/// The answer to one id.
type Page = Resource<(String, Result<Opened, ApiError>)>;

#[component]
pub fn DialogPage() -> impl IntoView {
    let client = use_client();
    let context = DeskContext::current();
    let word = context.word;
    let page: Page = Resource::new(
        move || word.get(),
        |id| async move {
            let opened = match id.as_str() {
                // On the way back to the list there is none any more, and nothing to ask for.
                "" => Err(Problem::not_found().into()),
                id => api::desk::open_dialog(id.to_owned()).await,
            };
            (id, opened)
        },
    );
    move || {
        let wanted = word.get();
        let known = context.id.get().zip(client.user());
        match known.and_then(|(id, me)| Some((id, client.reopen_dialog(id)?, me))) {
            Some((id, thread, me)) => view! { <DialogView id thread me /> }.into_any(),
            None => view! { <Fetched wanted page /> }.into_any(),
        }
    }
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
                        (_, Ok(opened)) => {
                            client.seed_user(&opened.me);
                            let (id, me) = (opened.detail.conversation.id, opened.me.clone());
                            let thread = client.seed_dialog(Thread::seed(seed(opened)));
                            view! { <DialogView id thread me /> }.into_any()
                        }
                        (_, Err(error)) => view! { <Closed error /> }.into_any(),
                    }
                })
            }}
        </Suspense>
    }
}

/// Where the list is out of sight, there is a way back to it.
#[component]
fn Back() -> impl IntoView {
    view! {
        <header class="thread-head">
            <a class="icon-button back-link" href="/operator" aria-label="Back to the dialogs">
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
fn Closed(error: ApiError) -> impl IntoView {
    let shown = match error.code {
        Code::NotFound => view! { <Nothing /> }.into_any(),
        _ => view! { <Failure error /> }.into_any(),
    };
    view! {
        <main class="pane" id="main" tabindex="-1">
            <Back />
            {shown}
        </main>
    }
}
