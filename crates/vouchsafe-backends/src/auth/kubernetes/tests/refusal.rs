//! Logins that are refused, with the reason in each case, and what the client is told.

use serde_json::{Value, json};
use vouchsafe_logical::{ErrorKind, FetchError};

use super::cluster::{answered, failed, pem, sign};
use super::{METHOD, config, mounted, refused, role, with};
use crate::auth::driver::Driver;
use crate::auth::kubernetes::review::ANSWER_TIMEOUT;

#[tokio::test]
async fn what_is_missing_is_named() {
    let (kubernetes, cluster) = mounted().await;
    let jwt = cluster.token("prod", "app", &["vault"]);
    for (body, message) in [
        (json!({}), "missing role"),
        (json!({"role": "", "jwt": jwt}), "missing role"),
        (json!({"role": "app"}), "missing jwt"),
        (
            json!({"role": "zz", "jwt": jwt}),
            "invalid role name \"zz\"",
        ),
    ] {
        kubernetes.refuses("login", body, message).await;
    }
    let bare = Driver::open(&METHOD);
    bare.write("role/app", role(json!({}))).await;
    let message = "could not load backend configuration";
    bare.refuses("login", with(&jwt), message).await;
}

#[tokio::test]
async fn what_is_no_token_is_bad_input() {
    let (kubernetes, cluster) = mounted().await;
    let claims = cluster.claims("prod", "app", &["vault"]);
    let mut odd = claims.clone();
    odd["exp"] = json!("tomorrow");
    for jwt in [
        "x",
        "a.b.c",
        "e30.e30.",
        &sign(&odd),
        &"x".repeat(16 * 1024 + 1),
    ] {
        let error = kubernetes.refusal("login", with(jwt)).await;
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error:?}");
        assert_eq!(error.reason(), "token_malformed");
    }
    assert!(cluster.reviews().is_empty());
}

#[tokio::test]
async fn what_the_token_says_of_itself_is_told_to_who_made_it() {
    let (kubernetes, cluster) = mounted().await;
    let now = cluster.claims("prod", "app", &["vault"])["iat"]
        .as_i64()
        .unwrap();
    let audience =
        "invalid audience (aud) claim: audience claim does not match any expected audience";
    for (change, reason, message) in [
        (json!({"aud": ["other"]}), "audience_mismatch", audience),
        (json!({"aud": []}), "audience_mismatch", audience),
        (json!({"aud": ""}), "audience_mismatch", audience),
        (json!({"aud": "Vault"}), "audience_mismatch", audience),
        (
            json!({"exp": now - 60}),
            "expired",
            "invalid expiration time (exp) claim: token is expired",
        ),
        (
            json!({"nbf": now + 61}),
            "not_yet_valid",
            "invalid not before (nbf) claim: token not yet valid",
        ),
        (
            json!({"iat": now + 61}),
            "not_yet_valid",
            "invalid issued at (iat) claim: token issued in the future",
        ),
    ] {
        let mut claims = cluster.claims("prod", "app", &["vault"]);
        claims
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        let jwt = cluster.know(&claims, "prod", "app");
        assert_eq!(
            refused(&kubernetes, with(&jwt)).await,
            (reason, message.to_owned()),
            "{change}"
        );
        assert_eq!(
            kubernetes.refusal("login", with(&jwt)).await.kind(),
            ErrorKind::PermissionDenied
        );
    }
    assert!(cluster.reviews().is_empty(), "the API server was not asked");
}

#[tokio::test]
async fn the_leeway_for_clocks_ends_with_its_last_second() {
    let (kubernetes, cluster) = mounted().await;
    let claims = cluster.claims("prod", "app", &["vault"]);
    let now = claims["iat"].as_i64().unwrap();
    for (claim, value) in [("exp", now - 59), ("nbf", now + 60), ("iat", now + 60)] {
        let mut claims = claims.clone();
        claims[claim] = value.into();
        let jwt = sign(&claims);
        // It gets as far as the API server, which has a clock of its own.
        let (reason, _) = refused(&kubernetes, with(&jwt)).await;
        assert_eq!(reason, "token_not_authenticated", "{claim}");
    }
}

