//! The main answers as clients see them, ids and secrets left out.

use serde_json::{Value, json};

use crate::harness::TestServer;

/// Members whose values differ from server to server.
const REDACTED: [&str; 13] = [
    "accessor",
    "client_token",
    "cluster_id",
    "cluster_name",
    "entity_id",
    "id",
    "kid",
    "request_id",
    "running_plugin_version",
    "uuid",
    "x",
    "y",
    "token",
];

fn redacted(mut value: Value) -> Value {
    match &mut value {
        Value::Object(members) => {
            for (name, member) in members {
                let is_secret = REDACTED.contains(&name.as_str()) && member.as_str() != Some("");
                *member = match member.take() {
                    Value::String(_) if is_secret => json!(format!("[{name}]")),
                    other => redacted(other),
                };
            }
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| *item = redacted(item.take())),
        _ => {}
    }
    value
}

#[track_caller]
fn check(name: &str, value: Value) {
    insta::with_settings!({ prepend_module_to_snapshot => false }, {
        insta::assert_json_snapshot!(name, redacted(value));
    });
}

async fn server() -> TestServer {
    TestServer::builder()
        .at(1_800_000_000)
        .with_auth("userpass")
        .with(
            "auth/userpass/users/bob",
            json!({ "password": "correct", "token_policies": "ci" }),
        )
        .with_policy("ci", r#"path "kv/*" { capabilities = ["read"] }"#)
        .with_oidc_role("ci", "")
        .start()
        .await
}

#[tokio::test]
async fn state() {
    let server = server().await;
    for path in ["sys/health", "sys/seal-status", "sys/init", "sys/leader"] {
        let answer = server.get(path).send().await.expect(200);
        check(&path.replace('/', "-"), answer.json());
    }
}

#[tokio::test]
async fn tokens() {
    let server = server().await;
    let body = json!({ "password": "correct" });
    let login = server
        .post("auth/userpass/login/bob", body)
        .send()
        .await
        .expect(200)
        .json();
    check("userpass-login", login.clone());
    let token = login["auth"]["client_token"].as_str().expect("a token");
    let lookup = server
        .get("auth/token/lookup-self")
        .token(token)
        .send()
        .await
        .expect(200);
    check("token-lookup-self", lookup.json());
    let root = server
        .get("auth/token/lookup-self")
        .token(&server.root_token)
        .send()
        .await;
    check("token-lookup-root", root.expect(200).json());
}

#[tokio::test]
async fn mounts() {
    let server = server().await;
    let get = async |path: &str| {
        server
            .get(path)
            .token(&server.root_token)
            .send()
            .await
            .expect(200)
            .json()
    };
    check(
        "sys-auth-userpass",
        get("sys/auth/userpass").await["data"].clone(),
    );
    check(
        "sys-auth-userpass-tune",
        get("sys/auth/userpass/tune").await["data"].clone(),
    );
    let mounts = get("sys/mounts").await;
    check("sys-mounts-identity", mounts["data"]["identity/"].clone());
    let names: Vec<&String> = mounts["data"].as_object().expect("mounts").keys().collect();
    check("sys-mounts-paths", json!(names));
}

#[tokio::test]
async fn policies() {
    let server = server().await;
    let list = server
        .ask("LIST", "sys/policies/acl")
        .token(&server.root_token)
        .send()
        .await;
    check("sys-policies-acl", list.expect(200).json());
    let read = server
        .get("sys/policies/acl/ci")
        .token(&server.root_token)
        .send()
        .await;
    check("sys-policies-acl-ci", read.expect(200).json());
}

#[tokio::test]
async fn documents() {
    let server = server().await;
    let read = async |path: &str| server.get(path).send().await.expect(200).json();
    check(
        "oidc-discovery",
        read("identity/oidc/.well-known/openid-configuration").await,
    );
    let mut keys = read("identity/oidc/.well-known/keys").await;
    // One key stands for all: how many there are is the business of rotation.
    keys["keys"].as_array_mut().expect("keys").truncate(1);
    check("oidc-keys", keys);
}

#[tokio::test]
async fn refusals() {
    let server = server().await;
    let root = &server.root_token;
    let mut shown = Vec::new();
    for (method, path, token, body) in [
        ("GET", "sys/mounts", "", json!({})),
        ("GET", "nothing", root.as_str(), json!({})),
        ("GET", "sys/nothing", root.as_str(), json!({})),
        ("DELETE", "sys/mounts", root.as_str(), json!({})),
        ("GET", "sys/policies/acl/nothing", root.as_str(), json!({})),
        ("POST", "sys/policies/acl/a", root.as_str(), json!({})),
        (
            "POST",
            "sys/policies/acl/a",
            root.as_str(),
            json!({ "policy": "path \"a\" { x = 1 }" }),
        ),
        (
            "DELETE",
            "sys/policies/acl/default",
            root.as_str(),
            json!({}),
        ),
        (
            "POST",
            "sys/auth/userpass",
            root.as_str(),
            json!({ "type": "userpass" }),
        ),
        (
            "POST",
            "auth/userpass/login/bob",
            "",
            json!({ "password": "wrong" }),
        ),
        (
            "POST",
            "auth/token/lookup",
            root.as_str(),
            json!({ "token": "nothing" }),
        ),
        (
            "POST",
            "auth/token/create",
            root.as_str(),
            json!({ "ttl": "soon" }),
        ),
    ] {
        let answer = server
            .ask(method, path)
            .token(token)
            .json(body)
            .send()
            .await;
        let (status, errors) = (answer.status.as_u16(), &answer.json()["errors"]);
        shown.push(format!("{method} {path}: {status} {errors}"));
    }
    check("refusals", json!(shown));
}
