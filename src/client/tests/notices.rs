//! What went wrong is said once, and no longer than it is so.

use super::*;
use crate::{model::link, protocol::server::ErrorFrame};

fn texts(client: Client) -> Vec<String> {
    client.state().read_untracked().notices.iter().map(|notice| notice.text.clone()).collect()
}

#[test]
fn the_same_trouble_again_is_said_once() {
    let _owner = owned();
    let (client, _) = page();
    for _ in 0..3 {
        client.problem(Problem::new(Code::Forbidden, "Only its author may edit a message."));
    }
    assert_eq!(texts(client), ["Only its author may edit a message."]);
}

#[test]
fn that_the_server_was_away_is_not_said_beside_its_being_there() {
    let _owner = owned();
    let (client, _) = page();
    client.problem(Problem::new(Code::Unavailable, "There is no connection right now."));
    client.problem(Problem::new(Code::Forbidden, "You may not."));
    client.link_changed(link::LinkState::Connecting, link::LinkState::Connected);
    assert_eq!(texts(client), ["You may not."]);
}

#[test]
fn who_writes_fast_is_not_told_that_the_typing_was_too_much() {
    let _owner = owned();
    let (client, _) = page();
    let refused = |reference: Option<&str>| {
        ServerFrame::Ephemeral(EphemeralFrame::Error(ErrorFrame {
            code: Code::RateLimited,
            message: "Too many requests.".into(),
            reference: reference.map(str::to_owned),
            details: None,
            retry_after_ms: None,
            recoverable: true,
        }))
    };
    client.apply(&refused(None));
    assert_eq!(texts(client), [] as [&str; 0]);
    client.apply(&refused(Some("an edit")));
    assert_eq!(texts(client), ["Too many requests."]);
}
