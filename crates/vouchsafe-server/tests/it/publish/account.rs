//! Service accounts: what they may, and that it is nothing else.

use serde_json::{Value, json};
use vouchsafe_jose::{JwsSigner, KeyId, SigningKey};
use vouchsafe_logical::Operation;

use super::{KEYS, get, jwk, key_ids, pair, publishing, upload};
use crate::authorization::every_request;
use crate::harness::{T0, TestServer};

const CI: &str = "https://ci.example";

/// Makes an account for `a`; its token.
async fn static_account(server: &TestServer) -> String {
    let policy = json!({ "kind": "static", "services": ["a"] });
    let made = server
        .write(
            "publish/service-accounts",
            json!({ "name": "ci", "policy": policy }),
        )
        .await;
    made["token"].as_str().expect("a token").to_owned()
}

async fn oidc_account(server: &TestServer) {
    server.fetcher.serve(
        &format!("{CI}/.well-known/openid-configuration"),
        json!({ "issuer": CI, "jwks_uri": format!("{CI}/keys") }),
    );
    server
        .fetcher
        .serve(&format!("{CI}/keys"), json!({ "keys": [jwk("ci-key")] }));
    let rule =
        json!({ "iss": CI, "claims": { "aud": "https://pub.example", "sub": "repo:org/*" } });
    let policy = json!({ "kind": "oidc", "services": ["a"], "rules": [rule] });
    server
        .write(
            "publish/service-accounts",
            json!({ "name": "jobs", "policy": policy }),
        )
        .await;
}

fn claims() -> Value {
    json!({
        "iss": CI, "aud": "https://pub.example", "sub": "repo:org/a:ref:main",
        "iat": T0, "exp": T0 + 600,
    })
}

fn signed(by: &str, claims: &Value) -> String {
    let jwk = pair(by).to_private_jwk(None).expect("a key");
    let key = SigningKey::from_jwk(pair(by).algorithm(), jwk.as_bytes()).expect("a key");
    let signer = JwsSigner::new(key, KeyId::new(by).expect("a kid"), None);
    signer
        .sign_compact(claims.to_string().as_bytes())
        .expect("a token")
}

async fn put(server: &TestServer, service: &str, token: &str) -> u16 {
    let issuer = match service {
        "b" => "https://shared.example/t/b".to_owned(),
        name => format!("https://{name}.example"),
    };
    let answer = server
        .ask_outside("PUT", &format!("/api/services/{service}/config"))
        .header("authorization", &format!("Bearer {token}"))
        .json(upload(&issuer, &["next"]))
        .send()
        .await;
    answer.status.as_u16()
}

#[tokio::test]
async fn a_static_account_publishes_its_services_and_sees_no_others() {
    let server = publishing().await;
    let token = static_account(&server).await;
    assert!(
        token.starts_with("oidcpub_") && token.len() == 60,
        "{token}"
    );
    assert_eq!(put(&server, "a", &token).await, 200);
    let served = get(&server, "a.example", KEYS).await;
    assert_eq!(key_ids(&served.expect(200)), ["next", "a"]);
    assert_eq!(put(&server, "b", &token).await, 403);
    let all = server
        .ask_outside("GET", "/api/services")
        .header("authorization", &format!("Bearer {token}"));
    let all = all.send().await.expect(200).json();
    let services = all["services"].as_array().expect("services");
    assert_eq!(services.len(), 1);
    assert_eq!(services[0]["subdomain"], "a");
    let history = server.read("publish/services/a/history").await;
    assert_eq!(history["history"][0]["published_by"], "service-account-ci");

    // The token is shown once, and gone with its account.
    let shown = server.read("publish/service-accounts").await.to_string();
    assert!(!shown.contains("oidcpub_"), "{shown}");
    let last = if token.ends_with('a') { "b" } else { "a" };
    let other = format!("{}{last}", &token[..token.len() - 1]);
    assert_eq!(put(&server, "a", &other).await, 403);
    server.delete("publish/service-accounts/ci").await;
    assert_eq!(put(&server, "a", &token).await, 403);
}

#[tokio::test]
async fn a_service_account_reaches_nothing_else_of_the_server() {
    let server = publishing().await;
    oidc_account(&server).await;
    let jwt = signed("ci-key", &claims());
    let tokens = [static_account(&server).await, jwt];
    let permitted = |operation: Operation, path: &str| match path {
        "publish/services" | "publish/services/a" => operation == Operation::Read,
        "publish/services/a/config" => operation != Operation::Delete,
        _ => false,
    };
    let mut refused = 0;
    for (operation, path) in every_request().await {
        // The walk's service is `sample`; the account's own is walked as well.
        for path in [path.clone(), path.replace("services/sample", "services/a")] {
            if permitted(operation, &path) {
                continue;
            }
            for token in &tokens {
                let outcome = server
                    .handle(operation, &path, Some(token), Value::Null)
                    .await;
                if outcome.result.is_err() {
                    refused += 1;
                    continue;
                }
                // What is for everybody is for it, too.
                let nobody = server.handle(operation, &path, None, Value::Null).await;
                assert!(nobody.result.is_ok(), "{operation} {path}");
            }
        }
    }
    assert!(refused > 400, "{refused}");
    server.read("publish/services/a").await;
}

