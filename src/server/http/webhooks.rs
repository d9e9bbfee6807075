//! `/webhooks`, which admins keep, and what became of the deliveries to them.

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};

use super::{body::Body, params::Window, problem::Failure};
use crate::{
    protocol::{
        DeliveryId, Problem, WebhookId,
        webhook::{DeliveryPage, Webhook, WebhookForm, WebhookList, WebhookMade},
    },
    server::{auth::Admin, webhooks::Webhooks},
};

pub(super) async fn list(Admin(caller): Admin, State(webhooks): State<Webhooks>) -> Result<Json<WebhookList>, Problem> {
    Ok(Json(WebhookList { webhooks: webhooks.list(&caller.user).await? }))
}

pub(super) async fn create(
    Admin(caller): Admin,
    State(webhooks): State<Webhooks>,
    Body(form): Body<WebhookForm>,
) -> Result<(StatusCode, Json<WebhookMade>), Failure> {
    Ok((StatusCode::CREATED, Json(webhooks.create(&caller.user, form).await?)))
}

pub(super) async fn patch(
    Admin(caller): Admin,
    State(webhooks): State<Webhooks>,
    Path(id): Path<String>,
    Body(form): Body<WebhookForm>,
) -> Result<Json<Webhook>, Failure> {
    Ok(Json(webhooks.patch(&caller.user, webhook(&id)?, form).await?))
}

pub(super) async fn remove(
    Admin(caller): Admin,
    State(webhooks): State<Webhooks>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    webhooks.delete(&caller.user, webhook(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn deliveries(
    Admin(caller): Admin,
    State(webhooks): State<Webhooks>,
    Path(id): Path<String>,
    window: Window,
) -> Result<Json<DeliveryPage>, Problem> {
    let before = window.before.map(|before| before.0);
    Ok(Json(webhooks.deliveries(&caller.user, webhook(&id)?, before, window.limit).await?))
}

pub(super) async fn resend(
    Admin(caller): Admin,
    State(webhooks): State<Webhooks>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let id: DeliveryId = id.parse().map_err(|_| Problem::not_found())?;
    webhooks.resend(&caller.user, id).await?;
    Ok(StatusCode::ACCEPTED)
}

fn webhook(id: &str) -> Result<WebhookId, Problem> {
    id.parse().map_err(|_| Problem::not_found())
}
