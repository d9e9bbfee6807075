//! Beside the dialog: who the visitor is, where they come from, what they asked before, and what the agents did.

use leptos::prelude::*;
use reactive_stores::Field;

use super::DeskContext;
use crate::{
    model::{Thread, ThreadStoreFields},
    protocol::{
        dialog::{DialogStatus, PastDialog, VisitorDetails},
        server::PresenceStatus,
    },
    ui::{
        Zone,
        components::{agent_timeline::AgentTimeline, drawer::Drawer},
    },
};

#[component]
pub fn Visitor(thread: Field<Thread>) -> impl IntoView {
    let visitor = Memo::new(move |_| thread.visitor().get());
    view! {
        <Drawer>
            {move || visitor.get().map(|visitor| view! { <Facts thread visitor /> })}
            <AgentTimeline thread />
        </Drawer>
    }
}

#[component]
fn Facts(thread: Field<Thread>, visitor: VisitorDetails) -> impl IntoView {
    let zone = Zone::current();
    let id = visitor.id;
    let is_here = Memo::new(move |_| {
        let presence = thread.presence();
        let presence = presence.read();
        presence.iter().any(|one| one.user.id == id && one.status != PresenceStatus::Offline)
    });
    let verified = if visitor.verified { "Verified by the site" } else { "Not verified" };
    let first_seen = visitor.first_seen;
    let seen = move || [zone.day(first_seen), ", ".to_owned(), zone.clock(first_seen)].concat();
    let fact = |name: &'static str, value: Option<String>| {
        value.filter(|value| !value.is_empty()).map(|value| view! { <dt>{name}</dt> <dd>{value}</dd> })
    };
    let device = visitor.device.as_deref().map(device);
    view! {
        <section aria-label="Visitor">
            <div class="details-head">
                <h2>"Visitor"</h2>
                <span class="state">
                    <span class=move || if is_here.get() { "dot online" } else { "dot offline" }></span>
                    {move || if is_here.get() { "online" } else { "offline" }}
                </span>
            </div>
            <dl class="facts">
                <dt>"Name"</dt>
                <dd>
                    {visitor.name.clone()} " "
                    <span class="tag" class:verified=visitor.verified>
                        {verified}
                    </span>
                </dd>
                {fact("Email", visitor.email)}
                {fact("Their id", visitor.external_id)}
                {visitor.page.map(|page| view! { <dt>"Page"</dt> <dd><Address page /></dd> })}
                {visitor.referrer.map(|page| view! { <dt>"Came from"</dt> <dd><Address page /></dd> })}
                {fact("Device", device)}
                <dt>"First seen"</dt>
                <dd>
                    <time datetime=first_seen.to_string()>{seen}</time>
                </dd>
                {fact("Site", Some(visitor.site_name))}
            </dl>
        </section>
        <Past past=visitor.past />
    }
}

/// Somebody else's address: shown, and a link only where it leads to a page.
#[component]
fn Address(page: String) -> impl IntoView {
    if page.starts_with("https://") || page.starts_with("http://") {
        view! {
            <a href=page.clone() target="_blank" rel="noopener noreferrer nofollow">
                {page.clone()}
            </a>
        }
        .into_any()
    } else {
        page.into_any()
    }
}

#[component]
fn Past(past: Vec<PastDialog>) -> impl IntoView {
    let desk = DeskContext::current();
    let zone = Zone::current();
    let one = move |past: PastDialog| {
        let (id, at) = (past.id, past.last_at);
        let status = match past.status {
            DialogStatus::Open => "open",
            DialogStatus::Snoozed => "snoozed",
            DialogStatus::Resolved => "resolved",
        };
        view! {
            <li>
                <a href=move || desk.link(id)>{move || [zone.day(at), ", ".to_owned(), zone.clock(at)].concat()}</a>
                " "
                <span class="muted">{status}</span>
            </li>
        }
    };
    (!past.is_empty()).then(|| {
        view! {
            <section aria-label="Past dialogs">
                <div class="details-head">
                    <h2>"Past dialogs"</h2>
                </div>
                <ul class="past">{past.into_iter().map(one).collect_view()}</ul>
            </section>
        }
    })
}

/// `Firefox on Windows`, from what the browser says of itself; all of that where it is none of the usual ones.
fn device(words: &str) -> String {
    let has = |word: &&(&str, &str)| words.contains(word.0);
    let browsers = [
        ("Edg", "Edge"),
        ("OPR", "Opera"),
        ("Firefox", "Firefox"),
        ("FxiOS", "Firefox"),
        ("CriOS", "Chrome"),
        ("Chrome", "Chrome"),
        ("Safari", "Safari"),
    ];
    let systems = [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ];
    let found = browsers.iter().find(has).zip(systems.iter().find(has));
    found.map_or_else(|| words.to_owned(), |(browser, system)| [browser.1, " on ", system.1].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_named_by_what_it_says_of_itself() {
        let chrome =
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36";
        assert_eq!(device(chrome), "Chrome on Linux");
        let phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605 Version/18.1 Safari/604.1";
        assert_eq!(device(phone), "Safari on iPhone");
        assert_eq!(
            device("Mozilla/5.0 (Windows NT 10.0; rv:132.0) Gecko/20100101 Firefox/132.0"),
            "Firefox on Windows"
        );
        assert_eq!(device("curl/8.5.0"), "curl/8.5.0");
    }
}
