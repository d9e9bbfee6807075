//! Into whose hands the dialog goes. Each is a plain form, so that it works before a script runs; with one it goes by
//! the socket, from the epoch that this page knows.

use leptos::prelude::*;
use reactive_stores::Field;

use super::{DeskContext, has_agents, standing};
use crate::{
    client::use_client,
    model::Thread,
    protocol::{
        UserId,
        dialog::{ControlAction, ControlState, DialogStatus, Owner},
    },
    ui::components::thread::{ThreadContext, focus},
};

/// What can be done with a dialog that stands so, the nearest at hand first.
pub fn offered(state: &ControlState, me: UserId, has_agents: bool) -> Vec<ControlAction> {
    let is_resolved = state.status == DialogStatus::Resolved;
    let is_open = state.status == DialogStatus::Open;
    let is_mine = state.owner.is(me) && !is_resolved;
    let is_held = matches!(state.owner, Owner::Human { .. });
    let all = [
        (ControlAction::Reopen, !is_open),
        (ControlAction::Take, !is_mine && !is_resolved),
        (ControlAction::ReturnToAi, has_agents && state.owner != Owner::Ai && !is_resolved),
        (ControlAction::Resolve, !is_resolved),
        (ControlAction::Transfer, !is_resolved),
        (ControlAction::Release, is_held && !is_resolved),
        (ControlAction::Snooze, is_open),
    ];
    all.into_iter().filter_map(|(action, is_offered)| is_offered.then_some(action)).collect()
}

/// Its button.
pub fn name(action: ControlAction) -> &'static str {
    match action {
        ControlAction::Take => "Take over",
        ControlAction::Release => "Release to queue",
        ControlAction::ReturnToAi => "Hand back to AI",
        ControlAction::Transfer => "Transfer",
        ControlAction::Resolve => "Resolve",
        ControlAction::Reopen => "Reopen",
        ControlAction::Snooze => "Snooze",
        ControlAction::RequestHuman => "Ask for a person",
    }
}

/// The key that does the same.
fn key(action: ControlAction) -> Option<&'static str> {
    match action {
        ControlAction::Take => Some("t"),
        ControlAction::ReturnToAi => Some("h"),
        ControlAction::Resolve => Some("e"),
        _ => None,
    }
}

#[component]
pub fn Controls(thread: Field<Thread>, me: UserId) -> impl IntoView {
    let client = use_client();
    let desk = DeskContext::current();
    let context = ThreadContext::current();
    let control = standing(thread);
    let agents = Memo::new(move |_| has_agents(client, context.id));
    let shown = Memo::new(move |_| {
        let control = control.read();
        control.as_ref().map(|state| offered(state, me, agents.get())).unwrap_or_default()
    });
    let epoch = move || control.read().as_ref().map_or(0, |state| state.epoch).to_string();
    let act = move |action: ControlAction| match action {
        ControlAction::Transfer => desk.transferring.set(true),
        action => {
            client.control(context.id, action, None);
            // The button goes with what it did: the keyboard goes on from where one goes on.
            focus(if action == ControlAction::Take { ".composer textarea" } else { "#main" });
        }
    };
    let one = move |action: ControlAction| {
        // What makes it one's own stands out.
        let is_primary = matches!(action, ControlAction::Take | ControlAction::Reopen);
        view! {
            <button
                class="button small"
                class:primary=is_primary
                class:needs-js=action == ControlAction::Transfer
                type="submit"
                name="action"
                value=action.as_str()
                aria-keyshortcuts=key(action)
                on:click=move |event| {
                    event.prevent_default();
                    // The second click of two hits what has come into the first one's place.
                    if event.detail() <= 1 {
                        act(action);
                    }
                }
            >
                {name(action)}
            </button>
        }
    };
    view! {
        <form class="controls" method="post" action="/fn/control" aria-label="Dialog">
            <input type="hidden" name="conversation" value=context.id.to_string() />
            <input type="hidden" name="epoch" value=epoch />
            <For each=move || shown.get() key=|action| *action children=one />
        </form>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::UserRef;

    fn names(owner: Owner, status: DialogStatus, agents: bool) -> Vec<&'static str> {
        let state = ControlState { owner, status, epoch: 1 };
        offered(&state, UserId::of_agent("me"), agents).into_iter().map(name).collect()
    }

    fn human(name: &str) -> Owner {
        Owner::Human { user: UserRef { id: UserId::of_agent(name), name: name.into() } }
    }

    #[test]
    fn what_can_be_done_depends_on_whose_it_is() {
        let open = DialogStatus::Open;
        assert_eq!(names(Owner::Ai, open, true), ["Take over", "Resolve", "Transfer", "Snooze"]);
        let queue = Owner::Queue { team: None };
        assert_eq!(names(queue.clone(), open, true), ["Take over", "Hand back to AI", "Resolve", "Transfer", "Snooze"]);
        assert_eq!(names(queue, open, false), ["Take over", "Resolve", "Transfer", "Snooze"]);
        let mine = ["Hand back to AI", "Resolve", "Transfer", "Release to queue", "Snooze"];
        assert_eq!(names(human("me"), open, true), mine);
        assert_eq!(names(human("anna"), open, true)[..2], ["Take over", "Hand back to AI"]);
        assert_eq!(names(human("me"), DialogStatus::Resolved, true), ["Reopen"]);
        assert_eq!(names(human("me"), DialogStatus::Snoozed, true)[..2], ["Reopen", "Hand back to AI"]);
    }
}
