//! The composer of a dialog: a reply to the visitor, or a note to the other operators. The two look different, and
//! what is sent goes to whom the composer says at that moment.

use leptos::{
    ev::{KeyboardEvent, SubmitEvent},
    html,
    prelude::*,
};
use reactive_stores::Field;
use web_sys::HtmlTextAreaElement;

use super::{
    DeskContext,
    canned_list::{CannedList, Choice},
    standing, why_no_reply,
};
use crate::{
    client::{Client, use_client},
    model::Thread,
    protocol::{UserId, Visibility, dialog::Owner},
    ui::components::{
        composer::{Replying, draft, grow, show_newest},
        icon::{Icon, NOTE, REPLY},
        thread::{ThreadContext, focus},
    },
};

#[component]
pub fn Reply(thread: Field<Thread>, me: UserId) -> impl IntoView {
    let client = use_client();
    let (desk, context) = (DeskContext::current(), ThreadContext::current());
    let node = NodeRef::<html::Textarea>::new();
    let control = standing(thread);
    let why_not = Memo::new(move |_| why_no_reply(control.read().as_ref(), me));
    desk.mode.set(if why_not.read_untracked().is_some() { Visibility::Note } else { Visibility::Public });
    // Whose dialog was taken away writes a note from then on, also when it comes back: what was begun as a note must
    // not become a reply under their hands.
    Effect::new(move |_| {
        if why_not.read().is_some() {
            desk.mode.set(Visibility::Note);
        }
    });
    let is_note = Memo::new(move |_| desk.mode.get() == Visibility::Note || why_not.read().is_some());
    let choice = Choice::new(node, thread);
    Effect::new(move |_| {
        if let Some(area) = node.get() {
            draft::restore(context, &area);
            grow(&area);
        }
    });
    let send = move || {
        if let Some(area) = node.get_untracked() {
            send_from(client, context, whom(is_note), &area);
        }
    };
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        send();
    };
    let key = move |event: KeyboardEvent| {
        // 229: some browsers end a composition before they tell of its Enter.
        if event.is_composing() || event.key_code() == 229 || choice.key(&event) {
            return;
        }
        if event.key() == "Enter" && !event.shift_key() {
            event.prevent_default();
            send();
        }
    };
    let input = move |_| {
        if let Some(area) = node.get_untracked() {
            wrote(client, context, whom(is_note), &area);
            choice.look(&area.value());
        }
    };
    let placeholder =
        move || if is_note.get() { "Write a note: only operators see it" } else { "Reply to the visitor" };
    let hint = move || {
        if let Some(why) = why_not.get() {
            return why;
        }
        let takes = control.read().as_ref().is_some_and(|state| matches!(state.owner, Owner::Ai | Owner::Queue { .. }));
        let text = match (is_note.get(), takes) {
            (true, _) => "A note is for operators. The visitor never sees it.",
            (false, true) => "A reply takes this dialog over. Type / for a canned reply.",
            (false, false) => "The visitor sees this. Type / for a canned reply.",
        };
        text.to_owned()
    };
    view! {
        <form class="composer reply" class:is-note=is_note method="post" action="/fn/send_reply" on:submit=submit>
            <input type="hidden" name="conversation" value=context.id.to_string() />
            <Modes is_note why_not />
            <Replying thread />
            <CannedList choice />
            <div class="composer-box">
                <span class="reply-mark">{move || if is_note.get() { view! { <Icon d=NOTE /> } } else { view! { <Icon d=REPLY /> } }}</span>
                <label>
                    <span class="visually-hidden">"Message"</span>
                    <textarea
                        name="message"
                        rows="1"
                        required
                        placeholder=placeholder
                        aria-describedby="reply-hint"
                        aria-autocomplete="list"
                        aria-haspopup="listbox"
                        aria-controls=move || choice.is_open().then_some("canned")
                        aria-activedescendant=move || choice.active()
                        node_ref=node
                        on:keydown=key
                        on:input=input
                        on:blur=move |_| {
                            client.stopped_typing(context.id);
                            choice.close();
                        }
                    ></textarea>
                </label>
                <button class="button primary" type="submit">
                    {move || if is_note.get() { "Add note" } else { "Send" }}
                </button>
            </div>
            <p class="hint reply-hint" id="reply-hint">
                {hint}
            </p>
        </form>
    }
}

/// Whom the composer writes to at this moment.
fn whom(is_note: Memo<bool>) -> Visibility {
    if is_note.get_untracked() { Visibility::Note } else { Visibility::Public }
}

/// `Reply` or `Note`.
#[component]
fn Modes(is_note: Memo<bool>, why_not: Memo<Option<String>>) -> impl IntoView {
    let desk = DeskContext::current();
    let choose = move |mode| {
        desk.mode.set(mode);
        focus(".composer textarea");
    };
    view! {
        <fieldset class="modes">
            <legend class="visually-hidden">"Whom this is for"</legend>
            <label class="mode">
                <input
                    type="radio"
                    name="visibility"
                    value="public"
                    prop:checked=move || !is_note.get()
                    checked=!is_note.get_untracked()
                    disabled=move || why_not.read().is_some()
                    aria-describedby="reply-hint"
                    on:change=move |_| choose(Visibility::Public)
                />
                <Icon d=REPLY />
                "Reply"
            </label>
            <label class="mode note">
                <input
                    type="radio"
                    name="visibility"
                    value="note"
                    prop:checked=is_note
                    checked=is_note.get_untracked()
                    on:change=move |_| choose(Visibility::Note)
                />
                <Icon d=NOTE />
                "Note"
            </label>
        </fieldset>
    }
}

fn send_from(client: Client, context: ThreadContext, whom: Visibility, area: &HtmlTextAreaElement) {
    let text = area.value();
    if text.trim().is_empty() {
        return;
    }
    client.send_to(context.id, whom, &text, context.replying.get_untracked());
    client.stopped_typing(context.id);
    context.replying.set(None);
    area.set_value("");
    draft::forget(context);
    grow(area);
    let _ = area.focus();
    show_newest();
}

fn wrote(client: Client, context: ThreadContext, whom: Visibility, area: &HtmlTextAreaElement) {
    let text = area.value();
    draft::keep(context, &text);
    grow(area);
    // Whoever looks for a canned reply writes nothing yet.
    if text.trim().is_empty() || text.starts_with('/') {
        client.stopped_typing(context.id);
    } else {
        client.typing_to(context.id, whom);
    }
}
