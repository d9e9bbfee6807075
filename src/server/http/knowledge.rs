//! The documents that agents quote, for those who follow the link.

use std::sync::Arc;

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use leptos::config::LeptosOptions;

use crate::{
    protocol::{Problem, http::Role},
    server::{
        auth::Caller,
        knowledge::{Knowledge, passages},
    },
};

/// Nothing runs on this page, whatever is in the document.
const POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors \
'none'; sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox";

/// A page for browsers; the Markdown itself for everyone else.
pub(super) async fn document(
    markdown: fn(&str) -> String,
    caller: Caller,
    State(knowledge): State<Option<Arc<dyn Knowledge>>>,
    State(options): State<LeptosOptions>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if caller.user.role == Role::Visitor {
        // What agents quote of it is enough.
        return Err(Problem::forbidden("Documents are for people with an account."));
    }
    let Path(path) = path.map_err(|_| Problem::not_found())?;
    let Some(knowledge) = knowledge else { return Err(Problem::not_found()) };
    let text = knowledge.document(&path).await?.ok_or_else(Problem::not_found)?;
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let (kind, body) = match accept.contains("text/html") {
        true => ("text/html; charset=utf-8", page(markdown, &options, &path, &text)),
        false => ("text/markdown; charset=utf-8", text),
    };
    let mut response =
        ([(header::CONTENT_TYPE, kind), (header::CONTENT_SECURITY_POLICY, POLICY)], body).into_response();
    response.headers_mut().append(header::VARY, HeaderValue::from_static("accept"));
    Ok(response)
}

/// Each section under the anchor that a search names.
fn page(markdown: fn(&str) -> String, options: &LeptosOptions, path: &str, text: &str) -> String {
    let (title, _) = passages::read(path, text);
    let style = format!("/{}/{}.css", options.site_pkg_dir, options.output_name);
    let sections: String = passages::sections(text)
        .iter()
        .map(|section| format!("<section id=\"{}\">{}</section>\n", escaped(&section.anchor), markdown(section.text)))
        .collect();
    format!(
        "<!DOCTYPE html><html lang=\"und\"><head><meta charset=\"utf-8\"><title>{}</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <link rel=\"stylesheet\" href=\"{}\"></head><body><main class=\"document prose\">{sections}</main></body></html>",
        escaped(&title),
        escaped(&style),
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
