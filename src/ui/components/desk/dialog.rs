//! One open dialog: who it is with, whose it is, what was said, the composer, and the visitor beside it.

use leptos::prelude::*;
use reactive_stores::Field;

use super::{
    DeskContext, controls::Controls, line::hands, reply::Reply, standing, transfer::TransferDialog, visitor::Visitor,
    visitor_of,
};
use crate::{
    client::use_client,
    model::{Thread, ThreadStoreFields},
    protocol::{ConversationId, UserId, http::User, server::PresenceStatus},
    ui::components::{
        agent_timeline::Asking, alert::QueryAlert, connection_status::ConnectionStatus, drawer::DrawerToggle,
        message::delete::DeleteDialog, message_list::MessageList, pane::BackLink, thread::ThreadContext,
        typing_indicator::TypingIndicator,
    },
};

#[component]
pub fn DialogView(id: ConversationId, thread: Field<Thread>, me: User) -> impl IntoView {
    let client = use_client();
    let desk = DeskContext::current();
    let context = ThreadContext::provide(id, &me, thread);
    desk.transferring.set(false);
    Effect::new(move |_| client.open_dialog(id));
    // Nothing of a browser's is to be undone where there is none.
    Effect::new(move |_| on_cleanup(move || client.close_dialog(id)));
    view! {
        <main class="pane with-details dialog-pane" id="main" tabindex="-1">
            <Head thread context />
            <Controls thread me=me.id />
            <div class="notices">
                <QueryAlert />
            </div>
            <MessageList thread welcome=|| view! { <p class="empty">"The visitor has not written yet."</p> }.into_any() />
            <TypingIndicator thread />
            <Asking thread />
            <Reply thread me=me.id />
        </main>
        <Visitor thread />
        <DeleteDialog />
        <TransferDialog me=me.id />
    }
}

#[component]
fn Head(thread: Field<Thread>, context: ThreadContext) -> impl IntoView {
    let desk = DeskContext::current();
    let title = visitor_of(thread);
    let back = move || super::in_tab("/operator", desk.tab.get());
    let control = standing(thread);
    let sub = move || {
        let state = control.get();
        state.map(|state| hands(state.status, &state.owner, context.me)).unwrap_or_default()
    };
    view! {
        <header class="thread-head">
            <BackLink href=back label="Back to the dialogs" />
            <div class="titles">
                <h1>{title}</h1>
                <p class="sub" role="status" aria-label="Whose it is">
                    {sub}
                </p>
            </div>
            <Lookers thread me=context.me />
            <ConnectionStatus />
            <DrawerToggle />
        </header>
    }
}

/// Who else looks at this dialog right now.
#[component]
fn Lookers(thread: Field<Thread>, me: UserId) -> impl IntoView {
    let text = Memo::new(move |_| {
        let visitor = thread.visitor().read().as_ref().map(|visitor| visitor.id);
        let presence = thread.presence();
        let presence = presence.read();
        let others = presence.iter().filter(|one| one.status != PresenceStatus::Offline);
        let others = others.filter(|one| one.user.id != me && Some(one.user.id) != visitor);
        let names: Vec<_> = others.map(|one| one.user.name.as_str()).collect();
        match names.as_slice() {
            [] => String::new(),
            names => ["Also here: ", &names.join(", ")].concat(),
        }
    });
    view! {
        <p class="lookers" role="status" aria-label="Also here">
            {text}
        </p>
    }
}
