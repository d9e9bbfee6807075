//! From an HTTP request to a socket: rate, origin, token, capacity, version, in this order, before the upgrade.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::{
        FromRequestParts, Path, Query, State, WebSocketUpgrade, rejection::QueryRejection,
        ws::rejection::WebSocketUpgradeRejection,
    },
    http::{HeaderMap, header::SEC_WEBSOCKET_PROTOCOL},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use tracing::Instrument;

use super::{
    Shared,
    home::{Endpoint, Home},
    session::Session,
    wire,
};
use crate::{
    protocol::{self, Code, Problem},
    server::{
        auth::{self, Caller},
        http::ClientAddress,
        hub::Origin,
        payload::Encoding,
        state::AppState,
    },
};

#[derive(Deserialize)]
pub(super) struct SocketQuery {
    token: Option<String>,
    compress: Option<String>,
}

impl SocketQuery {
    /// What this server does not know is as good as nothing: the client reads plain frames anyway.
    fn encoding(&self) -> Encoding {
        match self.compress.as_deref() {
            Some("deflate") => Encoding::Deflate,
            _ => Encoding::Plain,
        }
    }
}

/// `GET /ws`: any conversation that the caller may see, several at once.
pub(super) async fn app(state: State<Shared>, knock: Knock) -> Response {
    open(state, knock, Endpoint::App).await
}

/// `GET /ws/stream`: the caller's personal conversation with the agents.
pub(super) async fn stream(state: State<Shared>, knock: Knock) -> Response {
    open(state, knock, Endpoint::Stream).await
}

/// `GET /api/v1/ws/{user_id}`: the same, for that user alone.
pub(super) async fn stream_of(state: State<Shared>, Path(id): Path<String>, knock: Knock) -> Response {
    open(state, knock, Endpoint::StreamOf(id)).await
}

/// `GET /ws/dialogs/{id}`: a dialog, for operators.
pub(super) async fn dialog(state: State<Shared>, Path(id): Path<String>, knock: Knock) -> Response {
    open(state, knock, Endpoint::Dialog(id)).await
}

/// `GET /ws/widget/dialogs/{id}`: a dialog, for its visitor.
pub(super) async fn widget(state: State<Shared>, Path(id): Path<String>, knock: Knock) -> Response {
    open(state, knock, Endpoint::Widget(id)).await
}

/// What comes with a request for a socket.
#[derive(FromRequestParts)]
#[from_request(state(Shared))]
pub(super) struct Knock {
    address: ClientAddress,
    query: Result<Query<SocketQuery>, QueryRejection>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
}

async fn open(State(Shared(state)): State<Shared>, knock: Knock, endpoint: Endpoint) -> Response {
    let Knock { address: ClientAddress(address), query, headers, upgrade } = knock;
    let query = match query {
        Ok(Query(query)) => query,
        Err(_) => return Problem::invalid("query", "token and compress, each once").into_response(),
    };
    let closes = state.hub.closes();
    let origin = Origin { address: Some(address), endpoint: endpoint.route() };
    let admitted = async {
        let caller = admit(&state, address, &headers, query.token.as_deref()).await?;
        let home = endpoint.home(&state, &caller.user).await?;
        Ok::<_, Problem>(Admitted { caller, closes, home, origin })
    };
    match admitted.await {
        Ok(admitted) => match upgrade {
            Ok(upgrade) => accept(state, admitted, &headers, query.encoding(), upgrade),
            Err(_) => {
                let detail = "This address speaks WebSocket: connect with a WebSocket client.";
                Problem::new(Code::Invalid, detail).into_response()
            }
        },
        Err(problem) => {
            tracing::info!(code = problem.code.as_str(), "socket refused");
            problem.into_response()
        }
    }
}

/// Who was let in, and how many closes the hub had been asked for before that was looked at.
pub(super) struct Admitted {
    pub(super) caller: Caller,
    pub(super) closes: u64,
    pub(super) home: Home,
    pub(super) origin: Origin,
}

async fn admit(state: &AppState, address: IpAddr, headers: &HeaderMap, token: Option<&str>) -> Result<Caller, Problem> {
    state.rates.socket_from(address)?;
    if !auth::origin::allowed(headers, &state.config) {
        return Err(Problem::forbidden("Sockets are not open to pages of that origin."));
    }
    let caller = auth::authenticate_socket(&state.accounts, headers, token).await?;
    if state.shutdown.is_cancelled() {
        return Err(Problem::new(Code::Unavailable, "The server is restarting. Try again in a moment."));
    }
    Ok(caller)
}

fn accept(
    state: Arc<AppState>,
    admitted: Admitted,
    headers: &HeaderMap,
    encoding: Encoding,
    upgrade: WebSocketUpgrade,
) -> Response {
    let version = Version::offered(headers);
    let sockets = state.sockets.clone();
    wire::tuned(upgrade).protocols([protocol::VERSION]).on_upgrade(move |socket| {
        let session = Session::new(state, admitted, encoding, socket);
        let span = tracing::info_span!("socket", connection = %session.id(), user = %session.user());
        // A task of its own: the one that upgraded holds the request's memory for as long as it lives.
        sockets.spawn(session.run(version).instrument(span));
        std::future::ready(())
    })
}

/// What a client's subprotocols say of its version.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Version {
    /// Ours, or none named.
    Supported,
    Unsupported,
}

impl Version {
    fn offered(headers: &HeaderMap) -> Self {
        let offered = headers.get_all(SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
        let mut versions = offered.flat_map(|list| list.split(',')).map(str::trim).filter(|p| p.starts_with("magpie."));
        let mut none = true;
        if versions.by_ref().inspect(|_| none = false).any(|version| version == protocol::VERSION) || none {
            Self::Supported
        } else {
            Self::Unsupported
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_names_only_other_versions_is_not_supported() {
        for (offered, version) in [
            ("", Version::Supported),
            ("bearer.x", Version::Supported),
            ("magpie.v1, bearer.x", Version::Supported),
            ("magpie.v2, magpie.v1", Version::Supported),
            ("magpie.v2, bearer.x", Version::Unsupported),
        ] {
            let headers = HeaderMap::from_iter([(SEC_WEBSOCKET_PROTOCOL, offered.parse().unwrap())]);
            assert_eq!(Version::offered(&headers), version, "{offered:?}");
        }
    }
}
