//! What a role can be.

use serde_json::{Value, json};
use vouchsafe_logical::{ErrorKind, Operation};

use super::{mount, role};

#[tokio::test]
async fn a_role_that_would_let_everybody_in_is_refused() {
    let (mount, _) = mount().await;
    let with = |name: &str, value: Value| {
        let mut body = json!({"role_type": "jwt", "user_claim": "sub", "bound_audiences": "v"});
        body[name] = value;
        body
    };
    for (body, begin) in [
        (
            json!({"role_type": "jwt", "bound_audiences": "v"}),
            "a user claim must be defined",
        ),
        (
            json!({"role_type": "jwt", "user_claim": "sub"}),
            "must have at least one bound",
        ),
        (with("role_type", json!("zz")), "invalid 'role_type': zz"),
        (
            with("role_type", json!("oidc")),
            "'allowed_redirect_uris' must be set",
        ),
        (
            with("callback_mode", json!("direct")),
            "'callback_mode' \"direct\" is not supported; expected `client`",
        ),
        (
            with("callback_mode", json!("device")),
            "'callback_mode' \"device\" is not supported",
        ),
        (
            with("callback_mode", json!("zz")),
            "invalid 'callback_mode'",
        ),
        (
            with("bound_claims_type", json!("regex")),
            "invalid 'bound_claims_type': regex",
        ),
        (
            with("claim_mappings", json!({"a": "role"})),
            "metadata key \"role\" is reserved",
        ),
        (
            with("claim_mappings", json!({"a": "x", "b": "x"})),
            "multiple keys are mapped",
        ),
        (with("token_policies", json!("root")), ""),
        (with("token_period", json!("9999h")), "'period' of"),
        (
            with("bound_claims", json!({"a": null})),
            "claim is not a string or list",
        ),
        (with("bound_claims", json!(7)), "Field validation failed"),
    ] {
        let error = mount.refusal("role/bad", body.clone()).await;
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{body}");
        assert!(error.to_string().starts_with(begin), "{body}: {error}");
    }
    assert!(mount.list("role").await.is_empty());
    for bound in [
        json!({"bound_audiences": "v"}),
        json!({"bound_subject": "s"}),
        json!({"bound_claims": {"a": "b"}}),
        json!({"token_bound_cidrs": "10.0.0.0/8"}),
        json!({"bound_subject": "s", "callback_mode": "client"}),
    ] {
        role(&mount, "good", bound).await;
        mount.delete("role/good").await;
    }
}

#[tokio::test]
async fn a_role_reads_back_as_it_was_written() {
    let (mount, _) = mount().await;
    let body = json!({
        "user_claim": "sub", "bound_claims": ["groups=a", "groups=b"], "claim_mappings": "email=mail",
        "clock_skew_leeway": -1, "expiration_leeway": "2m", "policies": "p", "bound_issuers": "A",
    });
    mount.write("role/R", body).await;
    assert_eq!(mount.list("role").await, ["r"]);
    assert_eq!(mount.exists("role/R").await, Some(true));
    let read = mount.read("role/r").await;
    for (name, value) in [
        ("role_type", json!("jwt")),
        ("bound_claims", json!({"groups": ["a", "b"]})),
        ("bound_claims_type", json!("string")),
        ("claim_mappings", json!({"email": "mail"})),
        ("clock_skew_leeway", json!(-1)),
        ("expiration_leeway", json!(120)),
        ("not_before_leeway", json!(0)),
        ("bound_audiences", Value::Null),
        ("bound_issuers", json!(["a"])),
        ("token_policies", json!(["p"])),
        ("policies", json!(["p"])),
        ("token_bound_cidrs", json!([])),
        ("token_type", json!("default")),
    ] {
        assert_eq!(read[name], value, "{name}");
    }
    // What a later write does not name stays.
    mount
        .write("role/r", json!({"bound_claims_type": "glob"}))
        .await;
    mount.write("role/r", json!({"token_ttl": 60})).await;
    let read = mount.read("role/r").await;
    assert_eq!(read["bound_claims_type"], "glob");
    assert_eq!(read["bound_claims"], json!({"groups": ["a", "b"]}));
}

#[tokio::test]
async fn the_type_of_a_role_follows_the_mount_where_it_is_not_said() {
    let (mount, issuer) = mount().await;
    mount
        .write("role/a", json!({"user_claim": "sub", "bound_subject": "s"}))
        .await;
    assert_eq!(mount.read("role/a").await["role_type"], "jwt");
    issuer.publish(&mount);
    let client =
        json!({"oidc_discovery_url": issuer.iss, "oidc_client_id": "i", "oidc_client_secret": "s"});
    mount.write("config", client).await;
    let body = json!({"user_claim": "sub", "bound_subject": "s"});
    let error = mount.refusal("role/b", body).await;
    assert!(
        error.to_string().starts_with("'allowed_redirect_uris'"),
        "{error}"
    );
}

#[tokio::test]
async fn a_role_is_gone_when_it_is_deleted_and_names_are_bounded() {
    let (mount, _) = mount().await;
    role(&mount, "r", json!({"bound_subject": "s"})).await;
    mount.delete("role/R").await;
    let error = mount
        .send(Operation::Read, "role/r", json!({}))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let longest = "r".repeat(512);
    role(&mount, &longest, json!({"bound_subject": "s"})).await;
    let body = json!({"user_claim": "sub", "bound_subject": "s"});
    let error = mount.refusal(&format!("role/{longest}r"), body).await;
    assert!(error.to_string().contains("at most 512"), "{error}");
}
