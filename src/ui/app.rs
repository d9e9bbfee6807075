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
    pages::{chat::ChatPage, home::Home, login::LoginPage, not_found::NotFound, settings::SettingsPage, start::Start},
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
                <ParentRoute path=path!("") view=Home ssr=SsrMode::Async>
                    <Route path=path!("") view=Start ssr=SsrMode::Async />
                    <Route path=path!("c/:id") view=ChatPage ssr=SsrMode::Async />
                    <Route path=path!("settings") view=SettingsPage ssr=SsrMode::Async />
                </ParentRoute>
            </Routes>
        </Router>
    }
}
