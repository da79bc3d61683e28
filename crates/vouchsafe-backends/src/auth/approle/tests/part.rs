//! Parameters with a path of their own.

use serde_json::{Value, json};
use vouchsafe_logical::ErrorKind;

use super::with_web;
use crate::auth::approle::part::ALL;

/// Path segment, a body that sets the part, what is read then, what is read after a delete.
fn parts() -> Vec<(&'static str, Value, Value, Value)> {
    vec![
        (
            "policies",
            json!({ "token_policies": "b,A" }),
            json!({ "token_policies": ["a", "b"] }),
            json!({ "token_policies": [] }),
        ),
        (
            "policies",
            json!({ "policies": ["c"] }),
            json!({ "token_policies": ["c"], "policies": ["c"] }),
            json!({ "token_policies": [] }),
        ),
        (
            "bind-secret-id",
            json!({ "bind_secret_id": "false" }),
            json!({ "bind_secret_id": false }),
            json!({ "bind_secret_id": true }),
        ),
        (
            "secret-id-num-uses",
            json!({ "secret_id_num_uses": "5" }),
            json!({ "secret_id_num_uses": 5 }),
            json!({ "secret_id_num_uses": 0 }),
        ),
        (
            "secret-id-ttl",
            json!({ "secret_id_ttl": "2h" }),
            json!({ "secret_id_ttl": 7200 }),
            json!({ "secret_id_ttl": 0 }),
        ),
        (
            "secret-id-bound-cidrs",
            json!({ "secret_id_bound_cidrs": "127.0.0.1/32,10.0.0.0/8" }),
            json!({ "secret_id_bound_cidrs": ["127.0.0.1/32", "10.0.0.0/8"] }),
            json!({ "secret_id_bound_cidrs": [] }),
        ),
        (
            "bound-cidr-list",
            json!({ "bound_cidr_list": ["127.0.0.1/8"] }),
            json!({ "bound_cidr_list": ["127.0.0.1/8"] }),
            json!({ "bound_cidr_list": [] }),
        ),
        (
            "token-bound-cidrs",
            json!({ "token_bound_cidrs": "127.0.0.1/32,10.0.0.0/8" }),
            json!({ "token_bound_cidrs": ["127.0.0.1", "10.0.0.0/8"] }),
            json!({ "token_bound_cidrs": [] }),
        ),
        (
            "token-num-uses",
            json!({ "token_num_uses": 3 }),
            json!({ "token_num_uses": 3 }),
            json!({ "token_num_uses": 0 }),
        ),
        (
            "token-ttl",
            json!({ "token_ttl": "10m" }),
            json!({ "token_ttl": 600 }),
            json!({ "token_ttl": 0 }),
        ),
        (
            "token-max-ttl",
            json!({ "token_max_ttl": "40m" }),
            json!({ "token_max_ttl": 2400 }),
            json!({ "token_max_ttl": 0 }),
        ),
        (
            "period",
            json!({ "token_period": "5m" }),
            json!({ "token_period": 300 }),
            json!({ "token_period": 0 }),
        ),
        (
            "period",
            json!({ "period": "6m" }),
            json!({ "token_period": 360, "period": 360 }),
            json!({ "token_period": 0 }),
        ),
    ]
}

#[tokio::test]
async fn each_part_is_written_read_and_reset() {
    let mut seen = std::collections::BTreeSet::new();
    for (segment, body, written, reset) in parts() {
        seen.insert(segment);
        // A range of addresses, so that the role has a constraint without its secret ids.
        let approle =
            with_web(json!({ "token_bound_cidrs": "10.0.0.0/8", "token_explicit_max_ttl": 9 }))
                .await;
        let path = format!("role/WEB/{segment}");
        approle.write(&path, body).await;
        assert_eq!(
            Value::Object(approle.read(&path).await),
            written,
            "{segment}"
        );
        approle.delete(&path).await;
        assert_eq!(Value::Object(approle.read(&path).await), reset, "{segment}");
        assert_eq!(
            approle.read("role/web").await["token_explicit_max_ttl"],
            9,
            "{segment}"
        );
    }
    assert_eq!(seen.len(), ALL.len(), "a part is without a test");
}

/// A policy that allows `role/web/token-ttl` must not allow more than that.
#[tokio::test]
async fn a_part_takes_no_other_field() {
    let approle = with_web(json!({})).await;
    let everything = json!({
        "token_ttl": "1m", "token_policies": "admin", "bind_secret_id": false,
        "secret_id_bound_cidrs": "0.0.0.0/0", "role_id": "chosen", "name": "other",
        "role_name": "other", "policies": "admin",
    });
    let before = approle.read("role/web").await;
    approle.write("role/web/token-ttl", everything).await;
    let mut expected = before.clone();
    expected["token_ttl"] = json!(60);
    assert_eq!(approle.read("role/web").await, expected);
    assert_eq!(approle.list("role/").await, ["web"]);
}

#[tokio::test]
async fn a_part_of_nothing_and_a_part_without_its_field() {
    let approle = with_web(json!({})).await;
    for (segment, body, written, _) in parts() {
        let path = format!("role/web/{segment}");
        let (name, _) = written.as_object().unwrap().iter().next().unwrap();
        approle
            .refuses(&path, json!({}), &format!("missing {name}"))
            .await;
        approle
            .refuses(&path, json!({ name: null }), &format!("missing {name}"))
            .await;
        let path = format!("role/no/{segment}");
        assert_eq!(
            approle.refusal(&path, body).await.messages(),
            ["role \"no\" does not exist"]
        );
        approle.delete(&path).await;
    }
    assert_eq!(approle.list("role/").await, ["web"]);
}

#[tokio::test]
async fn the_checks_of_the_role_hold_for_its_parts() {
    let approle = with_web(json!({ "token_max_ttl": "1h" })).await;
    let before = approle.stored().await;
    for (path, body) in [
        ("role/web/token-ttl", json!({ "token_ttl": "2h" })),
        (
            "role/web/secret-id-num-uses",
            json!({ "secret_id_num_uses": -1 }),
        ),
        (
            "role/web/token-bound-cidrs",
            json!({ "token_bound_cidrs": "x" }),
        ),
        ("role/web/policies", json!({ "token_policies": { "a": 1 } })),
    ] {
        assert_eq!(
            approle.refusal(path, body).await.kind(),
            ErrorKind::InvalidRequest,
            "{path}"
        );
    }
    assert_eq!(approle.stored().await, before);
}
