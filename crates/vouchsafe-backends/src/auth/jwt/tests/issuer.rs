//! Many issuers on one mount: each verified by its own keys, under its own rules, for roles that
//! name it.

use serde_json::json;
use vouchsafe_logical::ErrorKind;

use super::{Issuer, NOW, check, log_in, mount, outcome, role};
use crate::auth::driver::Driver;

async fn trust(mount: &Driver, name: &str, issuer: &Issuer, more: serde_json::Value) {
    let mut body = json!({"jwt_validation_pubkeys": issuer.pem(), "issuer": issuer.iss});
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    mount.write(&format!("issuer/{name}"), body).await;
}

async fn two() -> (Driver, Issuer, Issuer) {
    let mount = Driver::open(&super::super::METHOD);
    let (a, b) = (
        Issuer::new("https://a.example"),
        Issuer::new("https://b.example"),
    );
    trust(&mount, "a", &a, json!({})).await;
    trust(&mount, "b", &b, json!({})).await;
    (mount, a, b)
}

#[tokio::test]
async fn a_token_is_verified_by_the_keys_of_its_exact_issuer_alone() {
    let (mount, a, b) = two().await;
    role(
        &mount,
        "r",
        json!({"bound_subject": "s", "bound_issuers": "a,b"}),
    )
    .await;
    for issuer in [&a, &b] {
        let token = issuer.token(&json!({"sub": "s"}));
        check(&mount, "r", &token, "ok", &json!(issuer.iss)).await;
    }
    // Both have a key `k1`. A's signature on B's name is worth nothing, and the other way round.
    for (signer, named) in [(&a, &b), (&b, &a)] {
        let token = signer.token(&json!({"sub": "s", "iss": named.iss}));
        check(&mount, "r", &token, "signature_invalid", &json!(named.iss)).await;
    }
    for iss in [
        "https://a.example/",
        "https://A.example",
        "https://c.example",
        "",
    ] {
        let token = a.token(&json!({"sub": "s", "iss": iss}));
        check(&mount, "r", &token, "issuer_mismatch", &json!(iss)).await;
    }
    let token = a.token(&json!({"sub": "s", "iss": null}));
    check(&mount, "r", &token, "issuer_mismatch", &json!("no iss")).await;
}

#[tokio::test]
async fn the_mounts_own_keys_do_not_verify_an_issuer_with_settings_of_its_own() {
    let (mount, own) = mount().await;
    mount
        .write("config", json!({"jwt_validation_pubkeys": own.pem()}))
        .await;
    let further = Issuer::new("https://further.example");
    trust(&mount, "further", &further, json!({})).await;
    role(
        &mount,
        "r",
        json!({"bound_subject": "s", "bound_issuers": "*"}),
    )
    .await;
    let token = own.token(&json!({"sub": "s", "iss": further.iss}));
    check(&mount, "r", &token, "signature_invalid", &json!("routed")).await;
    let token = further.token(&json!({"sub": "s", "iss": own.iss}));
    check(
        &mount,
        "r",
        &token,
        "signature_invalid",
        &json!("not routed"),
    )
    .await;
    let token = own.token(&json!({"sub": "s"}));
    check(&mount, "r", &token, "ok", &json!("own")).await;
}

#[tokio::test]
async fn a_role_that_names_issuers_accepts_the_mounts_own_only_if_it_names_that_too() {
    let (mount, own) = mount().await;
    mount
        .write("config", json!({"jwt_validation_pubkeys": own.pem()}))
        .await;
    let further = Issuer::new("https://further.example");
    trust(&mount, "further", &further, json!({})).await;
    let token = own.token(&json!({"sub": "s"}));
    for (bound, expected) in [
        (json!("further"), "issuer_not_allowed"),
        (json!("further,config"), "ok"),
        (json!("config"), "ok"),
        (json!("*"), "ok"),
        (json!(""), "ok"),
    ] {
        let parameters = json!({"bound_subject": "s", "bound_issuers": bound});
        role(&mount, "r", parameters).await;
        check(&mount, "r", &token, expected, &bound).await;
    }
    let body = json!({"issuer": "https://c.example", "jwt_validation_pubkeys": own.pem()});
    let refused = mount.refusal("issuer/Config", body).await;
    assert_eq!(refused.reason(), "issuer_name_reserved");
}

