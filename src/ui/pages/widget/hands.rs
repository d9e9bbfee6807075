//! In whose hands the dialog is, and the way to a person.

use leptos::{prelude::*, task::spawn_local};
use reactive_stores::Field;

use crate::{
    client::use_client,
    model::{Thread, ThreadStoreFields},
    protocol::{
        ConversationId, RunStatus,
        dialog::{ControlState, DialogStatus, Owner},
    },
    ui::components::thread::focus,
};

#[component]
pub fn Hands(id: ConversationId, thread: Field<Thread>) -> impl IntoView {
    let client = use_client();
    let control = thread.control();
    let asked = RwSignal::new(false);
    let failed = Memo::new(move |_| {
        let runs = thread.runs();
        let runs = runs.read();
        runs.last().is_some_and(|run| matches!(run.status, RunStatus::Failed | RunStatus::Interrupted))
    });
    let told = Memo::new(move |_| told(control.get().as_ref(), failed.get()));
    let is_with_ai = Memo::new(move |_| control.read().as_ref().is_none_or(|now| now.is_with_ai(now.epoch)));
    let ask = move |_| {
        asked.set(true);
        spawn_local(async move {
            if let Err(problem) = client.request_human(id).await {
                // Nobody was asked: it can be tried again.
                asked.try_set(false);
                client.problem(problem);
            }
        });
        focus(".composer textarea");
    };
    // Who is given back to the assistant may ask again.
    Effect::new(move |_| {
        if !is_with_ai.get() {
            asked.set(false);
        }
    });
    view! {
        <div class="widget-hands">
            <p role="status" aria-label="Who is here">
                {told}
            </p>
            {move || {
                is_with_ai
                    .get()
                    .then(|| {
                        view! {
                            <button class="button small" type="button" disabled=move || asked.get() on:click=ask>
                                "Talk to a person"
                            </button>
                        }
                    })
            }}
        </div>
    }
}

/// One sentence for the visitor.
fn told(control: Option<&ControlState>, failed: bool) -> String {
    let Some(control) = control else { return String::new() };
    match (&control.owner, control.status) {
        (_, DialogStatus::Resolved) => "This conversation is closed. Write to open it again.".to_owned(),
        (Owner::Queue { .. }, _) => "You are in the queue. A person answers here as soon as one is free.".to_owned(),
        (Owner::Human { user }, _) => [&user.name, " is here."].concat(),
        (Owner::Ai, _) if failed => "The assistant could not answer. Ask again, or talk to a person.".to_owned(),
        (Owner::Ai, _) => "The assistant answers.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{UserId, UserRef};

    #[test]
    fn a_visitor_reads_who_has_the_dialog() {
        let anna = UserRef { id: UserId::from_parts(1, 1), name: "Anna".into() };
        let of = |owner, status| told(Some(&ControlState { owner, status, epoch: 1 }), false);
        assert_eq!(of(Owner::Human { user: anna.clone() }, DialogStatus::Open), "Anna is here.");
        assert!(of(Owner::Queue { team: None }, DialogStatus::Open).starts_with("You are in the queue"));
        assert!(of(Owner::Human { user: anna }, DialogStatus::Resolved).contains("closed"));
        assert_eq!(told(None, true), "");
    }
}
