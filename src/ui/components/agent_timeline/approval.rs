//! What a run may only do with somebody's consent: the card that asks for it, and the line that leads there.

use std::time::Duration;

use leptos::{html, prelude::*};
use reactive_stores::Field;
use serde_json::Value;

use super::{link::Target, step_field::StepField};
use crate::{
    client::use_client,
    model::{StepKind, Thread, ThreadStoreFields},
    protocol::{
        Seq, Timestamp,
        agent::{Approval, ApprovalResolved},
    },
    ui::{components::thread::ThreadContext, format},
};

#[component]
pub fn ApprovalCard(step: StepField, asked: Approval) -> impl IntoView {
    let resolved = Memo::new(move |last: Option<&Option<ApprovalResolved>>| {
        let now = step.with(|step| match &step.what {
            StepKind::Approval { resolved, .. } => resolved.clone(),
            _ => None,
        });
        now.unwrap_or_else(|| last.cloned().flatten())
    });
    let is_open = Memo::new(move |_| resolved.read().is_none());
    let label = ["Approval: ", &asked.tool_name].concat();
    let text = [&asked.agent, " wants to use "].concat();
    let tool = asked.tool_name.clone();
    view! {
        <div class="approval" role="group" aria-label=label>
            <p>
                {text} <b>{tool}</b>
            </p>
            {move || if is_open.get() { view! { <Decide asked=asked.clone() /> }.into_any() } else { ().into_any() }}
            {move || resolved.get().map(|resolved| view! { <p class="decided">{decided(&resolved)}</p> })}
        </div>
    }
}

#[component]
fn Decide(asked: Approval) -> impl IntoView {
    let context = ThreadContext::current();
    let client = use_client();
    let node = NodeRef::<html::Textarea>::new();
    let wrong = RwSignal::new(None::<String>);
    let left = countdown(asked.expires_at);
    let call = (asked.run_id, asked.call_id);
    let before = serde_json::to_string_pretty(&asked.arguments).unwrap_or_default();
    let rows = before.lines().count().clamp(2, 12).to_string();
    let approve = move |_| {
        let Some(area) = node.get_untracked() else { return };
        match serde_json::from_str::<Value>(&area.value()) {
            Ok(arguments) if arguments.is_object() => {
                wrong.set(None);
                let changed = Some(arguments).filter(|arguments| *arguments != asked.arguments);
                client.decide(context.id, call, true, changed);
            }
            Ok(_) => wrong.set(Some("The arguments are an object: { … }.".to_owned())),
            Err(error) => wrong.set(Some(["This is no JSON: ", &error.to_string()].concat())),
        }
    };
    view! {
        <label>
            <span class="tool-label">"Arguments"</span>
            <textarea
                rows=rows
                spellcheck="false"
                aria-invalid=move || wrong.read().is_some().then_some("true")
                node_ref=node
            >
                {before}
            </textarea>
        </label>
        {move || wrong.get().map(|text| view! { <p class="alert" role="alert">{text}</p> })}
        <div class="row">
            <button class="button small primary needs-js" type="button" on:click=approve>
                "Approve"
            </button>
            <button
                class="button small danger needs-js"
                type="button"
                on:click=move |_| client.decide(context.id, call, false, None)
            >
                "Deny"
            </button>
            <span class="took">{left}</span>
        </div>
    }
}

/// How long it may still be decided. Nothing before a browser has looked at its clock.
fn countdown(until: Timestamp) -> Signal<String> {
    let left = RwSignal::new(String::new());
    Effect::new(move |_| {
        let look = move || {
            let ms = until.as_ms() - js_sys::Date::now() as i64;
            left.set(format::time_left(ms));
        };
        look();
        if let Ok(handle) = set_interval_with_handle(look, Duration::from_secs(1)) {
            on_cleanup(move || handle.clear());
        }
    });
    left.into()
}

fn decided(ApprovalResolved { approved, by, arguments, .. }: &ApprovalResolved) -> String {
    let Some(by) = by else { return "Nobody decided in time.".to_owned() };
    let how = match (approved, arguments.is_some()) {
        (true, false) => "Approved by ",
        (true, true) => "Approved, with other arguments, by ",
        (false, _) => "Denied by ",
    };
    [how, &by.name].concat()
}

/// The line over the composer: something waits for consent. It leads to the card.
#[component]
pub fn Asking(thread: Field<Thread>) -> impl IntoView {
    let context = ThreadContext::current();
    let pending: Memo<Option<(Seq, String)>> = Memo::new(move |_| {
        let runs = thread.runs();
        let runs = runs.read();
        let (run, seq) = runs.iter().find_map(|run| Some((run, *run.pending.first()?)))?;
        let step = &run.steps[run.steps.binary_search_by_key(&seq, |step| step.seq).ok()?];
        let StepKind::Approval { asked, .. } = &step.what else { return None };
        Some((seq, [&asked.agent, " asks for approval: ", &asked.tool_name].concat()))
    });
    let lead = move |seq: Seq| {
        context.target.set(None);
        super::link::lead_to(context, Target::Step(seq));
    };
    view! {
        <div role="status" class="asking">
            {move || {
                pending
                    .get()
                    .map(|(seq, text)| {
                        view! {
                            <span>{text}</span>
                            <button class="button small needs-js" type="button" on:click=move |_| lead(seq)>
                                "Show"
                            </button>
                        }
                    })
            }}
        </div>
    }
}
