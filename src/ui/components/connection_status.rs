//! How the page stands with the server; it opens to show how fast that is, and what became of it lately.

use leptos::{html, prelude::*};
use wasm_bindgen::JsCast;

use super::icon::{DOWN, Icon};
use crate::{
    client::{StateStoreFields, use_client},
    model::{
        LinkState,
        latency::Summary,
        link::{Reconnect, reason_text},
    },
    ui::{Zone, format},
};

#[component]
pub fn ConnectionStatus() -> impl IntoView {
    let client = use_client();
    let link = move || match client.state().link().get() {
        LinkState::Idle => "idle",
        LinkState::Connecting => "connecting",
        LinkState::Connected => "connected",
        LinkState::Waiting { .. } => "waiting",
        LinkState::Polling => "polling",
        LinkState::Offline | LinkState::SignedOut | LinkState::Stopped => "offline",
    };
    // That it waits is said once, not each second that is left.
    let live = move || (link() == "waiting").then_some("off");
    let open = RwSignal::new(false);
    let node = NodeRef::<html::Div>::new();
    let button = NodeRef::<html::Button>::new();
    let focus = move || {
        let _ = button.get_untracked().map(|button| button.focus());
    };
    // Wherever it was opened, the keyboard goes on from its button.
    let toggle = move |_| {
        open.update(|open| *open = !*open);
        focus();
    };
    let escape = move |event: leptos::ev::KeyboardEvent| {
        if event.key() == "Escape" && open.get_untracked() {
            // It closes this, and nothing around it.
            event.prevent_default();
            open.set(false);
            focus();
        }
    };
    // Whoever goes on elsewhere, by key or by pointer, has seen enough.
    let left = move |event: leptos::ev::FocusEvent| {
        let to = event.related_target().and_then(|target| target.dyn_into::<web_sys::Node>().ok());
        let is_inside = node.get_untracked().is_some_and(|node| node.contains(to.as_ref()));
        if !is_inside {
            open.set(false);
        }
    };
    view! {
        <div class="connection-box" node_ref=node on:keydown=escape on:focusout=left>
            <p class="connection" role="status" aria-label="Connection" aria-live=live data-link=link on:mousedown=|event| event.prevent_default() on:click=toggle>
                {move || client.status()}
            </p>
            <button
                class="icon-button needs-js"
                type="button"
                aria-label="Connection quality"
                aria-expanded=move || open.get().to_string()
                node_ref=button
                on:click=toggle
            >
                <Icon d=DOWN />
            </button>
            {move || open.get().then(|| view! { <Quality /> })}
        </div>
    }
}

/// Built when it is opened, and live while it is open.
#[component]
fn Quality() -> impl IntoView {
    let client = use_client();
    let report = Memo::new(move |_| client.connection_report());
    // The time without a connection ends with the state.
    let state = move || client.status();
    view! {
        <section class="quality" aria-label="Connection quality" tabindex="-1">
            <h2>{state}</h2>
            <table>
                <thead>
                    <tr>
                        <td></td>
                        <th scope="col">"Median"</th>
                        <th scope="col">"95 %"</th>
                        <th scope="col">"Count"</th>
                    </tr>
                </thead>
                <tbody>
                    {move || row("Sent to confirmed", report.read().ack)}
                    {move || row("Server to screen", report.read().render)}
                </tbody>
            </table>
            <h3>"Last reconnects"</h3>
            {move || {
                let reconnects = report.read().reconnects.clone();
                if reconnects.is_empty() {
                    view! { <p>"None since this page was opened."</p> }.into_any()
                } else {
                    view! { <ul class="reconnects">{reconnects.into_iter().map(line).collect_view()}</ul> }.into_any()
                }
            }}
        </section>
    }
}

fn row(what: &'static str, summary: Option<Summary>) -> impl IntoView {
    let latency = |ms: fn(Summary) -> u32| summary.map_or_else(|| "–".to_owned(), |of| format::latency(ms(of)));
    view! {
        <tr>
            <th scope="row">{what}</th>
            <td>{latency(|of| of.median_ms)}</td>
            <td>{latency(|of| of.p95_ms)}</td>
            <td>{summary.map_or(0, |of| of.count)}</td>
        </tr>
    }
}

fn line(Reconnect { lost_at, reason, lasted_ms }: Reconnect) -> impl IntoView {
    let zone = Zone::current();
    let lasted = match lasted_ms {
        Some(ms) => [", back after ", &format::duration(ms)].concat(),
        None => ", not back yet".to_owned(),
    };
    view! {
        <li>
            <span class="when">{zone.clock(lost_at)}</span>
            {reason_text(reason)}
            {lasted}
        </li>
    }
}
