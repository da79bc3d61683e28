//! Logins that hold, and what their tokens get.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::cluster::{TOKEN_SECONDS, pem, sign};
use super::{config, mounted, role, with};

#[tokio::test]
async fn a_projected_token_logs_in_as_its_account() {
    let (kubernetes, cluster) = mounted().await;
    let changes = json!({"token_ttl": "10m", "token_bound_cidrs": "127.0.0.0/8"});
    kubernetes.write("role/app", role(changes)).await;
    let jwt = cluster.token("prod", "app", &["vault"]);
    let login = kubernetes.login("login", with(&jwt)).await.unwrap();
    let alias = login.alias.unwrap();
    assert_eq!(alias.name, "uid-prod-app");
    let facts = [
        ("service_account_name", "app"),
        ("service_account_namespace", "prod"),
        ("service_account_secret_name", ""),
        ("service_account_uid", "uid-prod-app"),
    ];
    let mut facts: BTreeMap<String, String> =
        facts.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    assert_eq!(alias.metadata, facts);
    facts.insert("role".to_owned(), "app".to_owned());
    assert_eq!(login.metadata, facts);
    assert_eq!(login.display_name, "prod-app");
    assert_eq!(login.token.policies.to_strings(), ["app"]);
    assert_eq!(login.token.ttl, Duration::from_secs(600));
    assert!(login.renewable);
    let asked = json!({"token": jwt, "audiences": ["vault"]});
    assert_eq!(cluster.reviews(), [("reviewer".to_owned(), asked)]);
}

#[tokio::test]
async fn the_token_of_a_secret_logs_in_as_its_account() {
    let (kubernetes, cluster) = mounted().await;
    kubernetes
        .write("role/app", role(json!({"audience": ""})))
        .await;
    let claims = json!({
        "iss": "kubernetes/serviceaccount",
        "kubernetes.io/serviceaccount/namespace": "prod",
        "kubernetes.io/serviceaccount/secret.name": "app-token-x7k2p",
        "kubernetes.io/serviceaccount/service-account.name": "app",
        "kubernetes.io/serviceaccount/service-account.uid": "uid-prod-app",
        "sub": "system:serviceaccount:prod:app",
    });
    let jwt = cluster.know(&claims, "prod", "app");
    let login = kubernetes.login("login", with(&jwt)).await.unwrap();
    assert_eq!(
        login.metadata["service_account_secret_name"],
        "app-token-x7k2p"
    );
    // It has no audience, so none is asked for.
    assert_eq!(cluster.reviews()[0].1, json!({"token": jwt}));
}

#[tokio::test]
async fn without_an_audience_in_the_role_the_tokens_own_is_asked_for() {
    let (kubernetes, cluster) = mounted().await;
    kubernetes
        .write("role/app", role(json!({"audience": ""})))
        .await;
    let jwt = cluster.token("prod", "app", &["one", "two"]);
    kubernetes.login("login", with(&jwt)).await.unwrap();
    assert_eq!(cluster.reviews()[0].1["audiences"], json!(["one", "two"]));
}

#[tokio::test]
async fn one_of_several_audiences_is_enough() {
    let (kubernetes, cluster) = mounted().await;
    let jwt = cluster.token("prod", "app", &["other", "vault"]);
    kubernetes.login("login", with(&jwt)).await.unwrap();
}

#[tokio::test]
async fn an_alias_can_be_named_by_namespace_and_name() {
    let (kubernetes, cluster) = mounted().await;
    let changes = json!({"alias_name_source": "serviceaccount_name"});
    kubernetes.write("role/app", role(changes)).await;
    let jwt = cluster.token("prod", "app", &["vault"]);
    let login = kubernetes.login("login", with(&jwt)).await.unwrap();
    assert_eq!(login.alias.unwrap().name, "prod/app");
}

