//! What went wrong: with a form of this page, or with a plain one, whose code in the query is made a sentence.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use serde::{
    Deserialize,
    de::value::{Error, StrDeserializer},
};

use crate::protocol::{Code, limits};

#[component]
pub fn QueryAlert() -> impl IntoView {
    let query = use_query_map();
    let text = Memo::new(move |_| query.read().get("error").map(|code| sentence(&code)));
    view! { <Alert text /> }
}

/// What went wrong, for as long as it is said.
#[component]
pub fn Alert(#[prop(into)] text: Signal<Option<String>>) -> impl IntoView {
    move || {
        text.get().map(|text| {
            view! {
                <div class="alert" role="alert">
                    <span>{text}</span>
                </div>
            }
        })
    }
}

/// One sentence that says what to do next.
fn sentence(code: &str) -> String {
    let Ok(code) = Code::deserialize(StrDeserializer::<Error>::new(code)) else {
        return "Something went wrong. Try again.".to_owned();
    };
    let text = match code {
        Code::BadCredentials => "Wrong username or password.",
        Code::UsernameTaken => "That username is taken. Choose another.",
        Code::WeakPassword => {
            return format!("That password is too short: use at least {} characters.", limits::PASSWORD_CHARS_MIN);
        }
        Code::BadUsername => "That username cannot be used: 2 to 32 letters, digits, dots, dashes or underscores.",
        Code::RegistrationClosed => "Registration is closed here. Ask an admin for an account.",
        Code::RateLimited => "Too many attempts. Wait a moment and try again.",
        Code::UnknownUser => "There is nobody with that username.",
        Code::NoRun => "No agent is at work right now.",
        Code::TooLarge => "That is too long.",
        other => other.title(),
    };
    text.to_owned()
}
