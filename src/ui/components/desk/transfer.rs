//! The dialog `Transfer`: to whom, and who of them is here.

use leptos::{prelude::*, task::spawn_local};

use super::DeskContext;
use crate::{
    client::use_client,
    protocol::{Author, UserId, desk::Operator, dialog::ControlAction, server::PresenceStatus},
    ui::components::{avatar::Avatar, dialog::Dialog, thread::ThreadContext},
};

#[component]
pub fn TransferDialog(me: UserId) -> impl IntoView {
    let client = use_client();
    let open = DeskContext::current().transferring;
    let close = Callback::new(move |()| open.set(false));
    let operators = RwSignal::new(None::<Vec<Operator>>);
    // Asked for each time: who is here changes.
    Effect::new(move |_| {
        if open.get() {
            operators.set(None);
            spawn_local(async move {
                match client.operators().await {
                    Ok(list) => _ = operators.try_set(Some(list)),
                    Err(problem) => {
                        open.try_set(false);
                        client.problem(problem);
                    }
                }
            });
        }
    });
    let others = move || operators.get().map(|list| list.into_iter().filter(|one| one.id != me).collect::<Vec<_>>());
    view! {
        <Dialog title="Transfer" open close by_url=false>
            <form method="dialog">
                <h2>"Transfer"</h2>
                {move || match others() {
                    None => view! { <p role="status">"Looking who is here…"</p> }.into_any(),
                    Some(list) if list.is_empty() => {
                        view! { <p>"There is no other operator. An admin makes them in the settings."</p> }.into_any()
                    }
                    Some(list) => {
                        view! {
                            <ul class="members">
                                {list.into_iter().map(|one| view! { <To one /> }).collect_view()}
                            </ul>
                        }
                            .into_any()
                    }
                }}
                <div class="row">
                    <button class="button" type="submit">
                        "Cancel"
                    </button>
                </div>
            </form>
        </Dialog>
    }
}

#[component]
fn To(one: Operator) -> impl IntoView {
    let client = use_client();
    let context = ThreadContext::current();
    let open = DeskContext::current().transferring;
    let state = match one.status {
        PresenceStatus::Online => "online",
        PresenceStatus::Away => "away",
        PresenceStatus::Offline => "offline",
    };
    let (author, username) = (Author { id: one.id, name: one.name.clone(), emoji: None }, one.username);
    let label = ["Transfer to ", &one.name, ", ", state].concat();
    let give = move |_| {
        client.control(context.id, ControlAction::Transfer, Some(username.clone()));
        open.set(false);
    };
    view! {
        <li>
            <Avatar author />
            <span class="name">{one.name}</span>
            <span class="state">
                <span class=["dot ", state].concat()></span>
                {state}
            </span>
            <button class="button small" type="button" aria-label=label on:click=give>
                "Transfer"
            </button>
        </li>
    }
}
