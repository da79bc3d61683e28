//! `sys/internal/specs/openapi`: what it describes is what is served.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use vouchsafe_core::door::DOORS;
use vouchsafe_logical::Operation;
use vouchsafe_logical::pattern::{Extent, Segment, segments};

use crate::harness::{TEST_CATALOG, TestServer};
use vouchsafe_logical::MountClass;

const PATH: &str = "sys/internal/specs/openapi";

/// A server on which everything that can be mounted is.
async fn with_everything() -> TestServer {
    let server = TestServer::start().await;
    for kind in TEST_CATALOG
        .iter()
        .filter(|kind| !matches!(kind.name, "identity" | "publish"))
    {
        let place = match kind.class {
            MountClass::Auth => "sys/auth",
            MountClass::Secret => "sys/mounts",
        };
        let path = format!("{place}/{}", kind.name);
        server.write(&path, json!({ "type": kind.name })).await;
    }
    server
}

async fn document(server: &TestServer, token: Option<&str>, query: &str) -> Value {
    let ask = server.get(&format!("{PATH}{query}"));
    let ask = match token {
        Some(token) => ask.token(token),
        None => ask,
    };
    ask.send().await.expect(200).json()
}

/// A route's path in the document.
fn template(mount: &str, pattern: &'static str, operation: Operation) -> String {
    let words: Vec<String> = segments(pattern)
        .map(|segment| match segment {
            Segment::Literal(text) => text.to_owned(),
            Segment::Capture(name, _) => format!("{{{name}}}"),
        })
        .collect();
    let mut path = format!("/{mount}{}", words.join("/"));
    if operation == Operation::List && !path.ends_with('/') {
        path.push('/');
    }
    path
}

const fn verb(operation: Operation) -> &'static str {
    match operation {
        Operation::Read | Operation::List | Operation::Help => "get",
        Operation::Create | Operation::Update => "post",
        Operation::Patch => "patch",
        Operation::Delete => "delete",
    }
}

fn operations(document: &Value) -> impl Iterator<Item = (String, &Value)> {
    let paths = document["paths"].as_object().expect("paths");
    paths.iter().flat_map(|(path, item)| {
        let members = item.as_object().expect("a path item");
        members
            .iter()
            .filter(|(name, _)| ["get", "post", "patch", "delete"].contains(&name.as_str()))
            .map(move |(name, operation)| (format!("{name} {path}"), operation))
    })
}

#[tokio::test]
async fn every_route_of_every_mount_is_in_the_document() {
    let server = with_everything().await;
    let document = document(&server, Some(&server.root_token), "").await;
    let mut count = 0;
    for mount in server.core.mounts() {
        let path = &mount.summary().path;
        for (route, methods) in mount.routes() {
            for method in methods {
                let template = template(path, route.pattern, method.operation);
                let found = &document["paths"][&template][verb(method.operation)];
                assert!(found.is_object(), "{template} {}", method.operation);
                count += 1;
            }
        }
    }
    for door in DOORS {
        for method in door.methods {
            let template = template("sys/", door.info.pattern, method.operation);
            let found = &document["paths"][&template][verb(method.operation)];
            assert!(found.is_object(), "{template} {}", method.operation);
            count += 1;
        }
    }
    assert!(count > 200, "{count} operations");
}

#[tokio::test]
async fn every_operation_has_a_summary_an_id_and_answers_of_its_own() {
    let server = with_everything().await;
    let document = document(&server, Some(&server.root_token), "").await;
    let mut ids = BTreeSet::new();
    for (name, operation) in operations(&document) {
        let summary = operation["summary"].as_str().unwrap_or_default();
        assert!(summary.len() > 10, "{name}: {summary:?}");
        let id = operation["operationId"].as_str().expect("an id");
        assert!(ids.insert(id.to_owned()), "{name}: {id} is taken");
        assert!(operation["responses"]["200"].is_object(), "{name}");
        assert!(operation["responses"]["default"].is_object(), "{name}");
    }
}

/// Whatever a template names is declared, and whatever is referred to is there.
#[tokio::test]
async fn parameters_and_references_are_whole() {
    let server = with_everything().await;
    for query in ["", "?generic_mount_paths=true"] {
        let document = document(&server, Some(&server.root_token), query).await;
        for (path, item) in document["paths"].as_object().expect("paths") {
            let named: BTreeSet<&str> = path
                .split('/')
                .filter_map(|word| word.strip_prefix('{')?.strip_suffix('}'))
                .collect();
            let declared: BTreeSet<&str> = item["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|parameter| parameter["name"].as_str())
                .collect();
            assert_eq!(named, declared, "{path}");
        }
        let text = document.to_string();
        for part in text.split("\"$ref\":\"#").skip(1) {
            let pointer = part.split('"').next().expect("a pointer");
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
    }
}

#[tokio::test]
async fn the_document_says_which_doors_need_no_token() {
    let server = with_everything().await;
    let document = document(&server, Some(&server.root_token), "").await;
    for mount in server.core.mounts() {
        for (route, methods) in mount.routes() {
            let Some(method) = methods.first() else {
                continue;
            };
            let template = template(&mount.summary().path, route.pattern, method.operation);
            let open = &document["paths"][&template]["x-vault-unauthenticated"];
            assert_eq!(*open == true, !route.access.needs_token(), "{template}");
        }
    }
}

#[tokio::test]
async fn a_caller_sees_what_its_token_may_know_of() {
    let server = with_everything().await;
    let nobody = document(&server, None, "").await;
    assert_eq!(nobody["paths"], json!({}));
    let invalid = document(&server, Some("hvs.none"), "").await;
    assert_eq!(invalid["paths"], json!({}));

    let policy = json!({ "policy": "path \"kv/*\" { capabilities = [\"read\"] }" });
    server.write("sys/policies/acl/kv", policy).await;
    let token = server.token_with(&["kv"]).await;
    let some = document(&server, Some(&token), "").await;
    let paths = some["paths"].as_object().expect("paths");
    assert!(!paths.is_empty());
    assert!(
        paths.keys().all(|path| path.starts_with("/kv/")),
        "{paths:?}"
    );
}

#[tokio::test]
async fn a_client_may_ask_for_generic_paths_and_a_context_and_by_post() {
    let server = with_everything().await;
    let body = json!({ "generic_mount_paths": true, "context": "x" });
    let ask = server.post(PATH, body).token(&server.root_token);
    let document = ask.send().await.expect(200).json();
    let login = &document["paths"]["/auth/{userpass_mount_path}/login/{username}"];
    assert_eq!(
        login["post"]["operationId"],
        "auth-userpass-update-login-username-x"
    );
    assert!(document["paths"]["/sys/mounts"].is_object());

    let longest = "c".repeat(64);
    let ask = |context: &str| {
        let path = format!("{PATH}?context={context}");
        server.get(&path).token(&server.root_token).send()
    };
    ask(&longest).await.expect(200);
    ask(&format!("{longest}c")).await.expect(400);
}

/// What is said of a path parameter is what the router takes.
#[tokio::test]
async fn names_are_described_as_they_are_matched() {
    let server = with_everything().await;
    let document = document(&server, Some(&server.root_token), "").await;
    let item = &document["paths"]["/identity/oidc/key/{name}"];
    let pattern = item["parameters"][0]["schema"]["pattern"].as_str();
    assert_eq!(
        pattern,
        Some("^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$")
    );
    let segment = segments("oidc/key/{name}").last();
    assert_eq!(segment, Some(Segment::Capture("name", Extent::Name)));
}
