//! `Queue`, `Mine`, `AI`, `All`, each with how many it holds. Links, so that an address keeps the tab and they work
//! where no script runs; with one the arrow keys go from tab to tab.

use leptos::{ev::KeyboardEvent, prelude::*};
use leptos_router::hooks::{use_location, use_navigate};

use super::{DeskContext, in_tab};
use crate::{
    client::{StateStoreFields, use_client},
    model::Tab,
    protocol::UserId,
    ui::components::thread::focus,
};

#[component]
pub fn Tabs(me: UserId) -> impl IntoView {
    let client = use_client();
    let context = DeskContext::current();
    let counts = Memo::new(move |_| client.state().desk().read().counts(me));
    let path = use_location().pathname;
    let navigate = use_navigate();
    let key = move |event: KeyboardEvent| {
        let at = Tab::EVERY.iter().position(|tab| *tab == context.tab.get_untracked()).unwrap_or_default();
        let last = Tab::EVERY.len() - 1;
        let to = match event.key().as_str() {
            "ArrowRight" => {
                if at == last {
                    0
                } else {
                    at + 1
                }
            }
            "ArrowLeft" => at.checked_sub(1).unwrap_or(last),
            "Home" => 0,
            "End" => last,
            _ => return,
        };
        event.prevent_default();
        navigate(&in_tab(&path.get_untracked(), Tab::EVERY[to]), Default::default());
        focus(&["#tab-", Tab::EVERY[to].as_str()].concat());
    };
    let one = move |(index, tab): (usize, Tab)| {
        let (id, count_id) = (["tab-", tab.as_str()].concat(), ["count-", tab.as_str()].concat());
        let described_by = count_id.clone();
        let is_here = move || context.tab.get() == tab;
        let count = move || counts.read()[index];
        view! {
            <a
                class="tab"
                role="tab"
                id=id
                href=move || in_tab(&path.get(), tab)
                aria-label=tab.name()
                aria-describedby=described_by
                aria-selected=move || is_here().to_string()
                aria-controls="inbox-lines"
                tabindex=move || if is_here() { "0" } else { "-1" }
            >
                {tab.name()}
                <span class="tab-count" id=count_id class:some=move || { count() > 0 }>
                    {count}
                </span>
            </a>
        }
    };
    view! {
        <div class="tabs" role="tablist" aria-label="Dialogs" on:keydown=key>
            {Tab::EVERY.into_iter().enumerate().map(one).collect_view()}
        </div>
    }
}