#[tokio::test]
async fn the_name_of_the_role_has_no_case() {
    let (kubernetes, cluster) = mounted().await;
    let jwt = cluster.token("prod", "app", &["vault"]);
    let login = kubernetes
        .login("login", json!({"role": "APP", "jwt": jwt}))
        .await
        .unwrap();
    assert_eq!(login.metadata["role"], "app");
}

/// The last second in which the API server still accepts the token; our own leeway adds nothing.
#[tokio::test]
async fn a_short_lived_token_logs_in_until_it_expires() {
    let (kubernetes, cluster) = mounted().await;
    let jwt = cluster.token("prod", "app", &["vault"]);
    cluster.wait(TOKEN_SECONDS as u64 - 1);
    kubernetes.login("login", with(&jwt)).await.unwrap();
    cluster.wait(1);
    let (reason, message) = super::refused(&kubernetes, with(&jwt)).await;
    assert_eq!(
        (reason, &*message),
        ("token_not_authenticated", "permission denied")
    );
}

#[tokio::test]
async fn with_keys_a_token_must_be_signed_by_one_of_them() {
    let (kubernetes, cluster) = mounted().await;
    let other = vouchsafe_jose::SigningKey::generate(vouchsafe_jose::Algorithm::Es256).unwrap();
    let other = other.public_key().to_pem().unwrap();
    let jwt = cluster.token("prod", "app", &["vault"]);
    // As the command line sends a file with both.
    kubernetes
        .write(
            "config",
            config(json!({"pem_keys": format!("{other}{}", pem())})),
        )
        .await;
    kubernetes.login("login", with(&jwt)).await.unwrap();
    let asked = cluster.reviews().len();
    kubernetes
        .write("config", config(json!({"pem_keys": [other]})))
        .await;
    let (reason, message) = super::refused(&kubernetes, with(&jwt)).await;
    assert_eq!(
        (reason, &*message),
        ("signature_invalid", "permission denied")
    );
    assert_eq!(
        cluster.reviews().len(),
        asked,
        "the API server was not asked"
    );
}

#[tokio::test]
async fn the_issuer_is_looked_at_only_if_that_is_asked_for() {
    let (kubernetes, cluster) = mounted().await;
    let jwt = cluster.token("prod", "app", &["vault"]);
    for (issuer, holds) in [
        ("https://kubernetes.default.svc.cluster.local", true),
        ("https://kubernetes.default.svc.cluster.local/", false),
        ("", false), // That is `kubernetes/serviceaccount`.
    ] {
        let changes = json!({"disable_iss_validation": false, "issuer": issuer});
        kubernetes.write("config", config(changes)).await;
        match kubernetes.login("login", with(&jwt)).await {
            Ok(_) => assert!(holds, "{issuer}"),
            Err(error) => {
                assert!(!holds, "{issuer}: {error}");
                assert_eq!(error.reason(), "issuer_mismatch");
                assert_eq!(error.to_string(), "invalid issuer (iss) claim");
            }
        }
    }
    kubernetes
        .write("config", config(json!({"issuer": "https://other"})))
        .await;
    kubernetes.login("login", with(&jwt)).await.unwrap();
}

#[tokio::test]
async fn labels_of_the_namespace_let_in_what_its_name_does_not() {
    let (kubernetes, cluster) = mounted().await;
    let selector = r#"{"matchLabels": {"team": "core"}}"#;
    let changes = json!({"bound_service_account_namespace_selector": selector});
    kubernetes.write("role/app", role(changes)).await;
    cluster.label("core-1", json!({"team": "core", "tier": "x"}));
    cluster.label("web-1", json!({"team": "web"}));
    for (namespace, holds) in [
        ("prod", true),
        ("core-1", true),
        ("web-1", false),
        ("bare", false),
    ] {
        let jwt = cluster.token(namespace, "app", &["vault"]);
        let outcome = kubernetes.login("login", with(&jwt)).await;
        assert_eq!(outcome.is_ok(), holds, "{namespace}: {outcome:?}");
    }
    let asked = kubernetes.system.fetcher.requests();
    let labels = asked
        .iter()
        .find(|r| r.url.ends_with("/namespaces/core-1"))
        .unwrap();
    assert_eq!(labels.bearer.as_ref().unwrap().expose(), "reviewer");
}

