//! One run: how it goes, what it took, its steps when it is opened, and what one can do about it.

use leptos::{prelude::*, task::spawn_local};
use reactive_stores::Field;

use super::{link::Target, step::StepView, step_field::StepField, window::Window};
use crate::{
    client::use_client,
    model::{Run, RunStoreFields, Step, Thread},
    protocol::{RunId, RunStatus, agent::Usage, limits},
    ui::{Zone, components::thread::ThreadContext, format},
};

#[component]
pub fn RunView(thread: Field<Thread>, run: Field<Run>) -> impl IntoView {
    let context = ThreadContext::current();
    let zone = Zone::current();
    let status = Memo::new(move |last| run.status().try_get().or(last.copied()).unwrap_or(RunStatus::Completed));
    let (id, started_at) = {
        let run = run.read_untracked();
        (run.id, run.started_at)
    };
    let message = Memo::new(move |_| run.message().try_get().flatten());
    let open = opened(context, thread, run);
    let panel = ["steps-", &id.to_string()].concat();
    view! {
        <div
            class="run"
            role="group"
            tabindex="-1"
            id=["run-", &id.to_string()].concat()
            aria-label=move || ["Run, ", status.get().as_str()].concat()
            data-status=move || status.get().as_str()
            data-live=move || (!status.get().is_over()).then_some("")
        >
            <form class="run-head" method="get">
                <span class="run-mark" aria-hidden="true"></span>
                <span class="state">{move || word(status.get())}</span>
                <a class="at" href=["#run-", &id.to_string()].concat() title="Link to this run">
                    <time datetime=started_at.to_string()>{move || zone.clock(started_at)}</time>
                </a>
                <button
                    aria-label="Steps"
                    name="run"
                    value=id.to_string()
                    aria-expanded=move || open.get().to_string()
                    aria-controls=panel.clone()
                    on:click=move |event| {
                        event.prevent_default();
                        open.update(|open| *open = !*open);
                    }
                ></button>
            </form>
            <Progress run />
            {move || message.get().map(|text| view! { <p class="run-note">{text}</p> })}
            <div id=panel class="run-body">
                {move || open.get().then(|| view! { <Steps run /> })}
            </div>
            <Cost run />
            <Remedy id status message />
        </div>
    }
}

/// Whether its steps are shown: those of the newest, of one that goes on, and of one that an address names.
fn opened(context: ThreadContext, thread: Field<Thread>, run: Field<Run>) -> RwSignal<bool> {
    let is_newest = {
        let thread = thread.read_untracked();
        thread.runs.last().is_some_and(|last| last.id == run.read_untracked().id)
    };
    let first = run.read_untracked();
    let open = RwSignal::new(is_newest || !first.status.is_over() || context.run == Some(first.id));
    Effect::new(move |_| {
        let target = context.target.get();
        if target.is_some_and(|target| run.try_read_untracked().is_some_and(|run| target.is_in(&run))) {
            open.set(true);
        }
    });
    open
}

/// Some of its steps, with ways to those before and behind them.
#[component]
fn Steps(run: Field<Run>) -> impl IntoView {
    let context = ThreadContext::current();
    let steps: Field<Vec<Step>> = run.steps().into();
    let window = RwSignal::new(Window::default());
    let change = move |change: fn(Window, &[Step]) -> Window| {
        if let Some(steps) = steps.try_read_untracked() {
            window.update(|window| *window = change(*window, &steps));
        }
    };
    // What an address names is among them.
    Effect::new(move |_| {
        if let (Some(Target::Step(seq)), Some(run)) = (context.target.get(), run.try_read_untracked())
            && let Some(index) = run.place_of(seq)
        {
            window.update(|window| *window = window.around(&run.steps, index));
        }
    });
    let hidden = Memo::new(move |_| {
        let steps = steps.try_read()?;
        let shown = window.get().range(&steps);
        Some((shown.start, steps.len() - shown.end))
    });
    let rows = Memo::new(move |_| {
        let Some(steps) = steps.try_read() else { return Vec::new() };
        steps[window.get().range(&steps)].iter().map(|step| step.seq).collect::<Vec<_>>()
    });
    view! {
        <Earlier run before=move || hidden.get().map_or(0, |hidden| hidden.0) show=move || change(Window::earlier) />
        <ol class="steps">
            <For each=move || rows.get() key=|seq| *seq let:seq>
                <StepView step=StepField::new(steps, seq) />
            </For>
        </ol>
        {move || more(hidden.get().map_or(0, |hidden| hidden.1), "later", move || change(Window::later))}
    }
}