#[tokio::test]
async fn names_and_namespaces_are_those_of_the_role() {
    let (kubernetes, cluster) = mounted().await;
    let name = (
        "service_account_name_mismatch",
        "service account name not authorized".to_owned(),
    );
    let namespace = ("namespace_mismatch", "namespace not authorized".to_owned());
    for (ns, account, expected) in [
        ("prod", "app2", &name),
        ("prod", "App", &name),
        ("staging", "app", &namespace),
        ("prod2", "app", &namespace),
        ("staging", "other", &name),
    ] {
        let jwt = cluster.token(ns, account, &["vault"]);
        assert_eq!(
            &refused(&kubernetes, with(&jwt)).await,
            expected,
            "{ns}/{account}"
        );
    }
    assert!(cluster.reviews().is_empty());
}

#[tokio::test]
async fn a_pattern_means_the_whole_name() {
    let (kubernetes, cluster) = mounted().await;
    let changes = json!({
        "bound_service_account_names": ["app", "*-worker"],
        "bound_service_account_namespaces": "team-*",
    });
    kubernetes.write("role/app", role(changes)).await;
    for (namespace, name, holds) in [
        ("team-a", "app", true),
        ("team-a", "mail-worker", true),
        ("team-a", "mail-worker-2", false),
        ("a-team-b", "app", false),
    ] {
        let jwt = cluster.token(namespace, name, &["vault"]);
        let outcome = kubernetes.login("login", with(&jwt)).await;
        assert_eq!(outcome.is_ok(), holds, "{namespace}/{name}");
    }
}

#[tokio::test]
async fn a_token_that_names_no_account_is_refused_before_any_pattern() {
    let (kubernetes, cluster) = mounted().await;
    let all = json!({"bound_service_account_names": "*", "bound_service_account_namespaces": "*"});
    kubernetes.write("role/app", role(all)).await;
    let claims = cluster.claims("prod", "app", &["vault"]);
    let mut nothing = claims.clone();
    nothing.as_object_mut().unwrap().remove("kubernetes.io");
    let mut number = claims.clone();
    number["kubernetes.io"]["serviceaccount"]["name"] = json!(7);
    let mut text = claims.clone();
    text["kubernetes.io"] = json!("prod/app");
    let mut homeless = claims.clone();
    homeless["kubernetes.io"]["namespace"] = json!("");
    let mut no_uid = claims.clone();
    no_uid["kubernetes.io"]["serviceaccount"]["uid"] = Value::Null;
    for (claims, what) in [
        (nothing, "service account name"),
        (number, "service account name"),
        (text, "service account name"),
        (homeless, "service account namespace"),
        (no_uid, "UID"),
    ] {
        let expected = (
            "claim_missing",
            format!("could not parse {what} from claims"),
        );
        assert_eq!(refused(&kubernetes, with(&sign(&claims))).await, expected);
    }
    assert!(cluster.reviews().is_empty());
}

/// Claims of both forms in one token: what is checked is what is used.
#[tokio::test]
async fn flat_claims_beside_projected_ones_count_for_nothing() {
    let (kubernetes, cluster) = mounted().await;
    let mut claims = cluster.claims("staging", "other", &["vault"]);
    claims["kubernetes.io/serviceaccount/namespace"] = json!("prod");
    claims["kubernetes.io/serviceaccount/service-account.name"] = json!("app");
    let jwt = cluster.know(&claims, "staging", "other");
    let (reason, _) = refused(&kubernetes, with(&jwt)).await;
    assert_eq!(reason, "service_account_name_mismatch");
}

