//! What went wrong with something one did, and what an admin told everybody.

use leptos::prelude::*;
use reactive_stores::Field;

use super::icon::{CLOSE, Icon};
use crate::client::{Notice, NoticeKind, StateStoreFields, use_client};

#[component]
pub fn Notices() -> impl IntoView {
    let client = use_client();
    let notices = client.state().notices();
    view! {
        <div class="notices">
            <For each=move || notices.into_iter() key=|notice| notice.key() let:notice>
                <Line notice=notice.into() />
            </For>
        </div>
    }
}

#[component]
fn Line(notice: Field<Notice>) -> impl IntoView {
    let client = use_client();
    let notice = notice.get_untracked();
    let id = notice.id;
    let is_unsent = matches!(notice.what, NoticeKind::Unsent(_));
    let (class, role, text) = match notice.what {
        NoticeKind::Problem(_) => ("alert", "alert", notice.text),
        NoticeKind::Broadcast(from) => ("notice", "status", format!("{from}: {}", notice.text)),
        NoticeKind::Unsent(_) => ("alert", "alert", notice.text),
    };
    let label = if is_unsent { "Delete" } else { "Dismiss" };
    view! {
        <div class=class role=role>
            <span>{text}</span>
            <button class="icon-button" type="button" aria-label=label title=label on:click=move |_| client.dismiss(id)>
                <Icon d=CLOSE />
            </button>
        </div>
    }
}
