//! The document around every page, the providers, the routes.

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
};
use crate::client::provide_client;

/// The document. Rendered by the server alone.
pub fn shell(options: LeptosOptions) -> impl IntoView {
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
                <link rel="modulepreload" href="/persist.js" />
                <HashedStylesheet id="leptos" options=options.clone() />
                <AutoReload options=options.clone() />
                <HydrationScripts options />
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

/// The app in the empty shell: there is nothing to take over, everything is built here.
#[component]
pub fn OfflineApp() -> impl IntoView {
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
                <ParentRoute path=path!("operator") view=OperatorPage ssr=SsrMode::Async>
                    <Route path=path!("") view=NoDialog ssr=SsrMode::Async />
                    <Route path=path!(":id") view=DialogPage ssr=SsrMode::Async />
                </ParentRoute>
                <Route path=path!("/widget/:site") view=WidgetPage ssr=SsrMode::Async />
                <ParentRoute path=path!("") view=Home ssr=SsrMode::Async>
                    <Route path=path!("") view=Start ssr=SsrMode::Async />
                    <Route path=path!("c/:id") view=ChatPage ssr=SsrMode::Async />
                    <Route path=path!("settings") view=SettingsPage ssr=SsrMode::Async />
                    <Route path=path!("settings/connections") view=AdminPage ssr=SsrMode::Async />
                    <Route path=path!("settings/broadcast") view=AdminPage ssr=SsrMode::Async />
                    <Route path=path!("settings/audit") view=AdminPage ssr=SsrMode::Async />
                    <Route path=path!("settings/webhooks") view=AdminPage ssr=SsrMode::Async />
                    <Route path=path!("settings/deliveries") view=AdminPage ssr=SsrMode::Async />
                </ParentRoute>
            </Routes>
        </Router>
    }
}