#[tokio::test]
async fn a_role_accepts_the_further_issuers_that_it_names() {
    let (mount, a, b) = two().await;
    role(&mount, "none", json!({"bound_subject": "s"})).await;
    role(
        &mount,
        "one",
        json!({"bound_subject": "s", "bound_issuers": "A"}),
    )
    .await;
    role(
        &mount,
        "all",
        json!({"bound_subject": "s", "bound_issuers": ["*"]}),
    )
    .await;
    for (name, of_a, of_b) in [
        ("none", "issuer_not_allowed", "issuer_not_allowed"),
        ("one", "ok", "issuer_not_allowed"),
        ("all", "ok", "ok"),
    ] {
        check(
            &mount,
            name,
            &a.token(&json!({"sub": "s"})),
            of_a,
            &json!([name, "a"]),
        )
        .await;
        check(
            &mount,
            name,
            &b.token(&json!({"sub": "s"})),
            of_b,
            &json!([name, "b"]),
        )
        .await;
    }
}

#[tokio::test]
async fn one_subject_of_two_issuers_is_two_aliases_and_two_groups() {
    let (mount, own) = mount().await;
    let (a, b) = (
        Issuer::new("https://a.example"),
        Issuer::new("https://b.example"),
    );
    trust(&mount, "a", &a, json!({})).await;
    trust(&mount, "b", &b, json!({})).await;
    let body =
        json!({"bound_claims": {"ok": true}, "bound_issuers": "*", "groups_claim": "groups"});
    role(&mount, "r", body).await;
    let mut aliases = Vec::new();
    for issuer in [&own, &a, &b] {
        let token = issuer.token(&json!({"sub": "s", "ok": true, "groups": ["admins"]}));
        let login = log_in(&mount, "r", &token).await.unwrap();
        aliases.push((login.alias.unwrap().name, login.group_aliases.concat()));
    }
    let pair = |prefix: &str| (format!("{prefix}s"), format!("{prefix}admins"));
    assert_eq!(
        aliases,
        [
            pair(""),
            pair("issuer:https://a.example#"),
            pair("issuer:https://b.example#")
        ]
    );
    // Nobody can say to be one of another issuer.
    for claims in [
        json!({"sub": "issuer:https://a.example#s", "ok": true, "groups": []}),
        json!({"sub": "ISSUER:https://a.example#s", "ok": true, "groups": []}),
        json!({"sub": "x", "ok": true, "groups": ["Issuer:https://a.example#admins"]}),
    ] {
        check(&mount, "r", &own.token(&claims), "alias_reserved", &claims).await;
    }
    let nested = a.token(&json!({"sub": "issuer:https://b.example#s", "ok": true, "groups": []}));
    let alias = log_in(&mount, "r", &nested).await.unwrap().alias.unwrap();
    assert_eq!(
        alias.name,
        "issuer:https://a.example#issuer:https://b.example#s"
    );
}

