//! What monitoring reads: how requests went, and what waits. Labels hold patterns and names of the house's own, nothing of a request.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use jiff::Timestamp;
use oms_domain::{
    endpoint::EndpointStatus,
    provider::{Circuit, ProviderStanding},
};
use oms_starter::Round;
use oms_store::{Backlog, EndpointFigures, InletFigures, Provider};
use prometheus::{Encoder, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder};

/// Upper bounds in seconds: from a read that is at hand to the deadline of a request.
const BUCKETS_S: [f64; 12] = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0];

/// The server's figures; cheap to clone.
#[derive(Clone)]
pub(crate) struct Metrics {
    registry: Registry,
    requests: HistogramVec,
    backlog: IntGaugeVec,
    queues: IntGaugeVec,
    providers: IntGaugeVec,
    rounds: IntCounterVec,
    carried: IntCounterVec,
    last_rounds: IntGaugeVec,
    endpoints: IntGaugeVec,
    inlets: IntGaugeVec,
}

impl Metrics {
    /// # Panics
    /// When a name below is not one of Prometheus: no server starts with it, nor does any test.
    pub(crate) fn new() -> Self {
        Self::registered().expect("names that Prometheus knows")
    }

    fn registered() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let requests = HistogramOpts::new("oms_http_request_duration_seconds", "Time from a request's arrival to its answer");
        let requests = HistogramVec::new(requests.buckets(BUCKETS_S.into()), &["method", "route", "status"])?;
        let backlog = IntGaugeVec::new(Opts::new("oms_backlog", "What waits to be done, by kind"), &["kind"])?;
        let queues = Opts::new(
            "oms_queue",
            "Each queue: how much waits (depth), for how long the oldest has (oldest_s), and what is given up (dead)",
        );
        let queues = IntGaugeVec::new(queues, &["queue", "figure"])?;
        let providers = Opts::new(
            "oms_provider",
            "Each company outside: how much waits for it (waits), for how long the longest has (oldest_s), whether it is asked (asked) and answers (answers)",
        );
        let providers = IntGaugeVec::new(providers, &["provider", "figure"])?;
        let rounds = IntCounterVec::new(Opts::new("oms_messenger_rounds_total", "Rounds of each messenger"), &["messenger", "outcome"])?;
        let carried = Opts::new(
            "oms_messenger_items_total",
            "What each messenger has dealt with, or put off; of revivals and return_revivals: orders and returns that had lost their run",
        );
        let carried = IntCounterVec::new(carried, &["messenger", "outcome"])?;
        let last_rounds =
            Opts::new("oms_messenger_last_round_timestamp_seconds", "When each messenger last ended a round that did not fail");
        let last_rounds = IntGaugeVec::new(last_rounds, &["messenger"])?;
        let endpoints = Opts::new(
            "oms_endpoint",
            "Each endpoint: how far behind it is (lag_s), what waits for another try (held_back), what was given up (dead_letters), what was \
             taken (delivered) and what was not (failed), and whether it is active (1)",
        );
        let endpoints = IntGaugeVec::new(endpoints, &["endpoint_id", "figure"])?;
        let inlets = Opts::new(
            "oms_inlet",
            "Each inlet: for how long nothing could be fetched (silent_s), how old the last message is if more wait (lag_s), what nobody has \
             finished (open) and what was refused",
        );
        let inlets = IntGaugeVec::new(inlets, &["inlet_id", "figure"])?;
        registry.register(Box::new(requests.clone()))?;
        for gauges in [&backlog, &queues, &providers, &last_rounds, &endpoints, &inlets] {
            registry.register(Box::new(gauges.clone()))?;
        }
        for counters in [&rounds, &carried] {
            registry.register(Box::new(counters.clone()))?;
        }
        Ok(Self { registry, requests, backlog, queues, providers, rounds, carried, last_rounds, endpoints, inlets })
    }

    /// A messenger has ended a round; None: it failed.
    pub(crate) fn round(&self, messenger: &str, round: Option<&Round>) {
        let outcome = if round.is_some() { "ended" } else { "failed" };
        self.rounds.with_label_values(&[messenger, outcome]).inc();
        let Some(Round { done, failed }) = round else { return };
        for (outcome, items) in [("done", done), ("failed", failed)] {
            self.carried.with_label_values(&[messenger, outcome]).inc_by(u64::try_from(*items).unwrap_or(u64::MAX));
        }
        self.last_rounds.with_label_values(&[messenger]).set(Timestamp::now().as_second());
    }

    pub(crate) fn answered(&self, method: &Method, route: &str, status: StatusCode, took: Duration) {
        self.requests.with_label_values(&[method.as_str(), route, status.as_str()]).observe(took.as_secs_f64());
    }

    /// How companies outside stand.
    pub(crate) fn stand(&self, providers: &[Provider]) {
        let now = Timestamp::now();
        for provider in providers {
            let oldest_s = provider.waits_since.map_or(0, |since| now.duration_since(since).as_secs().max(0));
            let asked = matches!(provider.standing, ProviderStanding::Running | ProviderStanding::Draining);
            let answers = provider.circuit.is_some_and(|circuit| circuit == Circuit::Closed);
            let figures = [("waits", figure(provider.waits)), ("oldest_s", oldest_s), ("asked", asked.into()), ("answers", answers.into())];
            for (name, value) in figures {
                self.providers.with_label_values(&[provider.provider_id.as_str(), name]).set(value);
            }
        }
    }

    /// The text form of Prometheus, with what waits now.
    pub(crate) fn text(&self, backlog: &Backlog, endpoints: &[EndpointFigures], inlets: &[InletFigures]) -> prometheus::Result<Vec<u8>> {
        let waits = [
            ("orders_needing_attention", backlog.orders_needing_attention),
            ("orders_on_hold", backlog.orders_on_hold),
            ("waiting_units", backlog.waiting_units),
            ("deficit_units", backlog.deficit_units),
            ("outbox_unseen_events", backlog.outbox_unseen),
            ("outbox_lag_s", backlog.outbox_lag_s),
            ("waiting_beside_stock", backlog.waiting_beside_stock),
            ("orders_without_offers", backlog.orders_without_offers),
            ("insights_lag_s", backlog.insights_lag_s),
            ("insights_unread_orders", backlog.insights_unread),
        ];
        for (kind, count) in waits {
            self.backlog.with_label_values(&[kind]).set(figure(count));
        }
        for queue in &backlog.queues {
            for (name, count) in [("depth", queue.depth), ("oldest_s", queue.oldest_s), ("dead", queue.dead)] {
                self.queues.with_label_values(&[&queue.queue, name]).set(figure(count));
            }
        }
        self.show_endpoints(endpoints);
        self.show_inlets(inlets);
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }

    fn show_endpoints(&self, endpoints: &[EndpointFigures]) {
        // One that was removed is not shown for ever.
        self.endpoints.reset();
        for endpoint in endpoints {
            let is_active = u64::from(endpoint.status == EndpointStatus::Active);
            let figures = [
                ("lag_s", endpoint.lag_s),
                ("held_back", endpoint.held_back),
                ("dead_letters", endpoint.dead_letters),
                ("delivered", endpoint.delivered),
                ("failed", endpoint.failed),
                ("active", is_active),
            ];
            for (name, count) in figures {
                self.endpoints.with_label_values(&[endpoint.endpoint_id.as_str(), name]).set(figure(count));
            }
        }
    }

    fn show_inlets(&self, inlets: &[InletFigures]) {
        self.inlets.reset();
        for inlet in inlets {
            let figures = [("silent_s", inlet.silent_s), ("lag_s", inlet.lag_s), ("open", inlet.open), ("refused", inlet.refused)];
            for (name, count) in figures {
                self.inlets.with_label_values(&[inlet.inlet_id.as_str(), name]).set(figure(count));
            }
        }
    }
}

fn figure(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_pattern_and_what_waits_is_shown() {
        let metrics = Metrics::new();
        metrics.answered(&Method::GET, "/v1/orders/{order_id}", StatusCode::OK, Duration::from_millis(3));
        let text = String::from_utf8(metrics.text(&Backlog { waiting_units: 7, ..Backlog::default() }, &[], &[]).unwrap()).unwrap();
        let request = r#"oms_http_request_duration_seconds_count{method="GET",route="/v1/orders/{order_id}",status="200"} 1"#;
        assert!(text.contains(request) && text.contains(r#"oms_backlog{kind="waiting_units"} 7"#), "{text}");
    }
}
