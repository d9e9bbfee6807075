//! `POST /ws/broadcast`: an admin speaks to every connection.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};

use super::{body::Body, problem::Failure};
use crate::{
    protocol::{
        EphemeralFrame,
        http::{Delivered, PostBroadcast},
        server::Broadcast,
    },
    server::{
        auth::Admin,
        bus::{Bus, BusMessage, EncodedFrame},
        clock, conversations,
        hub::Hub,
        limits::Rates,
    },
};

pub(super) async fn broadcast(
    Admin(caller): Admin,
    State(bus): State<Arc<dyn Bus>>,
    State(hub): State<Arc<Hub>>,
    State(rates): State<Rates>,
    Body(body): Body<PostBroadcast>,
) -> Result<(StatusCode, Json<Delivered>), Failure> {
    rates.write(caller.user.id)?;
    let message = conversations::text(&body.message)?;
    let frame = EphemeralFrame::Broadcast(Broadcast { message, from: caller.user.as_ref(), timestamp: clock::now() });
    let delivered = hub.connections() as u64;
    bus.publish(BusMessage::Everyone(EncodedFrame::of(&frame))).await;
    tracing::info!(by = %caller.user.id, delivered, "broadcast");
    Ok((StatusCode::ACCEPTED, Json(Delivered { delivered })))
}
