//! What a configuration can be, and what comes of the issuer it names.

use serde_json::{Value, json};

use super::{Issuer, check, log_in, object, outcome, role};
use crate::auth::driver::{Driver, contains};

fn open() -> Driver {
    Driver::open(&super::super::METHOD)
}

async fn refused(mount: &Driver, body: Value) -> String {
    let error = mount.refusal("config", body.clone()).await;
    assert_eq!(
        error.kind(),
        vouchsafe_logical::ErrorKind::InvalidRequest,
        "{body}"
    );
    error.to_string()
}

#[tokio::test]
async fn nothing_is_read_before_the_first_write_and_a_write_replaces_everything() {
    let mount = open();
    let error = mount
        .send(vouchsafe_logical::Operation::Read, "config", json!({}))
        .await;
    assert_eq!(
        error.unwrap_err().kind(),
        vouchsafe_logical::ErrorKind::NotFound
    );
    let pem = Issuer::new("https://a.example").pem();
    let body = json!({"jwt_validation_pubkeys": pem, "bound_issuer": "https://a.example", "default_role": "R"});
    mount.write("config", body).await;
    let read = mount.read("config").await;
    assert_eq!(read["bound_issuer"], "https://a.example");
    assert_eq!(read["default_role"], "r");
    assert_eq!(read["status"], "valid");
    mount
        .write("config", json!({"jwt_validation_pubkeys": pem}))
        .await;
    let read = mount.read("config").await;
    assert_eq!(
        (&read["bound_issuer"], &read["default_role"]),
        (&json!(""), &json!(""))
    );
}

#[tokio::test]
async fn exactly_one_source_of_keys_is_configured() {
    let mount = open();
    let pem = Issuer::new("https://a.example").pem();
    let url = "https://a.example/keys";
    for body in [
        json!({}),
        json!({"jwks_url": url, "oidc_discovery_url": "https://a.example"}),
        json!({"jwks_url": url, "jwt_validation_pubkeys": pem}),
        json!({"jwks_url": url, "jwks_pairs": [{"jwks_url": url}]}),
    ] {
        let text = refused(&mount, body).await;
        assert!(text.starts_with("exactly one of"), "{text}");
    }
    assert!(mount.system.fetcher.requests().is_empty());
}

#[tokio::test]
async fn values_that_no_configuration_can_have_are_refused() {
    let mount = open();
    let pem = Issuer::new("https://a.example").pem();
    let with = |name: &str, value: Value| {
        let mut body = json!({"jwt_validation_pubkeys": pem});
        body[name] = value;
        body
    };
    for (body, begin) in [
        (
            json!({"jwt_validation_pubkeys": ["junk"]}),
            "error parsing public key",
        ),
        (
            with("jwt_supported_algs", json!("HS256")),
            "invalid jwt_supported_algs",
        ),
        (
            with("jwt_supported_algs", json!("none")),
            "invalid jwt_supported_algs",
        ),
        (with("oidc_client_id", json!("x")), "both 'oidc_client_id'"),
        (
            with("oidc_client_secret", json!("x")),
            "both 'oidc_client_id'",
        ),
        (
            with("oidc_response_types", json!("foo")),
            "invalid response_types",
        ),
        (
            with("oidc_response_mode", json!("zz")),
            "invalid response_mode",
        ),
        (
            with("provider_config", json!({"a": "b"})),
            "invalid provider_config: 'provider'",
        ),
        (
            with("provider_config", json!({"provider": "y"})),
            "invalid provider_config: provider",
        ),
        (
            with("keys_age_min", json!("2h")),
            "'keys_age_min' cannot be greater",
        ),
        (json!({"jwks_pairs": [{}]}), "'jwks_pairs' is not"),
        (json!({"jwks_pairs": "x"}), "'jwks_pairs' is not"),
        (
            json!({"jwks_pairs": [{"jwks_url": "https://a"}], "bound_issuer": "x"}),
            "'bound_issuer' cannot",
        ),
        (
            json!({"jwks_pairs": [{"jwks_url": "https://a"}], "jwks_ca_pem": "x"}),
            "with 'jwks_pairs'",
        ),
    ] {
        let text = refused(&mount, body.clone()).await;
        assert!(text.starts_with(begin), "{body}: {text}");
    }
    let id_token = json!({"oidc_response_types": "id_token", "oidc_response_mode": "query", "jwt_validation_pubkeys": pem});
    assert!(
        refused(&mount, id_token)
            .await
            .starts_with("query response_mode may not")
    );
}