#[tokio::test]
async fn a_jwt_publishes_where_the_rules_accept_it() {
    let server = publishing().await;
    oidc_account(&server).await;
    assert_eq!(put(&server, "a", &signed("ci-key", &claims())).await, 200);
    assert_eq!(put(&server, "b", &signed("ci-key", &claims())).await, 403);
    for (name, value) in [
        ("aud", json!("https://other.example")),
        ("aud", json!([])),
        ("aud", Value::Null),
        ("sub", json!("repo:other/a")),
        ("iss", json!("https://evil.example")),
        ("exp", json!(T0 - 600)),
        ("exp", json!("never")),
        ("exp", Value::Null),
        ("nbf", json!(T0 + 600)),
        ("iat", json!(T0 + 600)),
    ] {
        let mut claims = claims();
        claims[name] = value.clone();
        if value.is_null() {
            claims.as_object_mut().expect("claims").remove(name);
        }
        let status = put(&server, "a", &signed("ci-key", &claims)).await;
        assert_eq!(status, 403, "{name} {value}");
    }
    // Another key under the same id, and a token whose claims were changed.
    let forged = signed("ci-key", &claims());
    let (head, signature) = forged.rsplit_once('.').expect("a token");
    let other = signed("evil-key", &claims());
    let evil = other.rsplit_once('.').expect("a token").1;
    assert_ne!(signature, evil);
    assert_eq!(put(&server, "a", &format!("{head}.{evil}")).await, 403);
    assert_eq!(put(&server, "a", &other).await, 403);
}

#[tokio::test]
async fn keys_published_under_the_name_of_an_issuer_verify_no_publisher() {
    let server = publishing().await;
    let rule = json!({ "iss": "https://a.example", "claims": { "aud": "pub", "sub": "worker" } });
    let policy = json!({ "kind": "oidc", "services": ["b"], "rules": [rule] });
    server
        .write(
            "publish/service-accounts",
            json!({ "name": "own", "policy": policy }),
        )
        .await;
    let claims = json!({
        "iss": "https://a.example", "aud": "pub", "sub": "worker", "iat": T0, "exp": T0 + 60,
    });
    // Service `a` publishes this key as that of https://a.example, which anybody may do who may
    // write a service. The issuer itself is asked, and is not there.
    assert_eq!(put(&server, "b", &signed("a", &claims)).await, 403);
    let asked = server.fetcher.requests();
    assert!(
        asked
            .iter()
            .all(|request| request.url.starts_with("https://a.example/"))
    );
    assert!(!asked.is_empty());
}

/// What the audit log has of one request: the entry before, and the one after.
async fn entries_of(
    server: &TestServer,
    log: &std::path::Path,
    service: &str,
    token: &str,
) -> [Value; 2] {
    let before = std::fs::read_to_string(log).expect("a log").lines().count();
    put(server, service, token).await;
    let text = std::fs::read_to_string(log).expect("a log");
    let entries: Vec<Value> = text
        .lines()
        .skip(before)
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    entries.try_into().expect("two entries")
}

#[tokio::test]
async fn what_a_service_account_does_is_recorded_without_its_credential() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("audit.log");
    let server = publishing().await;
    oidc_account(&server).await;
    let key = static_account(&server).await;
    let jwt = signed("ci-key", &claims());
    let device = json!({ "type": "file", "options": { "file_path": log } });
    server.write("sys/audit/log", device).await;
    for (token, name) in [(&key, "service-account-ci"), (&jwt, "service-account-jobs")] {
        let [request, response] = entries_of(&server, &log, "a", token).await;
        for (entry, kind) in [(&request, "request"), (&response, "response")] {
            assert_eq!(entry["type"], kind);
            assert_eq!(entry["auth"]["display_name"], name, "{entry}");
            let granted = &entry["auth"]["policy_results"]["granting_policies"];
            assert_eq!(granted[0]["name"], "guest", "{entry}");
            assert_eq!(entry["auth"]["policy_results"]["allowed"], true);
            assert_eq!(entry["request"]["path"], "publish/services/a/config");
            assert_eq!(entry["request"]["operation"], "update");
            assert_eq!(entry["request"]["id"], request["request"]["id"]);
        }
        assert_eq!(response["error"], Value::Null);

        // What it may not do is recorded as a refusal of its own, by its name.
        let [request, response] = entries_of(&server, &log, "b", token).await;
        assert_eq!(request["auth"]["display_name"], name);
        assert_eq!(request["auth"]["policy_results"]["allowed"], false);
        assert!(response["error"].is_string(), "{response}");
    }
    let unknown = format!("oidcpub_{}", "x".repeat(52));
    let [request, response] = entries_of(&server, &log, "a", &unknown).await;
    assert_eq!(request["auth"]["display_name"], Value::Null);
    assert!(response["error"].is_string(), "{response}");

    let text = std::fs::read_to_string(&log).expect("a log");
    for secret in [&key, &jwt, &unknown] {
        assert!(
            !text.contains(secret.as_str()),
            "a credential is in the log"
        );
    }
    let signature = jwt.rsplit('.').next().expect("a signature");
    assert!(!text.contains(signature), "a signature is in the log");
}
