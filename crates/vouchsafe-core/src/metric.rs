//! What the core counts (docs/telemetry.md): every request, and every refusal by its reason code.
//!
//! A backend need not count its own refusals: whatever it refuses with a reason of its own is
//! counted here under that reason.

use vouchsafe_logical::metric::{Counter, Gauge, Metrics};
use vouchsafe_logical::{Error, MountSummary, Operation, Reply};

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
