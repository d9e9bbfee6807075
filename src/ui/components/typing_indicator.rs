//! Who types.

use leptos::prelude::*;

use crate::{
    client::{StateStoreFields, use_client},
    model::{Thread, ThreadStoreFields},
    ui::format,
};
use reactive_stores::Field;

#[component]
pub fn TypingIndicator(thread: Field<Thread>) -> impl IntoView {
    let client = use_client();
    let text = Memo::new(move |_| {
        let me = client.state().me().get().map(|me| me.id);
        let typing = thread.typing();
        let names: Vec<_> =
            typing.read().iter().filter(|user| Some(user.id) != me).map(|user| user.name.clone()).collect();
        format::typing(&names)
    });
    view! {
        <p class="typing" role="status" aria-label="Typing">
            {text}
        </p>
    }
}
