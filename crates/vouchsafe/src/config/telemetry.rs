//! `telemetry`: how metrics are shown, and through which listeners to whom.
//!
//! Metrics are fetched from `sys/metrics`; nothing is sent anywhere, so Vault's keys for sinks are
//! refused with a word on what to do instead.

use std::ops::RangeInclusive;
use std::time::Duration;

use vouchsafe_core::metric::PrometheusFormat;
use vouchsafe_server::MetricsAccess;

use super::fault::Faults;
use super::single::{self, Single};
use super::stanza::{Found, Stanza, Vocabulary};

/// What `prometheus_retention_time` may be: off, or any time up to a year.
const RETENTION: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(366 * 24 * 3_600);

const NO_SINKS: &str = "metrics are fetched from `sys/metrics`; let your collector read them there";

const VOCABULARY: Vocabulary = Vocabulary {
    stanza: "`telemetry`",
    keys: &["disable_hostname", "prometheus_retention_time"],
    refused: &[
        (
            "add_lease_metrics_namespace_labels",
            "there are no namespaces",
        ),
        ("circonus_api_token", NO_SINKS),
        ("dogstatsd_addr", NO_SINKS),
        ("dogstatsd_tags", NO_SINKS),
        (
            "enable_hostname_label",
            "your collector knows which host it asked",
        ),
        (
            "filter_default",
            "all metrics are shown; let your collector drop what it does not want",
        ),
        (
            "lease_metrics_epsilon",
            "there are no metrics of single leases",
        ),
        (
            "maximum_gauge_cardinality",
            "every metric has at most 4096 sets of labels",
        ),
        (
            "num_lease_metrics_buckets",
            "there are no metrics of single leases",
        ),
        (
            "prefix_filter",
            "all metrics are shown; let your collector drop what it does not want",
        ),
        ("stackdriver_project_id", NO_SINKS),
        ("statsd_address", NO_SINKS),
        ("statsite_address", NO_SINKS),
        ("usage_gauge_period", "gauges are always as they are now"),
    ],
};

const OF_LISTENER: Vocabulary = Vocabulary {
    stanza: "`telemetry` in `listener \"tcp\"`",
    keys: &["disallow_metrics", "unauthenticated_metrics_access"],
    refused: &[
        (
            "unauthenticated_in_flight_requests_access",
            "there is no list of requests in flight",
        ),
        (
            "unauthenticated_pprof_access",
            "the server has no profiling endpoints",
        ),
    ],
};

/// Reads the top level's stanza.
pub(super) fn telemetry(stanzas: &[Single<'_>], faults: &mut Faults) -> PrometheusFormat {
    let Some(Single { file, content }) = stanzas.first() else {
        return PrometheusFormat::default();
    };
    let mut stanza = Stanza::open(file, content, &VOCABULARY, faults);
    // No name has the host in it, so this asks for what is so anyway, or for what Vault itself
    // advises against.
    stanza.boolean("disable_hostname", faults);
    match stanza.duration("prometheus_retention_time", RETENTION, faults) {
        Some(Duration::ZERO) => PrometheusFormat::Refused,
        Some(_) | None => PrometheusFormat::Served,
    }
}

/// Reads a listener's stanza.
pub(super) fn of_listener(found: Found<'_>, faults: &mut Faults) -> MetricsAccess {
    let Some(content) = single::object("telemetry", found, faults) else {
        return MetricsAccess::default();
    };
    let mut stanza = Stanza::open(found.file, content, &OF_LISTENER, faults);
    let everybody = stanza.boolean("unauthenticated_metrics_access", faults);
    match (stanza.boolean("disallow_metrics", faults), everybody) {
        (Some(true), _) => MetricsAccess::Nobody,
        (_, Some(true)) => MetricsAccess::Everybody,
        _ => MetricsAccess::WithToken,
    }
}
