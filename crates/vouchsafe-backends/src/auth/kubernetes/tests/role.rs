//! Roles.

use serde_json::{Value, json};
use vouchsafe_logical::{Operation, Reply};

use super::{METHOD, role};
use crate::auth::driver::Driver;
use crate::auth::role_name::ROLE_NAME_BYTES_MAX;

#[tokio::test]
async fn a_role_is_read_as_it_was_written() {
    let kubernetes = Driver::open(&METHOD);
    let changes = json!({
        "bound_service_account_names": ["a", "b"],
        "bound_service_account_namespace_selector": " {\"matchLabels\":{\"a\":\"b\"}} ",
        "alias_name_source": "serviceaccount_name",
        "token_max_ttl": "2h",
    });
    kubernetes.write("role/App", role(changes)).await;
    let read = kubernetes.read("role/aPP").await;
    for (name, value) in [
        ("alias_name_source", json!("serviceaccount_name")),
        ("audience", json!("vault")),
        ("bound_service_account_names", json!(["a", "b"])),
        (
            "bound_service_account_namespace_selector",
            json!("{\"matchLabels\":{\"a\":\"b\"}}"),
        ),
        ("bound_service_account_namespaces", json!(["prod"])),
        ("token_max_ttl", json!(7200)),
        ("token_policies", json!(["app"])),
        ("token_type", json!("default")),
    ] {
        assert_eq!(read[name], value, "{name}");
    }
    assert_eq!(kubernetes.list("role").await, ["app"]);
    assert_eq!(kubernetes.exists("role/APP").await, Some(true));
    // What a later write does not say stays.
    kubernetes.write("role/app", json!({"token_ttl": 60})).await;
    let again = kubernetes.read("role/app").await;
    assert_eq!(
        (&again["audience"], &again["token_ttl"]),
        (&json!("vault"), &json!(60))
    );
    kubernetes.delete("role/app").await;
    assert!(kubernetes.list("role").await.is_empty());
}

#[tokio::test]
async fn a_role_that_lets_in_nobody_or_says_two_things_is_refused() {
    let kubernetes = Driver::open(&METHOD);
    let names = "\"bound_service_account_names\" can not be empty";
    let namespaces = "\"bound_service_account_namespaces\" can not be empty if \
                      \"bound_service_account_namespace_selector\" is not set";
    let mixed = "can not mix \"*\" with values";
    for (changes, message) in [
        (json!({"bound_service_account_names": ""}), names),
        (json!({"bound_service_account_names": " , "}), names),
        (json!({"bound_service_account_namespaces": []}), namespaces),
        (json!({"bound_service_account_names": "*,a"}), mixed),
        (
            json!({"bound_service_account_namespaces": ["a", "*"]}),
            mixed,
        ),
        (
            json!({"alias_name_source": "x"}),
            "invalid \"alias_name_source\" \"x\", must be one of: serviceaccount_uid, \
             serviceaccount_name",
        ),
    ] {
        kubernetes.refuses("role/app", role(changes), message).await;
    }
    assert!(
        kubernetes.list("role").await.is_empty(),
        "nothing was stored"
    );
}

#[tokio::test]
async fn a_role_without_an_audience_is_warned_about() {
    let kubernetes = Driver::open(&METHOD);
    let send = |body: Value| kubernetes.send(Operation::Update, "role/app", body);
    let warnings = |reply: Reply| reply.warnings;
    assert!(warnings(send(role(json!({}))).await.unwrap()).is_empty());
    let warned = warnings(send(role(json!({"audience": ""}))).await.unwrap());
    assert!(warned[0].contains("made for other services"), "{warned:?}");
}

#[tokio::test]
async fn the_name_of_a_role_is_bounded() {
    let kubernetes = Driver::open(&METHOD);
    let path = |length| format!("role/{}", "a".repeat(length));
    kubernetes
        .write(&path(ROLE_NAME_BYTES_MAX), role(json!({})))
        .await;
    kubernetes
        .refusal(&path(ROLE_NAME_BYTES_MAX + 1), role(json!({})))
        .await;
}
