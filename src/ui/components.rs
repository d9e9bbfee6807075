//! One file per part of a page.

pub mod agent_timeline;
pub mod alert;
pub mod avatar;
pub mod composer;
pub mod connection_status;
pub mod conversation_list;
pub mod desk;
pub mod details;
pub mod dialog;
pub mod drawer;
pub mod icon;
pub mod message;
pub mod message_list;
pub mod new_conversation;
pub mod notices;
pub mod pane;
pub mod thread;
pub mod typing_indicator;
