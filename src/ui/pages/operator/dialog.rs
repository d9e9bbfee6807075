//! `/operator/{id}`: one dialog, from memory where it was open before, else as the server has it.

use leptos::prelude::*;

use crate::{
    api::{self, conversation::Opened},
    client::{Client, use_client},
    model::Thread,
    protocol::Problem,
    ui::{
        components::desk::{DeskContext, dialog::DialogView, in_tab},
        pages::opening::{Opening, Page, Place, seed},
    },
};

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
            (id, Some(opened))
        },
    );
    // This browser keeps no dialogs: it is the server's answer that is shown, always.
    let shown = Callback::new(move |(_, opened): (String, Option<Opened>)| {
        opened.map(|opened| show(client, opened)).into_any()
    });
    let place = Place {
        what: "dialog",
        title: None,
        list: Signal::derive(move || in_tab("/operator", context.tab.get())),
        back: "Back to the dialogs",
        missing: "There is no such dialog, or it was removed.",
    };
    move || {
        let wanted = word.get();
        let known = context.id.get().zip(client.user());
        match known.and_then(|(id, me)| Some((id, client.reopen_dialog(id)?, me))) {
            Some((id, thread, me)) => view! { <DialogView id thread me /> }.into_any(),
            None => view! { <Opening place wanted page shown /> }.into_any(),
        }
    }
}

fn show(client: Client, opened: Opened) -> AnyView {
    client.seed_user(&opened.me);
    let (id, me) = (opened.detail.conversation.id, opened.me.clone());
    let thread = client.seed_dialog(Thread::seed(seed(opened)));
    view! { <DialogView id thread me /> }.into_any()
}
