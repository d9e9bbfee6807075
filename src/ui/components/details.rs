//! Beside the thread: its people and what the agents do. A drawer where there is no room.

use leptos::{ev::SubmitEvent, prelude::*, task::spawn_local};
use reactive_stores::Field;

use super::{
    agent_timeline::AgentTimeline,
    alert::Alert,
    avatar::Avatar,
    dialog::{Dialog, form_of, value_of},
    drawer::Drawer,
    thread::ThreadContext,
};
use crate::{
    api,
    model::{Thread, ThreadStoreFields},
    protocol::{Author, http::Member, server::PresenceStatus},
};

#[component]
pub fn Details(thread: Field<Thread>) -> impl IntoView {
    view! {
        <Drawer>
            <Members thread />
            <AgentTimeline thread />
        </Drawer>
        <AddMember />
    }
}

#[component]
fn Members(thread: Field<Thread>) -> impl IntoView {
    let context = ThreadContext::current();
    let members = Memo::new(move |_| thread.members().get());
    let open = move |event: leptos::ev::MouseEvent| {
        event.prevent_default();
        context.adding.set(true);
    };
    view! {
        <section aria-label="People">
            <div class="details-head">
                <h2>"People"</h2>
                <form method="get">
                    <button class="button small" name="add" value="1" on:click=open>
                        "Add member"
                    </button>
                </form>
            </div>
            <ul class="members">
                <For each=move || members.get() key=|member| (member.id, member.username.is_empty()) let:member>
                    <Person thread member />
                </For>
            </ul>
        </section>
    }
}

#[component]
fn Person(thread: Field<Thread>, member: Member) -> impl IntoView {
    let id = member.id;
    let status = Memo::new(move |_| {
        let presence = thread.presence();
        let presence = presence.read();
        // Who is not named there has left.
        presence.iter().find(|now| now.user.id == id).map_or(PresenceStatus::Offline, |now| now.status)
    });
    let word = move || match status.get() {
        PresenceStatus::Online => "online",
        PresenceStatus::Away => "away",
        PresenceStatus::Offline => "offline",
    };
    let name = StoredValue::new(member.name.clone());
    let label = move || name.with_value(|name| [name.as_str(), ", ", word()].concat());
    let author = Author { id, name: member.name.clone(), emoji: None };
    view! {
        <li data-user=member.username>
            <Avatar author />
            <span class="name">{member.name}</span>
            <span class="state">
                <span class=move || ["dot ", word()].concat() role="img" aria-label=label></span>
                <span aria-hidden="true">{word}</span>
            </span>
        </li>
    }
}

/// The dialog `Add member`. `?add=1` opens it, with or without a script.
#[component]
fn AddMember() -> impl IntoView {
    let context = ThreadContext::current();
    let open = context.adding;
    let by_url = open.get_untracked();
    let close = Callback::new(move |()| open.set(false));
    let failure = RwSignal::new(None::<String>);
    let busy = StoredValue::new(false);
    let add = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(form) = form_of(&event).filter(|_| !busy.get_value()) else { return };
        busy.set_value(true);
        let username = value_of(&form, "username");
        spawn_local(async move {
            let added = api::conversation::add_member(context.id, username).await;
            busy.try_set_value(false);
            match added {
                Ok(()) => {
                    open.set(false);
                    failure.set(None);
                    form.reset();
                }
                Err(error) => failure.set(Some(error.detail)),
            }
        });
    };
    view! {
        <Dialog title="Add member" open close by_url>
            <form method="post" action="/fn/add_member" on:submit=add>
                <h2>"Add member"</h2>
                <Alert text=failure />
                <input type="hidden" name="conversation" value=context.id.to_string() />
                <div class="field">
                    <label for="add-username">"Username"</label>
                    <input
                        class="input"
                        id="add-username"
                        name="username"
                        required
                        autocomplete="off"
                        autocapitalize="none"
                        spellcheck="false"
                        autofocus
                    />
                </div>
                <div class="row">
                    <a
                        class="button"
                        href=format!("/c/{}", context.id)
                        on:click=move |event| {
                            event.prevent_default();
                            open.set(false);
                        }
                    >
                        "Cancel"
                    </a>
                    <button class="button primary" type="submit">
                        "Add"
                    </button>
                </div>
            </form>
        </Dialog>
    }
}
