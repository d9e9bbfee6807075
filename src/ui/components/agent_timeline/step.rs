//! One line of a run.

use leptos::prelude::*;
use serde_json::Value;

use super::{approval::ApprovalCard, outline::outline, step_field::StepField};
use crate::{
    model::{Step, StepKind},
    protocol::agent::{ChartTable, StepTopic, ToolCall, ToolClass, ToolResult},
    ui::format,
};

/// Longer words of an agent are cut off until all of them are asked for.
const SAID_CHARS: usize = 240;

#[component]
pub fn StepView(step: StepField) -> impl IntoView {
    // What changes about it is read where it is shown.
    let now = untrack(|| step.with(Step::clone));
    now.map(|now| view! { <Shown step now /> })
}

#[component]
fn Shown(step: StepField, now: Step) -> impl IntoView {
    let Step { seq, turn, what, .. } = now;
    let seq = seq.0.to_string();
    let (class, glyph, body) = match what {
        StepKind::Agent { agent, emoji, message, .. } => ("", emoji, line(agent, message)),
        StepKind::Topic { agent, emoji, message, topic, detail, .. } => match (topic, detail) {
            (StepTopic::Retry, _) => ("warn", "↻".to_owned(), line(agent, message)),
            (StepTopic::Said, Some(Value::String(words))) => ("", emoji, view! { <Said agent words /> }.into_any()),
            (_, Some(detail)) => ("", emoji, view! { <Notes agent message detail /> }.into_any()),
            _ => ("", emoji, line(agent, message)),
        },
        StepKind::Model { model, usage, first_token_ms, duration_ms } => {
            let text = format::model_call(model.as_deref(), usage.as_ref(), first_token_ms, duration_ms);
            ("small-print", String::new(), text.into_any())
        }
        StepKind::Tool { call, .. } => ("", "⚙".to_owned(), view! { <Tool step call /> }.into_any()),
        StepKind::Chart { url, title, table } => ("", "📈".to_owned(), view! { <Chart url title table /> }.into_any()),
        StepKind::Approval { asked, .. } => ("", "✋".to_owned(), view! { <ApprovalCard step asked /> }.into_any()),
    };
    view! {
        <li id=["step-", &seq].concat() tabindex="-1" class=class>
            {turn.map(|turn| view! { <p class="turn">{["Turn ", &turn.to_string()].concat()}</p> })}
            <span class="glyph" aria-hidden="true">
                {glyph}
            </span>
            {body}
            <a class="anchor" href=["#step-", &seq].concat() aria-label="Link to this step">
                "#"
            </a>
        </li>
    }
}

fn line(agent: String, message: String) -> AnyView {
    view! {
        <span class="who">{agent}</span>
        " "
        {message}
    }
    .into_any()
}

/// What an agent told the others.
#[component]
fn Said(agent: String, words: String) -> impl IntoView {
    let is_long = words.chars().nth(SAID_CHARS).is_some();
    let all = RwSignal::new(!is_long);
    view! {
        <span class="who">{agent}</span>
        <p class="said" class:clamped=move || !all.get()>
            {words}
        </p>
        {is_long
            .then(|| {
                view! {
                    <button
                        class="link needs-js"
                        type="button"
                        aria-expanded=move || all.get().to_string()
                        on:click=move |_| all.update(|all| *all = !*all)
                    >
                        {move || if all.get() { "Show less" } else { "Show all" }}
                    </button>
                }
            })}
    }
}

/// A ledger, for those who want to look.
#[component]
fn Notes(agent: String, message: String, detail: Value) -> impl IntoView {
    view! {
        <details class="notes">
            <summary>
                <span class="who">{agent}</span>
                " "
                {message}
            </summary>
            <pre tabindex="0">{outline(&detail)}</pre>
        </details>
    }
}

#[component]
fn Chart(url: String, title: String, table: Option<ChartTable>) -> impl IntoView {
    view! {
        <figure class="chart">
            <img src=url alt=title width="640" height="400" loading="lazy" />
            {table.map(|table| view! { <Numbers table /> })}
        </figure>
    }
}

/// The numbers of a picture.
#[component]
fn Numbers(table: ChartTable) -> impl IntoView {
    let row = |row: Vec<String>| {
        let mut cells = row.into_iter();
        let head = cells.next();
        let cells = cells.map(|cell| view! { <td>{cell}</td> }).collect_view();
        view! {
            <tr>
                <th scope="row">{head}</th>
                {cells}
            </tr>
        }
    };
    view! {
        <details class="numbers">
            <summary>"Data table"</summary>
            <div class="table-scroll" tabindex="0">
                <table>
                    <thead>
                        <tr>{table.columns.into_iter().map(|name| view! { <th scope="col">{name}</th> }).collect_view()}</tr>
                    </thead>
                    <tbody>{table.rows.into_iter().map(row).collect_view()}</tbody>
                </table>
            </div>
        </details>
    }
}

#[component]
fn Tool(step: StepField, call: ToolCall) -> impl IntoView {
    let result = Memo::new(move |last: Option<&Option<ToolResult>>| {
        // There is one, and then no other.
        last.cloned().flatten().or_else(|| {
            step.with(|step| match &step.what {
                StepKind::Tool { result, .. } => result.clone(),
                _ => None,
            })?
        })
    });
    let open = RwSignal::new(false);
    let arguments = pretty(&call.arguments);
    let panel = format!("call-{}", call.call_id);
    view! {
        <div class="tool">
            <button
                type="button"
                aria-expanded=move || open.get().to_string()
                aria-controls=panel.clone()
                on:click=move |_| open.update(|open| *open = !*open)
            >
                {call.tool_name}
            </button>
            {class(call.class)}
            <Outcome result />
            <div class="tool-body" id=panel hidden=move || !open.get()>
                <p class="tool-label">{["Arguments, from ", &call.agent].concat()}</p>
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
    }
}

/// What the tool does to the world, where it does something.
fn class(class: Option<ToolClass>) -> Option<impl IntoView> {
    let word = match class? {
        ToolClass::Read => return None,
        ToolClass::Write => "write",
        ToolClass::Costly => "costly",
    };
    Some(view! { <span class="class">{word}</span> })
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
fn pretty(arguments: &Value) -> String {
    let Some(fields) = arguments.as_object() else { return arguments.to_string() };
    let line = |(name, value): (&String, &Value)| match value.as_str() {
        Some(text) => [name.as_str(), ": ", text].concat(),
        None => [name.as_str(), ": ", &value.to_string()].concat(),
    };
    fields.iter().map(line).collect::<Vec<_>>().join("\n")
}
