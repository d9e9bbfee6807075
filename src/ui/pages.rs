//! One file per page.

pub mod chat;
pub mod home;
pub mod login;
pub mod not_found;
mod opening;
pub mod operator;
pub mod settings;
pub mod start;
pub mod widget;