#[tokio::test]
async fn the_guides_forms_are_understood() {
    let mount = open();
    let issuer = Issuer::new("https://your-oidc-provider.com/");
    issuer.publish(&mount);
    mount
        .write(
            "config",
            json!({
                "oidc_discovery_url": "https://your-oidc-provider.com/.well-known/openid-configuration",
                "bound_issuer": "https://your-oidc-provider.com/",
                "token_audiences": "vault-aud-value",
            }),
        )
        .await;
    let body = json!({
        "user_claim": "sub", "groups_claim": "groups", "token_policies": "developer-policy",
        "bound_claims_type": "glob", "bound_claims": "groups=developers",
    });
    mount.write("role/developer-role", body).await;
    let claims = |aud, groups| json!({"sub": "user-12345", "aud": aud, "groups": groups});
    for (claims, expected) in [
        (claims("vault-aud-value", json!(["developers", "x"])), "ok"),
        (claims("other", json!(["developers"])), "audience_mismatch"),
        (claims("vault-aud-value", json!(["x"])), "claim_mismatch"),
    ] {
        check(
            &mount,
            "developer-role",
            &issuer.token(&claims),
            expected,
            &claims,
        )
        .await;
    }

    let issuer = Issuer::new("https://k8s-prod.oidc.pub");
    issuer.publish(&mount);
    let body = json!({
        "oidc_discovery_url": issuer.iss, "bound_issuer": issuer.iss,
        "oidc_client_id": "", "oidc_client_secret": "",
    });
    mount.write("config", body).await;
    let body = json!({
        "role_type": "jwt", "user_claim": "sub", "bound_audiences": "vault",
        "bound_subject": "system:serviceaccount:default:my-app", "policies": "app-read", "ttl": "1h",
    });
    mount.write("role/k8s-workload", body).await;
    let token =
        issuer.token(&json!({"sub": "system:serviceaccount:default:my-app", "aud": ["vault"]}));
    let login = log_in(&mount, "k8s-workload", &token).await.unwrap();
    assert_eq!(login.token.policies.to_strings(), ["app-read"]);
    let read = mount.read("role/k8s-workload").await;
    assert_eq!(read["policies"], json!(["app-read"]));
    assert_eq!(read["ttl"], 3600);
}

#[tokio::test]
async fn a_dead_issuer_is_a_clear_error_and_can_be_stored_all_the_same() {
    let mount = open();
    let body = json!({"oidc_discovery_url": "https://dead.example"});
    let text = refused(&mount, body).await;
    assert!(
        text.starts_with("error checking oidc discovery URL"),
        "{text}"
    );
    assert!(text.contains("dead.example"), "{text}");
    let text = refused(&mount, json!({"jwks_url": "https://dead.example/keys"})).await;
    assert!(text.starts_with("error checking jwks URL"), "{text}");
    assert!(mount.stored().await.is_empty());

    let asked = mount.system.fetcher.requests().len();
    let body = json!({"oidc_discovery_url": "https://dead.example", "verify_discovery": false});
    mount.write("config", body).await;
    assert_eq!(
        mount.system.fetcher.requests().len(),
        asked,
        "nobody was asked"
    );
    let read = mount.read("config").await;
    assert_eq!(read["status"], "invalid");
    role(&mount, "r", json!({"bound_subject": "a"})).await;
    let issuer = Issuer::new("https://dead.example");
    let token = issuer.token(&json!({"sub": "a"}));
    check(&mount, "r", &token, "keys_unavailable", &json!("dead")).await;
    // Whoever may not configure is not told where keys are looked for.
    let error = log_in(&mount, "r", &token).await.unwrap_err();
    assert!(!error.to_string().contains("dead.example"), "{error}");
    assert!(
        error
            .detail()
            .unwrap()
            .for_operator()
            .contains("dead.example")
    );
    // It lives again.
    issuer.publish(&mount);
    mount
        .system
        .clock
        .advance(std::time::Duration::from_secs(5));
    check(&mount, "r", &token, "ok", &json!("alive")).await;
}

#[tokio::test]
async fn skipped_validation_under_openbaos_name_is_a_warning() {
    let mount = open();
    let body = json!({"oidc_discovery_url": "https://dead.example", "skip_jwks_validation": true});
    let reply = mount
        .send(vouchsafe_logical::Operation::Update, "config", body)
        .await
        .unwrap();
    assert!(
        reply.warnings[0].contains("dead.example"),
        "{:?}",
        reply.warnings
    );
}

