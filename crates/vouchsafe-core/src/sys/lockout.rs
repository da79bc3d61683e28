//! `sys/locked-users`: who is locked out after failed logins, and how to let them in again.

use std::collections::BTreeMap;

use serde_json::json;
use vouchsafe_logical::{Access, Answer, Call, Data, Method, Operation, Reply, Route, input};

use super::Sys;

input! {
    /// Parameters of the list and of the unlock.
    pub(crate) struct LockedInput {
        /// Only those of this mount.
        mount_accessor: Option<String>,
        /// The alias name of the principal.
        alias_identifier: Option<String>,
    }
}

pub(crate) const LOCKED: Route<Sys> = Route {
    pattern: "locked-users",
    access: Access::Token,
    methods: &[Method::with::<LockedInput>(Operation::Read, locked)],
    exists: None,
    help: "List the principals that are locked out after failed logins.",
};

pub(crate) const UNLOCK: Route<Sys> = Route {
    pattern: "locked-users/{mount_accessor*}/unlock/{alias_identifier...}",
    access: Access::Token,
    methods: &[Method::update::<LockedInput>(unlock)],
    exists: None,
    help: "Let a principal that is locked out try again.",
};

fn locked<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: LockedInput = call.input()?;
        let runtime = sys.runtime()?;
        let table = runtime.mounts.table();
        let config_of = |accessor: &str| {
            let mount = table.by_accessor(accessor)?;
            Some(
                mount
                    .entry()
                    .config
                    .user_lockout
                    .clone()
                    .unwrap_or_default(),
            )
        };
        let mut by_mount: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for locked in runtime
            .lockouts
            .locked(runtime.ports.clock.now(), config_of)
        {
            if input
                .mount_accessor
                .as_ref()
                .is_none_or(|only| *only == locked.mount_accessor)
            {
                by_mount
                    .entry(locked.mount_accessor)
                    .or_default()
                    .push(locked.principal);
            }
        }
        let total: usize = by_mount.values().map(Vec::len).sum();
        let mounts: Vec<_> = by_mount
            .into_iter()
            .map(|(accessor, principals)| {
                json!({
                    "mount_accessor": accessor,
                    "counts": principals.len(),
                    "alias_identifiers": principals,
                })
            })
            .collect();
        let namespace = json!({
            "namespace_id": "root",
            "namespace_path": "",
            "counts": total,
            "mount_accessors": mounts,
        });
        let mut data = Data::new();
        data.insert("by_namespace".to_owned(), json!([namespace]));
        data.insert("total".to_owned(), total.into());
        Ok(Reply::data(data))
    })
}

fn unlock<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let runtime = sys.runtime()?;
        let principal = call.captured("alias_identifier");
        runtime
            .lockouts
            .clear(call.captured("mount_accessor"), principal);
        Ok(Reply::empty())
    })
}
