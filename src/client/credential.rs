//! By what this page is known to the server. The app has the browser's cookie, which goes along by itself. The widget's
//! frame is shown within another site, where browsers send no cookie: it has a token, which it names with every
//! request and when it opens its socket. The token is never in an address.

use std::cell::RefCell;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Credential {
    #[default]
    Cookie,
    /// A JWT, which the server takes from whoever names it.
    Bearer(String),
}

thread_local! {
    /// A page is one person's, and a browser has one thread.
    static CREDENTIAL: RefCell<Credential> = const { RefCell::new(Credential::Cookie) };
}

/// What requests and sockets go out with from now on.
pub(super) fn set(credential: Credential) {
    CREDENTIAL.set(credential);
}

pub(super) fn current() -> Credential {
    CREDENTIAL.with_borrow(Credential::clone)
}

/// Whether this page is a frame that a launcher gives its token.
pub(super) fn is_bearer() -> bool {
    CREDENTIAL.with_borrow(|credential| matches!(credential, Credential::Bearer(_)))
}
