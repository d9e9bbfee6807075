//! What an admin sees and does of the server at work: who is connected, what everybody is told, what was done.

use std::sync::Arc;

use super::{
    accounts::must_be_admin,
    audit::Recorder,
    bus::{Bus, BusMessage, EncodedFrame, Whose},
    clock, conversations,
    hub::{Connection, Hub},
    limits::Rates,
    storage::Storage,
};
use crate::protocol::{
    CloseCode, ConnectionId, EphemeralFrame, Problem,
    admin::{AuditAction, AuditPage, ConnectionLine, ConnectionList},
    http::User,
    limits,
    server::Broadcast,
};

#[derive(Clone)]
pub struct Overseer {
    bus: Arc<dyn Bus>,
    hub: Arc<Hub>,
    rates: Rates,
    audit: Recorder,
}

impl Overseer {
    pub fn new(storage: Arc<dyn Storage>, bus: Arc<dyn Bus>, hub: Arc<Hub>, rates: Rates) -> Self {
        Self { bus, hub, rates, audit: Recorder::new(storage) }
    }

    /// Tells every connection; returns how many there are.
    pub async fn broadcast(&self, caller: &User, message: &str) -> Result<u64, Problem> {
        must_be_admin(caller)?;
        self.rates.write(caller.id)?;
        let message = conversations::text(message)?;
        let broadcast = Broadcast { message: message.clone(), from: caller.as_ref(), timestamp: clock::now() };
        let frame = EphemeralFrame::Broadcast(broadcast);
        let delivered = self.hub.connections() as u64;
        self.bus.publish(BusMessage::Everyone(EncodedFrame::of(&frame))).await;
        tracing::info!(by = %caller.id, delivered, "broadcast");
        self.audit.did(caller, AuditAction::Broadcast, "everybody", &message).await;
        Ok(delivered)
    }

    /// Who is connected to this node.
    pub fn connections(&self, caller: &User) -> Result<ConnectionList, Problem> {
        must_be_admin(caller)?;
        let (connections, total) = self.hub.list(limits::CONNECTIONS_LISTED);
        let connections = connections.iter().map(|connection| line(connection)).collect();
        Ok(ConnectionList { connections, total: total as u64 })
    }

    /// Closes one connection with 4503: its client does not come back by itself.
    pub async fn disconnect(&self, caller: &User, id: ConnectionId) -> Result<(), Problem> {
        must_be_admin(caller)?;
        let connection = self.hub.connection(id).ok_or_else(Problem::not_found)?;
        let close = BusMessage::Close { whose: Whose::Connection(id), code: CloseCode::Forbidden };
        self.bus.publish(close).await;
        tracing::info!(by = %caller.id, connection = %id, "disconnected by an admin");
        let detail = format!("{} at {}", connection.user.name, connection.origin.endpoint);
        self.audit.did(caller, AuditAction::Disconnected, &id.to_string(), &detail).await;
        Ok(())
    }

    /// The audit log, the newest first.
    pub async fn audit(&self, caller: &User, before: Option<u64>, limit: Option<u64>) -> Result<AuditPage, Problem> {
        must_be_admin(caller)?;
        Ok(self.audit.page(before, limit).await?)
    }
}

fn line(connection: &Connection) -> ConnectionLine {
    ConnectionLine {
        id: connection.id,
        user: connection.user.clone(),
        role: connection.role,
        since: connection.since,
        address: connection.origin.address.map(|address| address.to_string()),
        endpoint: connection.origin.endpoint.to_owned(),
        subscriptions: connection.subscriptions() as u64,
        waiting_bytes: connection.lane.bytes() as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fresh_id,
        protocol::{SessionId, UserId, UserRef},
        server::{
            config::{Config, Settings},
            payload::Encoding,
            state::AppState,
            storage::conformance::new_user,
        },
    };

    #[tokio::test]
    async fn so_many_connections_are_listed_and_all_are_counted() {
        let data = tempfile::tempdir().unwrap();
        let config = Config::new(&Settings::in_dir(data.path().to_str().unwrap())).unwrap();
        let state = AppState::open(config).await.unwrap();
        let admin = state.storage.create_user(new_user("anna")).await.unwrap();
        let now = clock::now();
        let mut last = None;
        for _ in 0..=limits::CONNECTIONS_LISTED {
            let (id, session) = (fresh_id!(ConnectionId), fresh_id!(SessionId));
            let user = UserRef { id: fresh_id!(UserId), name: "Somebody".into() };
            let connection = Arc::new(Connection::new(id, user, session, now, now, Encoding::Plain));
            assert!(state.hub.connect(&connection).is_ok());
            last = Some(connection);
        }
        let list = state.overseer.connections(&admin).unwrap();
        assert_eq!(
            (list.connections.len(), list.total),
            (limits::CONNECTIONS_LISTED, list.connections.len() as u64 + 1)
        );
        // The one that an admin looks for: what does not read comes first.
        let slow = last.unwrap();
        slow.lane.push(crate::protocol::server::Lane::Durable, None, "waiting".into());
        assert_eq!(state.overseer.connections(&admin).unwrap().connections[0].id, slow.id);
    }
}