#[tokio::test]
async fn the_cluster_is_not_asked_for_labels_of_a_namespace_that_a_stranger_names() {
    let (kubernetes, cluster) = mounted().await;
    let selector = r#"{"matchLabels": {"team": "core"}}"#;
    let changes = json!({"bound_service_account_namespace_selector": selector});
    kubernetes.write("role/app", role(changes)).await;
    let made_up = sign(&cluster.claims("../../secrets", "app", &["vault"]));
    kubernetes.login("login", with(&made_up)).await.unwrap_err();
    assert_eq!(
        kubernetes.system.fetcher.requests().len(),
        1,
        "only the review"
    );
    // Even if the API server were fooled, such a name does not become part of a path.
    let known = cluster.token("../../secrets", "app", &["vault"]);
    kubernetes.login("login", with(&known)).await.unwrap_err();
    assert_eq!(
        kubernetes.system.fetcher.requests().len(),
        2,
        "only the reviews"
    );
}

#[tokio::test]
async fn annotations_become_metadata_of_the_alias_if_that_is_asked_for() {
    let (kubernetes, cluster) = mounted().await;
    let prefix = "vault.hashicorp.com/alias-metadata-";
    let annotations = json!({
        format!("{prefix}team"): "core",
        format!("{prefix}service_account_uid"): "forged",
        "kubernetes.io/description": "not ours",
    });
    cluster.annotate("prod", "app", annotations);
    let jwt = cluster.token("prod", "app", &["vault"]);
    let login = kubernetes.login("login", with(&jwt)).await.unwrap();
    assert!(!login.alias.unwrap().metadata.contains_key("team"));
    let changes = json!({"use_annotations_as_alias_metadata": true});
    kubernetes.write("config", config(changes)).await;
    let login = kubernetes.login("login", with(&jwt)).await.unwrap();
    let metadata = login.alias.unwrap().metadata;
    assert_eq!(metadata["team"], "core");
    assert_eq!(metadata["service_account_uid"], "uid-prod-app");
    assert_eq!(metadata.len(), 5);
}

#[tokio::test]
async fn a_renewal_takes_what_the_role_says_today() {
    let (kubernetes, cluster) = mounted().await;
    let jwt = cluster.token("prod", "app", &["vault"]);
    let login = kubernetes.login("login", with(&jwt)).await.unwrap();
    kubernetes
        .write("role/app", role(json!({"token_ttl": "5m"})))
        .await;
    let renewed = kubernetes.renew(&login).await.unwrap();
    assert_eq!(renewed.ttl, Duration::from_secs(300));
    kubernetes.delete("role/app").await;
    let error = kubernetes.renew(&login).await.unwrap_err();
    assert_eq!(error.reason(), "role_gone");
}

#[tokio::test]
async fn numbers_of_a_token_are_taken_by_their_former_names() {
    let (kubernetes, _) = mounted().await;
    let body = json!({
        "bound_service_account_names": "my-app",
        "bound_service_account_namespaces": "production",
        "policies": "workload-identity",
        "ttl": "1h",
    });
    kubernetes.write("role/my-app", body).await;
    let role = kubernetes.read("role/my-app").await;
    assert_eq!(role["token_policies"], json!(["workload-identity"]));
    assert_eq!(role["policies"], json!(["workload-identity"]));
    assert_eq!(
        (&role["token_ttl"], &role["ttl"]),
        (&Value::from(3600), &Value::from(3600))
    );
}

#[tokio::test]
async fn a_token_from_a_file_may_end_in_a_line_end() {
    let (kubernetes, cluster) = mounted().await;
    let jwt = cluster.token("prod", "app", &["vault"]);
    kubernetes
        .login("login", with(&format!("{jwt}\n")))
        .await
        .unwrap();
    assert_eq!(cluster.reviews()[0].1["token"], json!(jwt));
}
