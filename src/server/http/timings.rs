//! `POST /me/timings`: what a page measured, into the server's histograms. Numbers alone: whose they are is
//! asked only to hold the rate.

use axum::{extract::State, http::StatusCode};

use super::{body::Body, problem::Failure};
use crate::{
    protocol::{Problem, http::Timings, limits},
    server::{auth::Caller, limits::Rates},
};

pub(super) async fn report(
    caller: Caller,
    State(rates): State<Rates>,
    Body(timings): Body<Timings>,
) -> Result<StatusCode, Failure> {
    rates.timings(caller.user.id)?;
    check(&timings)?;
    for ms in &timings.ack_ms {
        metrics::histogram!("magpie_client_ack_seconds").record(seconds(*ms));
    }
    for ms in &timings.render_ms {
        metrics::histogram!("magpie_client_render_seconds").record(seconds(*ms));
    }
    for reason in &timings.reconnects {
        metrics::counter!("magpie_client_reconnects_total", "reason" => reason.as_str()).increment(1);
    }
    Ok(StatusCode::NO_CONTENT)
}

fn seconds(ms: u32) -> f64 {
    f64::from(ms) / 1_000.0
}

/// A page of ours never sends more, and no single one is to fill the histograms of all.
fn check(timings: &Timings) -> Result<(), Problem> {
    let lists =
        [("ack_ms", &timings.ack_ms), ("render_ms", &timings.render_ms)].map(|(name, list)| (name, list.as_slice()));
    for (name, list) in lists {
        if list.iter().any(|ms| *ms > limits::TIMING_MS) {
            return Err(Problem::invalid(name, format!("milliseconds, at most {}", limits::TIMING_MS)));
        }
    }
    let lengths = lists.map(|(name, list)| (name, list.len())).into_iter();
    match lengths
        .chain([("reconnects", timings.reconnects.len())])
        .find(|(_, length)| *length > limits::TIMINGS_PER_REPORT)
    {
        Some((name, _)) => Err(Problem::invalid(name, format!("at most {}", limits::TIMINGS_PER_REPORT))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::http::ReconnectReason;

    #[test]
    fn a_report_is_bounded_in_count_and_value() {
        let most = Timings {
            ack_ms: vec![limits::TIMING_MS; limits::TIMINGS_PER_REPORT],
            render_ms: vec![0; limits::TIMINGS_PER_REPORT],
            reconnects: vec![ReconnectReason::Silent; limits::TIMINGS_PER_REPORT],
        };
        check(&most).unwrap();
        for (field, report) in [
            ("ack_ms", Timings { ack_ms: vec![0; limits::TIMINGS_PER_REPORT + 1], ..most.clone() }),
            ("render_ms", Timings { render_ms: vec![limits::TIMING_MS + 1], ..most.clone() }),
            (
                "reconnects",
                Timings { reconnects: vec![ReconnectReason::Other; limits::TIMINGS_PER_REPORT + 1], ..most },
            ),
        ] {
            assert!(check(&report).unwrap_err().details.contains_key(field), "{field}");
        }
    }
}
