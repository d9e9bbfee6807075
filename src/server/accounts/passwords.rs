//! Another password: one's own, by the one before, or by an admin for somebody who forgot theirs.

use std::net::IpAddr;

use super::{Accounts, check, must_be_admin, unknown_user};
use crate::{
    protocol::{CloseCode, Problem, admin::AuditAction, http::User, limits},
    server::auth::Caller,
};

impl Accounts {
    /// One's own. All other sessions of the person end, so that whoever knew the one before is out.
    ///
    /// # Errors
    /// `invalid`: `current` is wrong, or the new one too long. `weak_password`. `rate_limited`, as for sign-ins: a
    /// session that was left open is no place to guess.
    pub async fn change_password(
        &self,
        from: IpAddr,
        caller: &Caller,
        current: String,
        new: String,
    ) -> Result<(), Problem> {
        let user = &caller.user;
        self.rates.sign_in_from(from)?;
        self.rates.sign_in_as(&user.username)?;
        check::new_password(&new)?;
        let wrong = || Problem::invalid("current_password", "that is not it");
        if current.len() > limits::PASSWORD_BYTES_MAX {
            return Err(wrong());
        }
        let hash = self.storage.credentials(&user.username).await?.map(|(_, hash)| hash);
        if !self.passwords.verify(current, hash).await? {
            self.audit.sign_in_failed(&user.username, from).await;
            return Err(wrong());
        }
        let hash = self.passwords.hash(new).await?;
        self.storage.set_password(user.id, hash, Some(caller.session_id)).await?;
        // Those of this session come back with a fresh token; the others have no session to refresh.
        self.close(user.id, CloseCode::TokenExpired).await;
        tracing::info!(user_id = %user.id, "password changed");
        self.audit.did(user, AuditAction::PasswordChanged, &user.username, "their own").await;
        Ok(())
    }

    /// Somebody's, by an admin. All of their sessions end.
    ///
    /// # Errors
    /// `forbidden` for who is no admin, `unknown_user`, `weak_password`, `rate_limited`; `invalid`: one's own is
    /// changed with the current one.
    pub async fn reset_password(
        &self,
        from: IpAddr,
        caller: &User,
        username: &str,
        new: String,
    ) -> Result<User, Problem> {
        must_be_admin(caller)?;
        self.rates.sign_in_from(from)?;
        check::new_password(&new)?;
        let found = self.storage.credentials(username.trim()).await?;
        let (user, _) = found.ok_or_else(|| unknown_user(username))?;
        if user.id == caller.id {
            return Err(Problem::invalid("username", "your own password is changed with the current one"));
        }
        let hash = self.passwords.hash(new).await?;
        self.storage.set_password(user.id, hash, None).await?;
        self.close(user.id, CloseCode::SignedOut).await;
        tracing::info!(by = %caller.id, user_id = %user.id, "password reset");
        self.audit.did(caller, AuditAction::PasswordChanged, &user.username, "by an admin").await;
        Ok(user)
    }
}
