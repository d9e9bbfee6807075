//! `/operators` and `/canned`: what operators work with beside the dialogs.

use axum::{Json, extract::State};

use super::{body::Body, problem::Failure};
use crate::{
    protocol::{
        Problem,
        desk::{CannedReplies, Operators},
    },
    server::{auth::Caller, dialogs::Dialogs},
};

pub(super) async fn list(caller: Caller, State(dialogs): State<Dialogs>) -> Result<Json<Operators>, Problem> {
    Ok(Json(Operators { operators: dialogs.operators(&caller.user).await? }))
}

pub(super) async fn canned(caller: Caller, State(dialogs): State<Dialogs>) -> Result<Json<CannedReplies>, Problem> {
    Ok(Json(CannedReplies { canned: dialogs.canned(&caller.user).await? }))
}

pub(super) async fn put_canned(
    caller: Caller,
    State(dialogs): State<Dialogs>,
    Body(body): Body<CannedReplies>,
) -> Result<Json<CannedReplies>, Failure> {
    Ok(Json(CannedReplies { canned: dialogs.put_canned(&caller.user, body.canned).await? }))
}
