//! What admins see and do of the server at work: `/ws/connections`, `/ws/broadcast`, `/audit`.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};

use super::{body::Body, params::Window, problem::Failure};
use crate::{
    protocol::{
        ConnectionId, Problem,
        admin::{AuditPage, ConnectionList},
        http::{Delivered, PostBroadcast},
    },
    server::{auth::Admin, overseer::Overseer},
};

pub(super) async fn broadcast(
    Admin(caller): Admin,
    State(overseer): State<Overseer>,
    Body(body): Body<PostBroadcast>,
) -> Result<(StatusCode, Json<Delivered>), Failure> {
    let delivered = overseer.broadcast(&caller.user, &body.message).await?;
    Ok((StatusCode::ACCEPTED, Json(Delivered { delivered })))
}

pub(super) async fn connections(
    Admin(caller): Admin,
    State(overseer): State<Overseer>,
) -> Result<Json<ConnectionList>, Problem> {
    Ok(Json(overseer.connections(&caller.user)?))
}

pub(super) async fn disconnect(
    Admin(caller): Admin,
    State(overseer): State<Overseer>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let id: ConnectionId = id.parse().map_err(|_| Problem::not_found())?;
    overseer.disconnect(&caller.user, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn audit(
    Admin(caller): Admin,
    State(overseer): State<Overseer>,
    window: Window,
) -> Result<Json<AuditPage>, Problem> {
    Ok(Json(overseer.audit(&caller.user, window.before.map(|before| before.0), window.limit).await?))
}
