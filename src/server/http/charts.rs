//! The pictures that agents drew. SVG can hold scripts: these are served so that none would run.

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderName, header},
    response::IntoResponse,
};

use crate::{
    protocol::{ChartId, Problem},
    server::{auth::Caller, conversations::Conversations},
};

/// A chart never changes: who may read it keeps it.
const HEADERS: [(HeaderName, &str); 3] = [
    (header::CONTENT_TYPE, "image/svg+xml"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"),
    (header::CACHE_CONTROL, "private, max-age=31536000, immutable"),
];

pub(super) async fn svg(
    caller: Caller,
    State(conversations): State<Conversations>,
    file: Result<Path<String>, PathRejection>,
) -> Result<impl IntoResponse, Problem> {
    let Path(file) = file.map_err(|_| Problem::not_found())?;
    let id = file.strip_suffix(".svg").and_then(|id| id.parse::<ChartId>().ok()).ok_or_else(Problem::not_found)?;
    Ok((HEADERS, conversations.chart(&caller.user, id).await?))
}
