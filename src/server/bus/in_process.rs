//! The bus of a single node: one bounded queue, one task that hands on in order.

use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::mpsc;

use super::{Bus, BusMessage, Deliver};
use crate::protocol::{limits, server::Lane};

pub struct InProcessBus {
    queue: mpsc::Sender<BusMessage>,
}

impl InProcessBus {
    /// Starts handing what is published to `to`, until the last sender is gone.
    pub fn start(to: Arc<dyn Deliver>) -> Self {
        let (queue, mut messages) = mpsc::channel(limits::BUS_QUEUE);
        tokio::spawn(async move {
            while let Some(message) = messages.recv().await {
                to.deliver(message);
            }
        });
        Self { queue }
    }
}

#[async_trait]
impl Bus for InProcessBus {
    async fn publish(&self, message: BusMessage) {
        let sent = if is_of_the_moment(&message) {
            self.queue.try_send(message).map_err(|_| ())
        } else {
            self.queue.send(message).await.map_err(|_| ())
        };
        if sent.is_err() {
            metrics::counter!("magpie_bus_dropped_total").increment(1);
        }
    }

    async fn health(&self) -> Result<&'static str, String> {
        Ok("in_process")
    }
}

/// Whether the message may be dropped when the queue is full.
fn is_of_the_moment(message: &BusMessage) -> bool {
    match message {
        BusMessage::Conversation { frame, .. } | BusMessage::Conversations { frame, .. } => {
            frame.lane == Lane::Ephemeral
        }
        BusMessage::Durable(_) | BusMessage::User { .. } | BusMessage::Everyone(_) | BusMessage::Close { .. } => false,
    }
}
