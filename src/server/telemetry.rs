//! What the server tells its operator: logs by tracing, figures by metrics.

use std::{sync::OnceLock, time::Duration};

use metrics::Unit;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use tracing_subscriber::{EnvFilter, Layer, filter::filter_fn, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use super::config::{LogConfig, LogFormat};

/// Starts logging to standard error. Called once, by the binary.
pub fn init(config: &LogConfig) {
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match config.format {
        LogFormat::Text => lines.with_target(false).boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    // The model crate logs what providers answer as it is, with keys that they repeat: whatever the filter says.
    let keeps_secrets = filter_fn(|line| !line.target().starts_with("genai"));
    let filter = EnvFilter::new(&config.filter);
    tracing_subscriber::registry().with(filter).with(lines.with_filter(keeps_secrets)).init();
}

/// Upper bounds of the histograms of times: from a delivery in memory to what a user takes for a hang.
const SECONDS: &[f64] =
    &[0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Upper bounds of the histogram of writes in one commit, up to [`crate::protocol::limits::WRITES_PER_COMMIT`].
const WRITES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// The process's recorder: the first call installs it, however many servers a test starts.
pub fn metrics() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    let handle = HANDLE.get_or_init(|| {
        let recorder = recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("another metrics recorder is installed: /metrics stays empty");
        }
        describe();
        tokio::spawn(upkeep(handle.clone()));
        handle
    });
    handle.clone()
}

fn recorder() -> PrometheusRecorder {
    let buckets = |matcher, buckets| move |builder: PrometheusBuilder| builder.set_buckets_for_metric(matcher, buckets);
    let builder = PrometheusBuilder::new();
    let builder = buckets(Matcher::Suffix("_seconds".into()), SECONDS)(builder);
    let builder = builder.and_then(buckets(Matcher::Suffix("_writes".into()), WRITES));
    // Only an empty list of buckets is refused.
    builder.unwrap_or_else(|_| PrometheusBuilder::new()).build_recorder()
}

/// Histograms hold what was measured until they are drained.
async fn upkeep(handle: PrometheusHandle) {
    let mut ticks = tokio::time::interval(Duration::from_secs(5));
    loop {
        ticks.tick().await;
        handle.run_upkeep();
    }
}

fn describe() {
    metrics::describe_gauge!("magpie_connections", "Open sockets");
    metrics::describe_counter!("magpie_connections_total", "Sockets opened since the start");
    metrics::describe_counter!("magpie_closes_total", "Sockets closed, by close code");
    metrics::describe_counter!("magpie_subscribes_total", "Conversations subscribed to, by mode");
    metrics::describe_counter!("magpie_frames_dropped_total", "Frames of the moment dropped for slow readers");
    metrics::describe_counter!("magpie_slow_readers_total", "Connections closed because their lane overflowed");
    metrics::describe_gauge!("magpie_lane_bytes", "Bytes that wait in all lanes, at the time of asking");
    metrics::describe_gauge!("magpie_lane_bytes_max", "Bytes that wait in the fullest lane, at the time of asking");
    metrics::describe_histogram!("magpie_commit_seconds", Unit::Seconds, "One commit to the log, with its sync");
    metrics::describe_histogram!("magpie_commit_writes", "Writes that shared one commit");
    metrics::describe_histogram!("magpie_fan_out_seconds", Unit::Seconds, "From an event's commit to the last lane");
    metrics::describe_histogram!("magpie_post_seconds", Unit::Seconds, "From a message's arrival to its ack");
    metrics::describe_histogram!("magpie_client_ack_seconds", Unit::Seconds, "Sending to ack, as pages saw it");
    metrics::describe_histogram!(
        "magpie_client_render_seconds",
        Unit::Seconds,
        "Server's time to paint, as pages saw it"
    );
    metrics::describe_counter!("magpie_client_reconnects_total", "Connections that pages lost, by reason");
    metrics::describe_counter!("magpie_model_calls_total", "Calls of the agents' model, by outcome");
    metrics::describe_counter!("magpie_bus_dropped_total", "Messages of the moment dropped by a full bus");
}
