//! What the agents did and do: each run, its steps, its calls and what they gave, its progress, its charts.

mod step;

use leptos::prelude::*;
use reactive_stores::Field;

use self::step::StepView;
use crate::{
    model::{Run, RunStoreFields, Thread, ThreadStoreFields},
    protocol::RunStatus,
    ui::Zone,
};

#[component]
pub fn AgentTimeline(thread: Field<Thread>) -> impl IntoView {
    let runs = thread.runs();
    let is_empty = Memo::new(move |_| runs.read().is_empty());
    // The newest first: it is the one that is watched.
    let newest_first = move || {
        let mut runs: Vec<_> = runs.into_iter().collect();
        runs.reverse();
        runs
    };
    view! {
        <section aria-label="Agent timeline">
            <div class="details-head">
                <h2>"Agent timeline"</h2>
            </div>
            {move || {
                is_empty
                    .get()
                    .then(|| {
                        view! {
                            <p class="timeline-empty">
                                "When an agent works on an answer, its steps, tools and results show up here as they happen."
                            </p>
                        }
                    })
            }}
            <div class="timeline">
                <For each=newest_first key=|run| run.key() let:run>
                    <RunView run=run.into() />
                </For>
            </div>
        </section>
    }
}

#[component]
fn RunView(run: Field<Run>) -> impl IntoView {
    let zone = Zone::current();
    let status = Memo::new(move |last| run.status().try_get().or(last.copied()).unwrap_or(RunStatus::Completed));
    let started_at = run.started_at().get_untracked();
    let message = Memo::new(move |_| run.message().try_get().flatten());
    let steps = run.steps();
    view! {
        <div
            class="run"
            role="group"
            aria-label=move || ["Run, ", status.get().as_str()].concat()
            data-status=move || status.get().as_str()
            data-live=move || (!status.get().is_over()).then_some("")
        >
            <div class="run-head">
                <span class="run-mark" aria-hidden="true"></span>
                <span class="state">{move || word(status.get())}</span>
                <time datetime=started_at.to_string()>{move || zone.clock(started_at)}</time>
            </div>
            <ProgressBar run />
            {move || message.get().map(|text| view! { <p class="run-note">{text}</p> })}
            <ol class="steps">
                <For each=move || steps.into_iter() key=|step| step.key() let:step>
                    <StepView step=step.into() />
                </For>
            </ol>
        </div>
    }
}

#[component]
fn ProgressBar(run: Field<Run>) -> impl IntoView {
    let percentage = Memo::new(move |_| run.progress().try_get().flatten().map(|progress| progress.percentage as i64));
    let shown = Memo::new(move |_| percentage.get().is_some());
    move || {
        shown.get().then(|| {
            let value = move || percentage.get().unwrap_or_default().to_string();
            view! { <progress class="progress" aria-label="Progress" max="100" value=value></progress> }
        })
    }
}

/// The status for people.
const fn word(status: RunStatus) -> &'static str {
    match status {
        RunStatus::Initializing => "Starting",
        RunStatus::Processing => "Working",
        RunStatus::Waiting => "Waiting for approval",
        RunStatus::Completed => "Done",
        RunStatus::Cancelled => "Stopped",
        RunStatus::Failed => "Failed",
        RunStatus::Interrupted => "Interrupted by a restart",
    }
}
