//! The HTTP API: every call of `docs/protocol.md` §1, thin. A handler reads the request, calls one use case,
//! and writes the reply; rights and bounds are the use cases'. No SQL in here, and no frames but the raw ones.

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderValue, StatusCode, header},
    response::IntoResponse,
    routing::{delete, get, patch, post},
};
use tower::ServiceBuilder;
use tower_http::set_header::SetResponseHeaderLayer;

use super::state::AppState;
use crate::protocol::{Code, Problem, limits};
use problem::Failure;

mod address;
mod admin;
mod auth;
mod body;
mod charts;
mod conversations;
mod health;
mod knowledge;
mod messages;
mod operators;
mod params;
mod problem;
mod settings;
mod timings;
mod users;
mod webhooks;
mod widget;

pub use address::ClientAddress;
pub use body::Body;

/// All of it, under `/api/v1` and, what probes look for there, at the root.
///
/// `markdown` writes Markdown as HTML that is safe to show.
pub fn api(markdown: fn(&str) -> String) -> Router<AppState> {
    Router::new().nest("/api/v1", v1(markdown)).merge(probes())
}

fn v1(markdown: fn(&str) -> String) -> Router<AppState> {
    Router::new()
        .route("/auth/register", post(auth::register))
        .route("/auth/login", post(auth::login))
        .route("/auth/refresh", post(auth::refresh))
        .route("/auth/logout", post(auth::logout))
        .route("/me", get(users::me))
        .route("/me/timings", post(timings::report))
        .route("/users", get(users::list))
        .route("/users/{username}", patch(users::patch))
        .route("/conversations", get(conversations::list).post(conversations::create))
        .route("/conversations/{id}", get(conversations::detail))
        .route("/conversations/{id}/members", post(conversations::add_member))
        .route("/conversations/{id}/members/{username}", delete(conversations::remove_member))
        .route("/conversations/{id}/events", get(messages::events))
        .route("/conversations/{id}/messages", get(messages::list).post(messages::post))
        .route("/conversations/{id}/cancel", post(messages::cancel))
        .route(
            "/knowledge/{*path}",
            get(move |caller, knowledge, options, path, headers| {
                knowledge::document(markdown, caller, knowledge, options, path, headers)
            }),
        )
        .route("/conversations/{id}/runs/{run_id}/retry", post(messages::retry))
        .route("/charts/{file}", get(charts::svg))
        .route("/settings/model", get(settings::model).put(settings::put_model))
        .route("/settings/model/test", post(settings::test_model))
        .route("/settings/market", get(settings::market).put(settings::put_market))
        .route("/conversations/{id}/control", post(messages::control))
        .route("/operators", get(operators::list))
        .route("/canned", get(operators::canned).put(operators::put_canned))
        .route("/sites", get(widget::sites).post(widget::make_site))
        .route("/sites/{id}", patch(widget::patch_site))
        .route("/sites/{id}/secret", post(widget::new_secret))
        .route("/widget/sessions", post(widget::open).options(widget::preflight))
        .route("/ws/broadcast", post(admin::broadcast))
        .route("/ws/connections", get(admin::connections))
        .route("/ws/connections/{id}", delete(admin::disconnect))
        .route("/audit", get(admin::audit))
        .route("/webhooks", get(webhooks::list).post(webhooks::create))
        .route("/webhooks/{id}", patch(webhooks::patch).delete(webhooks::remove))
        .route("/webhooks/{id}/deliveries", get(webhooks::deliveries))
        .route("/webhooks/deliveries/{id}/resend", post(webhooks::resend))
        .merge(probes())
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(not_found)
        .layer(DefaultBodyLimit::max(limits::HTTP_BODY_BYTES))
        .layer(
            ServiceBuilder::new()
                .layer(SetResponseHeaderLayer::if_not_present(
                    header::CACHE_CONTROL,
                    HeaderValue::from_static("no-store"),
                ))
                .layer(SetResponseHeaderLayer::if_not_present(
                    header::X_CONTENT_TYPE_OPTIONS,
                    HeaderValue::from_static("nosniff"),
                )),
        )
}

fn probes() -> Router<AppState> {
    Router::new()
        .route("/health", get(health::health))
        .route("/health/ready", get(health::ready))
        .route("/ws/status", get(health::sockets))
}

async fn not_found() -> Problem {
    Problem::new(Code::NotFound, "The API has no such address.")
}

pub(super) async fn method_not_allowed() -> impl IntoResponse {
    let problem = Problem::new(Code::Invalid, "This address does not take that method.");
    Failure { status: StatusCode::METHOD_NOT_ALLOWED, problem }
}
