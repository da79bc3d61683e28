//! `?help=1`: what a path is for, from its route's declaration; at a mount's own path, what is
//! below it. As text for people and as OpenAPI for programs, outside the envelope as Vault's.

use serde_json::{Value, json};
use vouchsafe_logical::backend::{MethodInfo, RouteInfo};
use vouchsafe_logical::field::{Field, Kind};
use vouchsafe_logical::{Reply, Request};

use crate::mount::{Mount, Mounts, Target};
use crate::openapi::{Document, Place};

/// The help of a request's path, where its route is known or it is a mount's own path.
#[must_use]
pub(crate) fn of_mount(mounts: &Mounts, request: &Request) -> Option<Reply> {
    let path = request.path.as_str();
    let folder = format!("{}/", path.strip_suffix('/').unwrap_or(path));
    mounts.table().at(&folder).map(|mount| overview(mount))
}

/// The help of a route.
#[must_use]
pub(crate) fn of_target(target: &Target<'_>) -> Reply {
    let summary = target.mount().summary();
    let routes = target.mount().routes();
    let methods = routes
        .into_iter()
        .find(|(info, _)| info.pattern == target.info().pattern)
        .map(|(_, methods)| methods)
        .unwrap_or_default();
    of_route(&summary.path, &summary.kind, target.info(), &methods)
}

/// The help of a route of a mount.
#[must_use]
pub(crate) fn of_route(
    mount: &str,
    kind: &str,
    route: &RouteInfo,
    methods: &[MethodInfo],
) -> Reply {
    let mut text = format!("Path: {mount}{}\n\n{}\n", route.pattern, route.help);
    text.push_str(&format!("\n## ACCESS\n\n    {}\n", access(route)));
    for method in methods {
        text.push_str(&format!(
            "\n## {}\n",
            method.operation.as_str().to_uppercase()
        ));
        for field in method.fields.iter().copied().flatten() {
            text.push_str(&parameter(field));
        }
    }
    let mut document = Document::new("");
    document.add(&Place::at(mount, kind), route, methods);
    answer(&text, document)
}

fn overview(mount: &Mount) -> Reply {
    let summary = mount.summary();
    let mut text = format!(
        "Mount: {} ({})\n\n## PATHS\n\nAsk for the help of a path to see what it takes.\n",
        summary.path, summary.kind
    );
    let mut document = Document::new("");
    let place = Place::at(&summary.path, &summary.kind);
    for (route, methods) in mount.routes() {
        text.push_str(&format!(
            "\n    {}\n        {}\n",
            route.pattern, route.help
        ));
        document.add(&place, &route, &methods);
    }
    answer(&text, document)
}

const fn access(route: &RouteInfo) -> &'static str {
    use vouchsafe_logical::Access;
    match route.access {
        Access::Token => "A token whose policies allow it.",
        Access::Sudo => "A token whose policies allow it and grant `sudo`.",
        Access::Public | Access::Optional => "Everybody.",
        Access::Login(_) => "Everybody; it is a login.",
        Access::Proof => "Whoever brings the proof that the request carries.",
    }
}

fn parameter(field: &Field) -> String {
    let kind = match field.kind {
        Kind::Any => "any",
        Kind::Boolean => "boolean",
        Kind::Duration => "duration",
        Kind::Integer => "integer",
        Kind::KeyValue => "key=value pairs",
        Kind::List => "list",
        Kind::Object => "object",
        Kind::Text => "string",
    };
    format!(
        "\n    {} ({kind})\n        {}\n",
        field.name,
        field.help.trim()
    )
}

fn answer(text: &str, document: Document) -> Reply {
    let openapi = Value::Object(document.finish());
    let body = json!({ "help": text, "see_also": null, "openapi": openapi });
    Reply::raw_json(200, &body)
}
