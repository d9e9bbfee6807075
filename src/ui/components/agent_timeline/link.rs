//! Links to a run and to a step of it: `#run-ID`, `#step-SEQ`.

use leptos::{prelude::*, task::spawn_local};
use leptos_router::hooks::use_location;
use reactive_stores::Field;

use crate::{
    client::use_client,
    model::{Run, Thread},
    protocol::{RunId, Seq},
    ui::components::thread::{ThreadContext, focus},
};

/// What the address names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    Run(RunId),
    Step(Seq),
}

impl Target {
    fn read(hash: &str) -> Option<Self> {
        let name = hash.trim_start_matches('#');
        let run = name.strip_prefix("run-").and_then(|id| id.parse().ok()).map(Self::Run);
        run.or_else(|| name.strip_prefix("step-")?.parse().ok().map(|seq| Self::Step(Seq(seq))))
    }

    pub fn is_in(self, run: &Run) -> bool {
        match self {
            Self::Run(id) => run.id == id,
            Self::Step(seq) => run.place_of(seq).is_some(),
        }
    }

    /// The element's id.
    fn name(self) -> String {
        match self {
            Self::Run(id) => ["run-", &id.to_string()].concat(),
            Self::Step(seq) => ["step-", &seq.0.to_string()].concat(),
        }
    }
}

/// Leads to what the address names.
pub fn follow(context: ThreadContext, thread: Field<Thread>) {
    let hash = use_location().hash;
    let client = use_client();
    Effect::new(move |_| {
        let Some(target) = Target::read(&hash.get()) else { return };
        if thread.read_untracked().runs.iter().any(|run| target.is_in(run)) {
            return lead_to(context, target);
        }
        let Target::Step(seq) = target else { return };
        let cut = thread.read_untracked().cut_before(seq);
        let Some(run) = cut else { return };
        spawn_local(async move {
            let found = client.load_earlier_steps(context.id, run, Some(seq)).await;
            if found.is_ok()
                && thread.try_read_untracked().is_some_and(|thread| thread.runs.iter().any(|run| target.is_in(run)))
            {
                lead_to(context, target);
            }
        });
    });
}

/// Opens the drawer and the run, scrolls there and takes the focus along.
pub fn lead_to(context: ThreadContext, target: Target) {
    context.details.set(true);
    context.target.set(Some(target));
    let arrive = move || {
        let name = target.name();
        if let Some(element) = document().get_element_by_id(&name) {
            focus(&["#", &name].concat());
            element.scroll_into_view();
        }
    };
    // When the run has been opened, and the drawer.
    request_animation_frame(move || request_animation_frame(arrive));
}
