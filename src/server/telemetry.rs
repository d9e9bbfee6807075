//! What the server tells its operator: logs by tracing, figures by metrics.

use std::{sync::OnceLock, time::Duration};

use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use super::config::{LogConfig, LogFormat};

/// Starts logging to standard error. Called once, by the binary.
pub fn init(config: &LogConfig) {
    let filter = EnvFilter::new(&config.filter);
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match config.format {
        LogFormat::Text => subscriber.with_target(false).init(),
        LogFormat::Json => subscriber.json().init(),
    }
}

/// The process's recorder: the first call installs it, however many servers a test starts.
pub fn metrics() -> PrometheusHandle {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    let handle = HANDLE.get_or_init(|| {
        let recorder = PrometheusBuilder::new().build_recorder();
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
    metrics::describe_counter!("magpie_bus_dropped_total", "Messages of the moment dropped by a full bus");
}
