//! Holds the watch: says to `model::latency` what was sent, answered and painted, and reports it now and then.

use std::collections::HashMap;

use gloo_timers::callback::Timeout;
use leptos::prelude::*;
use serde_json::Value;

use super::{Client, http, network};
use crate::{
    model::{latency::Summary, link::Reconnect},
    protocol::{
        ClientFrame, ClientId, ConversationId, DurableFrame, Event, Seq, Timestamp, client::Ping, server::Posted,
    },
};

/// What the connection's indicator opens to show.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConnectionReport {
    /// From sending a message to its ack.
    pub ack: Option<Summary>,
    /// From the server's time on a message to its being painted.
    pub render: Option<Summary>,
    /// The newest first.
    pub reconnects: Vec<Reconnect>,
}

/// Which frames are timed until they are on the screen: live ones of others, one at a time.
#[derive(Debug, Default)]
pub(super) struct Painting {
    /// Told when something was measured.
    changed: ArcTrigger,
    /// What comes after it is live; up to there, it is replayed.
    heads: HashMap<ConversationId, Seq>,
    /// The server's time on the message that is being painted.
    awaited: Option<Timestamp>,
}

impl Painting {
    pub(super) fn subscribed(&mut self, id: ConversationId, head: Seq) {
        self.heads.insert(id, head);
    }
}

impl Client {
    /// How the connection does. Reactive.
    pub fn connection_report(self) -> ConnectionReport {
        self.with(|inner| Some(inner.painting.changed.clone())).unwrap_or_default().track();
        self.with(|inner| ConnectionReport {
            ack: inner.latency.ack(),
            render: inner.latency.render(),
            reconnects: inner.link.history().recent().collect(),
        })
    }

    /// Tells those who look that there is news.
    pub(super) fn measured(self) {
        if let Some(changed) = self.with(|inner| Some(inner.painting.changed.clone())) {
            changed.notify();
        }
        self.wind();
    }

    pub(super) fn time_send(self, id: &ClientId) {
        self.with(|inner| inner.latency.sent(id.clone(), (inner.env.now)()));
    }

    pub(super) fn time_ack(self, posted: &Posted) {
        self.with(|inner| {
            let now = (inner.env.now)();
            inner.latency.acked(&posted.client_id, posted.timestamp, posted.duplicate, now);
        });
        self.measured();
    }

    /// The connection that there was is gone, if it is to be had again.
    pub(super) fn time_loss(self) {
        self.with(|inner| {
            inner.painting.heads.clear();
            let now = (inner.env.now)();
            let newest = inner.link.history().recent().next().filter(|newest| newest.lasted_ms.is_none());
            if let Some(newest) = newest {
                inner.latency.lost(newest.reason, now);
            }
        });
        self.measured();
    }

    /// Asks the server for its time. The nonce is ours, so that nothing is to be remembered.
    pub(super) fn ask_time(self) {
        let nonce = Value::String(self.now().as_ms().to_string());
        self.tell(ClientFrame::Ping(Ping { nonce: Some(nonce) }));
    }

    pub(super) fn told_time(self, nonce: &Value, stamped: Timestamp) {
        let Some(asked) = nonce.as_str().and_then(|nonce| nonce.parse().ok()) else { return };
        self.with(|inner| inner.latency.round_trip(Timestamp(asked), stamped, (inner.env.now)()));
    }

    /// Times a live message of somebody else until it is painted, where there is somebody to see it.
    pub(super) fn time_paint(self, frame: &DurableFrame) {
        let Event::Message(message) = &frame.event else { return };
        if message.author.id == self.my_id() {
            return;
        }
        let is_first = self.with(|inner| {
            let is_live = inner.painting.heads.get(&frame.conversation_id).is_some_and(|head| frame.seq > *head);
            let is_free = inner.is_started && inner.painting.awaited.is_none() && inner.latency.offset_ms().is_some();
            is_live && is_free
        });
        if !is_first || !network::is_visible() {
            return;
        }
        let stamped = frame.timestamp;
        self.with(|inner| inner.painting.awaited = Some(stamped));
        // The callback comes before the frame is drawn, a task that it starts after.
        request_animation_frame(move || {
            Timeout::new(0, move || self.painted(stamped)).forget();
        });
    }

    fn painted(self, stamped: Timestamp) {
        let is_it = self.with(|inner| {
            let is_it = inner.painting.awaited == Some(stamped);
            if is_it {
                inner.painting.awaited = None;
                inner.latency.painted(stamped, (inner.env.now)());
            }
            is_it
        });
        if is_it {
            self.measured();
        }
    }

    /// Nobody looks any more: nothing is painted, and it is a good moment to report.
    pub(super) fn hidden(self) {
        self.with(|inner| inner.painting.awaited = None);
        self.report_timings();
    }

    pub(super) fn report_timings_if_due(self) {
        let is_due = self.with(|inner| inner.latency.report_at().is_some_and(|at| at <= (inner.env.now)()));
        if is_due {
            self.report_timings();
            // Clocks drift: what is known of the server's grows old.
            self.ask_time();
        }
    }

    fn report_timings(self) {
        let Some(report) = self.with(|inner| inner.latency.take_report()) else { return };
        leptos::task::spawn_local(async move {
            // A sample that is lost is no loss.
            let _ = http::timings(&report).await;
        });
    }
}
