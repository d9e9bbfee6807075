//! `/me` and `/users`.

use axum::{Json, extract::State};

use super::{body::Body, params::UsernamePath, problem::Failure};
use crate::{
    protocol::{
        Problem,
        http::{Me, PatchUser, User, Users},
    },
    server::{
        accounts::Accounts,
        auth::{Admin, Caller},
    },
};

pub(super) async fn me(caller: Caller) -> Json<Me> {
    let User { id, username, display_name, role, .. } = caller.user;
    Json(Me { id, username, display_name, role, expires_at: caller.expires_at })
}

pub(super) async fn list(caller: Caller, State(accounts): State<Accounts>) -> Result<Json<Users>, Problem> {
    Ok(Json(Users { users: accounts.users(&caller.user).await? }))
}

pub(super) async fn patch(
    Admin(caller): Admin,
    State(accounts): State<Accounts>,
    UsernamePath(username): UsernamePath,
    Body(body): Body<PatchUser>,
) -> Result<Json<User>, Failure> {
    Ok(Json(accounts.patch_user(&caller.user, &username, body).await?))
}
