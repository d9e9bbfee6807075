//! What the server functions of [`crate::api`] ask of the request that they answer, and how they lead a plain
//! form on.

use std::fmt::Write;

use axum::http::{HeaderValue, StatusCode, header, request::Parts};
use leptos::{
    nonce::use_nonce,
    prelude::{expect_context, use_context},
};
use leptos_axum::ResponseOptions;

use super::{
    accounts::Grant,
    auth::{self, Caller},
    http::ClientAddress,
    pages::FrameAncestors,
    settings::AdminSettings,
    state::AppState,
};
use crate::protocol::{
    ConversationId, DurableFrame, Event, LogEpoch, Problem, Seq, Side, UserId,
    http::{ConversationDetail, Kind, Messages, Role, User},
    limits,
    settings::Notice,
};

pub fn state() -> AppState {
    expect_context()
}

/// Who asks; `unauthorized` if nobody who is signed in. The app's pages are no visitor's: theirs is the widget's
/// frame, which reads by the API.
pub async fn caller() -> Result<(AppState, User), Problem> {
    let state = state();
    let parts = use_context::<Parts>().ok_or_else(Problem::not_found)?;
    let caller = auth::authenticate(&state.accounts, &parts.headers).await;
    match caller {
        Ok(Caller { user, .. }) if user.role == Role::Visitor => Err(failed(Problem::forbidden("Not a visitor's."))),
        Ok(Caller { user, .. }) => Ok((state, user)),
        Err(failure) => Err(failed(failure.into())),
    }
}

/// The same with the session.
pub async fn session() -> Result<(AppState, Caller), Problem> {
    let (state, _) = caller().await?;
    let caller = state.accounts.caller(&token().unwrap_or_default()).await.map_err(|failure| failed(failure.into()))?;
    Ok((state, caller))
}

/// One conversation as its page first shows it.
pub struct Opening {
    pub me: User,
    /// Read first: what is newer than its head comes by the socket.
    pub detail: ConversationDetail,
    pub messages: Messages,
    pub timeline: Vec<DurableFrame>,
    pub log_epoch: LogEpoch,
}

/// `not_found` for who may not see it, and where it is of another kind.
pub async fn open(id: &str, kind: Kind) -> Result<Opening, Problem> {
    let (state, me) = caller().await?;
    let id: ConversationId = id.parse().map_err(|_| failed(Problem::not_found()))?;
    let detail = state.conversations.detail(&me, id).await.map_err(failed)?;
    let is_visitors = detail.conversation.dialog.is_none() && kind == Kind::Dialog;
    if detail.conversation.kind != kind || is_visitors {
        return Err(failed(Problem::not_found()));
    }
    let limit = Some(limits::MESSAGES_PER_PAGE_DEFAULT);
    let messages = state.conversations.messages(&me, id, None, limit).await.map_err(failed)?;
    let first = messages.messages.first().filter(|_| messages.more);
    let from = first.map_or(Seq(1), |first| first.frame.seq);
    let side = Side::of(me.role);
    let events = state.storage.agent_events(id, from, limits::EVENTS_PER_PAGE, side).await.map_err(Problem::from)?;
    let mut timeline: Vec<DurableFrame> =
        events.iter().filter_map(|event| serde_json::from_str(&event.text).ok()).collect();
    for frame in &mut timeline {
        // A result's text is in its message.
        if let Event::Result(result) = &mut frame.event {
            result.content.clear();
        }
    }
    Ok(Opening { me, detail, messages, timeline, log_epoch: state.log_epoch })
}

/// The token that the request carries.
pub fn token() -> Option<String> {
    let parts = use_context::<Parts>()?;
    Some(auth::presented(&parts.headers)?.token.to_owned())
}

/// Where the request comes from, for the rates.
pub async fn address() -> std::net::IpAddr {
    let found = leptos_axum::extract_with_state::<ClientAddress, _>(&state()).await;
    found.map_or(std::net::Ipv4Addr::UNSPECIFIED.into(), |ClientAddress(address)| address)
}

pub fn set_cookie(cookie: HeaderValue) {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.insert_header(header::SET_COOKIE, cookie);
    }
}

/// After a sign-out by a plain form no script of ours ran: the sign-in page's own reads here that it has to wipe
/// what the browser keeps. (`Clear-Site-Data` would take the storage away under other tabs: Chromium's crash.)
pub fn tell_of_sign_out() {
    if is_plain_form()
        && let Some(response) = use_context::<ResponseOptions>()
    {
        let cookie = "magpie_signed_out=1; Path=/login; Max-Age=60; SameSite=Lax";
        response.append_header(header::SET_COOKIE, HeaderValue::from_static(cookie));
    }
}

/// The problem, with its HTTP status on the response.
pub fn failed(problem: Problem) -> Problem {
    if let Some(response) = use_context::<ResponseOptions>() {
        response.set_status(StatusCode::from_u16(problem.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR));
    }
    problem
}

/// Leads a plain form on: to `done`, or back with what went wrong. A script reads the answer itself.
pub fn lead<T>(result: Result<T, Problem>, done: impl FnOnce(&T) -> String, back: &str) -> Result<T, Problem> {
    match result {
        Ok(value) => {
            if is_plain_form() {
                redirect(&done(&value));
            }
            Ok(value)
        }
        Err(problem) => {
            let problem = failed(problem);
            if is_plain_form() {
                let separator = if back.contains('?') { '&' } else { '?' };
                redirect(&format!("{back}{separator}error={}", problem.code.as_str()));
            }
            Err(problem)
        }
    }
}

