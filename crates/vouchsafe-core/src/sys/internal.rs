//! `sys/internal/ui/*`: what clients ask before they show or touch mounts.

use serde_json::{Value, json};
use vouchsafe_logical::{Access, Answer, Call, Data, Error, Method, Reply, Route};
use vouchsafe_policy::{Acl, ListedKind};

use super::{Sys, mount};
use crate::authenticate::acl_of;
use crate::mount::{Mount, StoredClass};

pub(crate) const UI_MOUNTS: Route<Sys> = Route {
    pattern: "internal/ui/mounts",
    access: Access::Optional,
    methods: &[Method::read(ui_mounts)],
    exists: None,
    help: "List the mounts that the calling token, if any, may know of.",
};

pub(crate) const UI_MOUNT: Route<Sys> = Route {
    pattern: "internal/ui/mounts/{path...}",
    access: Access::Optional,
    methods: &[Method::read(ui_mount)],
    exists: None,
    help: "Show the mount that a path belongs to.",
};

pub(crate) const RESULTANT_ACL: Route<Sys> = Route {
    pattern: "internal/ui/resultant-acl",
    access: Access::Token,
    methods: &[Method::read(resultant_acl)],
    exists: None,
    help: "Show the rules that the calling token's policies come down to.",
};

/// Whether a caller may know of a mount.
pub(super) fn may_know(acl: &Acl, mount: &Mount) -> bool {
    mount.entry().config.listing_visibility == "unauth" || acl.grants_under(&mount.entry().path)
}

fn ui_mounts<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let runtime = sys.runtime()?;
        let acl = acl_of(call.caller);
        let (mut auth, mut secret) = (Data::new(), Data::new());
        for shown in runtime
            .mounts
            .table()
            .iter()
            .filter(|mount| may_know(&acl, mount))
        {
            let entry = shown.entry();
            let path = entry
                .path
                .strip_prefix("auth/")
                .unwrap_or(&entry.path)
                .to_owned();
            let place = if entry.class == StoredClass::Auth {
                &mut auth
            } else {
                &mut secret
            };
            place.insert(path, mount::describe(shown));
        }
        let mut data = Data::new();
        data.insert("auth".to_owned(), Value::Object(auth));
        data.insert("secret".to_owned(), Value::Object(secret));
        Ok(Reply::data(data))
    })
}

fn ui_mount<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let runtime = sys.runtime()?;
        if !call.caller.is_authenticated {
            return Err(Error::denied("token_invalid"));
        }
        let acl = acl_of(call.caller);
        let path = call.captured("path");
        let with_slash = format!("{}/", path.trim_end_matches('/'));
        let refused = || {
            Error::new(
                vouchsafe_logical::ErrorKind::PermissionDenied,
                "preflight_denied",
                format!(
                    "preflight capability check returned 403, please ensure client's policies grant access to path \"{with_slash}\""
                ),
            )
        };
        let table = runtime.mounts.table();
        let Some(found) = table.find(&with_slash) else {
            return Err(refused());
        };
        if !acl.grants_under(&found.entry().path) {
            return Err(refused());
        }
        let Value::Object(mut data) = mount::describe(&found) else {
            return Err(Error::internal("a mount is not an object"));
        };
        data.insert("path".to_owned(), found.entry().path.clone().into());
        Ok(Reply::data(data))
    })
}

fn resultant_acl<'a>(_: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let acl = acl_of(call.caller);
        let mut data = Data::new();
        if acl.is_root() {
            data.insert("root".to_owned(), true.into());
            return Ok(Reply::data(data));
        }
        let (mut exact, mut glob) = (Data::new(), Data::new());
        for rule in acl.rules() {
            let words: Vec<&str> = rule.capabilities.iter().map(|c| c.as_str()).collect();
            let place = match rule.kind {
                ListedKind::Exact => &mut exact,
                ListedKind::Prefix => &mut glob,
                // The reference does not show rules with `+` here, and clients don't expect them.
                ListedKind::Wildcard => continue,
            };
            place.insert(rule.path.clone(), json!({ "capabilities": words }));
        }
        data.insert("exact_paths".to_owned(), Value::Object(exact));
        data.insert("glob_paths".to_owned(), Value::Object(glob));
        data.insert("root".to_owned(), false.into());
        Ok(Reply::data(data))
    })
}
