//! Every way in which a token is no credential: the client is told the same words each time, the
//! audit log the reason.

use serde_json::{Value, json};
use vouchsafe_logical::Operation;

use super::{ALLOWED, Idp, core_with, refusal_of};
use crate::harness::{T0, TestCore};

#[track_caller]
fn check<'a>(core: &'a TestCore, token: &'a str, reason: &'a str) -> impl Future<Output = ()> + 'a {
    let caller = std::panic::Location::caller();
    async move {
        let outcome = core
            .handle(Operation::Read, ALLOWED, Some(token), json!({}))
            .await;
        match (outcome.result, reason) {
            (Ok(_), "") => {}
            (Ok(_), _) => panic!("{caller}: was taken; expected {reason}"),
            (Err(error), _) => {
                assert_eq!(error.reason(), reason, "{caller}");
                assert_eq!(error.messages(), ["permission denied"], "{caller}");
            }
        }
    }
}

#[tokio::test]
async fn times_are_checked_with_a_leeway_of_a_minute() {
    let idp = Idp::new("k1");
    let core = core_with(&idp.table("app1", "", "")).await;
    for (claims, reason) in [
        (json!({"exp": null}), "expiry_missing"),
        (json!({"exp": T0 - 59}), ""),
        (json!({"exp": T0 - 60}), "expired"),
        (json!({"nbf": T0 + 60}), ""),
        (json!({"nbf": T0 + 61}), "not_yet_valid"),
        (json!({"iat": T0 + 60}), ""),
        (json!({"iat": T0 + 61}), "issued_in_future"),
        (json!({"exp": "soon"}), "token_malformed"),
        (json!({"exp": true}), "token_malformed"),
        (json!({"exp": -1}), "token_malformed"),
        (json!({"nbf": "1"}), "token_malformed"),
        (json!({"iat": []}), "token_malformed"),
    ] {
        check(&core, &idp.token(claims), reason).await;
    }
    let huge =
        r#"{"iss":"https://idp.example/","aud":"vault","sub":"s","roles":"App","exp":1e400}"#;
    check(&core, &idp.sign(huge.as_bytes()), "token_malformed").await;
}

/// What was verified once is still bound to its times.
#[tokio::test]
async fn a_remembered_token_ends_with_its_expiry() {
    let idp = Idp::new("k1");
    let core = core_with(&idp.table("app1", "", "")).await;
    let token = idp.token(json!({"exp": T0 + 100, "nbf": T0}));
    check(&core, &token, "").await;
    core.clock.set(T0 + 159);
    check(&core, &token, "").await;
    core.clock.set(T0 + 160);
    check(&core, &token, "expired").await;
    // A clock that was set back does not make it valid before its time either.
    core.clock.set(T0 - 61);
    check(&core, &token, "not_yet_valid").await;
}

/// CVE-2024-5798 and its kin: only an exact member of `aud` counts, whatever its shape.
#[tokio::test]
async fn issuer_and_audience_are_compared_exactly() {
    let idp = Idp::new("k1");
    let core = core_with(&idp.table("app1", "", "")).await;
    for (claims, reason) in [
        (json!({"aud": ["vault"]}), ""),
        (json!({"aud": ["x", "vault"]}), ""),
        (json!({"aud": null}), "idp_unknown"),
        (json!({"aud": ""}), "idp_unknown"),
        (json!({"aud": []}), "idp_unknown"),
        (json!({"aud": "vault2"}), "idp_unknown"),
        (json!({"aud": "Vault"}), "idp_unknown"),
        (json!({"aud": ["vaul", "t"]}), "idp_unknown"),
        (json!({"aud": [1]}), "token_malformed"),
        (json!({"aud": {"vault": 1}}), "token_malformed"),
        (json!({"aud": [["vault"]]}), "token_malformed"),
        (json!({"iss": null}), "idp_unknown"),
        (json!({"iss": "https://idp.example"}), "idp_unknown"),
        (json!({"iss": "https://IDP.example/"}), "idp_unknown"),
        (json!({"iss": ["https://idp.example/"]}), "token_malformed"),
    ] {
        check(&core, &idp.token(claims), reason).await;
    }
}