#[tokio::test]
async fn ten_thousand_forged_tokens_cause_at_most_two_requests() {
    let mount = open();
    let issuer = Issuer::new("https://issuer.example");
    issuer.publish(&mount);
    mount
        .write("config", json!({"oidc_discovery_url": issuer.iss}))
        .await;
    role(&mount, "r", json!({"bound_subject": "a"})).await;
    let asked = mount.system.fetcher.requests().len();
    let forgers: Vec<String> = (0..10)
        .map(|n| Issuer::with_key("https://issuer.example", &format!("random-{n}")))
        .map(|forger| forger.token(&json!({"sub": "a"})))
        .collect();
    for n in 0..10_000 {
        let reason = outcome(&mount, "r", &forgers[n % forgers.len()]).await;
        assert_eq!(reason, "key_not_found");
    }
    let caused = mount.system.fetcher.requests().len() - asked;
    assert!(caused <= 2, "{caused} requests");
    assert_eq!(
        outcome(&mount, "r", &issuer.token(&json!({"sub": "a"}))).await,
        "ok"
    );
}

#[tokio::test]
async fn keys_of_a_replaced_configuration_verify_nothing_on_any_node() {
    let mount = open();
    let (old, new) = (
        Issuer::new("https://old.example"),
        Issuer::new("https://new.example"),
    );
    old.publish(&mount);
    new.publish(&mount);
    mount
        .write("config", json!({"jwks_url": old.jwks_url()}))
        .await;
    role(&mount, "r", json!({"bound_subject": "a"})).await;
    let second = mount.second_node(&super::super::METHOD);
    let (of_old, of_new) = (
        old.token(&json!({"sub": "a"})),
        new.token(&json!({"sub": "a"})),
    );
    for node in [&mount, &second] {
        assert_eq!(outcome(node, "r", &of_old).await, "ok");
    }
    mount
        .write("config", json!({"jwks_url": new.jwks_url()}))
        .await;
    for node in [&mount, &second] {
        assert_eq!(outcome(node, "r", &of_old).await, "signature_invalid");
        assert_eq!(outcome(node, "r", &of_new).await, "ok");
    }
}

#[tokio::test]
async fn several_key_sets_are_taken_together() {
    let mount = open();
    let (a, b) = (
        Issuer::with_key("https://a.example", "a"),
        Issuer::with_key("https://b.example", "b"),
    );
    a.publish(&mount);
    b.publish(&mount);
    let pairs = json!([{"jwks_url": a.jwks_url()}, {"jwks_url": b.jwks_url(), "jwks_ca_pem": ""}]);
    mount.write("config", json!({"jwks_pairs": pairs})).await;
    role(&mount, "r", json!({"bound_subject": "a"})).await;
    for issuer in [&a, &b] {
        let token = issuer.token(&json!({"sub": "a"}));
        check(&mount, "r", &token, "ok", &json!(issuer.iss)).await;
    }
}

#[tokio::test]
async fn secrets_of_the_configuration_are_not_shown() {
    let mount = open();
    let issuer = Issuer::new("https://issuer.example");
    issuer.publish(&mount);
    let body = json!({
        "oidc_discovery_url": issuer.iss, "oidc_client_id": "id", "oidc_client_secret": "hunter2",
        "provider_config": {"provider": "gsuite", "gsuite_service_account": "hunter2", "fetch_groups": true},
    });
    mount.write("config", body).await;
    let read = mount.read("config").await;
    assert!(!contains(json!(read).to_string().as_bytes(), "hunter2"));
    assert_eq!(read["oidc_client_id"], "id");
    let provider = object(&read["provider_config"]);
    assert_eq!(provider["provider"], "gsuite");
    assert_eq!(provider["fetch_groups"], true);
}

#[tokio::test]
async fn the_type_oidc_is_the_same_method() {
    let mount = Driver::open(&super::super::OIDC_METHOD);
    let (_, issuer) = super::mount().await;
    mount
        .write("config", json!({"jwt_validation_pubkeys": issuer.pem()}))
        .await;
    role(&mount, "r", json!({"bound_subject": "a"})).await;
    let token = issuer.token(&json!({"sub": "a"}));
    check(&mount, "r", &token, "ok", &json!("oidc")).await;
}
