//! One binary for all integration tests: the server is linked once. One file per subject.

#![allow(clippy::unwrap_used, reason = "a helper of a test may fail it as the test itself may")]

mod support;

mod agents;
mod bounds;
mod chaos;
mod compression;
mod demo_client;
mod dialogs;
mod documentation;
mod durability;
mod fault_proxy;
mod heartbeat;
mod http;
mod killed_runs;
mod knowledge;
mod leptos_toml;
mod long_answer;
mod mcp;
mod models;
mod protocol_frames;
mod protocol_fuzz;
mod protocol_round_trip;
mod protocol_schema;
mod renewal;
mod restore;
mod runs;
mod slow_reader;
mod socket;
mod socket_refusals;
mod tidy;
mod webhooks;
