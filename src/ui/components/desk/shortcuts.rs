//! The panel by single keys, and the overlay that names them. Whoever writes, or has a dialog open, types; and whoever
//! dictates can turn the keys off.

use leptos::{ev::KeyboardEvent, prelude::*};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use wasm_bindgen::JsCast;

use super::{DeskContext, controls::offered, has_agents, why_no_reply};
use crate::{
    client::{Client, StateStoreFields, use_client},
    model::ThreadStoreFields,
    protocol::{ConversationId, UserId, Visibility, dialog::ControlAction},
    ui::components::{dialog::Dialog, thread::focus},
};

const KEYS: [(&str, &str); 10] = [
    ("J", "Next dialog"),
    ("K", "Previous dialog"),
    ("T", "Take over"),
    ("H", "Hand back to AI"),
    ("E", "Resolve"),
    ("R", "Reply"),
    ("N", "Note"),
    ("/", "Canned replies"),
    ("Esc", "Leave the composer"),
    ("?", "These shortcuts"),
];

/// Where this browser keeps that they are off.
const OFF: &str = "magpie.desk.keys";

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Go(isize),
    Control(ControlAction),
    Write(Visibility),
    Canned,
    Help,
}

fn act_of(key: &str) -> Option<Act> {
    Some(match key {
        "j" => Act::Go(1),
        "k" => Act::Go(-1),
        "t" => Act::Control(ControlAction::Take),
        "h" => Act::Control(ControlAction::ReturnToAi),
        "e" => Act::Control(ControlAction::Resolve),
        "r" => Act::Write(Visibility::Public),
        "n" => Act::Write(Visibility::Note),
        "/" => Act::Canned,
        "?" => Act::Help,
        _ => return None,
    })
}

#[component]
pub fn Shortcuts(me: UserId) -> impl IntoView {
    let client = use_client();
    let desk = DeskContext::current();
    let on = RwSignal::new(true);
    let navigate = use_navigate();
    Effect::new(move |_| on.set(!is_off()));
    Effect::new(move |_| {
        let navigate = navigate.clone();
        let go =
            move |id: ConversationId| navigate(&desk.link(id), NavigateOptions { scroll: false, ..Default::default() });
        let listener = window_event_listener(leptos::ev::keydown, move |event| {
            if is_elsewhere(&event) {
                return leave(&event);
            }
            let Some(act) = act_of(&event.key()).filter(|act| on.get_untracked() || *act == Act::Help) else { return };
            event.prevent_default();
            match act {
                // A key that is held down is one wish.
                Act::Control(_) if event.repeat() => {}
                Act::Go(step) => {
                    let open = desk.id.get_untracked();
                    let state = client.state().desk();
                    let next = state.read_untracked().neighbour(desk.tab.get_untracked(), me, open, step);
                    next.filter(|id| Some(*id) != open).into_iter().for_each(&go);
                }
                act => do_with_open(client, desk, me, act),
            }
        });
        on_cleanup(move || listener.remove());
    });
    view! { <Help on /> }
}

fn do_with_open(client: Client, desk: DeskContext, me: UserId, act: Act) {
    if act == Act::Help {
        return desk.help.update(|open| *open = !*open);
    }
    let Some(id) = desk.id.get_untracked() else { return };
    let control = client.thread(id).and_then(|thread| thread.control().get_untracked());
    match act {
        // What has no button now has no key either.
        Act::Control(action) => {
            let has_agents = untrack(|| has_agents(client, id));
            if control.is_some_and(|state| offered(&state, me, has_agents).contains(&action)) {
                client.control(id, action, None);
                // What is typed next are words for the visitor, and no more keys.
                if action == ControlAction::Take {
                    focus(".composer textarea");
                }
            }
        }
        Act::Write(mode) => {
            // Where only a note can be written, one is, also when a reply can be again.
            if mode == Visibility::Note || why_no_reply(control.as_ref(), me).is_none() {
                desk.mode.set(mode);
            }
            focus(".composer textarea");
        }
        Act::Canned => begin_canned(),
        Act::Go(_) | Act::Help => {}
    }
}

/// As if `/` was typed into the empty composer.
fn begin_canned() {
    focus(".composer textarea");
    let area = document().active_element().and_then(|area| area.dyn_into::<web_sys::HtmlTextAreaElement>().ok());
    let Some(area) = area.filter(|area| area.value().is_empty()) else { return };
    area.set_value("/");
    if let Ok(event) = web_sys::Event::new("input") {
        let _ = area.dispatch_event(&event);
    }
}

/// Whether the key is somebody's words, a shortcut of the browser, or an open dialog's.
fn is_elsewhere(event: &KeyboardEvent) -> bool {
    let is_modified = event.ctrl_key() || event.alt_key() || event.meta_key() || event.is_composing();
    let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    let writes = target.is_some_and(|target| {
        target
            .closest("input:not([type=radio]), textarea, select, [contenteditable]")
            .is_ok_and(|found| found.is_some())
    });
    let is_modal = document().query_selector("dialog:modal").is_ok_and(|found| found.is_some());
    is_modified || writes || is_modal || event.default_prevented()
}

/// Escape leads out of the composer, so that the keys work again.
fn leave(event: &KeyboardEvent) {
    if event.key() != "Escape" || event.default_prevented() {
        return;
    }
    let target = event.target().and_then(|target| target.dyn_into::<web_sys::HtmlTextAreaElement>().ok());
    if target.is_some_and(|area| area.matches(".composer textarea").unwrap_or_default()) {
        focus(".messages");
    }
}

#[component]
fn Help(on: RwSignal<bool>) -> impl IntoView {
    let open = DeskContext::current().help;
    let close = Callback::new(move |()| open.set(false));
    let key = |(key, what): (&'static str, &'static str)| {
        view! {
            <div>
                <dt>
                    <kbd>{key}</kbd>
                </dt>
                <dd>{what}</dd>
            </div>
        }
    };
    let turn = move |event| {
        let is_on = event_target_checked(&event);
        on.set(is_on);
        keep_off(!is_on);
    };
    view! {
        <Dialog title="Keyboard shortcuts" open close by_url=false>
            <form method="dialog">
                <h2>"Keyboard shortcuts"</h2>
                <dl class="keys">{KEYS.map(key).collect_view()}</dl>
                <label class="check">
                    <input type="checkbox" prop:checked=on on:change=turn />
                    "Single keys work while I do not write"
                </label>
                <div class="row">
                    <button class="button" type="submit">
                        "Close"
                    </button>
                </div>
            </form>
        </Dialog>
    }
}

fn is_off() -> bool {
    let storage = window().local_storage().ok().flatten();
    storage.and_then(|storage| storage.get_item(OFF).ok().flatten()).is_some()
}

fn keep_off(is_off: bool) {
    let Some(storage) = window().local_storage().ok().flatten() else { return };
    // A full storage forgets it at the next reload, and nothing else.
    let _ = if is_off { storage.set_item(OFF, "off") } else { storage.remove_item(OFF) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_that_the_overlay_names_does_something() {
        for (key, _) in KEYS.iter().filter(|(key, _)| *key != "Esc") {
            assert!(act_of(&key.to_lowercase()).is_some(), "{key}");
        }
        assert_eq!(act_of("x"), None);
        assert_eq!(act_of("N"), None, "with Shift it is another key");
    }
}
