//! The HTTP API as the browser calls it: older messages, polling, a fresh token.
