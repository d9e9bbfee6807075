//! Somebody's mark: initials on a colour of their own, an agent's emoji on the sheen.

use leptos::prelude::*;

use crate::{protocol::Author, ui::format};

#[component]
pub fn Avatar(author: Author) -> impl IntoView {
    let (class, mark) = match author.emoji {
        Some(emoji) => ("avatar agent".to_owned(), emoji),
        None => (format!("avatar t{}", format::tint(author.id)), format::initials(&author.name)),
    };
    view! {
        <span class=class aria-hidden="true">
            {mark}
        </span>
    }
}