#[tokio::test]
async fn the_role_is_decided_as_the_file_says() {
    let idp = Idp::new("k1");
    let head = "allowed_roles = ['App', 'Reader']\n[idps.app1.roles_map]\n'App' = 'App'\n'svc@x' = 'App'\n'boss@x' = 'Writer'\n'gone@x' = 'Reader'";
    let conf = "[idps.app1.conf.bound_claims]\nenv = ['prod', 'stage']";
    let core = core_with(&idp.table("app1", head, conf)).await;
    let token = |claims: Value| {
        let mut all = json!({"env": "prod"});
        for (name, value) in claims.as_object().expect("an object") {
            all[name] = value.clone();
        }
        idp.token(all)
    };
    for (claims, reason) in [
        (json!({}), ""),
        (json!({"roles": ["svc@x"]}), ""),
        (json!({"roles": "gone@x"}), "policy_denied"),
        (json!({"roles": "boss@x"}), "role_not_allowed"),
        (json!({"roles": "nobody@x"}), "role_not_mapped"),
        (json!({"roles": []}), "role_claim_not_one"),
        (json!({"roles": ["App", "svc@x"]}), "role_claim_not_one"),
        (json!({"roles": null}), "role_claim_missing"),
        (json!({"env": "test"}), "bound_claim_mismatch"),
        (json!({"env": null}), "bound_claim_missing"),
        (json!({"sub": null}), "subject_invalid"),
        (json!({"sub": "a\u{7}b"}), "subject_invalid"),
        (
            json!({"https://app.piiano.io/prop/owner": "x"}),
            "restriction_not_enforceable",
        ),
    ] {
        let found = refusal_of(&core, ALLOWED, &token(claims.clone())).await;
        assert_eq!(found, reason, "{claims}");
    }
}

#[tokio::test]
async fn claims_of_another_name_nested_or_added_say_the_role() {
    for (conf, claims, reason) in [
        ("roles_claim = 'email'", json!({"email": "App"}), ""),
        ("roles_claim = 'email'", json!({}), "role_claim_missing"),
        (
            "namespace_top_claim = 'ns'",
            json!({"roles": null, "ns": {"https://app.piiano.io/role": "App"}}),
            "",
        ),
        (
            "namespace_top_claim = 'ns'",
            json!({"ns": 1}),
            "namespace_claim_invalid",
        ),
        (
            "extra_claims = '{\"roles\": \"App\"}'",
            json!({"roles": null}),
            "",
        ),
        (
            "extra_claims = '{\"roles\": \"App\"}'",
            json!({"roles": "Nobody"}),
            "role_unknown",
        ),
    ] {
        let idp = Idp::new("k1");
        let core = core_with(&idp.table("app1", "", conf)).await;
        let found = refusal_of(&core, ALLOWED, &idp.token(claims.clone())).await;
        assert_eq!(found, reason, "{conf} {claims}");
    }
}

#[tokio::test]
async fn a_disabled_provider_and_foreign_keys_are_refused() {
    let (idp, stranger) = (Idp::new("k1"), Idp::new("k1"));
    let core = core_with(&idp.table("app1", "", "")).await;
    check(&core, &stranger.token(json!({})), "signature_invalid").await;
    check(&core, &Idp::new("k2").token(json!({})), "key_not_found").await;
    let token = idp.token(json!({}));
    check(&core, &token, "").await;
    super::apply(&core, &idp.table("app1", "disabled = true", "")).await;
    check(&core, &token, "idp_disabled").await;
}

#[tokio::test]
async fn what_is_only_shaped_like_a_jwt_is_refused() {
    let idp = Idp::new("k1");
    let core = core_with(&idp.table("app1", "", "")).await;
    let good = idp.token(json!({}));
    let (input, signature) = good.rsplit_once('.').expect("three parts");
    let none = "eyJhbGciOiJub25lIn0";
    let payload = good.split('.').nth(1).expect("three parts");
    for (token, reason) in [
        (format!("{none}.{payload}."), "algorithm_not_allowed"),
        (
            format!("{none}.{payload}.{signature}"),
            "algorithm_not_allowed",
        ),
        (format!("{input}."), "token_malformed"),
        (format!("{input}.{}", &signature[..40]), "signature_invalid"),
        (format!("{input}.{signature}="), "token_malformed"),
        (
            format!("{good}{}", "A".repeat(16 * 1024)),
            "token_malformed",
        ),
    ] {
        check(&core, &token, reason).await;
    }
    // One character of the payload exchanged.
    let changed = if payload.ends_with('A') { "B" } else { "A" };
    let forged = good.replacen(
        payload,
        &format!("{}{changed}", &payload[..payload.len() - 1]),
        1,
    );
    assert_ne!(refusal_of(&core, ALLOWED, &forged).await, "");
}
