//! One open conversation: its head, its messages, who types, the composer, and the details beside it.

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use reactive_stores::Field;
use wasm_bindgen::JsCast;

use super::{
    agent_timeline::{Asking, link::Target},
    alert::QueryAlert,
    composer::Composer,
    connection_status::ConnectionStatus,
    details::Details,
    drawer::DrawerToggle,
    message::delete::DeleteDialog,
    message_list::{MessageList, order},
    pane::BackLink,
    typing_indicator::TypingIndicator,
};
use crate::{
    client::use_client,
    model::{Thread, ThreadStoreFields},
    protocol::{
        ConversationId, MessageId, RunId, UserId,
        http::{Role, User},
    },
};

/// What the parts of one open conversation share. Each state starts as the URL says, so that a plain form
/// leads to it where no script runs.
#[derive(Clone, Copy)]
pub struct ThreadContext {
    pub id: ConversationId,
    pub me: UserId,
    /// Whether this person may delete what others wrote.
    pub moderates: bool,
    /// The message that a reaction is chosen for.
    pub reacting: RwSignal<Option<MessageId>>,
    pub editing: RwSignal<Option<MessageId>>,
    pub replying: RwSignal<Option<MessageId>>,
    pub deleting: RwSignal<Option<MessageId>>,
    pub details: RwSignal<bool>,
    pub adding: RwSignal<bool>,
    /// The run whose steps are asked for.
    pub run: Option<RunId>,
    /// What of the timeline an address names.
    pub target: RwSignal<Option<Target>>,
    /// See [`order`].
    pub order: Memo<u64>,
}

impl ThreadContext {
    pub fn provide(id: ConversationId, me: &User, thread: Field<Thread>) -> Self {
        let query = use_query_map();
        let query = query.read_untracked();
        let message = |name: &str| query.get(name).and_then(|id| id.parse().ok());
        let context = Self {
            id,
            me: me.id,
            moderates: matches!(me.role, Role::Operator | Role::Admin),
            reacting: RwSignal::new(message("react")),
            editing: RwSignal::new(message("edit")),
            replying: RwSignal::new(message("reply")),
            deleting: RwSignal::new(message("delete")),
            details: RwSignal::new(query.get("details").is_some() || query.get("run").is_some()),
            adding: RwSignal::new(query.get("add").is_some()),
            run: query.get("run").and_then(|id| id.parse().ok()),
            target: RwSignal::new(None),
            order: order(thread),
        };
        provide_context(context);
        context
    }

    pub fn current() -> Self {
        expect_context()
    }
}

/// Whether this element stood in another conversation before: going from one to the next, the page keeps its
/// elements, and what a browser holds in them (a text, a scroll position) is still the other's.
pub fn was_anothers(element: &web_sys::Element, id: ConversationId) -> bool {
    let id = id.to_string();
    let before = element.get_attribute("data-shows");
    let _ = element.set_attribute("data-shows", &id);
    before.is_some_and(|before| before != id)
}

/// Moves the focus, so that it is not lost with what goes.
pub fn focus(selector: &str) {
    let found = document().query_selector(selector).ok().flatten();
    if let Some(element) = found.and_then(|found| found.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = element.focus();
    }
}

pub fn focus_message(id: MessageId) {
    focus(&["[data-message-id=\"", &id.to_string(), "\"]"].concat());
}

/// For the document's head, which the server writes last: what it is made of may be gone by then.
pub fn lasting(
    title: impl GetUntracked<Value = String> + Get<Value = String> + Send + Sync + 'static,
) -> impl Fn() -> String {
    let first = title.get_untracked();
    move || title.try_get().unwrap_or_else(|| first.clone())
}

#[component]
pub fn ThreadView(id: ConversationId, thread: Field<Thread>, me: User) -> impl IntoView {
    let client = use_client();
    ThreadContext::provide(id, &me, thread);
    Effect::new(move |_| client.open(id));
    let title = lasting(thread.title());
    view! {
        <Title text=title />
        <main class="pane with-details" id="main" tabindex="-1">
            <Head thread />
            <div class="notices">
                <QueryAlert />
            </div>
            <MessageList thread />
            <TypingIndicator thread />
            <Asking thread />
            <Composer thread />
        </main>
        <Details thread />
        <DeleteDialog />
    }
}

#[component]
fn Head(thread: Field<Thread>) -> impl IntoView {
    let title = thread.title();
    let people = Memo::new(move |_| {
        let members = thread.members();
        let members = members.read();
        let names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
        names.join(", ")
    });
    view! {
        <header class="thread-head">
            <BackLink href="/" label="Back to conversations" />
            <div class="titles">
                <h1>{move || title.get()}</h1>
                <p class="sub">{people}</p>
            </div>
            <ConnectionStatus />
            <DrawerToggle />
        </header>
    }
}
