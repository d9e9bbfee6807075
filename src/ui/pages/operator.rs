//! `/operator`: the frame of the operators' panel, the list of dialogs beside whatever is open.

pub mod dialog;
pub mod start;

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::components::Outlet;

use super::{home::Failure, not_found::Nothing};
use crate::{
    api::{
        self,
        desk::{DeskData, load_desk},
    },
    client::{StateStoreFields, use_client},
    model::desk::visitor_name,
    protocol::Code,
    ui::components::{
        desk::{DeskContext, canned_editor::CannedEditor, inbox::Inbox, shortcuts::Shortcuts},
        pane::Frame,
        thread::lasting,
    },
};

#[component]
pub fn OperatorPage() -> impl IntoView {
    let client = use_client();
    let context = DeskContext::provide();
    let desk = Resource::new(|| (), |()| load_desk());
    let is_page_open = Signal::derive(move || context.id.get().is_some());
    view! {
        <Frame skip="Skip to the dialog" class="app desk" is_page_open>
            <Suspense>
                {move || Suspend::new(async move {
                    match desk.await {
                        Ok(DeskData { me, dialogs, canned }) => {
                            client.seed_user(&me);
                            client.seed_desk(dialogs, canned);
                            view! { <Panel context me /> }.into_any()
                        }
                        Err(error) => view! { <Refused error /> }.into_any(),
                    }
                })}
            </Suspense>
        </Frame>
    }
}

#[component]
fn Panel(context: DeskContext, me: crate::protocol::http::User) -> impl IntoView {
    let client = use_client();
    let id = me.id;
    // Nobody's page connects: who is refused has none.
    Effect::new(move |_| client.start());
    let title = Memo::new(move |_| {
        let (desk, open) = (client.state().desk(), context.id.get());
        let desk = desk.read();
        let name = open.and_then(|id| desk.line(id)).map_or("Operator panel", visitor_name);
        match desk.wanting(id) {
            0 => name.to_owned(),
            count => ["(", &count.to_string(), ") ", name].concat(),
        }
    });
    view! {
        <Title text=lasting(title) />
        <Inbox me=me.clone() />
        <Outlet />
        <Shortcuts me=me.id />
        <CannedEditor />
    }
}

/// Who is no operator learns no more than that there is nothing here.
#[component]
fn Refused(error: api::ApiError) -> impl IntoView {
    let shown = match error.code {
        Code::NotFound | Code::Forbidden => view! { <Nothing /> }.into_any(),
        _ => view! { <Failure error /> }.into_any(),
    };
    view! { <main class="page">{shown}</main> }
}
