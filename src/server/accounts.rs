//! Accounts and sessions: register, sign in, refresh, sign out, roles.
//!
//! HTTP and the server functions come through here alike; each method gives back what either needs, the
//! token and the cookie that holds it.

use std::{net::IpAddr, sync::Arc};

use axum::http::HeaderValue;
use tokio::sync::Mutex;

use super::{
    audit::Recorder,
    auth::{
        AuthFailure, Caller,
        cookie::{self, Secure},
        jwt::{Tokens, Verified},
        password::Passwords,
    },
    bus::{Bus, BusMessage, Whose},
    clock,
    config::{Config, Registration},
    limits::Rates,
    storage::{NewUser, Session, Storage},
};
use crate::{
    fresh_id,
    protocol::{
        CloseCode, Code, Problem, SessionId, Timestamp, UserId,
        admin::AuditAction,
        http::{Login, PatchUser, Register, Role, SignedIn, User},
        limits,
    },
};

mod check;
mod passwords;

#[derive(Clone)]
pub struct Accounts {
    config: Arc<Config>,
    storage: Arc<dyn Storage>,
    bus: Arc<dyn Bus>,
    rates: Rates,
    passwords: Passwords,
    tokens: Arc<Tokens>,
    audit: Recorder,
    /// Held where a rule spans more than one row: that there is an admin, that the first account is one.
    rules: Arc<Mutex<()>>,
}

/// A token, and the `Set-Cookie` value that keeps it in a browser.
#[derive(Debug, Clone)]
pub struct Grant {
    pub signed_in: SignedIn,
    pub cookie: HeaderValue,
}

