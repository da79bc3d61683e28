//! oidc.pub's API under `/api`, in its own shapes.

use serde_json::{Value, json};

use super::{KEYS, get, key_ids, publishing, upload};
use crate::harness::{Answer, TestServer};

async fn ask(server: &TestServer, method: &str, path: &str, token: &str, body: Value) -> Answer {
    let ask = server
        .ask_outside(method, &format!("/api/{path}"))
        .header("authorization", &format!("Bearer {token}"));
    let ask = if body.is_null() { ask } else { ask.json(body) };
    ask.send().await
}

/// The one shape of refusals; the code.
#[track_caller]
fn code(answer: &Answer) -> String {
    let body = answer.json();
    let error = body["error"].as_object().expect("an error");
    assert_eq!(error.len(), 2, "{answer:?}");
    assert_ne!(error["message"], "");
    error["code"].as_str().expect("a code").to_owned()
}

#[tokio::test]
async fn a_service_lives_from_its_registration_to_its_end() {
    let server = TestServer::builder()
        .with("publish/config", json!({ "base_domain": "oidc.example" }))
        .start()
        .await;
    let root = &server.root_token;
    let body = json!({ "name": "Production", "subdomain": "k8s-prod", "description": "d" });
    let made = ask(&server, "POST", "services", root, body.clone()).await;
    let made = made.expect(201).json();
    assert_eq!(made["subdomain"], "k8s-prod");
    assert_eq!(made["issuer"], "https://k8s-prod.oidc.example");
    assert_eq!(made["name"], "Production");
    assert_eq!(made["published_at"], Value::Null);
    let again = ask(&server, "POST", "services", root, body).await;
    assert_eq!(code(&again.expect(400)), "subdomain_taken");
    let assigned = ask(&server, "POST", "services", root, json!({ "name": "free" })).await;
    let assigned = assigned.expect(201).json();
    let subdomain = assigned["subdomain"].as_str().expect("a subdomain");
    assert_eq!(subdomain.len(), 13);

    let config = "services/k8s-prod/config";
    let nothing = ask(&server, "GET", config, root, Value::Null).await;
    assert_eq!(code(&nothing.expect(404)), "not_found");
    let documents = upload("https://k8s-prod.oidc.example", &["a"]);
    let put = ask(&server, "PUT", config, root, documents.clone()).await;
    let put = put.expect(200).json();
    assert_eq!(
        (&put["changed"], &put["version"]),
        (&json!(true), &json!(1))
    );
    let read = ask(&server, "GET", config, root, Value::Null)
        .await
        .expect(200)
        .json();
    assert_eq!(read["jwks"], documents["jwks"]);
    assert_eq!(
        read["openidConfiguration"]["jwks_uri"],
        "https://k8s-prod.oidc.example/.well-known/jwks.json"
    );
    let served = get(&server, "k8s-prod.oidc.example", KEYS).await;
    assert_eq!(key_ids(&served.expect(200)), ["a"]);

    let all = ask(&server, "GET", "services", root, Value::Null).await;
    let all = all.expect(200).json();
    let services = all["services"].as_array().expect("services");
    assert_eq!(services.len(), 2);
    for member in ["subdomain", "name", "issuer", "published_at"] {
        assert_ne!(services[0][member], Value::Null, "{member}");
    }
    ask(&server, "DELETE", config, root, Value::Null)
        .await
        .expect(204);
    get(&server, "k8s-prod.oidc.example", KEYS)
        .await
        .expect(404);
    ask(&server, "GET", "services/k8s-prod", root, Value::Null)
        .await
        .expect(200);
    ask(&server, "DELETE", "services/k8s-prod", root, Value::Null)
        .await
        .expect(204);
    let gone = ask(&server, "GET", "services/k8s-prod", root, Value::Null).await;
    assert_eq!(code(&gone.expect(404)), "not_found");
}

#[tokio::test]
async fn a_token_of_ours_may_what_its_acl_says_of_the_engines_paths() {
    let server = publishing().await;
    let text = json!({ "path": {
        "publish/services/a/config": { "capabilities": ["read", "update"] },
    }});
    server
        .write("sys/policies/acl/a", json!({ "policy": text.to_string() }))
        .await;
    let token = server.token_with(&["a"]).await;
    let documents = upload("https://a.example", &["a", "a2"]);
    let put = ask(
        &server,
        "PUT",
        "services/a/config",
        &token,
        documents.clone(),
    )
    .await;
    put.expect(200);
    for (method, path) in [
        ("GET", "services"),
        ("GET", "services/a"),
        ("DELETE", "services/a/config"),
        ("PUT", "services/b/config"),
        ("POST", "services"),
        ("GET", "service-accounts"),
    ] {
        let refused = ask(&server, method, path, &token, documents.clone()).await;
        assert_eq!(
            code(&refused.expect(403)),
            "permission_denied",
            "{method} {path}"
        );
    }
    for token in ["", "hvs.nothing", "oidcpub_nothing", "ey.ey.ey"] {
        let refused = ask(&server, "GET", "services", token, Value::Null).await;
        assert_eq!(code(&refused.expect(403)), "permission_denied", "{token}");
    }
}

#[tokio::test]
async fn what_is_not_of_the_api_does_not_exist() {
    let server = publishing().await;
    let root = &server.root_token;
    for path in [
        "services/a/history",
        "services/a/source",
        "services/a/config/x",
        "service-accounts/a/config",
        "services/a//config",
    ] {
        let answer = ask(&server, "GET", path, root, Value::Null).await;
        assert!(
            matches!(answer.status.as_u16(), 400 | 404),
            "{path}: {answer:?}"
        );
        code(&answer);
    }
    for path in ["config", "service", "", "v1/sys/health"] {
        ask(&server, "GET", path, root, Value::Null)
            .await
            .expect(404);
    }
    let patch = ask(&server, "PATCH", "services/a", root, json!({})).await;
    assert_eq!(code(&patch.expect(405)), "unsupported_method");
    let broken = server
        .ask_outside("PUT", "/api/services/a/config")
        .token(root)
        .body("{\"jwks\": secret");
    let broken = broken.send().await.expect(400);
    assert_eq!(code(&broken), "body_invalid");
    assert!(!broken.text.contains("secret"));
}
