//! What clients ask about the other nodes: `sys/ha-status`, `sys/step-down`, `sys/replication/status`.
//!
//! There is one node, and it is the active one; the answers have the shape that clients expect.

use serde_json::json;
use vouchsafe_logical::{Access, Answer, Call, Data, Method, Operation, Reply, Route};

use super::Sys;

pub(crate) const HA_STATUS: Route<Sys> = Route {
    pattern: "ha-status",
    access: Access::Token,
    methods: &[Method::read(ha_status)],
    exists: None,
    help: "Show the nodes of the cluster.",
};

pub(crate) const STEP_DOWN: Route<Sys> = Route {
    pattern: "step-down",
    access: Access::Sudo,
    methods: &[Method::new(Operation::Update, &[], step_down)],
    exists: None,
    help: "Let another node be the active one, where there is another.",
};

pub(crate) const REPLICATION_STATUS: Route<Sys> = Route {
    pattern: "replication/status",
    access: Access::Public,
    methods: &[Method::read(replication_status)],
    exists: None,
    help: "Show the state of replication: there is none.",
};

fn ha_status<'a>(sys: &'a Sys, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let core = sys.core()?;
        let address = core.api_address();
        let host = address.split_once("://").map_or("", |(_, rest)| rest);
        let host = host.split(['/', '?']).next().unwrap_or_default();
        let node = json!({
            "hostname": host,
            "api_address": address,
            "cluster_address": "",
            "active_node": true,
            "last_echo": null,
            "version": core.settings.version,
        });
        let data = Data::from_iter([("nodes".to_owned(), json!([node]))]);
        Ok(Reply::data(data).at_top_level())
    })
}

/// As in Vault without other nodes, there is nobody to step down for.
fn step_down<'a>(_sys: &'a Sys, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async { Ok(Reply::empty()) })
}

fn replication_status<'a>(_sys: &'a Sys, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async {
        let data = Data::from_iter([("mode".to_owned(), "disabled".into())]);
        Ok(Reply::data(data).at_top_level())
    })
}
