//! `/settings`: what admins decide while the server runs.

use axum::{Json, body::Bytes, extract::State};

use super::{body, body::Body, problem::Failure};
use crate::{
    protocol::settings::{MarketSettings, ModelSettings, ModelTested, PutMarket, PutModel},
    server::{auth::Admin, settings::AdminSettings},
};

pub(super) async fn model(_: Admin, State(settings): State<AdminSettings>) -> Json<ModelSettings> {
    Json(settings.model())
}

pub(super) async fn put_model(
    Admin(caller): Admin,
    State(settings): State<AdminSettings>,
    Body(body): Body<PutModel>,
) -> Result<Json<ModelSettings>, Failure> {
    Ok(Json(settings.save_model(&caller.user, body).await?))
}

/// Without a body, or with an empty object: the model in force.
pub(super) async fn test_model(
    Admin(caller): Admin,
    State(settings): State<AdminSettings>,
    bytes: Bytes,
) -> Result<Json<ModelTested>, Failure> {
    let is_empty = bytes.iter().all(|byte| byte.is_ascii_whitespace() || matches!(byte, b'{' | b'}'));
    let body = if is_empty { None } else { Some(body::parse(&bytes)?) };
    Ok(Json(settings.test_model(&caller.user, body).await?))
}

pub(super) async fn market(_: Admin, State(settings): State<AdminSettings>) -> Json<MarketSettings> {
    Json(settings.market())
}

pub(super) async fn put_market(
    Admin(caller): Admin,
    State(settings): State<AdminSettings>,
    Body(body): Body<PutMarket>,
) -> Result<Json<MarketSettings>, Failure> {
    Ok(Json(settings.save_market(&caller.user, body).await?))
}