/// Where a conversation is read: a dialog at the operators' panel, which is the one place that shows it (who comes
/// here is no visitor), any other at its own page.
pub async fn page_of(state: &AppState, id: ConversationId) -> String {
    match state.storage.dialog(id).await {
        Ok(Some(_)) => format!("/operator/{id}"),
        Ok(None) => format!("/c/{id}"),
        Err(error) => {
            tracing::error!(%error, "what kind of conversation a form was sent in could not be read");
            format!("/c/{id}")
        }
    }
}

/// Forms of the settings by their name, beside those of [`super::settings`]; `ROW`: a button in a table.
pub const BROADCAST_FORM: &str = "broadcast";
pub const WEBHOOK_FORM: &str = "new-webhook";
pub const ACCOUNT_FORM: &str = "new-account";
pub const PEOPLE: &str = "people";
pub const PASSWORD_FORM: &str = "password";
pub const RESET_FORM: &str = "reset-password";
pub const ROW: &str = "row";

/// Leads a plain form back to its section of the settings, where a sentence says what came of it.
pub fn tell(
    settings: &AdminSettings,
    user: UserId,
    form: &'static str,
    told: Result<Notice, Problem>,
) -> Result<(), Problem> {
    tell_on(&format!("/settings#{form}"), settings, user, form, told)
}

/// The same on another page of the settings.
pub fn tell_on(
    page: &str,
    settings: &AdminSettings,
    user: UserId,
    form: &'static str,
    told: Result<Notice, Problem>,
) -> Result<(), Problem> {
    let (notice, result) = match told {
        Ok(notice) => (notice, Ok(())),
        Err(problem) => {
            let text = problem.detail.clone();
            (Notice { is_good: false, text }, Err(failed(problem)))
        }
    };
    if is_plain_form() {
        settings.leave(user, form, notice);
        redirect(page);
    }
    result
}

/// Leads a plain form back to a page that says by itself what came of it.
pub fn back_to<T>(path: &str, result: Result<T, Problem>) -> Result<T, Problem> {
    let result = result.map_err(failed);
    if is_plain_form() {
        redirect(path);
    }
    result
}

/// Where the settings show a site; an empty id is the one to be made.
pub fn site_section(id: &str) -> String {
    format!("/settings#site-{}", if id.is_empty() { "new" } else { id })
}

/// Where people reach this server: what the operator says, else what the browser asked for.
pub fn own_origin() -> String {
    if let Some(public) = &state().config.server.public_url {
        return public.to_string();
    }
    let parts = use_context::<Parts>();
    let host = parts.as_ref().and_then(|parts| parts.headers.get(header::HOST)?.to_str().ok());
    format!("http://{}", host.unwrap_or_default())
}

/// Lets somebody in: the cookie, and on to where they wanted to go.
pub fn enter(granted: Result<Grant, Problem>, next: &str, back: &str) -> Result<(), Problem> {
    let entered = granted.map(|grant| set_cookie(grant.cookie));
    lead(entered, |()| local_path(next).to_owned(), back)
}

/// The sign-in page with what was filled in, but the password.
pub fn login_page(next: &str, username: &str) -> String {
    format!("/login?next={}&username={}", escape(local_path(next)), escape(username))
}

/// A path of this site to be led to after a form: anything else would send people away from it.
pub fn local_path(next: &str) -> &str {
    let is_local = next.starts_with('/')
        && !next.starts_with("//")
        && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        && !next.starts_with("/login")
        && !next.starts_with("/fn");
    if is_local { next } else { "/" }
}

/// Says what this page may load and run: its own files, and the one script that carries this response's nonce; and
/// who may show it in a frame: nobody, but for a widget's ([`FrameAncestors`]).
/// Called while a page is rendered.
pub fn protect() {
    let (Some(response), Some(nonce)) = (use_context::<ResponseOptions>(), use_nonce()) else { return };
    let framed = use_context::<Parts>().and_then(|parts| parts.extensions.get::<FrameAncestors>().cloned());
    let ancestors = framed.map_or_else(|| "'none'".to_owned(), |FrameAncestors(ancestors)| ancestors);
    let policy = format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self'{DEV_SOCKET}; manifest-src 'self'; \
         worker-src 'self'; form-action 'self'; object-src 'none'; base-uri 'none'; frame-ancestors {ancestors}"
    );
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
}

/// `cargo leptos watch` reloads the page over a socket on a port of its own.
const DEV_SOCKET: &str = if cfg!(debug_assertions) { " ws:" } else { "" };

fn redirect(path: &str) {
    let (Some(response), Ok(path)) = (use_context::<ResponseOptions>(), HeaderValue::from_str(path)) else { return };
    response.set_status(StatusCode::SEE_OTHER);
    response.insert_header(header::LOCATION, path);
}

/// A browser that posts a form asks for a page.
fn is_plain_form() -> bool {
    let parts = use_context::<Parts>();
    let accept = parts.as_ref().and_then(|parts| parts.headers.get(header::ACCEPT)?.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

fn escape(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.') {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_leads_to_paths_of_this_site_alone() {
        for (next, led) in [
            ("/c/01J", "/c/01J"),
            ("/settings?a=1", "/settings?a=1"),
            ("", "/"),
            ("https://evil.example", "/"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("/a\r\nSet-Cookie: x", "/"),
            ("/login?next=/login", "/"),
            ("javascript:alert(1)", "/"),
        ] {
            assert_eq!(local_path(next), led, "{next:?}");
        }
    }

    #[test]
    fn a_failed_sign_in_keeps_what_was_filled_in() {
        assert_eq!(login_page("/c/01J?a=1&b=2", "anna&co"), "/login?next=/c/01J%3Fa%3D1%26b%3D2&username=anna%26co");
        assert_eq!(login_page("https://evil.example", ""), "/login?next=/&username=");
    }
}