impl Accounts {
    pub fn new(config: Arc<Config>, storage: Arc<dyn Storage>, bus: Arc<dyn Bus>, rates: Rates) -> Self {
        let tokens = Arc::new(Tokens::new(&config.auth.jwt_secret));
        let audit = Recorder::new(storage.clone());
        Self { config, storage, bus, rates, passwords: Passwords::default(), tokens, audit, rules: Arc::default() }
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    // ── Signing in ──────────────────────────────────────────────────────────────────────────────

    /// Makes an account and signs it in. Where registration is closed, only an admin (`by`) may, once the
    /// first account is there.
    pub async fn register(&self, from: IpAddr, by: Option<&User>, body: Register) -> Result<Grant, Problem> {
        self.rates.sign_in_from(from)?;
        let username = check::username(&body.username)?;
        let display_name = check::display_name(body.display_name.as_deref(), &username)?;
        check::new_password(&body.password)?;
        self.may_register(by).await?;
        let password_hash = self.passwords.hash(body.password).await?;
        let new = NewUser { id: fresh_id!(UserId), username, display_name, password_hash, at: clock::now() };
        let user = {
            let _alone = self.rules.lock().await;
            self.may_register(by).await?;
            self.storage.create_user(new).await?
        };
        tracing::info!(user_id = %user.id, role = user.role.as_str(), "registered");
        let how = if by.is_some() { "made by an admin" } else { "registered" };
        let detail = format!("{how}, {}", user.role.as_str());
        self.audit.did(by.unwrap_or(&user), AuditAction::AccountCreated, &user.username, &detail).await;
        self.sign_in(user).await
    }

    /// Whether anybody may make an account.
    pub fn is_open(&self) -> bool {
        self.config.auth.registration == Registration::Open
    }

    async fn may_register(&self, by: Option<&User>) -> Result<(), Problem> {
        if self.is_open() || by.is_some_and(|user| user.role == Role::Admin) || self.storage.users().await?.is_empty() {
            return Ok(());
        }
        Err(Problem::new(Code::RegistrationClosed, "Ask an admin of this server for an account."))
    }

    /// An unknown name, a wrong password and a disabled account cost the same and get the same words.
    pub async fn login(&self, from: IpAddr, body: Login) -> Result<Grant, Problem> {
        let username = body.username.trim();
        self.rates.sign_in_from(from)?;
        self.rates.sign_in_as(username)?;
        if body.password.len() > limits::PASSWORD_BYTES_MAX {
            return Err(bad_credentials());
        }
        let (user, hash) = self.storage.credentials(username).await?.unzip();
        let is_right = self.passwords.verify(body.password, hash).await?;
        match user {
            Some(user) if is_right && !user.disabled => {
                tracing::info!(user_id = %user.id, "signed in");
                self.audit.signed_in(&user, from).await;
                self.sign_in(user).await
            }
            _ => {
                self.audit.sign_in_failed(username, from).await;
                Err(bad_credentials())
            }
        }
    }

    /// A session for a visitor: no password, and no cookie either.
    pub(super) async fn visit(&self, visitor: User) -> Result<Grant, Problem> {
        self.sign_in(visitor).await
    }

    async fn sign_in(&self, user: User) -> Result<Grant, Problem> {
        let now = clock::now();
        let id = fresh_id!(SessionId);
        let expires_at = Timestamp::from_ms(now.as_ms() + limits::SESSION_LIFETIME_MS);
        self.storage.create_session(id, user.id, now, expires_at).await?;
        self.grant(Session { id, user, expires_at }, now)
    }

    fn grant(&self, session: Session, now: Timestamp) -> Result<Grant, Problem> {
        let (token, expires_at) = self.tokens.issue(session.user.id, session.id, session.user.role, now)?;
        let cookie = cookie::set(&token, self.secure(), now, session.expires_at)?;
        Ok(Grant { signed_in: SignedIn { token, expires_at, user: session.user }, cookie })
    }

    fn secure(&self) -> Secure {
        if self.config.is_https() { Secure::Yes } else { Secure::No }
    }

    // ── Being signed in ─────────────────────────────────────────────────────────────────────────

    /// Whose token this is, if it and its session are good now.
    pub async fn caller(&self, token: &str) -> Result<Caller, AuthFailure> {
        let now = clock::now();
        let verified = self.tokens.verify(token, now).ok_or(AuthFailure::Invalid)?;
        let Verified::Valid(claims) = &verified else { return Err(AuthFailure::Expired) };
        let expires_at = claims.expires_at();
        let session = self.session(&verified, now).await?;
        Ok(Caller { user: session.user, session_id: session.id, expires_at })
    }

    /// A fresh token of the same session; for an expired one, too, while its session lives. The session's
    /// sockets live as long as the fresh token.
    pub async fn refresh(&self, token: &str) -> Result<Grant, Problem> {
        let now = clock::now();
        let verified = self.tokens.verify(token, now).ok_or(AuthFailure::Invalid)?;
        let session = self.session(&verified, now).await?;
        let (user, id) = (session.user.id, session.id);
        let grant = self.grant(session, now)?;
        let expires_at = grant.signed_in.expires_at;
        self.bus.publish(BusMessage::Renewed { user, session: id, expires_at }).await;
        Ok(grant)
    }

    /// As [`Accounts::refresh`], for a token that has less than half its time left; `None` where there is
    /// nothing to do, or nothing to be done.
    pub(super) async fn renew(&self, token: &str) -> Option<(Caller, Grant)> {
        let now = clock::now();
        let verified = self.tokens.verify(token, now)?;
        let left_ms = verified.claims().expires_at().as_ms() - now.as_ms();
        if left_ms > limits::TOKEN_LIFETIME_MS / 2 {
            return None;
        }
        let session = self.session(&verified, now).await.ok()?;
        let session_id = session.id;
        let grant = self.grant(session, now).ok()?;
        let SignedIn { user, expires_at, .. } = grant.signed_in.clone();
        self.bus.publish(BusMessage::Renewed { user: user.id, session: session_id, expires_at }).await;
        Some((Caller { user, session_id, expires_at }, grant))
    }

    /// Ends the session of this token, expired or not, and closes its sockets. Returns the `Set-Cookie` value
    /// that takes the cookie away.
    pub async fn logout(&self, token: &str) -> Result<HeaderValue, Problem> {
        let now = clock::now();
        let verified = self.tokens.verify(token, now).ok_or(AuthFailure::Invalid)?;
        let session = self.session(&verified, now).await?;
        self.storage.revoke_session(session.id).await?;
        self.bus.publish(BusMessage::Close { whose: Whose::Session(session.id), code: CloseCode::SignedOut }).await;
        tracing::info!(user_id = %session.user.id, "signed out");
        Ok(self.forget())
    }

    /// The `Set-Cookie` value that takes the cookie away.
    pub fn forget(&self) -> HeaderValue {
        cookie::clear(self.secure())
    }

    /// The living session of a genuine token.
    async fn session(&self, verified: &Verified, now: Timestamp) -> Result<Session, AuthFailure> {
        let claims = verified.claims();
        match self.storage.session(claims.jti, now).await {
            Ok(Some(session)) if session.user.id == claims.sub => Ok(session),
            Ok(_) => Err(AuthFailure::Invalid),
            Err(error) => {
                tracing::error!(%error, "a session could not be read");
                Err(AuthFailure::Unavailable)
            }
        }
    }

    // ── Administration ──────────────────────────────────────────────────────────────────────────

    /// Everybody, for an admin.
    pub async fn users(&self, caller: &User) -> Result<Vec<User>, Problem> {
        must_be_admin(caller)?;
        Ok(self.storage.users().await?)
    }

    /// Changes a role or disables an account, and closes the sockets that were opened under the old one.
    pub async fn patch_user(&self, caller: &User, username: &str, body: PatchUser) -> Result<User, Problem> {
        must_be_admin(caller)?;
        if body.role == Some(Role::Visitor) {
            return Err(Problem::invalid("role", "one of member, operator, admin"));
        }
        let _alone = self.rules.lock().await;
        let before = self.storage.user_by_name(username).await?.ok_or_else(|| unknown_user(username))?;
        self.must_leave_an_admin(&before, &body).await?;
        let after = self.storage.patch_user(username, body.role, body.disabled).await?;
        let after = after.ok_or_else(|| unknown_user(username))?;
        if after.disabled && !before.disabled {
            self.storage.revoke_sessions_of(after.id).await?;
            self.close(after.id, CloseCode::SignedOut).await;
        } else if after.role != before.role {
            self.close(after.id, CloseCode::TokenExpired).await;
        }
        tracing::info!(by = %caller.id, user_id = %after.id, role = after.role.as_str(), after.disabled, "account changed");
        self.record(caller, &before, &after).await;
        Ok(after)
    }

    async fn record(&self, caller: &User, before: &User, after: &User) {
        if before.role != after.role {
            let detail = format!("from {} to {}", before.role.as_str(), after.role.as_str());
            self.audit.did(caller, AuditAction::RoleChanged, &after.username, &detail).await;
        }
        if before.disabled != after.disabled {
            let action = if after.disabled { AuditAction::AccountDisabled } else { AuditAction::AccountEnabled };
            self.audit.did(caller, action, &after.username, "").await;
        }
    }

    /// A server without an admin could never get one again.
    async fn must_leave_an_admin(&self, user: &User, body: &PatchUser) -> Result<(), Problem> {
        let demoted = body.role.is_some_and(|role| role != Role::Admin);
        let disabled = body.disabled == Some(true);
        if user.role != Role::Admin || user.disabled || !(demoted || disabled) {
            return Ok(());
        }
        let is_another = |other: &User| other.role == Role::Admin && !other.disabled && other.id != user.id;
        if self.storage.users().await?.iter().any(is_another) {
            return Ok(());
        }
        let field = if demoted { "role" } else { "disabled" };
        Err(Problem::invalid(field, "this is the last admin; make another one first"))
    }

    async fn close(&self, user: UserId, code: CloseCode) {
        self.bus.publish(BusMessage::Close { whose: Whose::User(user), code }).await;
    }

    #[cfg(test)]
    pub(super) fn passwords(&self) -> &Passwords {
        &self.passwords
    }
}

/// Administration is for admins; others learn that it exists and no more.
pub fn must_be_admin(caller: &User) -> Result<(), Problem> {
    if caller.role == Role::Admin { Ok(()) } else { Err(Problem::forbidden("Only an admin may do this.")) }
}

/// Says which, of several that were named; no more of it than a username may have.
pub(super) fn unknown_user(username: &str) -> Problem {
    let shown: String = username.trim().chars().take(*limits::USERNAME_CHARS.end()).collect();
    Problem::new(Code::UnknownUser, format!("Nobody here has the username “{shown}”."))
}

fn bad_credentials() -> Problem {
    Problem::new(Code::BadCredentials, "Wrong username or password.")
}

#[cfg(test)]
mod tests;
