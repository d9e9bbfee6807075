//! The document around every page, the providers, the routes and the parts that they are in.

use leptos::prelude::*;
use leptos_meta::{HashedStylesheet, MetaTags, Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{ParentRoute, Route, Router, Routes},
    path,
};

use super::{
    Zone,
    pages::{
        chat::ChatPage,
        home::Home,
        login::LoginPage,
        not_found::NotFound,
        operator::{OperatorPage, dialog::DialogPage, start::NoDialog},
        settings::{SettingsPage, admin::AdminPage},
        start::Start,
        widget::WidgetPage,
    },
    part::{Missing, NotLoaded, Part},
};
use crate::{client::provide_client, part};

part!(operator: PANEL = OperatorPage, DIALOG = DialogPage, NO_DIALOG = NoDialog);
part!(settings: SETTINGS = SettingsPage, ADMIN = AdminPage);
part!(widget: WIDGET = WidgetPage);

/// The part that the page at this path is in, if it is in one.
pub fn part_at(path: &str) -> Option<Part> {
    match path.trim_start_matches('/').split('/').next()? {
        "settings" => Some(SETTINGS),
        "operator" => Some(PANEL),
        "widget" => Some(WIDGET),
        _ => None,
    }
}

/// Where a page finds its files.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// The path below which the server has this one build; empty where it has none.
    pub root: String,
    /// The file of the part that the page is in, if it is cut out.
    pub part: Option<String>,
}

/// The document. Rendered by the server alone.
pub fn shell(options: LeptosOptions, files: Files) -> impl IntoView {
    let Files { root, part } = files;
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1, interactive-widget=resizes-content" />
                <meta name="color-scheme" content="light dark" />
                <meta name="theme-color" content="#0e151c" />
                <meta name="description" content="A self-hosted chat in which people and AI agents share the same conversation, live." />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link rel="modulepreload" href=[&root, "/persist.js"].concat() />
                <HashedStylesheet id="leptos" options=options.clone() root=root.clone() />
                <AutoReload options=options.clone() />
                <HydrationScripts options root />
                {part.map(|file| view! { <link rel="preload" href=file r#as="fetch" r#type="application/wasm" crossorigin="" /> })}
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

/// What the service worker shows where there is no network: the same document with nothing in it. Its files lie
/// below `root`, where the worker keeps one whole build. Rendered by the server alone; see [`is_offline_shell`].
pub fn offline_shell(options: LeptosOptions, root: String) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1, interactive-widget=resizes-content" />
                <meta name="color-scheme" content="light dark" />
                <meta name="theme-color" content="#0e151c" />
                <title>"Magpie"</title>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <HashedStylesheet options=options.clone() root=root.clone() />
                <HydrationScripts options root />
            </head>
            <body data-shell=""></body>
        </html>
    }
}

/// Whether this document came without a page in it. In a browser only.
pub fn is_offline_shell() -> bool {
    document().body().is_some_and(|body| body.has_attribute("data-shell"))
}

/// In the context of a page that was opened from the empty shell: what is kept is shown before the network is asked.
#[derive(Clone, Copy)]
pub struct FromShell;

/// Renders the app into the empty document. In a browser only.
pub fn fill() {
    let body = document().body();
    body.into_iter().for_each(|body| leptos::mount::mount_to_renderer(&body, OfflineApp).forget());
}

/// Puts into the place of a page that its part could not be loaded. In a browser only.
pub fn give_up() {
    let Some(body) = document().body() else { return };
    body.set_inner_html("");
    leptos::mount::mount_to_renderer(&body, NotLoaded).forget();
}

/// The app in the empty shell: there is nothing to take over, everything is built here.
#[component]
fn OfflineApp() -> impl IntoView {
    provide_context(FromShell);
    App()
}

#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    provide_client();
    Zone::provide();
    view! {
        <Title formatter=|page: String| if page.is_empty() { "Magpie".to_owned() } else { page + " · Magpie" } />
        <Router>
            <Routes fallback=NotFound>
                <Route path=path!("/login") view=LoginPage ssr=SsrMode::Async />
                <ParentRoute path=path!("operator") view=|| PANEL.view() ssr=SsrMode::Async>
                    <Route path=path!("") view=|| NO_DIALOG.view() ssr=SsrMode::Async />
                    <Route path=path!(":id") view=|| DIALOG.view() ssr=SsrMode::Async />
                </ParentRoute>
                <Route path=path!("/widget/:site") view=|| WIDGET.view() ssr=SsrMode::Async />
                <ParentRoute path=path!("") view=Home ssr=SsrMode::Async>
                    <Route path=path!("") view=Start ssr=SsrMode::Async />
                    <Route path=path!("c/:id") view=ChatPage ssr=SsrMode::Async />
                    <Route path=path!("settings") view=|| SETTINGS.view() ssr=SsrMode::Async />
                    <Route path=path!("settings/connections") view=|| ADMIN.view() ssr=SsrMode::Async />
                    <Route path=path!("settings/broadcast") view=|| ADMIN.view() ssr=SsrMode::Async />
                    <Route path=path!("settings/audit") view=|| ADMIN.view() ssr=SsrMode::Async />
                    <Route path=path!("settings/webhooks") view=|| ADMIN.view() ssr=SsrMode::Async />
                    <Route path=path!("settings/deliveries") view=|| ADMIN.view() ssr=SsrMode::Async />
                </ParentRoute>
            </Routes>
        </Router>
    }
}
