//! Accounts and sessions: register, sign in, refresh, sign out, roles.