#[tokio::test]
async fn a_token_that_the_cluster_does_not_know_is_refused() {
    let (kubernetes, cluster) = mounted().await;
    let jwt = cluster.token("prod", "app", &["vault"]);
    cluster.delete_pod(&jwt);
    let denied = |reason| (reason, "permission denied".to_owned());
    assert_eq!(
        refused(&kubernetes, with(&jwt)).await,
        denied("token_not_authenticated")
    );
    let again = cluster.token("prod", "app", &["vault"]);
    cluster.recreate_account(&again);
    assert_eq!(
        refused(&kubernetes, with(&again)).await,
        denied("service_account_mismatch")
    );
}

/// Somebody who may log in nowhere writes another account's name into the claims.
#[tokio::test]
async fn the_claims_must_be_those_that_the_cluster_knows() {
    let (kubernetes, cluster) = mounted().await;
    let mut claims = cluster.claims("prod", "app", &["vault"]);
    claims["jti"] = json!("another");
    let jwt = cluster.know(&claims, "default", "intruder");
    let expected = ("service_account_mismatch", "permission denied".to_owned());
    assert_eq!(refused(&kubernetes, with(&jwt)).await, expected);
}

#[tokio::test]
async fn a_review_counts_only_if_it_says_all_that_was_asked() {
    let (kubernetes, cluster) = mounted().await;
    let jwt = cluster.token("prod", "app", &["vault"]);
    let user = json!({"username": "system:serviceaccount:prod:app", "uid": "uid-prod-app"});
    for (status, reason) in [
        (
            json!({"authenticated": true, "user": user}),
            "audience_mismatch",
        ),
        (
            json!({"authenticated": true, "user": user, "audiences": ["other"]}),
            "audience_mismatch",
        ),
        (
            json!({"user": user, "audiences": ["vault"]}),
            "token_not_authenticated",
        ),
        (
            json!({"authenticated": false, "user": user, "audiences": ["vault"]}),
            "token_not_authenticated",
        ),
        (
            json!({"authenticated": true, "error": "odd", "user": user, "audiences": ["vault"]}),
            "token_review_failed",
        ),
        (
            json!({"authenticated": "true", "user": user, "audiences": ["vault"]}),
            "token_review_failed",
        ),
        (
            json!({"authenticated": true, "audiences": ["vault"]}),
            "service_account_mismatch",
        ),
        (
            json!({"authenticated": true, "user": {"username": "system:admin"}, "audiences": ["vault"]}),
            "service_account_mismatch",
        ),
        (
            json!({
                "authenticated": true,
                "user": {"username": "system:serviceaccount:prod:app:x", "uid": "uid-prod-app"},
                "audiences": ["vault"],
            }),
            "service_account_mismatch",
        ),
    ] {
        cluster.answer(Ok(answered(201, &json!({"status": status}))));
        let expected = (reason, "permission denied".to_owned());
        assert_eq!(refused(&kubernetes, with(&jwt)).await, expected, "{status}");
    }
    let whole = json!({"authenticated": true, "user": user, "audiences": ["x", "vault"]});
    cluster.answer(Ok(answered(200, &json!({"status": whole}))));
    kubernetes.login("login", with(&jwt)).await.unwrap();
}