/// A button for the steps before these, also where they are still to be fetched.
#[component]
fn Earlier<B, S>(run: Field<Run>, before: B, show: S) -> impl IntoView
where
    B: Fn() -> usize + Copy + Send + Sync + 'static,
    S: Fn() + Copy + Send + Sync + 'static,
{
    let context = ThreadContext::current();
    let client = use_client();
    let is_cut = Memo::new(move |_| run.is_cut().try_get().unwrap_or_default());
    let loading = RwSignal::new(false);
    let fetch = move |_| {
        let Some(id) = run.try_read_untracked().map(|run| run.id).filter(|_| !loading.get_untracked()) else { return };
        loading.set(true);
        spawn_local(async move {
            match client.load_earlier_steps(context.id, id, None).await {
                Ok(()) => show(),
                Err(problem) => client.problem(problem),
            }
            loading.try_set(false);
        });
    };
    move || match before() {
        0 => is_cut
            .get()
            .then(|| {
                view! {
                    <button class="button small needs-js" type="button" disabled=move || loading.get() on:click=fetch>
                        "Show earlier steps"
                    </button>
                }
            })
            .into_any(),
        before => more(before, "earlier", show).into_any(),
    }
}

/// A button that shows more steps, where there are more.
fn more(count: usize, which: &'static str, show: impl Fn() + 'static) -> impl IntoView {
    let count = count.min(limits::STEPS_SHOWN);
    (count > 0).then(|| {
        view! {
            <button class="button small needs-js" type="button" on:click=move |_| show()>
                {["Show ", &count.to_string(), " ", which, " steps"].concat()}
            </button>
        }
    })
}

#[component]
fn Progress(run: Field<Run>) -> impl IntoView {
    let progress = Memo::new(move |_| run.progress().try_get().flatten());
    let shown = Memo::new(move |_| progress.read().is_some());
    move || {
        shown.get().then(|| {
            let value = move || progress.read().as_ref().map_or(0, |now| now.percentage as i64).to_string();
            let turns = move || progress.read().as_ref().map(|now| format::turns(now.current_turn, now.max_turns));
            view! {
                <div class="run-progress">
                    <progress class="progress" aria-label="Progress" max="100" value=value></progress>
                    <span>{turns}</span>
                </div>
            }
        })
    }
}

/// What the models of the whole run read and wrote.
#[component]
fn Cost(run: Field<Run>) -> impl IntoView {
    let usage: Memo<Option<Usage>> = Memo::new(move |_| run.usage().try_get().flatten());
    move || usage.get().map(|usage| view! { <p class="small-print">{format::usage(&usage)}</p> })
}

/// What can be done about a run that did not end well, or has not begun. The composer's `Stop` stands there all the
/// while and ends the run that is on; this button takes one out of the queue.
#[component]
fn Remedy(id: RunId, status: Memo<RunStatus>, message: Memo<Option<String>>) -> impl IntoView {
    let context = ThreadContext::current();
    let client = use_client();
    let waits = Memo::new(move |_| status.get() == RunStatus::Initializing && message.read().is_some());
    move || {
        let (label, act): (_, fn(_, _, _)) = match status.get() {
            RunStatus::Failed | RunStatus::Cancelled | RunStatus::Interrupted => {
                ("Retry", crate::client::Client::run_again)
            }
            _ if waits.get() => ("Do not run", crate::client::Client::cancel_run),
            _ => return None,
        };
        Some(view! {
            <button class="button small needs-js" type="button" on:click=move |_| act(client, context.id, id)>
                {label}
            </button>
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
