//! The dialog `New conversation`. `?new=1` opens it, with or without a script.

use leptos::{ev::SubmitEvent, prelude::*, task::spawn_local};
use leptos_router::hooks::{use_navigate, use_query_map};

use super::{
    alert::Alert,
    dialog::{Dialog, form_of, is_checked, value_of},
};
use crate::{api, protocol::limits};

/// Opens the dialog from anywhere inside the frame.
#[derive(Clone, Copy)]
pub struct NewConversationOpen(pub RwSignal<bool>);

impl NewConversationOpen {
    pub fn provide() {
        let by_url = use_query_map().read_untracked().get("new").is_some();
        provide_context(Self(RwSignal::new(by_url)));
    }

    pub fn current() -> RwSignal<bool> {
        use_context::<Self>().map_or_else(|| RwSignal::new(false), |open| open.0)
    }
}

#[component]
pub fn NewConversation() -> impl IntoView {
    let open = NewConversationOpen::current();
    let by_url = open.get_untracked();
    let close = Callback::new(move |()| open.set(false));
    let failure = RwSignal::new(None::<String>);
    let busy = StoredValue::new(false);
    let navigate = use_navigate();
    let create = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(form) = form_of(&event).filter(|_| !busy.get_value()) else { return };
        busy.set_value(true);
        let navigate = navigate.clone();
        let agents = is_checked(&form, "agents").then(|| "on".to_owned());
        let made = api::conversation::create_conversation(value_of(&form, "title"), value_of(&form, "members"), agents);
        spawn_local(async move {
            let made = made.await;
            busy.set_value(false);
            match made {
                Ok(id) => {
                    open.set(false);
                    failure.set(None);
                    form.reset();
                    navigate(&format!("/c/{id}"), Default::default());
                }
                Err(error) => failure.set(Some(error.detail)),
            }
        });
    };
    view! {
        <Dialog title="New conversation" open close by_url>
            <form method="post" action="/fn/create_conversation" on:submit=create>
                <h2>"New conversation"</h2>
                <Alert text=failure />
                <div class="field">
                    <label for="new-title">"Title"</label>
                    <input
                        class="input"
                        id="new-title"
                        name="title"
                        required
                        maxlength=limits::TITLE_CHARS.to_string()
                        autocomplete="off"
                        autofocus
                    />
                </div>
                <div class="field">
                    <label for="new-members">"People to add"</label>
                    <input
                        class="input"
                        id="new-members"
                        name="members"
                        autocomplete="off"
                        autocapitalize="none"
                        spellcheck="false"
                        aria-describedby="new-members-hint"
                    />
                    <p class="hint" id="new-members-hint">
                        "Usernames, with commas between them. You can add people later."
                    </p>
                </div>
                <label class="check">
                    <input type="checkbox" name="agents" checked />
                    "Agents take part"
                </label>
                <div class="row">
                    <a
                        class="button"
                        href="/"
                        on:click=move |event| {
                            event.prevent_default();
                            open.set(false);
                        }
                    >
                        "Cancel"
                    </a>
                    <button class="button primary" type="submit">
                        "Create"
                    </button>
                </div>
            </form>
        </Dialog>
    }
}
