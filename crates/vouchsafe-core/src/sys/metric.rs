//! `sys/metrics`: what the server counts.

use vouchsafe_logical::{Access, Answer, Call, Method, Operation, Route, input};

use super::Sys;

input! {
    /// Parameters of `metrics`.
    pub(crate) struct MetricsInput {
        /// `prometheus`, or nothing for JSON.
        format: Option<String>,
    }
}

pub(crate) const METRICS: Route<Sys> = Route {
    pattern: "metrics",
    access: Access::Token,
    methods: &[Method::with::<MetricsInput>(Operation::Read, show).document()],
    exists: None,
    help: "Show what the server counts.",
};

fn show<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move { sys.core()?.show_metrics(call.request) })
}
