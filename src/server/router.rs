//! Every route on one screen.

use std::sync::Arc;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderName, HeaderValue, header, request::Parts},
    middleware,
    response::Response,
    routing::get,
};
use leptos::prelude::{provide_context, use_context};
use leptos_axum::{LeptosRoutes, generate_route_list};
use tower_http::{compression::CompressionLayer, services::ServeDir, set_header::SetResponseHeaderLayer};

use super::{
    agui, functions, http, metrics,
    offline::{self, Build},
    pages,
    state::AppState,
    ws,
};
use crate::{
    protocol::{Problem, limits},
    ui::{
        app::{App, Files, offline_shell, part_at, shell},
        markdown,
    },
};

pub fn router(state: AppState) -> Router {
    Router::new()
        .merge(http::api(markdown::to_html))
        .merge(ws::routes(state.clone()))
        .merge(agui::routes())
        .route("/metrics", get(metrics::scrape))
        .route("/sw.js", get(offline::worker))
        .route("/shell", get(empty_shell))
        .method_not_allowed_fallback(http::method_not_allowed)
        .merge(site(&state))
        .layer(DefaultBodyLimit::max(limits::HTTP_BODY_BYTES))
        .layer(CompressionLayer::new())
        .layer(header("x-content-type-options", "nosniff"))
        .layer(header("referrer-policy", "same-origin"))
        .layer(SetResponseHeaderLayer::if_not_present(header::X_FRAME_OPTIONS, pages::FrameAncestors::frame_options))
        .with_state(state)
}

/// The pages, the server functions behind them, and the files.
fn site(state: &AppState) -> Router<AppState> {
    let options = state.leptos_options.clone();
    let context = {
        let state = state.clone();
        move || provide_context(state.clone())
    };
    let render = {
        let options = options.clone();
        move || {
            functions::protect();
            shell(options.clone(), files(&options.site_pkg_dir))
        }
    };
    let not_found = leptos_axum::render_app_async_with_context(context.clone(), render.clone());
    let unknown_page = get(not_found)
        .layer(middleware::map_response(pages::not_found))
        .layer(middleware::from_fn_with_state(state.clone(), pages::page));
    let files = ServeDir::new(&*options.site_root)
        .precompressed_br()
        .precompressed_gzip()
        .append_index_html_on_directories(false);
    let revalidated =
        SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    let of_this_build = tower::ServiceBuilder::new()
        .layer(middleware::from_fn_with_state(state.clone(), offline::this_build))
        .layer(revalidated.clone())
        .service(files.clone());
    let files = files.fallback(unknown_page.with_state(state.clone()));

    let pages = Router::new()
        .leptos_routes_with_context(state, generate_route_list(App), context.clone(), render)
        .layer(middleware::from_fn_with_state(state.clone(), pages::page));
    let functions = Router::new()
        .route(
            "/fn/{*name}",
            axum::routing::post(move |request| leptos_axum::handle_server_fns_with_context(context.clone(), request)),
        )
        .layer(middleware::from_fn_with_state(state.clone(), pages::function));
    pages
        .merge(functions)
        .nest_service("/shell/{build}", of_this_build)
        .fallback_service(tower::ServiceBuilder::new().layer(revalidated).service(files))
}

/// Where the page that is being rendered finds its files.
fn files(pkg: &str) -> Files {
    let Some(request) = use_context::<Parts>() else { return Files::default() };
    let Some(build) = request.extensions.get::<Arc<Build>>() else { return Files::default() };
    let part = part_at(request.uri.path()).map(|part| format!("{pkg}/split_{}.wasm", part.name));
    Files { root: build.root(), part: part.and_then(|file| build.path(&file)) }
}

/// The document that the service worker keeps and shows where there is no network: nobody's, and empty.
async fn empty_shell(State(state): State<AppState>, request: Request) -> Result<Response, Problem> {
    let root = state.builds.current().await?.root();
    let render = move || {
        functions::protect();
        offline_shell(state.leptos_options.clone(), root.clone())
    };
    let mut response = leptos_axum::render_app_async_with_context(|| (), render)(request).await;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn header(name: &'static str, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(HeaderName::from_static(name), HeaderValue::from_static(value))
}
