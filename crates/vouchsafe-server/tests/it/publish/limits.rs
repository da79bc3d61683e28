//! The numbers of `publish/`: each is taken at its bound, and refused one past it.

use serde_json::{Map, Value, json};

use super::{jwk, upload};
use crate::harness::TestServer;
use crate::limits::Bound;

const DAY: u64 = 24 * 3_600;

#[tokio::test]
async fn settings_of_the_engine() {
    let server = TestServer::builder().start_core().await;
    let bound = Bound::of(&server, "publish/config");
    for age in ["metadata_max_age", "keys_max_age"] {
        bound.between(age, 0, DAY).await;
    }
    bound.between("retire_after", 0, 366 * DAY).await;
    bound.between("document_bytes_max", 1, 256 * 1_024).await;
    bound.past("document_bytes_max", json!(0)).await;
    bound.past("document_bytes_max", json!(-1)).await;
    bound.between("keys_max", 1, 256).await;
    bound.past("keys_max", json!(0)).await;
    let types = |count| (0..count).map(|n| format!("T{n}")).collect::<Vec<_>>();
    bound.at("allowed_key_types", json!(types(16))).await;
    bound.past("allowed_key_types", json!(types(17))).await;
}

#[tokio::test]
async fn settings_of_a_service() {
    let server = TestServer::builder()
        .with(
            "publish/services/a",
            json!({ "issuer": "https://a.example" }),
        )
        .start_core()
        .await;
    let bound = Bound::of(&server, "publish/services/a");
    bound.text("name", 256).await;
    bound.text("description", 4_096).await;
    bound.between("retire_after", 0, 366 * DAY).await;
}

#[tokio::test]
async fn settings_of_a_source() {
    let server = TestServer::builder()
        .with(
            "publish/services/a",
            json!({ "issuer": "https://a.example" }),
        )
        .start_core()
        .await;
    let other = Map::from_iter([("url".to_owned(), json!("https://10.0.0.1"))]);
    let bound = Bound::of(&server, "publish/services/a/source").with(other);
    bound.between("interval", 15, DAY).await;
    bound.past("interval", json!("14s")).await;
    bound.text("token", 16 * 1_024).await;
    bound.text("ca_cert", 64 * 1_024).await;
    let long =
        |head: &str, bytes: usize| json!(format!("{head}{}", "x".repeat(bytes - head.len())));
    for (name, head) in [("token_file", "/"), ("url", "https://")] {
        bound.at(name, long(head, 16 * 1_024)).await;
        bound.past(name, long(head, 16 * 1_024 + 1)).await;
    }
}

#[tokio::test]
async fn lists_of_a_service_account() {
    let server = TestServer::builder().start_core().await;
    let named = Map::from_iter([("name".to_owned(), json!("ci"))]);
    let services = |count: usize| (0..count).map(|n| format!("s{n}")).collect::<Vec<_>>();
    let bound = Bound::of(&server, "publish/service-accounts").with(named);
    let policy = |count| json!({ "kind": "static", "services": services(count) });
    bound.past("policy", policy(257)).await;
    bound.past("policy", policy(0)).await;
    bound.at("policy", policy(256)).await;
    server.delete("publish/service-accounts/ci").await;
    let rule = json!({ "iss": "https://ci.example", "claims": { "sub": "a", "aud": "b" } });
    let policy =
        |count| json!({ "kind": "oidc", "services": ["a"], "rules": vec![rule.clone(); count] });
    bound.past("policy", policy(17)).await;
    bound.past("policy", policy(0)).await;
    bound.at("policy", policy(16)).await;
}

/// What the settings say holds for uploads.
#[tokio::test]
async fn an_upload_is_measured_by_the_settings() {
    let issuer = "https://a.example";
    let server = TestServer::builder()
        .with("publish/services/a", json!({ "issuer": issuer }))
        .with("publish/config", json!({ "keys_max": 2 }))
        .start_core()
        .await;
    let path = "publish/services/a/config";
    let keys = |names: &[&str]| upload(issuer, names);
    let root = Some(server.root_token.as_str());
    let reason = async |body: Value| {
        let update = vouchsafe_logical::Operation::Update;
        let outcome = server.handle(update, path, root, body).await;
        outcome.result.err().map(|error| error.reason())
    };
    assert_eq!(
        reason(keys(&["a", "b", "c"])).await,
        Some("too_many_entries")
    );
    assert_eq!(reason(keys(&["a", "b"])).await, None);

    // The document as it is sent, in JSON without blanks.
    let set = json!({ "keys": [jwk("a")] }).to_string().len();
    let document = keys(&["a"])["openidConfiguration"].to_string().len();
    let larger = set.max(document);
    server
        .write(
            "publish/config",
            json!({ "document_bytes_max": larger - 1 }),
        )
        .await;
    assert_eq!(reason(keys(&["a"])).await, Some("document_too_large"));
    server
        .write("publish/config", json!({ "document_bytes_max": larger }))
        .await;
    assert_eq!(reason(keys(&["a"])).await, None);
}
