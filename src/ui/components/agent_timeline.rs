//! What the agents did and do: each run, its steps, its calls and what they gave, its progress, its charts, what it
//! asks of people. The same while it happens and afterwards.

mod approval;
pub mod link;
mod outline;
mod run;
mod step;
mod step_field;
mod window;

pub use approval::Asking;

use leptos::prelude::*;
use reactive_stores::{AtKeyed, Field};

use self::run::RunView;
use super::thread::ThreadContext;
use crate::model::{Thread, ThreadStoreFields};

#[component]
pub fn AgentTimeline(thread: Field<Thread>) -> impl IntoView {
    let context = ThreadContext::current();
    link::follow(context, thread);
    let runs = thread.runs();
    let is_empty = Memo::new(move |_| runs.read().is_empty());
    // The newest first: it is the one that is watched. Laid out anew when a run comes, not when one goes on.
    let newest_first = Memo::new(move |_| runs.read().iter().rev().map(|run| run.id).collect::<Vec<_>>());
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
                <For each=move || newest_first.get() key=|id| *id let:id>
                    <RunView thread run=AtKeyed::new(runs, id).into() />
                </For>
            </div>
        </section>
    }
}
