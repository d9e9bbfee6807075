//! `/widget/{site}`: the frame that a website's page shows its visitors.
//!
//! It has no cookie. Its session comes from the launcher on the page around it, when that has one; what the server
//! renders is the same for everybody.

mod hands;
mod paint;
mod past;
mod pictures;
mod talk;

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use self::{paint::paint, past::Past, talk::Talk};
use super::not_found::NotFound;
use crate::{
    api,
    client::{Launcher, StateStoreFields, Visit, use_client},
    protocol::{ConversationId, Problem, http::User, site::PublicSite},
    ui::components::{
        connection_status::ConnectionStatus,
        icon::{CLOSE, Icon},
        notices::Notices,
    },
};

const LIST: &str = "M5 7h14M5 12h14M5 17h9";
const LOUD: &str = "M4 10v4h3l5 4V6L7 10zM16 9a4 4 0 0 1 0 6M18.500 6.500a8 8 0 0 1 0 11";
const QUIET: &str = "M4 10v4h3l5 4V6L7 10zM16 10l5 5M21 10l-5 5";

/// What the parts of the frame share.
#[derive(Clone, Copy)]
struct Frame {
    launcher: Launcher,
    /// Whether the visitor's dialogs are listed instead of one of them.
    is_listing: RwSignal<bool>,
    /// The dialog that is shown, where it is another than the open one.
    chosen: RwSignal<Option<ConversationId>>,
}

#[component]
pub fn WidgetPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("site").unwrap_or_default());
    let site = Resource::new(move || id.get(), api::sites::widget_site);
    view! {
        <Suspense>
            {move || Suspend::new(async move {
                match site.await {
                    Ok(site) => view! { <Widget site /> }.into_any(),
                    Err(_) => view! { <NotFound /> }.into_any(),
                }
            })}
        </Suspense>
    }
}

#[component]
fn Widget(site: PublicSite) -> impl IntoView {
    let launcher = Launcher::new(use_client());
    provide_context(launcher);
    let frame = Frame { launcher, is_listing: RwSignal::new(false), chosen: RwSignal::new(None) };
    provide_context(frame);
    let color = site.color.clone();
    Effect::new(move |_| {
        paint(&color);
        launcher.start();
    });
    count_unread(launcher);
    close_on_escape(launcher);
    let title = ["Chat with ", &site.name].concat();
    let site = StoredValue::new(site);
    view! {
        <Title text=title />
        <main class="widget" id="main" tabindex="-1">
            <Head site frame />
            <Notices />
            {move || match launcher.visit.get() {
                Visit::Waiting => view! { <Greeting site is_busy=true /> }.into_any(),
                Visit::Alone => view! { <Alone /> }.into_any(),
                Visit::Refused(problem) => view! { <Refused problem launcher /> }.into_any(),
                Visit::Here { dialog, me } => view! { <Here site dialog me frame /> }.into_any(),
            }}
        </main>
    }
}

#[component]
fn Head(site: StoredValue<PublicSite>, frame: Frame) -> impl IntoView {
    let Frame { launcher, is_listing, .. } = frame;
    let loud = move || launcher.is_loud.get();
    view! {
        <header class="widget-head">
            <div class="titles">
                <h1>{site.with_value(|site| site.name.clone())}</h1>
                <ConnectionStatus />
            </div>
            <button
                class="icon-button"
                type="button"
                aria-label="Your conversations"
                title="Your conversations"
                aria-pressed=move || is_listing.get().to_string()
                on:click=move |_| is_listing.update(|listing| *listing = !*listing)
            >
                <Icon d=LIST />
            </button>
            <button
                class="icon-button"
                type="button"
                aria-label="Sound"
                title="Sound"
                aria-pressed=move || loud().to_string()
                on:click=move |_| launcher.set_loud(!launcher.is_loud.get_untracked())
            >
                {move || if loud() { view! { <Icon d=LOUD /> } } else { view! { <Icon d=QUIET /> } }}
            </button>
            <button class="icon-button" type="button" aria-label="Close chat" title="Close chat" on:click=move |_| launcher.close()>
                <Icon d=CLOSE />
            </button>
        </header>
    }
}

/// What a visitor reads before anything was said.
#[component]
fn Greeting(site: StoredValue<PublicSite>, #[prop(optional)] is_busy: bool) -> impl IntoView {
    let (greeting, hours) = site.with_value(|site| (site.greeting.clone(), site.hours.clone()));
    view! {
        <div class="widget-greeting" aria-busy=is_busy.then_some("true")>
            <p>{greeting}</p>
            {(!hours.is_empty()).then(|| view! { <p class="hours">{hours}</p> })}
        </div>
    }
}

#[component]
fn Here(site: StoredValue<PublicSite>, dialog: ConversationId, me: User, frame: Frame) -> impl IntoView {
    // A new dialog is what was asked for.
    frame.chosen.set(None);
    frame.is_listing.set(false);
    move || {
        if frame.is_listing.get() {
            return view! { <Past dialog frame /> }.into_any();
        }
        let id = frame.chosen.get().unwrap_or(dialog);
        view! { <Talk id me=me.clone() site /> }.into_any()
    }
}

#[component]
fn Refused(problem: Problem, launcher: Launcher) -> impl IntoView {
    view! {
        <div class="empty">
            <p class="alert" role="alert">
                <span>{problem.detail}</span>
            </p>
            <button class="button" type="button" on:click=move |_| launcher.renew(false)>
                "Try again"
            </button>
        </div>
    }
}

#[component]
fn Alone() -> impl IntoView {
    view! {
        <div class="empty">
            <h2>"This chat lives on a website"</h2>
            <p>"It is opened there, by the button “Chat with us”."</p>
        </div>
    }
}

/// The launcher shows how much is unread, over all of the visitor's dialogs.
fn count_unread(launcher: Launcher) {
    let client = use_client();
    let unread = Memo::new(move |_| client.state().conversations().read().iter().map(|row| row.unread).sum::<u64>());
    Effect::new(move |_| launcher.unread(unread.get()));
}

/// Escape closes the chat, unless it closes something in it.
fn close_on_escape(launcher: Launcher) {
    Effect::new(move |_| {
        let listener = window_event_listener(leptos::ev::keydown, move |event| {
            let inner = document().query_selector("dialog[open], .quality, .emojis, .edit-form").ok().flatten();
            if event.key() == "Escape" && inner.is_none() && !event.is_composing() && !event.default_prevented() {
                launcher.close();
            }
        });
        on_cleanup(move || listener.remove());
    });
}