#[tokio::test]
async fn each_issuer_has_algorithms_audiences_and_leeways_of_its_own() {
    let (mount, a, b) = two().await;
    trust(&mount, "a", &a, json!({"jwt_supported_algs": "RS256"})).await;
    trust(
        &mount,
        "b",
        &b,
        json!({"audiences": "vault", "clock_skew_leeway": 5}),
    )
    .await;
    role(
        &mount,
        "r",
        json!({"bound_claims": {"ok": true}, "bound_issuers": "*"}),
    )
    .await;
    let own = json!({"bound_claims": {"ok": true}, "bound_issuers": "*", "clock_skew_leeway": 10});
    role(&mount, "own", own).await;
    let token = a.token(&json!({"sub": "s", "ok": true}));
    check(&mount, "r", &token, "algorithm_not_allowed", &json!("a")).await;
    for (role, claims, expected) in [
        ("r", json!({"aud": "vault"}), "ok"),
        ("r", json!({"aud": "other"}), "audience_mismatch"),
        ("r", json!({}), "audience_mismatch"),
        (
            "r",
            json!({"aud": "vault", "iat": NOW - 99, "exp": NOW - 5}),
            "ok",
        ),
        (
            "r",
            json!({"aud": "vault", "iat": NOW - 99, "exp": NOW - 6}),
            "expired",
        ),
        (
            "own",
            json!({"aud": "vault", "iat": NOW - 99, "exp": NOW - 10}),
            "ok",
        ),
        (
            "own",
            json!({"aud": "vault", "iat": NOW - 99, "exp": NOW - 11}),
            "expired",
        ),
    ] {
        let mut all = claims.clone();
        all["sub"] = json!("s");
        all["ok"] = json!(true);
        check(&mount, role, &b.token(&all), expected, &claims).await;
    }
}

#[tokio::test]
async fn the_iss_of_discovery_is_what_the_document_says() {
    let mount = Driver::open(&super::super::METHOD);
    let issuer = Issuer::new("https://a.example/");
    issuer.publish(&mount);
    let url = "https://a.example/.well-known/openid-configuration";
    mount
        .write("issuer/a", json!({"oidc_discovery_url": url}))
        .await;
    let read = mount.read("issuer/a").await;
    assert_eq!(read["issuer"], "https://a.example/");
    assert_eq!(read["keys_count"], 1);
    role(
        &mount,
        "r",
        json!({"bound_subject": "s", "bound_issuers": "a"}),
    )
    .await;
    check(
        &mount,
        "r",
        &issuer.token(&json!({"sub": "s"})),
        "ok",
        &json!("slash"),
    )
    .await;
    let body = json!({"oidc_discovery_url": url, "issuer": "https://a.example"});
    assert_eq!(
        mount.refusal("issuer/a", body).await.reason(),
        "issuer_mismatch"
    );
}

#[tokio::test]
async fn an_iss_belongs_to_one_name_and_is_free_again_when_that_is_deleted() {
    let (mount, a, b) = two().await;
    role(
        &mount,
        "r",
        json!({"bound_subject": "s", "bound_issuers": "*"}),
    )
    .await;
    for iss in ["https://a.example", "https://A.Example"] {
        let body = json!({"jwt_validation_pubkeys": b.pem(), "issuer": iss});
        assert_eq!(
            mount.refusal("issuer/b", body).await.reason(),
            "issuer_taken",
            "{iss}"
        );
    }
    assert_eq!(mount.list("issuer").await, ["a", "b"]);
    mount.delete("issuer/a").await;
    assert_eq!(
        outcome(&mount, "r", &a.token(&json!({"sub": "s"}))).await,
        "issuer_mismatch"
    );
    trust(&mount, "c", &a, json!({})).await;
    check(
        &mount,
        "r",
        &a.token(&json!({"sub": "s"})),
        "ok",
        &json!("again"),
    )
    .await;
    // A name that is written for another `iss` lets go of the one before.
    trust(&mount, "c", &Issuer::new("https://d.example"), json!({})).await;
    assert_eq!(
        outcome(&mount, "r", &a.token(&json!({"sub": "s"}))).await,
        "issuer_mismatch"
    );
}

#[tokio::test]
async fn an_iss_is_bounded_and_has_no_number_sign() {
    let mount = Driver::open(&super::super::METHOD);
    let pem = Issuer::new("x").pem();
    let longest = format!("https://{}", "a".repeat(248));
    let body = |iss: &str| json!({"jwt_validation_pubkeys": pem, "issuer": iss});
    mount.write("issuer/a", body(&longest)).await;
    for iss in [
        format!("{longest}a"),
        "https://a#b".to_owned(),
        "a\u{0}".to_owned(),
        String::new(),
    ] {
        let error = mount.refusal("issuer/b", body(&iss)).await;
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{iss:?}");
    }
}
