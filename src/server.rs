//! The server: everything behind the one `ssr` gate.

pub mod accounts;
pub mod agents;
pub mod agui;
pub mod auth;
pub mod bus;
pub mod clock;
pub mod config;
pub mod conversations;
pub mod error;
pub mod functions;
pub mod http;
pub mod hub;
pub mod knowledge;
pub mod limits;
mod metrics;
mod offline;
mod pages;
pub mod payload;
mod router;
pub mod serve;
pub mod settings;
pub mod state;
pub mod storage;
pub mod telemetry;
pub mod ws;
