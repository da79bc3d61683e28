//! What a test's server begins with.

use serde_json::{Value, json};
use vouchsafe_core::Settings;
use vouchsafe_server::{Limits, MetricsAccess};

use super::{T0, TestCore, TestServer};

/// What a test's server begins with.
pub(crate) struct Builder {
    at: i64,
    limits: Limits,
    metrics: MetricsAccess,
    settings: Settings,
    probes: bool,
    steps: Vec<(String, Value)>,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            at: T0,
            limits: Limits::default(),
            metrics: MetricsAccess::default(),
            settings: Settings::default(),
            probes: false,
            steps: Vec::new(),
        }
    }

    /// The time at which the server starts, in Unix seconds.
    pub(crate) const fn at(mut self, unix_seconds: i64) -> Self {
        self.at = unix_seconds;
        self
    }

    /// Other limits than those of production.
    pub(crate) const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// What the configuration decides; version, storage and address are the harness's own.
    pub(crate) fn with_settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Who sees the metrics through the listener.
    pub(crate) const fn with_metrics(mut self, metrics: MetricsAccess) -> Self {
        self.metrics = metrics;
        self
    }

    /// The probe method at `auth/probe/` and the probe engine at `probe/`.
    pub(crate) const fn with_probes(mut self) -> Self {
        self.probes = true;
        self
    }

    /// A write as root, in the order of the calls.
    pub(crate) fn with(mut self, path: impl Into<String>, data: Value) -> Self {
        self.steps.push((path.into(), data));
        self
    }

    /// A policy.
    pub(crate) fn with_policy(self, name: &str, text: &str) -> Self {
        self.with(
            format!("sys/policies/acl/{name}"),
            json!({ "policy": text }),
        )
    }

    /// An auth method at `auth/<kind>/`.
    pub(crate) fn with_auth(self, kind: &str) -> Self {
        self.with(format!("sys/auth/{kind}"), json!({ "type": kind }))
    }

    /// An OIDC key and a role that signs with it, both of this name.
    pub(crate) fn with_oidc_role(self, name: &str, template: &str) -> Self {
        self.with(
            format!("identity/oidc/key/{name}"),
            json!({ "algorithm": "ES256", "allowed_client_ids": "*" }),
        )
        .with(
            format!("identity/oidc/role/{name}"),
            json!({ "key": name, "template": template }),
        )
    }

    /// Starts the core alone.
    pub(crate) async fn start_core(self) -> TestCore {
        let core = TestCore::with_settings(self.at, self.settings).await;
        if self.probes {
            core.mount_probes().await;
        }
        for (path, data) in self.steps {
            core.write(&path, data).await;
        }
        core
    }

    /// Starts core and listener.
    pub(crate) async fn start(self) -> TestServer {
        let (limits, metrics) = (self.limits.clone(), self.metrics);
        let core = self.start_core().await;
        TestServer::serve_with(core, |edge| edge.with_limits(limits).with_metrics(metrics)).await
    }
}
