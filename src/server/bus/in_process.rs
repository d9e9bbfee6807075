//! The bus of a single node: one bounded queue, one task that hands on in order.

use std::{sync::Arc, time::Instant};

use async_trait::async_trait;
use tokio::sync::mpsc;

use super::{Bus, BusMessage, Deliver};
use crate::protocol::{limits, server::Lane};

pub struct InProcessBus {
    queue: mpsc::Sender<Queued>,
    to: Arc<dyn Deliver>,
}

struct Queued {
    message: BusMessage,
    since: Instant,
}

impl InProcessBus {
    /// Starts handing what is published to `to`, until the last sender is gone.
    pub fn start(to: Arc<dyn Deliver>) -> Self {
        let (queue, mut messages) = mpsc::channel::<Queued>(limits::BUS_QUEUE);
        let deliver = Arc::clone(&to);
        tokio::spawn(async move {
            let mut bytes = 0;
            while let Some(Queued { message, since }) = messages.recv().await {
                let durable = match &message {
                    BusMessage::Durable(frame) => Some(frame.payload.len()),
                    _ => None,
                };
                deliver.deliver(message);
                if let Some(length) = durable {
                    metrics::histogram!("magpie_fan_out_seconds").record(since.elapsed());
                    bytes += length;
                }
                // One commit may bring more than a lane holds: its writers have their turn in between.
                if bytes >= limits::BUS_BURST_BYTES {
                    bytes = 0;
                    tokio::task::yield_now().await;
                }
            }
        });
        Self { queue, to }
    }
}

#[async_trait]
impl Bus for InProcessBus {
    async fn publish(&self, message: BusMessage) {
        if let BusMessage::Durable(frame) = &message {
            self.to.foresee(frame);
        }
        let queued = Queued { since: Instant::now(), message };
        let sent = if is_of_the_moment(&queued.message) {
            self.queue.try_send(queued).map_err(|_| ())
        } else {
            self.queue.send(queued).await.map_err(|_| ())
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
        BusMessage::Durable(_)
        | BusMessage::User { .. }
        | BusMessage::Everyone(_)
        | BusMessage::Renewed { .. }
        | BusMessage::Close { .. } => false,
    }
}