/// Whatever is wrong over there, the client is told the same, and the operator is told what.
#[tokio::test]
async fn an_api_server_that_does_not_answer_well_lets_nobody_in() {
    let (kubernetes, cluster) = mounted().await;
    let jwt = cluster.token("prod", "app", &["vault"]);
    let unreachable = |error: FetchError| (Err(error), "token_review_unreachable");
    for (answer, reason) in [
        (Ok(failed(401, "Unauthorized")), "token_review_unauthorized"),
        (Ok(failed(403, "forbidden")), "token_review_forbidden"),
        (Ok(failed(404, "not found")), "token_review_not_found"),
        (Ok(failed(429, "slow down")), "token_review_failed"),
        (Ok(failed(500, "etcd is gone")), "token_review_failed"),
        (Ok(failed(503, "starting")), "token_review_failed"),
        (Ok(failed(302, "elsewhere")), "token_review_failed"),
        (Ok(answered(201, &json!("<html>"))), "token_review_failed"),
        (Ok(answered(201, &json!({}))), "token_not_authenticated"),
        unreachable(FetchError::Connect("connection refused".to_owned())),
        unreachable(FetchError::Connect("invalid peer certificate".to_owned())),
        unreachable(FetchError::Timeout(ANSWER_TIMEOUT)),
        unreachable(FetchError::TooLarge(1024 * 1024)),
    ] {
        let shown = format!("{answer:?}");
        cluster.answer(answer);
        let error = kubernetes.refusal("login", with(&jwt)).await;
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{shown}");
        assert_eq!(
            (error.reason(), error.messages()),
            (reason, &["permission denied".to_owned()][..])
        );
        let detail = error.detail().unwrap().for_operator();
        assert!(
            !detail.contains(&jwt) && !detail.contains("reviewer"),
            "{detail}"
        );
    }
}

#[tokio::test]
async fn a_question_is_bounded_and_goes_to_the_configured_ca() {
    let (kubernetes, cluster) = mounted().await;
    let jwt = cluster.token("prod", "app", &["vault"]);
    kubernetes.login("login", with(&jwt)).await.unwrap();
    let requests = kubernetes.system.fetcher.requests();
    assert_eq!(requests[0].timeout, ANSWER_TIMEOUT);
    assert_eq!(requests[0].ca_pem.as_deref(), Some(super::CA_CERT));
}

#[tokio::test]
async fn from_an_address_that_the_role_does_not_know_no_token_is_looked_at() {
    let (kubernetes, cluster) = mounted().await;
    kubernetes
        .write("role/app", role(json!({"token_bound_cidrs": "10.0.0.0/8"})))
        .await;
    let good = cluster.token("prod", "app", &["vault"]);
    kubernetes
        .at("10.1.2.3")
        .login("login", with(&good))
        .await
        .unwrap();
    for jwt in [good.as_str(), "x"] {
        let outside = kubernetes.at("11.0.0.1");
        let expected = ("login_address_not_allowed", "permission denied".to_owned());
        assert_eq!(refused(&outside, with(jwt)).await, expected);
    }
    assert_eq!(cluster.reviews().len(), 1);
}

/// A key is fixed to its type: neither `none` nor HMAC with the public key's text passes, with
/// keys configured or without.
#[tokio::test]
async fn another_algorithm_is_no_way_in() {
    let (kubernetes, cluster) = mounted().await;
    kubernetes
        .write("config", config(json!({"pem_keys": [pem()]})))
        .await;
    let good = cluster.token("prod", "app", &["vault"]);
    let payload = good.split('.').nth(1).unwrap();
    for header in ["eyJhbGciOiJub25lIn0", "eyJhbGciOiJIUzI1NiJ9"] {
        let (reason, _) = refused(&kubernetes, with(&format!("{header}.{payload}.AAAA"))).await;
        assert_eq!(reason, "token_malformed");
    }
    assert!(cluster.reviews().is_empty());
}

/// The token is the proof: it stands in no error and in nothing that is stored.
#[tokio::test]
async fn tokens_are_repeated_nowhere() {
    let (kubernetes, cluster) = mounted().await;
    let jwt = cluster.token("prod", "app", &["vault"]);
    let login = kubernetes.login("login", with(&jwt)).await.unwrap();
    let shown = format!("{login:?}");
    assert!(!shown.contains(&jwt) && !shown.contains("reviewer"));
    for (_, value) in kubernetes.stored().await {
        assert!(!crate::auth::driver::contains(&value, &jwt));
    }
    let role = json!({"role": "zz", "jwt": "canary-jwt"});
    let error = kubernetes.refusal("login", role).await;
    assert!(!format!("{error:?} {error}").contains("canary"));
    let config = kubernetes.read("config").await;
    assert!(!Value::from(config).to_string().contains("reviewer\""));
}
