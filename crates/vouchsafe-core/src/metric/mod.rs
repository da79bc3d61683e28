//! What the core counts (docs/telemetry.md): every request, and every refusal by its reason code.
//!
//! A backend need not count its own refusals: whatever it refuses with a reason of its own is
//! counted here under that reason.

mod format;

use bytes::Bytes;
use vouchsafe_logical::metric::{Counter, Gauge, Metrics};
use vouchsafe_logical::{Error, MountSummary, Operation, Raw, Reply, Request};

use crate::core::Core;
use crate::handle::Outcome;

/// Whether `sys/metrics` speaks Prometheus' format: `prometheus_retention_time` of the configuration,
/// which Vault takes for "off" when it is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PrometheusFormat {
    /// It does.
    #[default]
    Served,
    /// It was switched off.
    Refused,
}

/// Every request that has come to the core.
pub(crate) static REQUESTS: Counter<3> = Counter::new(
    "vouchsafe_requests_total",
    "Requests by mount and operation, refused ones included.",
    ["mount", "kind", "operation"],
);

/// Every request that was refused or failed, in the core or before it.
pub static REFUSALS: Counter<3> = Counter::new(
    "vouchsafe_refusals_total",
    "Requests that were refused or failed, by reason code.",
    ["mount", "kind", "reason"],
);

/// Logins that made a token.
pub(crate) static LOGINS: Counter<2> = Counter::new(
    "vouchsafe_logins_total",
    "Logins that succeeded, by mount.",
    ["mount", "kind"],
);

/// Audit entries that a device could not write. While another device writes, requests go on.
pub(crate) static AUDIT_FAILURES: Counter<1> = Counter::new(
    "vouchsafe_audit_failures_total",
    "Audit entries that a device could not write, by the device's path.",
    ["device"],
);

/// Whether the server is unsealed.
pub(crate) static UNSEALED: Gauge<0> = Gauge::new(
    "vouchsafe_unsealed",
    "1 while the server is unsealed, else 0.",
    [],
);

/// Counts a request with its end. Of one that no mount takes, the labels are empty.
pub(crate) fn count(
    metrics: &Metrics,
    mount: Option<&MountSummary>,
    operation: Operation,
    result: &Result<Reply, Error>,
) {
    let (path, kind) = mount.map_or(("", ""), |mount| (&mount.path, &mount.kind));
    count_at(metrics, [path, kind], operation, result);
}

/// Counts a request that was answered before the pipeline (health, unsealing), as one of `sys/`.
pub(crate) fn count_door(metrics: &Metrics, operation: Operation, result: &Result<Reply, Error>) {
    count_at(metrics, ["sys/", "system"], operation, result);
}

fn count_at(
    metrics: &Metrics,
    [path, kind]: [&str; 2],
    operation: Operation,
    result: &Result<Reply, Error>,
) {
    metrics.increment(&REQUESTS, [path, kind, operation.as_str()]);
    if let Err(error) = result {
        metrics.increment(&REFUSALS, [path, kind, error.reason()]);
    }
}

impl Core {
    /// The answer of `sys/metrics` through a listener that shows it to everybody: without a token, an
    /// audit entry or an unsealed server, as the other paths that tell a server's state.
    #[must_use]
    pub fn show_metrics_to_everybody(&self, request: &Request) -> Outcome {
        self.at_the_door(request.operation, self.show_metrics(request))
    }

    /// The answer of `sys/metrics` through a listener that shows it to nobody.
    #[must_use]
    pub fn refuse_metrics(&self, request: &Request) -> Outcome {
        self.at_the_door(request.operation, Err(Error::denied("metrics_disallowed")))
    }

    /// The answer of `sys/metrics`, for a caller who may see it.
    ///
    /// # Errors
    /// A format that is not known or switched off.
    pub fn show_metrics(&self, request: &Request) -> Result<Reply, Error> {
        let readings = self.ports.metrics.readings();
        let format = request.data.get("format");
        match format.map(|format| format.as_str().unwrap_or("?")) {
            None | Some("") => Ok(Reply::raw_json(
                200,
                &format::json(&readings, self.ports.clock.now()),
            )),
            Some("prometheus") if self.settings.prometheus == PrometheusFormat::Refused => {
                Err(Error::invalid_because(
                    "prometheus_off",
                    "prometheus is not enabled: `prometheus_retention_time` is zero",
                ))
            }
            Some("prometheus") => Ok(Reply::raw(Raw {
                status: 200,
                content_type: format::PROMETHEUS_TYPE,
                body: Bytes::from(format::prometheus(&readings)),
                cache_control: None,
                etag: None,
            })),
            Some(_) => Err(Error::invalid_because(
                "metrics_format_unknown",
                "metric response format is unknown; expected `prometheus`, or none for JSON",
            )),
        }
    }
}
