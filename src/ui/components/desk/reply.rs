//! The composer of a dialog: a reply to the visitor, or a note to the other operators. The two look different, and
//! what is sent goes to whom the composer says at that moment.

use leptos::{ev::KeyboardEvent, prelude::*};
use reactive_stores::Field;

use super::{
    DeskContext,
    canned_list::{CannedList, Choice},
    standing, why_no_reply,
};
use crate::{
    model::Thread,
    protocol::{UserId, Visibility, dialog::Owner},
    ui::components::{
        composer::{
            Replying, draft,
            writer::{TextBox, Writer},
        },
        icon::{Icon, NOTE, REPLY},
        thread::{ThreadContext, focus},
    },
};

#[component]
pub fn Reply(thread: Field<Thread>, me: UserId) -> impl IntoView {
    let (desk, context) = (DeskContext::current(), ThreadContext::current());
    let control = standing(thread);
    let why_not = Memo::new(move |_| why_no_reply(control.read().as_ref(), me));
    desk.mode.set(if why_not.read_untracked().is_some() { Visibility::Note } else { Visibility::Public });
    // What was left as a note is one when one comes back to it.
    Effect::new(move |_| {
        if draft::is_note(context) {
            desk.mode.set(Visibility::Note);
        }
    });
    // Whose dialog was taken away writes a note from then on, also when it comes back: what was begun as a note must
    // not become a reply under their hands.
    Effect::new(move |_| {
        if why_not.read().is_some() {
            desk.mode.set(Visibility::Note);
        }
    });
    let is_note = Memo::new(move |_| desk.mode.get() == Visibility::Note || why_not.read().is_some());
    let to = Signal::derive(move || if is_note.get() { Visibility::Note } else { Visibility::Public });
    // Whoever looks for a canned reply writes nothing yet.
    let writer = Writer::new(to, |text| !text.starts_with('/'));
    let choice = Choice::new(writer, thread);
    let placeholder =
        Signal::derive(
            move || {
                if is_note.get() { "Write a note: only operators see it" } else { "Reply to the visitor" }
            },
        );
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
        <form class="composer reply" class:is-note=is_note method="post" action="/fn/send_reply" on:submit=move |event| writer.submit(event)>
            <input type="hidden" name="conversation" value=context.id.to_string() />
            <Modes is_note why_not />
            <Replying thread />
            <CannedList choice />
            <div class="composer-box">
                <span class="reply-mark">{move || if is_note.get() { view! { <Icon d=NOTE /> } } else { view! { <Icon d=REPLY /> } }}</span>
                <label>
                    <span class="visually-hidden">"Message"</span>
                    <TextBox
                        writer
                        placeholder
                        takes_key=Callback::new(move |event: KeyboardEvent| choice.key(&event))
                        {..}
                        aria-describedby="reply-hint"
                        aria-autocomplete="list"
                        aria-haspopup="listbox"
                        aria-controls=move || choice.is_open().then_some("canned")
                        aria-activedescendant=move || choice.active()
                        on:input=move |event| choice.look(&event_target_value(&event))
                        on:blur=move |_| choice.close()
                    />
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
