//! One dialog as its visitor sees it: the app's log and composer, without what members have beside them.

use leptos::prelude::*;

use super::{Frame, Greeting, hands::Hands, pictures};
use crate::{
    client::use_client,
    protocol::{ConversationId, http::User, site::PublicSite},
    ui::components::{
        composer::Composer,
        message::delete::DeleteDialog,
        message_list::MessageList,
        thread::{ThreadContext, focus},
        typing_indicator::TypingIndicator,
    },
};

#[component]
pub fn Talk(id: ConversationId, me: User, site: StoredValue<PublicSite>) -> impl IntoView {
    let client = use_client();
    client.enter(id);
    let frame: Frame = expect_context();
    client.thread(id).map(|thread| {
        ThreadContext::provide(id, &me, thread);
        let is_shown = frame.launcher.is_shown;
        Effect::new(move |_| {
            if is_shown.get() {
                focus(".composer textarea");
            }
        });
        view! {
            <Hands id thread />
            <div class="widget-log" on:click=move |event| pictures::clicked(client, &event)>
                <MessageList thread welcome=move || view! { <Greeting site /> }.into_any() />
            </div>
            <TypingIndicator thread />
            <Composer thread />
            <DeleteDialog />
        }
    })
}
