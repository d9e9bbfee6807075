//! The parts of the operators' panel, and what they share.

pub mod canned_editor;
mod canned_list;
mod controls;
pub mod dialog;
pub mod inbox;
mod line;
mod notify;
mod reply;
pub mod shortcuts;
mod tabs;
mod transfer;
mod visitor;

use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_query_map};

use crate::{
    client::{Client, StateStoreFields},
    model::{Tab, Thread, ThreadStoreFields},
    protocol::{
        ConversationId, Timestamp, UserId, Visibility,
        dialog::{ControlState, Owner},
        limits,
    },
};
use reactive_stores::Field;

/// Which dialog is open, which tab is shown, and what of the panel stands over the rest.
#[derive(Clone, Copy)]
pub struct DeskContext {
    /// What the address names behind `/operator/`.
    pub word: Memo<String>,
    pub id: Memo<Option<ConversationId>>,
    pub tab: Memo<Tab>,
    /// Whom the composer of the open dialog writes to.
    pub mode: RwSignal<Visibility>,
    pub help: RwSignal<bool>,
    pub editing_canned: RwSignal<bool>,
    pub transferring: RwSignal<bool>,
    /// The time, once this is a browser's page.
    pub now: RwSignal<Option<Timestamp>>,
}

impl DeskContext {
    /// Once, in the panel's frame.
    pub fn provide() -> Self {
        let (path, query) = (use_location().pathname, use_query_map());
        let word = Memo::new(move |_| {
            let path = path.read();
            path.strip_prefix("/operator/").unwrap_or_default().trim_end_matches('/').to_owned()
        });
        let context = Self {
            word,
            id: Memo::new(move |_| word.read().parse().ok()),
            tab: Memo::new(move |_| Tab::of(query.read().get("tab").as_deref())),
            mode: RwSignal::new(Visibility::Public),
            help: RwSignal::new(false),
            editing_canned: RwSignal::new(false),
            transferring: RwSignal::new(false),
            now: RwSignal::new(None),
        };
        context.tick();
        provide_context(context);
        context
    }

    pub fn current() -> Self {
        expect_context()
    }

    /// Waiting times move on while the panel is open.
    fn tick(self) {
        Effect::new(move |_| {
            let look = move || self.now.set(Some(Timestamp(js_sys::Date::now() as i64)));
            look();
            let every = std::time::Duration::from_millis(limits::WAITING_TICK_MS);
            if let Ok(timer) = set_interval_with_handle(look, every) {
                on_cleanup(move || timer.clear());
            }
        });
    }

    /// Where a dialog is, with the tab that is shown.
    pub fn link(self, id: ConversationId) -> String {
        let path = ["/operator/", &id.to_string()].concat();
        in_tab(&path, self.tab.get())
    }
}

/// An address of the panel, with a tab.
pub fn in_tab(path: &str, tab: Tab) -> String {
    match tab {
        Tab::Queue => path.to_owned(),
        tab => [path, "?tab=", tab.as_str()].concat(),
    }
}

/// Into whose hands the open dialog is.
pub(super) fn standing(thread: Field<Thread>) -> Memo<Option<ControlState>> {
    Memo::new(move |_| thread.control().get())
}

/// Why this person cannot reply to the visitor now; nothing where they can.
pub(super) fn why_no_reply(control: Option<&ControlState>, me: UserId) -> Option<String> {
    match control.map(|control| (&control.owner, control.status)) {
        Some((_, crate::protocol::dialog::DialogStatus::Resolved)) => None,
        Some((Owner::Human { user }, _)) if user.id != me => {
            Some([&user.name, " has this dialog. Take over to reply."].concat())
        }
        _ => None,
    }
}

/// As the visitor of the open dialog is called.
pub(super) fn visitor_of(thread: Field<Thread>) -> Memo<String> {
    Memo::new(move |_| {
        let visitor = thread.visitor();
        let visitor = visitor.read();
        visitor.as_ref().map_or_else(|| thread.title().get(), |visitor| visitor.name.clone())
    })
}

/// Whether agents take part in it.
pub(super) fn has_agents(client: Client, id: ConversationId) -> bool {
    client.state().desk().read().line(id).is_none_or(|line| line.agents)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{UserRef, dialog::DialogStatus};

    #[test]
    fn who_does_not_hold_a_dialog_that_another_holds_is_told_why_they_cannot_reply() {
        let (me, anna) = (UserId::of_agent("me"), UserRef { id: UserId::of_agent("anna"), name: "Anna".into() });
        let why = |owner, status| why_no_reply(Some(&ControlState { owner, status, epoch: 1 }), me);
        let hers = || Owner::Human { user: anna.clone() };
        assert_eq!(why(hers(), DialogStatus::Open).as_deref(), Some("Anna has this dialog. Take over to reply."));
        assert!(why(hers(), DialogStatus::Snoozed).is_some());
        assert_eq!(why(hers(), DialogStatus::Resolved), None);
        assert_eq!(why(Owner::Ai, DialogStatus::Open), None);
        assert_eq!(why(Owner::Queue { team: None }, DialogStatus::Open), None);
        let mine = Owner::Human { user: UserRef { id: me, name: "Me".into() } };
        assert_eq!(why(mine, DialogStatus::Open), None);
        assert_eq!(why_no_reply(None, me), None);
    }

    #[test]
    fn an_address_keeps_the_tab() {
        assert_eq!(in_tab("/operator", Tab::Queue), "/operator");
        assert_eq!(in_tab("/operator/x", Tab::Ai), "/operator/x?tab=ai");
    }
}
