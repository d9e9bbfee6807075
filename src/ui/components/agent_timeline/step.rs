//! One line of a run.

use leptos::prelude::*;
use reactive_stores::Field;

use crate::{
    model::{Step, StepKind, StepStoreFields},
    protocol::agent::{ToolCall, ToolResult},
    ui::format,
};

#[component]
pub fn StepView(step: Field<Step>) -> impl IntoView {
    match step.what().get_untracked() {
        StepKind::Agent { agent, emoji, message, .. } => view! {
            <li>
                <span class="glyph" aria-hidden="true">
                    {emoji}
                </span>
                <span class="who">{agent}</span>
                " "
                {message}
            </li>
        }
        .into_any(),
        StepKind::Tool { call, .. } => view! { <Tool step call /> }.into_any(),
        StepKind::Chart { url, title, .. } => view! {
            <li>
                <span class="glyph" aria-hidden="true">
                    "📈"
                </span>
                <figure class="chart">
                    <img src=url alt=title width="640" height="400" />
                </figure>
            </li>
        }
        .into_any(),
    }
}

#[component]
fn Tool(step: Field<Step>, call: ToolCall) -> impl IntoView {
    let result = Memo::new(move |last: Option<&Option<ToolResult>>| match step.what().try_get() {
        Some(StepKind::Tool { result, .. }) => result,
        _ => last.cloned().flatten(),
    });
    let open = RwSignal::new(false);
    let arguments = pretty(&call.arguments);
    let panel = format!("call-{}", call.call_id);
    view! {
        <li>
            <span class="glyph" aria-hidden="true">
                "⚙"
            </span>
            <div class="tool">
                <button
                    type="button"
                    aria-expanded=move || open.get().to_string()
                    aria-controls=panel.clone()
                    on:click=move |_| open.update(|open| *open = !*open)
                >
                    {call.tool_name}
                </button>
                <Outcome result />
                <div class="tool-body" id=panel hidden=move || !open.get()>
                    <p class="tool-label">"Arguments"</p>
                    <pre tabindex="0">{arguments}</pre>
                    {move || {
                        result
                            .get()
                            .map(|result| {
                                view! {
                                    <p class="tool-label">"Result"</p>
                                    <pre tabindex="0">{result.result_preview}</pre>
                                }
                            })
                    }}
                </div>
            </div>
        </li>
    }
}

/// How a call went, in a word.
#[component]
fn Outcome(result: Memo<Option<ToolResult>>) -> impl IntoView {
    move || match result.get() {
        None => view! { <span class="took">"running…"</span> }.into_any(),
        Some(result) if result.success => {
            view! { <span class="took">{format::duration(result.duration_ms)}</span> }.into_any()
        }
        Some(_) => view! { <span class="took failed">"failed"</span> }.into_any(),
    }
}

/// One `name: value` a line, as people read it.
fn pretty(arguments: &serde_json::Value) -> String {
    let Some(fields) = arguments.as_object() else { return arguments.to_string() };
    let line = |(name, value): (&String, &serde_json::Value)| match value.as_str() {
        Some(text) => [name.as_str(), ": ", text].concat(),
        None => [name.as_str(), ": ", &value.to_string()].concat(),
    };
    fields.iter().map(line).collect::<Vec<_>>().join("\n")
}
