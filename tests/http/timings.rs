//! What pages measured, on its way to `/metrics`.

use magpie::protocol::limits;
use reqwest::Method;
use serde_json::json;

use crate::support::{TestApp, problem};

const TIMINGS: &str = "/api/v1/me/timings";

#[tokio::test]
async fn what_a_page_measured_stands_in_the_metrics() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    let report = json!({ "ack_ms": [12, 3], "render_ms": [40], "reconnects": ["server_restarted", "server_restarted", "silent"] });
    assert_eq!(app.post(&anna, TIMINGS, report).await.status(), 204);
    let text = app.request(Method::GET, "/metrics").send().await.unwrap().text().await.unwrap();
    // One recorder for the whole test process: others may have counted, too.
    let value = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{name}:\n{text}"));
        line.trim().parse::<f64>().unwrap()
    };
    assert!(value("magpie_client_ack_seconds_count") >= 2.0);
    assert!(value("magpie_client_ack_seconds_bucket{le=\"0.025\"}") >= 2.0, "in seconds");
    assert!(value("magpie_client_render_seconds_count") >= 1.0);
    assert!(value("magpie_client_reconnects_total{reason=\"server_restarted\"}") >= 2.0);
    assert!(value("magpie_client_reconnects_total{reason=\"silent\"}") >= 1.0);
}

#[tokio::test]
async fn a_report_that_no_page_of_ours_sends_is_refused() {
    let app = TestApp::start().await;
    let anna = app.register("anna").await;
    for report in [
        json!({ "ack_ms": vec![1; limits::TIMINGS_PER_REPORT + 1] }),
        json!({ "render_ms": [limits::TIMING_MS + 1] }),
        json!({ "ack_ms": [-1] }),
        json!({ "reconnects": ["bored"] }),
    ] {
        assert_eq!(problem(app.post(&anna, TIMINGS, report).await).await, (422, "invalid".into()));
    }
    let nobody = app.request(Method::POST, TIMINGS).json(&json!({})).send().await.unwrap();
    assert_eq!(problem(nobody).await, (401, "unauthorized".into()));
}

#[tokio::test]
async fn reports_have_a_rate() {
    let app = TestApp::start_with(|settings| settings.rate_limit = Some("on".into())).await;
    let anna = app.register("anna").await;
    let mut refused = None;
    for _ in 0..limits::TIMINGS_PER_USER.burst * 2 {
        let response = app.post(&anna, TIMINGS, json!({ "ack_ms": [1] })).await;
        if response.status() != 204 {
            refused = Some(problem(response).await);
            break;
        }
    }
    assert_eq!(refused, Some((429, "rate_limited".into())));
}
